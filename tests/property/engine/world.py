"""A log, stores and workers in memory around the real engine, a clock that jumps, and faults where a test wants them.

Every call of a sink passes gates: points at which the worker may be killed, and others may come first.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Final, Literal

import msgspec
from aiokafka import ConsumerRecord
from faust.types import TP
from faust_batches import FetchedBatch

from schemas import hot
from schemas.decode import encode
from sinks.base import Fact, Outgoing, SinkUnavailable, Span, TopicPartition
from sinks.memory import MemorySink, MemoryStore
from stridelog import topics as topic_table
from stridelog.agent import Agent, Context
from stridelog.batch import Batch, Writes
from stridelog.engine import Runner
from stridelog.settings import Settings

NAME: Final = "feed"  # of an agent that reads several topics; the function is the test's own
PARTITIONS: Final = (0, 1)
TOPICS: Final = topic_table.load(prefix="")
INPUTS: Final = ("user-events", "social-events")
SOURCES: Final = tuple(TopicPartition(topic, partition) for topic in INPUTS for partition in PARTITIONS)
SINKS: Final = ("clickhouse", "mongo", "postgres", "topic")
T0_US: Final = 1_760_000_000_000_000
POISON: Final = "poison"  # an actor whose kudos ClickHouse never takes
BAD: Final = b"{no JSON"

Kind = Literal["good", "again", "bad", "poison"]
Fault = Literal["before", "after rows", "after watermark"]


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when nothing else is to do."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0

    def time(self) -> float:
        return self._now_s

    def _run_once(self) -> None:
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined] # asyncio's own
        if not self._ready and timers:  # type: ignore[attr-defined]
            self._now_s = max(self._now_s, timers[0].when())
        super()._run_once()  # type: ignore[misc]


class Seen(msgspec.Struct, frozen=True):
    """The fact that an event was read."""

    time: int


async def keep_and_echo(batch: Batch, context: Context) -> Writes:
    """Write each event to two stores and publish it again; drop what an earlier batch brought."""
    writes = Writes()
    for offset, _, message in batch.records:
        known = context.state.get(message.user, Seen, message.id)
        if known is not None and known.settled(batch.span):
            writes.dropped["duplicate"] += 1
            continue
        if known is None:
            context.state.put(message.user, message.id, Seen(message.time), offset)
        row: Any = Fact(message.user, type(message).__name__, message.id, encode(message), offset)
        writes.clickhouse.append(row)
        writes.mongo.append(row)
        writes.messages.append(message)
    return writes


AGENT: Final = Agent(NAME, "social", keep_and_echo, ("clickhouse", "mongo"), (Seen,), (), False, 8)


class Gate:
    """Where a worker may die: at the n-th point that it passes from now on."""

    def __init__(self) -> None:
        self.dead = asyncio.Event()
        self.fuse: int | None = None
        self.awake = asyncio.Event()  # not set: stopped, as by SIGSTOP
        self.awake.set()

    @property
    def last(self) -> bool:
        """Whether the worker does not survive the next step."""
        return self.fuse == 1 or self.dead.is_set()

    async def step(self) -> None:
        """Let others go first; stand still while the worker does; never return if it dies here."""
        await asyncio.sleep(0)
        await self.awake.wait()
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self.dead.set()
        if self.dead.is_set():
            await asyncio.Event().wait()


class GatedSink(MemorySink):
    """A memory sink with gates and faults; ``world.stores`` outlives it."""

    def __init__(self, name: str, world: "World", gate: Gate) -> None:
        super().__init__(NAME, world.stores[name], key=_key, refuse=_refuse if name == "clickhouse" else _take)
        self.name = name  # type: ignore[misc] # one class for all stores
        self.world = world
        self.gate = gate

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        await self.gate.step()
        if self.world.next_fault(self.name) is not None:
            raise SinkUnavailable(f"{self.name} is away")
        claimed = await super().claim(sources)
        await self.gate.step()
        return claimed

    async def write(self, rows: Sequence[Any], span: Span) -> None:
        await self.gate.step()
        fault = self.world.next_fault(self.name)
        if fault == "before":
            raise SinkUnavailable(f"{self.name} is away")
        claim = self._claims.get(span.source)
        before = (self.store.watermarks.get((NAME, span.source)), claim.watermark if claim else None)
        await self.take(rows, span)
        if self.gate.last or fault == "after rows":
            self._without_watermark(span.source, *before)
        await self.gate.step()
        if fault is not None:
            raise SinkUnavailable(f"{self.name} went away {fault}")
        await self.gate.step()

    async def take(self, rows: Sequence[Any], span: Span) -> None:
        """Write in one step."""
        await super().write(rows, span)

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        """What the agent's state asks of PostgreSQL."""
        await self.gate.step()
        return {user: [row for row in self.store.rows.values() if row.user == user] for user in users}

    def _without_watermark(self, source: TopicPartition, stored: int | None, known: int | None) -> None:
        """As if the rows had been written and the watermark not."""
        claim = self._claims.get(source)
        if claim is not None and self.store.owners.get((NAME, source)) == claim.owner:
            claim.watermark = known
            if stored is None:
                self.store.watermarks.pop((NAME, source), None)
            else:
                self.store.watermarks[NAME, source] = stored


class GatedTopic(GatedSink):
    """Publishes to ``world.published``; a dying worker publishes half."""

    async def send_ahead(self, rows: Sequence[Outgoing], span: Span) -> None:
        await self.gate.step()
        if self.world.next_fault(self.name) is not None:
            raise SinkUnavailable(f"{self.name} is away")
        claim = self._claims.of(span)
        if self.store.owners.get((NAME, span.source)) != claim.owner:
            raise self._claims.lost(span.source)
        if not claim.covers(span):
            self.world.published += rows
        await self.gate.step()

    async def take(self, rows: Sequence[Outgoing], span: Span) -> None:
        claim = self._claims.of(span)
        if self.store.owners.get((NAME, span.source)) != claim.owner:
            raise self._claims.lost(span.source)
        if claim.covers(span):
            return
        for name in SINKS[:-1]:
            mark = self.world.stores[name].watermarks.get((NAME, span.source), 0)
            assert mark >= span.next, f"a message about {span} was published before {name} held it"
        self.world.published += rows[: len(rows) // 2] if self.gate.last else rows
        await super().take([], span)


class Event:
    """What Faust hands the engine."""

    def __init__(self, world: "World", batch: FetchedBatch) -> None:
        self.value = batch
        self.app = SimpleNamespace(consumer=SimpleNamespace(highwater=lambda tp: len(world.log[TopicPartition(*tp)])))
        self._world = world

    def ack(self) -> None:
        source = TopicPartition(*self.value.tp)
        marks = {name: self._world.stores[name].watermarks.get((NAME, source), 0) for name in SINKS}
        assert min(marks.values()) >= self.value.next_offset, f"{self.value} was acked before it was written: {marks}"


class Worker:
    """A worker of the group: the real engine on sinks of its own on the world's stores."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.gate = Gate()
        self.owned: set[int] = set()
        self.next: dict[TopicPartition, int] = {}
        self.runner = Runner(AGENT, TOPICS, Settings(), world.ends)
        self.runner.stores = {name: GatedSink(name, world, self.gate) for name in AGENT.stores}
        self.runner.facts = GatedSink("postgres", world, self.gate)  # type: ignore[assignment]
        self.runner.topic_sink = GatedTopic("topic", world, self.gate)

    async def assign(self, partitions: set[int]) -> None:
        """What a rebalance does: claim all that the worker shall have from now on."""
        self.owned = partitions
        self.next = {}
        starts = await self.runner.claim([s for s in SOURCES if s.partition in partitions])
        self.next = {source: mark or 0 for source, mark in starts.items()}

    def deliver(self, source: TopicPartition, count: int, overlap: int) -> None:
        """Hand over the next records, and some once more that were handed over already."""
        first = max(0, self.next[source] - overlap)
        records = self.world.log[source][first : self.next[source] + count]
        if records:
            self.next[source] = max(self.next[source], first + len(records))
            self.runner.take(Event(self.world, FetchedBatch(TP(*source), records)))

    def kill(self) -> None:
        """End the process: nothing of it runs any more."""
        self.gate.dead.set()
        for lane in self.runner.lanes.values():
            lane.task.cancel()


class World:
    """All that workers share."""

    def __init__(self) -> None:
        self.loop = JumpingLoop()
        self.log: dict[TopicPartition, list[Any]] = {source: [] for source in SOURCES}
        self.stores = {name: MemoryStore() for name in SINKS}
        self.published: list[Outgoing] = []
        self.faults: dict[str, list[Fault]] = {name: [] for name in SINKS}
        self.problems: list[str] = []
        self.loop.set_exception_handler(lambda _, context: self.problems.append(repr(context)))

    def run(self, work: Awaitable[Any]) -> None:
        """Run until it is done; other tasks go on meanwhile."""
        self.loop.run_until_complete(asyncio.ensure_future(work, loop=self.loop))

    def produce(self, source: TopicPartition, kind: Kind, again: int) -> None:
        """Append a record; ``again``: which of the log's good events comes a second time."""
        rows = self.log[source]
        offset = len(rows)
        user = f"user{source.partition}"
        good = [row.value for row in rows if row.value != BAD and POISON.encode() not in row.value]
        value = self._event(source, user, offset, POISON if kind == "poison" else "friend")
        if kind == "bad":
            value = BAD
        elif kind == "again" and good:
            value = good[again % len(good)]
        key = user.encode()
        rows.append(ConsumerRecord(*source, offset, 1_000 + offset, 0, key, value, None, len(key), len(value), ()))

    async def ends(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The ends of the log."""
        await asyncio.sleep(0)
        return {source: len(self.log[source]) for source in sources}

    def next_fault(self, sink: str) -> Fault | None:
        """The fault that a call of a sink meets, if one is due."""
        return self.faults[sink].pop(0) if self.faults[sink] else None

    @staticmethod
    def _event(source: TopicPartition, user: str, number: int, actor: str) -> bytes:
        around: dict[str, Any] = {"user": user, "time": T0_US + number, "zone": "UTC", "source": "t", "producer": "t"}
        if source.topic == "user-events":
            return encode(hot.ProfileChanged.of(data=hot.ProfileChangedData(hr_rest_bpm=50.0), **around))
        workout = "00000000-0000-4000-8000-000000000000"
        return encode(hot.KudosGiven.of(data=hot.KudosGivenData(workout_id=workout, actor=actor), **around))


def _key(row: Any) -> tuple[str, str, str]:
    return row.user, row.kind, row.id


def _refuse(row: Fact) -> str | None:
    return "ClickHouse takes no poison" if POISON.encode() in row.payload else None


def _take(row: Any) -> None:
    """Everything is welcome."""
