"""Reads an agent's inputs from the beginning up to some offsets, for a runner, without a consumer group."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from types import SimpleNamespace
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from faust.types import TP
from faust_batches import FetchedBatch

from sinks.base import TopicPartition
from stridelog.engine import Runner
from stridelog.rebuild.refused import Refused

IN_FLIGHT: Final = 2  # batches of a partition: one that is worked on and one that is ready when it is done
FETCH_MS: Final = 100
LOOK_S: Final = 1.0

Offsets = Mapping[TopicPartition, int]


class Delivery:
    """A batch on its way to a runner: what an engine wants of Faust's event around it."""

    app = SimpleNamespace(consumer=SimpleNamespace(highwater=lambda tp: None))  # nobody looks at lag here

    def __init__(self, batch: FetchedBatch, done: Callable[[FetchedBatch], None]) -> None:
        self.value = batch
        self._done = done

    def ack(self) -> None:
        """The runner is done with the batch."""
        self._done(self.value)


class Feed:
    """The inputs of one agent. ``done`` is up to where the runner has taken them.

    Topics of ``first`` are handed over before the others: what concerns everyone, because nobody is there to do the
    work that an agent gives to itself when it comes late.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        refused: Refused,
        starts: Offsets,
        max_records: int,
        first: Collection[str] = (),
    ) -> None:
        self._first = first
        self._consumer = consumer
        self._refused = refused
        self._max_records = max_records
        self._read = dict(starts)  # up to where records were fetched
        self._under_way = dict.fromkeys(starts, 0)  # batches
        self._room = asyncio.Event()
        self.done = dict(starts)
        self.ends = dict(starts)
        self.records = 0
        consumer.assign([KafkaPartition(*source) for source in starts])
        for source, offset in starts.items():
            consumer.seek(KafkaPartition(*source), offset)

    async def end_offsets(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the log ends, as far as the runner is concerned."""
        return {source: self.ends[source] for source in sources}

    async def is_empty(self, source: TopicPartition, first: int, end: int) -> bool:
        """Whether the runner has had all records before ``end``."""
        return self.ends[source] >= end and self.done[source] >= end

    async def run_to(self, runner: Runner, ends: Offsets, say: Callable[[], None]) -> None:
        """Hand over everything before ``ends``, and return when the runner has taken it. Raises ``KafkaError``."""
        self.ends = {source: max(end, self.ends[source]) for source, end in ends.items()}
        while any(self.done[source] < end for source, end in self.ends.items()):
            left = [source for source, end in self.ends.items() if self.done[source] < end]
            now = [source for source in left if source.topic in self._first] or left
            ready = [s for s in now if self._read[s] < self.ends[s] and self._under_way[s] < IN_FLIGHT]
            if ready:
                await self._fetch(runner, ready)
            else:
                await self._wait_for_room()
            say()

    async def _fetch(self, runner: Runner, ready: Iterable[TopicPartition]) -> None:
        wanted = {KafkaPartition(*source): source for source in ready}
        fetched = await self._consumer.getmany(*wanted, timeout_ms=FETCH_MS, max_records=self._max_records)
        for partition, source in wanted.items():
            records, end = fetched.get(partition, []), self.ends[source]
            mine = [record for record in records if record.offset < end]
            if len(mine) < len(records):
                self._consumer.seek(partition, end)
            # What lies between two records is none: the end of a transaction, or compacted away.
            self._read[source] = min(end, await self._consumer.position(partition))
            if mine:
                batch = FetchedBatch(TP(*source), self._refused.masked(source, mine))
                self._under_way[source] += 1
                runner.take(Delivery(batch, self._taken))
            elif not self._under_way[source]:
                self.done[source] = self._read[source]

    def _taken(self, batch: FetchedBatch) -> None:
        source = TopicPartition(batch.tp.topic, batch.tp.partition)
        self._under_way[source] -= 1
        self.records += len(batch)
        self.done[source] = batch.next_offset if self._under_way[source] else self._read[source]
        self._room.set()

    async def _wait_for_room(self) -> None:
        self._room.clear()
        try:
            await asyncio.wait_for(self._room.wait(), LOOK_S)
        except TimeoutError:
            return
