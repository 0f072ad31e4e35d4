"""The way into the log for parties outside the engine: replay, simulator, tools.

Agents do not use it: what they write goes through the topic sink, which keeps a watermark.
"""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final, Protocol, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas import hot
from schemas.decode import encode, key_of
from schemas.envelope import Message
from stridelog import topics
from stridelog.errors import UserError
from stridelog.settings import Settings
from stridelog.topics import Topic, Topics

LINGER_MS: Final = 20  # waits so long for more records of a partition: far below what an athlete notices
BATCH_BYTES: Final = 256 << 10
CONNECT_S: Final = 10.0


class Outlet(Protocol):
    """Where messages go: the log, or a list in a test."""

    async def send(self, message: hot.Message | Message) -> None:
        """Take a message, once there is room."""

    async def send_encoded(self, message_type: str, key: bytes, value: bytes) -> None:
        """Take bytes for the topic of a message type."""

    async def flush(self) -> None:
        """Return when all that was taken is kept."""


class Producer:
    """Sends messages to the topic that carries their type, keyed by user, in order per user and topic.

    What concerns everyone is copied to every partition of its topic. If the process dies between two copies, send the
    same message again: agents know it by its id. ``stridelog topics complete`` does that for whatever the log holds.

    Acknowledged by all in-sync replicas and idempotent: a retry of the client writes nothing twice. Memory is bounded:
    a partition holds one batch under way and one that fills, and ``send`` waits for room. Use as an async context
    manager; leaving it waits until everything is acknowledged. One event loop, any number of tasks.
    """

    def __init__(self, settings: Settings, known_topics: Topics | None = None) -> None:
        self._bootstrap = settings.bootstrap
        self._topics = known_topics or topics.load(prefix=settings.topic_prefix)
        self._clients: dict[str, AIOKafkaProducer] = {}  # compression → client
        self._routes: dict[str, tuple[Topic, AIOKafkaProducer]] = {}  # message type → topic, client
        self._failure: BaseException | None = None

    async def open(self, message_types: Iterable[str]) -> Self:
        """Connect, and see that the topics of ``message_types`` exist.

        Raises ``UserError`` if Kafka does not answer or a topic is missing.
        """
        wanted = {message_type: self._topics.topic_of_message(message_type) for message_type in message_types}
        try:
            for compression in sorted({topic.compression for topic in wanted.values()}):
                largest = max(topic.broker_max_bytes for topic in wanted.values() if topic.compression == compression)
                client = _client(self._bootstrap, compression, largest)
                self._clients[compression] = client
                await asyncio.wait_for(client.start(), CONNECT_S)
            await self._check_topics({topic.name for topic in wanted.values()})
        except (KafkaConnectionError, TimeoutError) as error:
            await self._abandon()
            raise UserError(
                f"Kafka does not answer at {self._bootstrap} ({error or 'timed out'}): start the stack with 'make up', "
                "or set STRIDELOG_KAFKA"
            ) from error
        except BaseException:
            await self._abandon()
            raise
        self._routes = {kind: (topic, self._clients[topic.compression]) for kind, topic in wanted.items()}
        return self

    async def send(self, message: hot.Message | Message) -> None:
        """Put a message into the log, once there is room; see ``flush`` for when it is acknowledged."""
        await self.send_encoded(message.type, key_of(message), encode(message))

    async def send_encoded(self, message_type: str, key: bytes, value: bytes) -> None:
        """Put bytes into the topic of a message type as they are; into every partition, if the topic is for everyone.

        Raises ``UserError`` if a record is refused, this one or an earlier one.
        """
        if self._failure is not None:
            raise self._failure
        topic, client = self._routes[message_type]
        try:
            partitions = sorted(await client.partitions_for(topic.name)) if topic.key == "everyone" else [None]
            for partition in partitions:
                future = await client.send(topic.name, value, key=key, partition=partition)
                future.add_done_callback(self._note)
        except KafkaError as error:
            raise self._refused(error) from error

    async def flush(self) -> None:
        """Wait until all that was sent, copies too, is acknowledged. Raises ``UserError`` if something was refused."""
        await asyncio.gather(*(client.flush() for client in self._clients.values()))
        await asyncio.sleep(0)  # the callbacks of the futures run in the loop's next round
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Wait for what is under way, and disconnect."""
        await asyncio.gather(*(client.stop() for client in self._clients.values()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.flush()
        finally:
            await self.close()

    def _note(self, future: "asyncio.Future[Any]") -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None and self._failure is None:
            self._failure = self._refused(error)

    def _refused(self, error: BaseException) -> UserError:
        return UserError(f"Kafka at {self._bootstrap} refused a record: {error}")

    async def _check_topics(self, names: set[str]) -> None:
        client = next(iter(self._clients.values())).client
        metadata = await client.fetch_all_metadata()
        missing = sorted(names - metadata.topics())
        if missing:
            raise UserError(
                f"Kafka at {self._bootstrap} has no topic {', '.join(missing)}: run 'stridelog topics apply'"
            )

    async def _abandon(self) -> None:
        for client in self._clients.values():
            try:
                await asyncio.wait_for(client.stop(), 1.0)
            except (KafkaError, TimeoutError):
                continue


def _client(bootstrap: str, compression: str, max_bytes: int) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="stridelog-producer",
        acks="all",
        enable_idempotence=True,
        compression_type=None if compression == "none" else compression,
        linger_ms=LINGER_MS,
        max_batch_size=BATCH_BYTES,
        max_request_size=max_bytes,
    )
