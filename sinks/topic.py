"""Messages for topics, by one idempotent producer an agent, and a watermark in a consumer group of the sink's own.

Most batches of most agents publish something, but not all: a watermark that was only to be found in published messages
would stand still while an agent reads records that lead to none, and a restart would read them all again. So after the
messages are acknowledged the sink commits ``span.next`` of the *source* partition in a consumer group that nobody else
uses, ``<namespace>.sink.<agent>.topic``; the token of the claim is in the commit's metadata. Each message also
says in its headers which span caused it (``sl-source``), for whoever asks where a message comes from.

Kafka's transactions would make both one step, but they bind a producer to the group of its consumer and need one
producer for each partition, and agents write other stores in the same batch anyway. What a crash between messages and
commit, or a lost acknowledgement, publishes twice is equal byte for byte, and ``sinks/tail.py`` finds most of it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import OffsetAndMetadata
from aiokafka.structs import TopicPartition as KafkaTopicPartition

from sinks.base import Outgoing, PoisonRows, Sink, SinkUnavailable, Span, TopicPartition
from sinks.claims import Claims, new_owner
from stridelog.settings import Settings

SOURCE_HEADER: Final = "sl-source"  # topic:partition:next offset of the span that caused the message
SINK_HEADER: Final = "sl-sink"  # the agent whose sink sent it
MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
BATCH_BYTES: Final = 256 * 1024
LINGER_MS: Final = 5
REQUEST_TIMEOUT_MS: Final = 10_000
ANSWER_TIMEOUT_S: Final = 20.0


class TopicSink(Sink[Outgoing]):
    """Publishes messages to the partition of the span that caused them."""

    name = "topic"

    def __init__(self, agent: str, settings: Settings) -> None:
        super().__init__(agent)
        self.group = f"{settings.namespace}.sink.{agent}.topic"
        self._bootstrap = settings.bootstrap
        self._claims = Claims(self.name, agent)
        self._claimed: set[TopicPartition] = set()
        self._commit_lock = asyncio.Lock()
        # aiokafka's clients; the library has no types.
        self._producer: Any = None
        self._committer: Any = None
        self._admin: Any = None

    async def open(self) -> None:
        try:
            async with _mapped():
                await self._start()
        except SinkUnavailable:
            await self.close()
            raise

    async def close(self) -> None:
        clients = [self._producer, self._committer, self._admin]
        self._producer = self._committer = self._admin = None
        for client in clients:
            if client is not None:
                stop = client.close if isinstance(client, AIOKafkaAdminClient) else client.stop
                try:
                    await asyncio.wait_for(stop(), ANSWER_TIMEOUT_S)
                except (KafkaError, OSError, TimeoutError) as error:
                    raise SinkUnavailable(f"topic: closing: {_one_line(error)}") from error

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        wanted = list(sources)
        if not wanted:
            return {}
        owner = new_owner()
        marks = await self._marks(wanted)
        self._claimed.update(wanted)
        async with _mapped(), self._commit_lock:
            # The consumer only commits: paused in the same breath, it never fetches a record.
            assignment = [KafkaTopicPartition(*source) for source in self._claimed]
            self._committer.assign(assignment)
            self._committer.pause(*assignment)
        await self._commit({source: (owner, marks[source][1]) for source in wanted})
        for source in wanted:
            self._claims.take(source, owner, marks[source][1])
        return {source: marks[source][1] for source in wanted}

    async def watermarks(self) -> dict[TopicPartition, int]:
        return {source: mark for source, (_, mark) in (await self._marks(None)).items() if mark is not None}

    async def write(self, rows: Sequence[Outgoing], span: Span) -> None:
        claim = self._claims.of(span)
        if claim.covers(span):
            return
        await self._check_owner(span.source, claim.owner)
        await self._send(rows, span)
        if rows:
            await self._check_owner(span.source, claim.owner)
        await self._commit({span.source: (claim.owner, span.next)})
        claim.watermark = span.next

    def release(self, sources: Iterable[TopicPartition]) -> None:
        gone = set(sources)
        self._claims.release(gone)
        self._claimed -= gone

    async def _start(self) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=f"stridelog-{self.agent}",
            enable_idempotence=True,
            acks="all",
            linger_ms=LINGER_MS,
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            compression_type="lz4",
        )
        await self._producer.start()
        self._committer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=f"stridelog-{self.agent}-watermarks",
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        await self._committer.start()
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
        await self._admin.start()

    async def _send(self, rows: Sequence[Outgoing], span: Span) -> None:
        headers = [
            (SOURCE_HEADER, f"{span.topic}:{span.partition}:{span.next}".encode()),
            (SINK_HEADER, self.agent.encode()),
        ]
        # A failed write waits for every message's fate, so that the next attempt does not race with this one.
        answers = await asyncio.gather(
            *(self._send_one(row, span.partition, headers) for row in rows), return_exceptions=True
        )
        refused: dict[int, str] = {}
        for index, answer in enumerate(answers):
            if isinstance(answer, MessageSizeTooLargeError):
                refused[index] = _one_line(answer)
            elif isinstance(answer, KafkaError | OSError | TimeoutError | AssertionError):
                raise SinkUnavailable(f"topic: {rows[index].topic}: {_one_line(answer)}") from answer
            elif isinstance(answer, BaseException):
                raise answer
        if refused:
            raise PoisonRows(refused)

    async def _send_one(self, row: Outgoing, partition: int, headers: list[tuple[str, bytes]]) -> None:
        # aiokafka wants a key or a value; a dead letter may have had neither.
        value = b"" if row.key is None and row.value is None else row.value
        acknowledged = await asyncio.wait_for(
            self._open_producer().send(
                row.topic, value, key=row.key, partition=partition, headers=[*row.headers, *headers]
            ),
            ANSWER_TIMEOUT_S,
        )
        await acknowledged

    async def _check_owner(self, source: TopicPartition, owner: str) -> None:
        if (await self._marks([source]))[source][0] != owner:
            raise self._claims.lost(source)

    async def _marks(self, sources: Sequence[TopicPartition] | None) -> dict[TopicPartition, tuple[str, int | None]]:
        """Owner and watermark as committed; of all partitions for ``None``."""
        asked = None if sources is None else [KafkaTopicPartition(*source) for source in sources]
        async with _mapped():
            found = await self._open_admin().list_consumer_group_offsets(self.group, partitions=asked)
        missing = set(asked or ()) - set(found)
        if missing:  # aiokafka does not look at the error code of the whole answer
            raise SinkUnavailable(f"topic: no answer about {len(missing)} offsets of group {self.group}")
        return {TopicPartition(*source): _read_mark(mark) for source, mark in found.items()}

    async def _commit(self, marks: dict[TopicPartition, tuple[str, int | None]]) -> None:
        offsets = {
            KafkaTopicPartition(*source): OffsetAndMetadata(watermark or 0, f"{owner} {int(watermark is not None)}")
            for source, (owner, watermark) in marks.items()
        }
        async with _mapped(), self._commit_lock:
            if self._committer is None:
                raise SinkUnavailable("topic: not open")
            await self._committer.commit(offsets)

    def _open_producer(self) -> Any:
        if self._producer is None:
            raise SinkUnavailable("topic: not open")
        return self._producer

    def _open_admin(self) -> Any:
        if self._admin is None:
            raise SinkUnavailable("topic: not open")
        return self._admin


def _read_mark(mark: OffsetAndMetadata) -> tuple[str, int | None]:
    """The owner and the watermark of a commit: metadata is '<owner> <1: something was written, 0: only claimed>'."""
    owner, _, held = mark.metadata.partition(" ")
    return owner, mark.offset if mark.offset >= 0 and held == "1" else None


@asynccontextmanager
async def _mapped() -> AsyncIterator[None]:
    """Turns the driver's errors into the contract's, and its endless retries into a deadline."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise SinkUnavailable(f"topic: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
