"""The real runner on a topic for everyone: who the records are by does not matter, whose facts they are does."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from faust.types import TP
from faust_batches import FetchedBatch

from schemas import hot
from schemas.decode import encode, key_of
from sinks.base import Fact, TopicPartition
from sinks.memory import MemorySink, MemoryStore
from stridelog import topics as topic_table
from stridelog.agent import Agent, Context
from stridelog.batch import Batch, Writes
from stridelog.engine import Runner
from stridelog.settings import Settings
from stridelog.state import everyone
from tests.messages import segment

pytestmark = pytest.mark.anyio

PARTITION = 3
NO_LOG = SimpleNamespace(consumer=SimpleNamespace(highwater=lambda tp: None))
WAIT_S = 10.0


class Drawn(msgspec.Struct, frozen=True):
    name: str


class Facts(MemorySink):
    """Facts in memory, that can be loaded."""

    name = "postgres"

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        return {user: [row for row in self.store.rows.values() if row.user == user] for user in users}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def keep(batch: Batch, context: Context) -> Writes:
    """Keep segments as facts of everyone, and publish the users who are seen, with the segments known then."""
    drawn = everyone(batch.span.partition)
    for offset, message in batch.of(hot.SegmentDefined):
        context.state.put(drawn, message.data.segment_id, Drawn(message.data.name), offset)
    names = tuple(sorted(known.fact.name for known in context.state.facts(drawn, Drawn).values()))
    said = [(message.user, names) for _, message in batch.of(hot.UserRegistered)]
    return Writes(mongo=said)  # type: ignore[arg-type] # a store in memory takes anything


AGENT = Agent("feed", "social", keep, ("mongo",), (Drawn,), (), True, 8)


class Event:
    def __init__(self, batch: FetchedBatch, done: asyncio.Event) -> None:
        self.value, self.app, self.done = batch, NO_LOG, done

    def ack(self) -> None:
        self.done.set()


async def taken(runner: Runner, topic: str, offset: int, message: Any) -> None:
    record = SimpleNamespace(offset=offset, timestamp=0, headers=(), key=key_of(message), value=encode(message))
    done = asyncio.Event()
    runner.take(Event(FetchedBatch(TP(topic, PARTITION), [record]), done))
    await asyncio.wait_for(done.wait(), WAIT_S)


@pytest.fixture
def topics(tmp_path: Path) -> topic_table.Topics:
    """The project's, with an agent that checks users and reads what is for everyone."""
    text = topic_table.DEFAULT_PATH.read_text(encoding="utf-8")
    head, tail = text.split("messages: [SegmentDefined", 1)
    path = tmp_path / "topics.yaml"
    path.write_text(head + "messages: [SegmentDefined" + tail.replace("consumers: [", "consumers: [feed, ", 1))
    return topic_table.load(path, prefix="")


async def test_what_is_for_everyone_may_be_by_a_user_of_another_partition_and_is_at_hand_with_every_user(
    topics: topic_table.Topics, tmp_path: Path
) -> None:
    async def ends(sources: Any) -> dict[TopicPartition, int]:
        return dict.fromkeys(sources, 100)

    rows, facts, letters = MemoryStore(), MemoryStore(), MemoryStore()

    async def started() -> Runner:
        runner = Runner(AGENT, topics, Settings(local=tmp_path), ends)
        runner.stores = {"mongo": MemorySink("feed", rows, key=repr)}
        runner.facts = Facts("feed", facts, key=lambda row: (row.user, row.kind, row.id))  # type: ignore[assignment]
        runner.topic_sink = MemorySink("feed", letters, key=repr)
        await runner.claim([TopicPartition(name, PARTITION) for name in ("segments", "user-events")])
        return runner

    runner = await started()
    await taken(runner, "segments", 0, segment("Tower"))  # by ada, who never registered here
    assert not letters.rows, "nobody asks whether ada is registered"
    assert {row.user for row in facts.rows.values()} == {"*3"}
    await runner.close()

    runner = await started()  # another worker, without a cache
    data = hot.UserRegisteredData(name="Bob", sex="male")
    bob = hot.UserRegistered.of(user="bob", time=1_798_000_000_000_000, zone="UTC", source="t", producer="t", data=data)
    await taken(runner, "user-events", 0, bob)
    assert list(rows.rows.values()) == [("bob", ("Tower",))]
    await runner.close()
