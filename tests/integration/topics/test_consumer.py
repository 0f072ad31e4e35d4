"""Stopping a consumer while one of its requests is about to be repeated."""

import asyncio
import contextlib
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from sinks.kafka import Consumer
from stridelog.settings import Settings

WAIT_S = 30.0
pytestmark = [pytest.mark.stack, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def between_attempts(kind: Any) -> Any:
    """A started consumer with a request that has failed and waits before it is sent again."""
    consumer = kind(bootstrap_servers=Settings().bootstrap)
    await consumer.start()
    await consumer.topics()  # connects
    partition = TopicPartition("nothing-has-this-name", 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    async with asyncio.timeout(WAIT_S):
        while consumer._fetcher._wait_consume_future is None:  # the fetcher does not know of the partition yet
            await asyncio.sleep(0)
    consumer._fetcher._pending_tasks |= {asyncio.create_task(asyncio.sleep(WAIT_S)) for _ in range(2)}
    await asyncio.sleep(0)  # it has begun
    return consumer


async def test_stopping_is_no_cancellation_of_who_stops_and_closes_the_connections() -> None:
    consumer = await between_attempts(Consumer)
    connections, waiting = list(consumer._client._conns.values()), set(consumer._fetcher._pending_tasks)
    await consumer.stop()
    assert all(task.cancelled() for task in waiting)
    assert connections
    assert not any(connection.connected() for connection in connections)


async def test_who_is_cancelled_while_stopping_stays_cancelled() -> None:
    consumer = await between_attempts(Consumer)
    task = asyncio.create_task(consumer.stop())
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    await consumer._client.close()


async def test_that_aiokafka_still_needs_this() -> None:
    """When this fails, ``sinks.kafka.Consumer`` can go."""
    consumer = await between_attempts(AIOKafkaConsumer)
    with pytest.raises(asyncio.CancelledError):
        await consumer.stop()
    await consumer._client.close()
