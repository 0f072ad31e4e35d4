"""Messages for topics, by one idempotent producer an agent, and a watermark in a consumer group of the sink's own.

Most batches of most agents publish something, but not all: a watermark that was only to be found in published messages
would stand still while an agent reads records that lead to none, and a restart would read them all again. So after the
messages are acknowledged the sink commits ``span.next`` of the *source* partition in a consumer group that nobody else
uses, ``<namespace>.sink.<agent>.topic``; the epoch of the claim is in the commit's metadata. Each message also
says in its headers which span caused it (``sl-source``), for whoever asks where a message comes from.

Kafka's transactions would make both one step, but they bind a producer to the group of its consumer and need one
producer for each partition, and agents write other stores in the same batch anyway. Instead, the first spans after a
claim or a failed write are compared with the end of the partitions that they go to (``sinks/tail.py``), and what was
published before a crash is not published again. What is still published twice (a worker that was fenced while it
sent) is equal byte for byte. Rows for another partition than the span's are not compared: they may be published again.

The broker forgets a group's offsets when nothing was committed for ``offsets.retention.minutes``: that setting MUST
be longer than a worker may be off. A claim and every write commit anew.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import OffsetAndMetadata
from aiokafka.structs import TopicPartition as KafkaTopicPartition

from sinks.base import Outgoing, PoisonRows, Sink, SinkUnavailable, Span, TopicPartition
from sinks.claims import Claim, Claims
from sinks.kafka import ANSWER_TIMEOUT_S, Consumer, answering, group_offsets, one_line
from sinks.tail import Tail, read_tail, source_headers
from stridelog.settings import Settings

MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024  # before compression; what the broker takes is a setting of each topic
BATCH_BYTES: Final = 256 * 1024
REQUEST_TIMEOUT_MS: Final = 10_000


class TopicSink(Sink[Outgoing]):
    """Publishes messages to the partition of the span that caused them, or to the one that a row names."""

    name = "topic"

    def __init__(self, agent: str, settings: Settings) -> None:
        super().__init__(agent)
        self.group = f"{settings.namespace}.sink.{agent}.topic"
        self._bootstrap = settings.bootstrap
        self._claims = Claims(self.name, agent)
        self._claimed: set[TopicPartition] = set()
        self._commit_lock = asyncio.Lock()
        # By source and output topic: what was published beyond the watermark before the claim or the last failed write.
        self._tails: dict[TopicPartition, dict[str, Tail]] = {}
        self._coordinator: int | None = None  # broker of the group, once known
        # aiokafka's clients; the library has no types.
        self._producer: Any = None
        self._committer: Any = None
        self._admin: Any = None

    async def open(self) -> None:
        try:
            async with answering("topic"):
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
                    raise SinkUnavailable(f"topic: closing: {one_line(error)}") from error

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        wanted = list(sources)
        if not wanted:
            return {}
        marks = await self._marks(wanted)
        epochs = {source: max(marks[source][0] + 1, time.time_ns() // 1000) for source in wanted}
        self._claimed.update(wanted)
        async with answering("topic"), self._commit_lock:
            # The consumer only commits: paused in the same breath, it never fetches a record.
            assignment = [KafkaTopicPartition(*source) for source in self._claimed]
            self._committer.assign(assignment)
            self._committer.pause(*assignment)
        await self._commit({source: (epochs[source], marks[source][1]) for source in wanted})
        for source in wanted:
            self._claims.take(source, str(epochs[source]), marks[source][1])
            self._tails[source] = {}
        return {source: marks[source][1] for source in wanted}

    async def watermarks(self) -> dict[TopicPartition, int]:
        return {source: mark for source, (_, mark) in (await self._marks(None)).items() if mark is not None}

    async def write(self, rows: Sequence[Outgoing], span: Span) -> None:
        claim = self._claims.of(span)
        if claim.covers(span):
            return
        epoch = await self._valid_epoch(claim, span)
        missing = await self._unpublished(rows, span, min(claim.watermark or 0, span.first))
        try:
            await self._send(missing, span)
            await self._commit({span.source: (epoch, span.next)})
        except SinkUnavailable:
            self._tails[span.source] = {}
            raise
        claim.watermark = span.next

    async def send_ahead(self, rows: Sequence[Outgoing], span: Span) -> None:
        claim = self._claims.of(span)
        if claim.covers(span):
            return
        await self._valid_epoch(claim, span)
        try:
            await self._send(await self._unpublished(rows, span, min(claim.watermark or 0, span.first)), span)
        finally:
            self._tails[span.source] = {}  # so that the write of the span looks for them

    async def rewind(self, source: TopicPartition, offset: int) -> None:
        claim = self._claims.of(source)
        epoch = int(claim.owner)
        if (await self._marks([source]))[source][0] > epoch:
            raise self._claims.lost(source)
        await self._commit({source: (epoch, offset)})
        self._tails[source] = {}
        claim.watermark = offset

    def release(self, sources: Iterable[TopicPartition]) -> None:
        gone = set(sources)
        self._claims.release(gone)
        self._claimed -= gone
        for source in gone:
            self._tails.pop(source, None)

    async def _start(self) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=f"stridelog-{self.agent}",
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            compression_type="lz4",
        )
        await self._producer.start()
        self._committer = Consumer(
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

    async def _valid_epoch(self, claim: Claim, span: Span) -> int:
        epoch = int(claim.owner)
        if (await self._marks([span.source]))[span.source][0] > epoch:
            raise self._claims.lost(span.source)
        return epoch

    async def _unpublished(self, rows: Sequence[Outgoing], span: Span, after: int) -> list[tuple[int, Outgoing]]:
        """The rows, with their index, that no span beyond offset ``after`` published already. Other partitions are not
        looked at: what a span leads to there is rare, so that all of a partition would have to be read to find it.
        """
        tails = self._tails.setdefault(span.source, {})
        for output in {TopicPartition(row.topic, row.partition) for row in rows if row.partition is not None}:
            await self._check_there(output, span)
        for topic in {row.topic for row in rows if row.partition is None} - set(tails):
            output = TopicPartition(topic, span.partition)
            await self._check_there(output, span)
            async with answering("topic"):
                tails[topic] = await read_tail(self._bootstrap, output, span.source, self.agent, after)
        numbered = ((index, _sendable(row)) for index, row in enumerate(rows))
        return [
            (index, row)
            for index, row in numbered
            if row.partition is not None or not tails[row.topic].holds(row, span.first)
        ]

    async def _check_there(self, output: TopicPartition, span: Span) -> None:
        async with answering("topic"):
            if output.partition not in await self._open_producer().partitions_for(output.topic):
                raise SinkUnavailable(
                    f"topic: {output.topic}/{output.partition} does not exist: topics that an agent reads and writes "
                    f"need equally many partitions, and {span.topic} has more"
                )

    async def _send(self, rows: Sequence[tuple[int, Outgoing]], span: Span) -> None:
        headers = source_headers(span.source, span.next, self.agent)
        refused: dict[int, str] = {}
        answers: dict[int, asyncio.Future[Any]] = {}
        try:
            async with answering("topic"):
                for index, row in rows:
                    try:
                        partition = span.partition if row.partition is None else row.partition
                        answers[index] = await self._open_producer().send(
                            row.topic, row.value, row.key, partition, headers=[*row.headers, *headers]
                        )
                    except MessageSizeTooLargeError as error:
                        refused[index] = one_line(error)
        finally:
            # A failed write waits for every message's fate too, so that the next attempt does not race with this one.
            if answers:
                await asyncio.wait(answers.values(), timeout=ANSWER_TIMEOUT_S)
        async with answering("topic"):
            for index, answer in answers.items():
                try:
                    await answer
                except MessageSizeTooLargeError as error:
                    refused[index] = one_line(error)
        if refused:
            self._tails[span.source] = {}
            raise PoisonRows(refused)

    async def _marks(self, sources: Sequence[TopicPartition] | None) -> dict[TopicPartition, tuple[int, int | None]]:
        """Epoch and watermark as committed; of all partitions for ``None``."""
        asked = None if sources is None else [KafkaTopicPartition(*source) for source in sources]
        async with answering("topic"):
            coordinator = self._coordinator
            self._coordinator = None  # asked again after an error
            if coordinator is None:
                coordinator = await self._open_admin().find_coordinator(self.group)
            found = await group_offsets(self._open_admin(), self.group, coordinator, asked)
            self._coordinator = coordinator
        return {TopicPartition(*source): _read_mark(mark) for source, mark in found.items()}

    async def _commit(self, marks: dict[TopicPartition, tuple[int, int | None]]) -> None:
        offsets = {
            KafkaTopicPartition(*source): OffsetAndMetadata(watermark or 0, f"{epoch} {int(watermark is not None)}")
            for source, (epoch, watermark) in marks.items()
        }
        async with answering("topic"), self._commit_lock:
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


def _sendable(row: Outgoing) -> Outgoing:
    """aiokafka wants a key or a value; a dead letter may have had neither."""
    return replace(row, value=b"") if row.key is None and row.value is None else row


def _read_mark(mark: OffsetAndMetadata) -> tuple[int, int | None]:
    """Epoch and watermark of a commit: metadata is '<epoch> <1: something was written, 0: only claimed>'."""
    epoch, _, held = mark.metadata.partition(" ")
    return int(epoch or 0), mark.offset if mark.offset >= 0 and held == "1" else None
