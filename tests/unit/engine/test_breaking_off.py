"""A lane that ends although nobody has stopped it ends the worker: nobody else would go on with its partition."""

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

TOPIC = "workout-events"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def runner_of(process: Any, tmp_path: Path) -> Runner:
    """A runner with one batch in a lane that calls ``process``."""

    async def ends(sources: Any) -> dict[TopicPartition, int]:
        return dict.fromkeys(sources, 100)

    agent = Agent("sensors", "sensors", process, (), (), (), False, 8)
    runner = Runner(agent, topic_table.load(prefix=""), Settings(local=tmp_path), ends)
    runner.topic_sink = MemorySink("sensors", key=repr)
    await runner.claim([TopicPartition(TOPIC, PARTITION)])
    record = SimpleNamespace(offset=0, timestamp=0, headers=(), key=b"", value=b"no message")
    runner.take(Event(FetchedBatch(TP(TOPIC, PARTITION), [record]), asyncio.Event()))
    return runner


async def test_a_librarys_cancellation_that_nobody_asked_for_ends_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: asyncio.Queue[str] = asyncio.Queue()
    monkeypatch.setattr("stridelog.lane.end_worker", ended.put_nowait)

    async def broken_off(batch: Batch, context: Context) -> Writes:
        raise asyncio.CancelledError

    runner = await runner_of(broken_off, tmp_path)
    why = await asyncio.wait_for(ended.get(), WAIT_S)
    assert why == f"worker ends because sensors broke off in partition {PARTITION}"
    await runner.close()


async def test_a_lane_that_is_stopped_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr("stridelog.lane.end_worker", ended.append)
    monkeypatch.setattr("stridelog.lane.LEAVE_S", 0.01)
    begun = asyncio.Event()

    async def endless(batch: Batch, context: Context) -> Writes:
        begun.set()
        await asyncio.Event().wait()
        return Writes()

    runner = await runner_of(endless, tmp_path)
    await asyncio.wait_for(begun.wait(), WAIT_S)
    await runner.close()
    assert ended == []
