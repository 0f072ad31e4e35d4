"""Copies are found whatever is worked on first: partitions go on by themselves, batches are repeated after a crash.

Four partitions, each with the agents ``tracks`` and ``copies``; the index and the log are dictionaries and lists here.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from hypothesis import given, note, settings
from hypothesis import strategies as st

from domain.copies import Marked, Said
from domain.fingerprint import MARKS, Fingerprint
from schemas import hot
from sinks.base import Fact, Rows, Span
from sinks.tables import TRACK_MARKS
from stridelog.batch import Batch, Record
from stridelog.projections import tracks
from stridelog.projections.copies import Compared, Comparisons
from stridelog.projections.tracks import KnownMarks
from stridelog.projections.workouts import track_marked
from stridelog.readers import Key
from stridelog.state import State
from stridelog.track_reader import Indexed, Near
from verification.outcomes import Valid
from verification.tracks import expected_lookalikes, said_lookalikes

T0 = 1_760_000_000_000_000
HOUR_US = 3_600_000_000
PARTITIONS = 4
WORKOUTS = 9


def user_of(number: int) -> str:
    return f"u{number % 5}"


def workout_of(number: int) -> str:
    return f"{number:08d}-0000-4000-8000-000000000000"


def partition_of(user: str) -> int:
    return int(user[1:]) % PARTITIONS


@dataclass
class Facts:
    """What PostgreSQL has of one agent's users."""

    rows: dict[tuple[str, str, str], Fact] = field(default_factory=dict)

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        return {user: [fact for (one, _, _), fact in self.rows.items() if one == user] for user in users}

    def write(self, facts: list[Fact]) -> None:
        self.rows |= {(fact.user, fact.kind, fact.id): fact for fact in facts}


@dataclass
class Index:
    """What ClickHouse has."""

    marks: dict[Key, tuple[Indexed, int]] = field(default_factory=dict)
    lookalikes: dict[Key, tuple[int, Key, int, int]] = field(default_factory=dict)
    versions: dict[tuple[str, Key], int] = field(default_factory=dict)

    async def near(self, workouts: Sequence[Key]) -> Near:
        keys = {key for one in workouts if one in self.marks for key in self.marks[one][0].keys}
        return Near(one for name, (one, _) in self.marks.items() if name in workouts or keys & {*one.keys})

    async def said(self, workouts: Collection[Key]) -> dict[Key, Said]:
        found = {}
        for workout in workouts:
            if (other := self.lookalikes.get(workout)) is not None:
                own_digest, key, accepted_us, digest = other
                now = tuple(self.marks[one][1] if one in self.marks else 0 for one in (workout, key))
                found[workout] = Said((accepted_us, *key), now == (own_digest, digest))
        return found

    def store(self, rows: list[Rows]) -> None:
        """As a table that keeps the row of the latest source record."""
        for one in rows:
            for row in in_us(one.columns).to_pylist():
                key = row["user_id"], row["workout_id"]
                if row["source_offset"] < self.versions.get((one.table, key), 0):
                    continue
                self.versions[one.table, key] = row["source_offset"]
                if one.table == TRACK_MARKS.name:
                    lists = (tuple(row[name]) for name in ("position", "heart_rate", "power"))
                    marked = Marked(*key, row["accepted_at"], row["start"], row["end"], Fingerprint(*lists))
                    self.marks[key] = Indexed(marked, tuple(row["keys"]), bool(row["deleted"])), row["digest"]
                elif row["deleted"]:
                    self.lookalikes.pop(key, None)
                else:
                    other = row["other_user_id"], row["other_workout_id"]
                    self.lookalikes[key] = row["digest"], other, row["other_accepted_at"], row["other_digest"]


def in_us(table: pa.Table) -> pa.Table:
    """Times as microseconds."""
    columns = [c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c for c in table.columns]
    return pa.table(columns, names=table.column_names)


@dataclass
class Memory:
    """What an agent knows in a partition, and that it works on one batch at a time."""

    kind: type[Any]
    facts: Facts = field(default_factory=Facts)
    state: State | None = None
    lane: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(self, users: set[str]) -> State:
        if self.state is None:
            self.state = State(self.facts, (self.kind,), 10_000)
        await self.state.load(users)
        return self.state


@dataclass
class Reader:
    """One topic of an agent in a partition: where it is."""

    topic: str
    memory: Memory
    position: int = 0

    def next(self, log: list[Any], most: int, partition: int) -> Batch | None:
        some = log[self.position : self.position + most]
        if not some:
            return None
        span = Span(self.topic, partition, self.position, self.position + len(some))
        return Batch(span, [Record(self.position + i, 0, message) for i, message in enumerate(some)])


class World:
    """The partitions, worked on in an order that ``chance`` makes."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.index = Index()
        self.logs: dict[tuple[str, int], list[Any]] = defaultdict(list)
        self.readers: list[tuple[int, Reader]] = []
        for partition in range(PARTITIONS):
            indexing, comparing = Memory(KnownMarks), Memory(Compared)
            topics = (("marks", indexing), ("lookalikes", indexing), ("checks", comparing), ("lookalikes", comparing))
            self.readers += [(partition, Reader(topic, memory)) for topic, memory in topics]

    async def work(self, until_quiet: bool, steps: int = 0) -> None:
        """Some steps, or all until nothing is left to do."""
        while steps > 0 or until_quiet:
            steps -= 1
            ready = [one for one in self.readers if one[1].position < len(self.logs[one[1].topic, one[0]])]
            if not ready:
                return
            # A step reads at one time and writes at another: others come between.
            some = self.chance.sample(ready, self.chance.randint(1, len(ready)))
            await asyncio.gather(*(self._step(partition, reader) for partition, reader in some))

    async def _step(self, partition: int, reader: Reader) -> None:
        memory = reader.memory
        async with memory.lane:
            batch = reader.next(self.logs[reader.topic, partition], self.chance.randint(1, 3), partition)
            if batch is None:
                return
            state = await memory.load({record.message.user for record in batch.records})
            rows: list[Rows] = []
            if memory.kind is Compared:
                comparisons = Comparisons(batch, state)
                for some in comparisons.portions():
                    await comparisons.compare(some, self.index)  # type: ignore[arg-type] # reads as TrackReader does
                out: list[Any] = [*comparisons.found, *comparisons.checks]
            else:
                noted = tracks.note(batch, state)
                rows, out = noted.rows, list(noted.checks)
            await self._wait()
            memory.facts.write(state.take_pending())
            if self._crashes(memory):
                return
            await self._wait()
            self.index.store(rows)
            self._publish(out, memory)
            if memory.state is not None:
                reader.position = batch.span.next

    def said_in(self, partition: int) -> list[Valid]:
        """What was said of lookalikes."""
        return [Valid(offset, 0, message) for offset, message in enumerate(self.logs["lookalikes", partition])]

    def _publish(self, messages: list[Any], memory: Memory) -> None:
        """All of them, or some and then a crash."""
        published = messages[: self.chance.randint(0, len(messages))] if self._crashes(memory) else messages
        for message in published:
            kind = "lookalikes" if isinstance(message, hot.LookalikeFound) else "checks"
            self.logs[kind, partition_of(message.user)].append(message)

    def _crashes(self, memory: Memory) -> bool:
        """Now and then; the batch comes again then, and facts are what was written."""
        if self.chance.random() < 0.05:
            memory.state = None
        return memory.state is None

    async def _wait(self) -> None:
        for _ in range(self.chance.randint(0, 6)):
            await asyncio.sleep(0)


def marks_of(chance: random.Random, pool: list[int]) -> Fingerprint:
    """Marks of which two tracks share some, most or none, so that being alike is not transitive."""
    return Fingerprint(position=tuple(sorted(chance.sample(pool, MARKS))))


def said(chance: random.Random, pool: list[int], number: int) -> hot.TrackMarked:
    """A word on a workout: it has some marks, other marks, or none any more."""
    user, start_us = user_of(number), T0 + number * HOUR_US + chance.randint(0, 1) * HOUR_US // 2
    marks = Fingerprint() if chance.random() < 0.2 else marks_of(chance, pool)
    accepted_us = T0 + (number * 5 % 4) * HOUR_US
    one = Marked(user, workout_of(number), accepted_us, start_us, start_us + HOUR_US // 3, marks)
    return track_marked(one, "UTC")


async def played(chance: random.Random) -> tuple[dict[Key, Any], dict[Key, Any]]:
    """What is said in the end, and what must be."""
    world = World(chance)
    pools = [chance.sample(range(2**62), 84) for _ in range(2)]
    for _ in range(chance.randint(2, 12)):
        for _ in range(chance.randint(1, 4)):
            message = said(chance, chance.choice(pools), chance.randrange(WORKOUTS))
            world.logs["marks", partition_of(message.user)].append(message)
        await world.work(until_quiet=chance.random() < 0.4, steps=chance.randint(0, 12))
    await world.work(until_quiet=True)
    marked = [one.marked for one, _ in world.index.marks.values() if not one.is_gone]
    log = [record for partition in range(PARTITIONS) for record in world.said_in(partition)]
    return dict(said_lookalikes(log)), dict(expected_lookalikes(marked))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_in_the_end_every_workout_has_the_first_that_says_the_same(seed: int) -> None:
    note(f"seed {seed}")
    found, expected = asyncio.run(played(random.Random(seed)))
    assert found == expected


def test_the_town_has_lookalikes() -> None:
    """Without any, the test before would say nothing."""
    counts = [len(asyncio.run(played(random.Random(seed)))[1]) for seed in range(20)]
    assert sum(counts) > 60


def test_a_thousandth_copy_makes_only_few_be_looked_at_again() -> None:
    async def checks() -> int:
        chance = random.Random(3)
        world = World(chance)
        marks = marks_of(chance, chance.sample(range(2**62), 84))
        for number in range(60):
            one = Marked(f"u{number}", workout_of(number), T0 + number, T0, T0 + HOUR_US, marks)
            world.logs["marks", partition_of(one.user)].append(track_marked(one, "UTC"))
            await world.work(until_quiet=True)
        return sum(len(world.logs["checks", partition]) for partition in range(PARTITIONS))

    assert asyncio.run(checks()) < 60 * 3
