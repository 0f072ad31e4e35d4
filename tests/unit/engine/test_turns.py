"""A topic that always has the next batch ready leaves the agent's other topics their turn."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from faust_batches import FetchedBatch

from sinks.base import TopicPartition
from sinks.memory import MemorySink
from stridelog import topics as topic_table
from stridelog.agent import Agent, Context
from stridelog.batch import Batch, Writes
from stridelog.engine import Runner
from stridelog.settings import Settings
from tests.unit.engine.test_everyone import PARTITION, WAIT_S, Event

pytestmark = pytest.mark.anyio

BUSY, QUIET, USERS = "sensor-frames", "workout-events", "user-events"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_the_batch_that_came_first_is_next_and_only_users_go_before_it(tmp_path: Path) -> None:
    async def ends(sources: Any) -> dict[TopicPartition, int]:
        return dict.fromkeys(sources, 100)

    order: list[str] = []
    offsets = dict.fromkeys((BUSY, QUIET, USERS), 0)
    finished: dict[str, asyncio.Event] = {}

    def put(topic: str) -> None:
        record = SimpleNamespace(offset=offsets[topic], timestamp=0, headers=(), key=b"", value=b"no message")
        offsets[topic] += 1
        finished[topic] = asyncio.Event()
        runner.take(Event(FetchedBatch(TP(topic, PARTITION), [record]), finished[topic]))

    async def note(batch: Batch, context: Context) -> Writes:
        order.append(batch.span.topic)
        if batch.span.topic == BUSY and len(order) < 10:
            put(BUSY)
        if len(order) == 2:
            put(USERS)
        return Writes()

    agent = Agent("sensors", "sensors", note, (), (), (), False, 8)
    runner = Runner(agent, topic_table.load(prefix=""), Settings(local=tmp_path), ends)
    runner.topic_sink = MemorySink("sensors", key=repr)
    await runner.claim([TopicPartition(topic, PARTITION) for topic in offsets])
    put(BUSY)
    put(BUSY)
    put(QUIET)
    await asyncio.wait_for(finished[QUIET].wait(), WAIT_S)
    assert order[:4] == [BUSY, BUSY, USERS, QUIET]
    await runner.close()
