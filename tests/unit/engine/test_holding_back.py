"""The real runner and lanes over sinks in memory: what a flood and a pause leave written, acknowledged and undone, and
how many batches are worked on at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from faust_batches import FetchedBatch

from agents import lake
from schemas import hot
from schemas.decode import encode
from sinks.base import Outgoing, TopicPartition
from sinks.memory import MemorySink, MemoryStore
from stridelog import metrics
from stridelog.agent import Agent, Context
from stridelog.batch import Batch, Writes
from stridelog.engine import Runner
from stridelog.settings import Settings
from stridelog.topics import load

pytestmark = pytest.mark.anyio

SOURCE = TopicPartition("user-events", 0)
LIMIT = 10
START = 1_760_000_000_000_000
WAIT_S = 10.0
NO_LOG = SimpleNamespace(consumer=SimpleNamespace(highwater=lambda tp: None))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Fetched:
    offset: int
    value: bytes
    key: bytes = b"ann"
    timestamp: int = START // 1000
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Event:
    """What Faust hands over with a batch."""

    value: FetchedBatch
    app: Any = field(default_factory=lambda: NO_LOG)
    acked: bool = False

    def ack(self) -> None:
        self.acked = True


@dataclass
class Bench:
    """One runner whose stores are in memory and survive it."""

    runner: Runner
    rows: MemoryStore
    letters: MemoryStore
    asked: list[str] = field(default_factory=list)

    async def pause_asked(self, _: Runner, reason: str) -> None:
        self.asked.append(reason)

    def take(self, values: Iterable[bytes], first: int, source: TopicPartition = SOURCE) -> Event:
        records: list[Any] = [Fetched(first + number, value) for number, value in enumerate(values)]
        event = Event(FetchedBatch(TP(*source), records))
        self.runner.take(event)
        return event

    async def until(self, what: Callable[[], Any]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not what():
                await asyncio.sleep(0.005)

    @property
    def watermark(self) -> int | None:
        return self.letters.watermarks.get(("lake", SOURCE))


def injury(number: int) -> bytes:
    data = hot.InjuryReportedData(onset_time=START + number, body_part="knee", severity="mild", days_lost=3)
    return encode(
        hot.InjuryReported.of(user="ann", time=START + number, zone="UTC", source="test", producer="test", data=data)
    )


def written() -> float:
    """What the agent's counter says."""
    return float(metrics.RECORDS.labels("lake", SOURCE.topic, "written")._value.get())


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def make(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Make]:
    benches: list[Bench] = []

    async def made(refuse: bool = False, agent: Agent = lake, sources: Iterable[TopicPartition] = (SOURCE,)) -> Bench:
        async def ends(sources: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
            return dict.fromkeys(sources, 1_000)

        settings = Settings(local=tmp_path, dead_letters_in_a_row=LIMIT)
        runner = Runner(agent, load(prefix=""), settings, ends)
        bench = Bench(runner, MemoryStore(), MemoryStore())
        runner.stores = {
            "delta": MemorySink(
                "lake", bench.rows, key=lambda row: repr(row.columns), refuse=lambda _: "no" * refuse or None
            )
        }
        runner.topic_sink = MemorySink("lake", bench.letters, key=lambda row: (row.value, row.headers))
        runner.pause_asked = bench.pause_asked
        await runner.claim(sources)
        benches.append(bench)
        return bench

    yield made
    for bench in benches:
        await bench.runner.close()


async def again(bench: Bench) -> None:
    """As the worker does when the agent is resumed."""
    await bench.runner.pause()
    bench.runner.resume(datetime.fromtimestamp(0, UTC))
    await bench.runner.claim([SOURCE])


async def test_a_flood_is_not_written_until_somebody_resumes_the_agent(make: Make) -> None:
    bench = await make(False)
    small = bench.take([b"bad"] * (LIMIT - 1), 0)
    await bench.until(lambda: small.acked)
    one_too_many = bench.take([b"bad", injury(1)], LIMIT - 1)
    await bench.until(lambda: bench.asked)
    assert bench.watermark == LIMIT - 1
    assert not one_too_many.acked
    assert f"{LIMIT} records in a row" in bench.asked[0]
    await again(bench)
    assert one_too_many.acked, "other agents must not wait for it"
    event = bench.take([b"bad", injury(1)], LIMIT - 1)
    await bench.until(lambda: event.acked)
    assert bench.watermark == LIMIT + 1
    assert len(bench.letters.rows) == LIMIT
    assert len(bench.asked) == 1


async def test_a_store_that_refuses_everything_is_a_flood_too(make: Make) -> None:
    bench = await make(True)
    values = [injury(number) for number in range(2 * LIMIT)]
    bench.take(values, 0)
    await bench.until(lambda: bench.asked)
    assert bench.watermark is None
    assert not bench.letters.rows
    await again(bench)
    event = bench.take(values, 0)
    await bench.until(lambda: event.acked)
    letters: list[Outgoing] = list(bench.letters.rows.values())
    assert sorted(letter.value or b"" for letter in letters) == sorted(values), "with the bytes of their records"


async def test_a_paused_agent_lets_batches_pass_and_takes_them_when_it_is_resumed(make: Make) -> None:
    bench = await make(False)
    await bench.runner.pause()
    passed = bench.take([injury(1)], 0)
    assert passed.acked
    assert await bench.runner.claim([SOURCE]) == {}, "a rebalance does not wake it"
    assert not bench.rows.rows
    bench.runner.resume(datetime.now(UTC))
    assert await bench.runner.claim([SOURCE]) == {SOURCE: None}
    event = bench.take([injury(1)], 0)
    await bench.until(lambda: event.acked)
    assert len(bench.rows.rows) == 1


async def test_what_an_agent_holds_already_passes_it_unread(make: Make) -> None:
    bench = await make(False)
    first = bench.take([injury(1), b"bad"], 0)
    await bench.until(lambda: first.acked)
    await again(bench)
    bench.rows.rows.clear()
    before = written()
    old = bench.take([injury(1), b"bad"], 0)
    new = bench.take([injury(2)], 2)
    await bench.until(lambda: old.acked and new.acked)
    assert len(bench.rows.rows) == 1
    assert bench.watermark == 3
    assert written() == before + 1, "and is not counted twice"


async def test_a_fenced_lane_that_is_cut_short_is_no_failure(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[str] = []
    monkeypatch.setattr("stridelog.lane.end_worker", ended.append)
    bench = await make(False)
    await MemorySink("lake", bench.rows, key=repr).claim([SOURCE])
    bench.take([injury(0)], 0)
    await bench.until(lambda: "has a new owner" in caplog.text)
    task = bench.runner.lanes[0].task
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert not ended


@pytest.mark.parametrize(("records", "together"), [(2_000, 2), (1, 5)])
async def test_only_so_many_large_batches_are_worked_on_at_the_same_time(
    make: Make, records: int, together: int
) -> None:
    running: list[int] = []
    go_on = asyncio.Event()

    async def process(batch: Batch, context: Context) -> Writes:
        running.append(batch.span.partition)
        await go_on.wait()
        return Writes()

    sources = [TopicPartition(SOURCE.topic, partition) for partition in range(5)]
    bench = await make(agent=replace(lake, process=process, large_at_once=2), sources=sources)
    events = [bench.take([injury(1)] * records, 0, source) for source in sources]
    await bench.until(lambda: len(running) >= together)
    for _ in range(100):  # time enough for the others to come too
        await asyncio.sleep(0)
    assert len(running) == together
    go_on.set()
    await bench.until(lambda: all(event.acked for event in events))
