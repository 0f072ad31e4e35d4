"""An agent whose rows are made of several topics has its facts stored before anything else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas import hot
from sinks.base import Span, TopicPartition
from sinks.memory import MemorySink, MemoryStore
from stridelog import topics as topic_table
from stridelog.agent import Agent, Context
from stridelog.batch import Batch, Writes
from stridelog.engine import Runner
from stridelog.settings import Settings
from tests.unit.engine.test_everyone import PARTITION, Facts, taken

pytestmark = pytest.mark.anyio


class Seen(msgspec.Struct, frozen=True):
    name: str


class FactsBefore(MemorySink):
    """A store that notes at each write how far the facts are."""

    def __init__(self, facts: MemoryStore) -> None:
        super().__init__("feed", key=repr)
        self.facts = facts
        self.marks: list[int] = []

    async def write(self, rows: Sequence[Any], span: Span) -> None:
        self.marks.append(self.facts.watermarks.get((self.agent, span.source), 0))
        await super().write(rows, span)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def keep(batch: Batch, context: Context) -> Writes:
    """Keep who registers."""
    for offset, message in batch.of(hot.UserRegistered):
        context.state.put(message.user, "seen", Seen(message.data.name), offset)
    return Writes()


async def test_no_other_store_is_written_before_the_facts_of_the_batch_are_there(tmp_path: Path) -> None:
    async def ends(sources: Any) -> dict[TopicPartition, int]:
        return dict.fromkeys(sources, 100)

    agent = Agent("feed", "social", keep, ("mongo",), (Seen,), (), False, 8)
    facts = MemoryStore()
    runner = Runner(agent, topic_table.load(prefix=""), Settings(local=tmp_path), ends)
    store = FactsBefore(facts)
    runner.stores = {"mongo": store}
    runner.facts = Facts("feed", facts, key=lambda row: (row.user, row.kind, row.id))  # type: ignore[assignment]
    runner.topic_sink = MemorySink("feed", key=repr)
    await runner.claim([TopicPartition("user-events", PARTITION)])
    data = hot.UserRegisteredData(name="Bob", sex="male")
    head: dict[str, Any] = {"time": 1_798_000_000_000_000, "zone": "UTC", "source": "t", "producer": "t"}
    await taken(runner, "user-events", 0, hot.UserRegistered.of(user="bob", data=data, **head))
    assert store.marks == [1]
    await runner.close()
