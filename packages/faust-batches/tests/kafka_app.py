"""What the tests share: an application on the broker, records for it, and what its group has committed."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import TopicPartition
from faust_batches import BatchSchema, FetchedBatch

BROKER = f"127.0.0.1:{os.environ.get('STRIDELOG_KAFKA_PORT', '19092')}"
DEADLINE_S = 60.0


async def send(
    topic: str, values: Sequence[bytes], *, partition: int = 0, compression: str | None = None, key: bytes | None = None
) -> None:
    """Send records and wait until the broker has them."""
    async with AIOKafkaProducer(bootstrap_servers=BROKER, compression_type=compression, linger_ms=10) as producer:
        for value in values:
            await producer.send(topic, value, partition=partition, key=key)


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await asyncio.sleep(0.02)


def new_app(topic: str, folder: Path, **options: Any) -> Any:
    """An application with a consumer group of the topic's name."""
    settings: dict[str, Any] = {
        "broker": f"batches://{BROKER}",
        "datadir": str(folder / "faust"),
        "consumer_auto_offset_reset": "earliest",
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
        "stream_wait_empty": False,
        "broker_commit_interval": 0.2,
    }
    return faust.App(f"{topic}-app", **(settings | options))


def hold(app: Any, topic: str) -> list[Any]:
    """Declare an agent that keeps the events it gets, unacked, in the list that is returned."""
    held: list[Any] = []

    @app.agent(app.topic(topic, schema=BatchSchema()), name="hold")
    async def keep(stream: Any) -> None:
        async for event in stream.noack().events():
            held.append(event)

    return held


def collect(app: Any, topic: str) -> list[FetchedBatch]:
    """Declare an agent that acks every batch and puts it into the list that is returned."""
    batches: list[FetchedBatch] = []

    @app.agent(app.topic(topic, schema=BatchSchema()), name="collect")
    async def take(stream: Any) -> None:
        async for event in stream.noack().events():
            batches.append(event.value)
            event.value.ack(event)

    return batches


def values(batches: Sequence[FetchedBatch], partition: int = 0) -> list[bytes]:
    """The values of a partition's records, in the order of arrival."""
    return [record.value for batch in batches if batch.tp.partition == partition for record in batch.records]


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[None]:
    """The application at work."""
    app.finalize()
    starting = asyncio.create_task(app.start())
    try:
        yield
    finally:
        await app.stop()
        starting.cancel()


@asynccontextmanager
async def admin_client() -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for topics and groups."""
    admin = AIOKafkaAdminClient(bootstrap_servers=BROKER)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def committed(topic: str, partition: int = 0) -> int | None:
    """What the application's group has committed."""
    async with admin_client() as admin:
        found = (await admin.list_consumer_group_offsets(f"{topic}-app")).get(TopicPartition(topic, partition))
    return None if found is None else found.offset


async def until_committed(topic: str, offset: int) -> None:
    """Wait until partition 0 is committed at an offset."""
    await until_async(lambda: _is_committed(topic, offset))


async def _is_committed(topic: str, offset: int) -> bool:
    try:
        return await committed(topic) == offset
    except GroupCoordinatorNotAvailableError:  # the first group of a new broker: the topic of offsets is being made
        return False


async def until_async(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition that must be asked for."""
    async with asyncio.timeout(DEADLINE_S):
        while not await true():
            await asyncio.sleep(0.1)
