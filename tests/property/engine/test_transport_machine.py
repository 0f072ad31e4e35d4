"""Whatever is fetched, acked out of order, repeated or forgotten: no commit passes a record that nobody finished.

Hypothesis plays the fetch loop, agents and restarts against the transport's own bookkeeping, without a broker.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from itertools import takewhile
from types import SimpleNamespace
from typing import Any, Final
from weakref import WeakSet

from aiokafka import ConsumerRecord
from faust.types import TP
from faust_batches.batch import BatchMessage
from faust_batches.gathering import Bounds
from faust_batches.transport import Consumer, ReadOffsets
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

TPS: Final = (TP("batches", 0), TP("batches", 1))
IN_FLIGHT: Final = 2
tps = st.sampled_from(TPS)
bounds = st.builds(
    Bounds, st.none() | st.integers(1, 4), st.none() | st.integers(1, 40), st.just(0.0) | st.just(3_600.0)
)


class Bookkeeping(Consumer):
    """The consumer without its thread and its loop."""

    def __init__(self) -> None:
        self.out: list[Any] = []
        sensors = SimpleNamespace(on_message_out=lambda tp, offset, message: self.out.append(message))
        self.app: Any = SimpleNamespace(consumer_generation_id=1, sensors=sensors, batches_in_flight=IN_FLIGHT)
        self._unacked_messages: Any = WeakSet()
        self._committed_offset: Any = defaultdict(lambda: None)
        self._n_acked = 0
        self.log: Any = logging.getLogger(__name__)
        self._in_flight, self._gathered, self._done, self._fetched = {}, {}, {}, {}
        self._epochs, self._era, self._held = Counter(), 0, set()
        self._room = asyncio.Event()
        self._read_offset = ReadOffsets()
        self._read_offset.batch_topics = {TPS[0].topic}


class TransportMachine(RuleBasedStateMachine):
    """Two partitions whose batches go to one or two agents."""

    def __init__(self) -> None:
        super().__init__()
        self.consumer = Bookkeeping()
        self.position = dict.fromkeys(TPS, 0)  # where the fetch loop is
        self.fetched: dict[TP, list[int]] = {tp: [] for tp in TPS}  # offsets, since the last start
        self.handed: dict[TP, list[int]] = {tp: [] for tp in TPS}
        self.batches: dict[TP, list[BatchMessage]] = {tp: [] for tp in TPS}
        self.open: list[tuple[BatchMessage, Any]] = []  # deliveries that were not acked
        self.stale: list[tuple[BatchMessage, Any]] = []

    @rule(
        tp=tps,
        gaps=st.lists(st.integers(0, 3), min_size=1, max_size=6),
        size=st.integers(1, 30),
        limits=bounds,
        agents=st.integers(1, 2),
    )
    def fetch(self, tp: TP, gaps: list[int], size: int, limits: Bounds, agents: int) -> None:
        """Records arrive, with holes between their offsets."""
        rows = []
        for gap in gaps:
            offset = self.position[tp] + gap
            rows.append(ConsumerRecord(*tp, offset, 0, 0, None, b"x" * size, None, -1, size, ()))
            self.position[tp] = offset + 1
        self.fetched[tp] += [row.offset for row in rows]
        self.consumer._gather(tp, rows, limits)
        self.hand_over(limits, agents)

    @rule(limits=bounds, agents=st.integers(1, 2))
    def hand_over(self, limits: Bounds, agents: int) -> None:
        for tp, messages in self.consumer._take_due(set(TPS), limits).items():
            for message in messages:
                batch = message.batch
                assert limits.max_records is None or len(batch) <= limits.max_records
                assert limits.max_bytes is None or len(batch) == 1 or self._bytes(batch) <= limits.max_bytes
                self.handed[tp] += [row.offset for row in batch.records]
                self.batches[tp].append(message)
                message.refcount += agents
                event = SimpleNamespace(ack=lambda m=message: m.ack(self.consumer))
                self.open += [(message, event)] * agents
            assert len(self.consumer._in_flight[tp]) <= IN_FLIGHT

    @staticmethod
    def _bytes(batch: Any) -> int:
        return sum(len(row.value) for row in batch.records)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        message, event = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        message.batch.ack(event)

    @precondition(lambda self: self.stale)
    @rule()
    def ack_a_stale_batch(self) -> None:
        message, event = self.stale.pop()
        before = dict(self.consumer._done), len(self.consumer.out)
        message.batch.ack(event)
        assert (dict(self.consumer._done), len(self.consumer.out)) == before

    @rule(tp=tps, back=st.integers(0, 5))
    def restart(self, tp: TP, back: int) -> None:
        self.consumer._forget(tp)
        self._begin_anew(tp, max(0, self.position[tp] - back))

    @rule(generation=st.booleans())
    def rebalance(self, generation: bool) -> None:
        self.consumer._forget_all()
        self.consumer.app.consumer_generation_id += generation
        for tp in TPS:
            self._begin_anew(tp, self.position[tp])

    @rule(tp=tps)
    def made_anew(self, tp: TP) -> None:
        """The topic's offsets begin at 0 again and nobody says so."""
        if self.consumer._fetched.get(tp, 0) > 1:
            self._begin_anew(tp, 0)
            self.fetch(tp, [0], 1, Bounds(), 1)

    def _begin_anew(self, tp: TP, offset: int) -> None:
        self.position[tp] = offset
        self.fetched[tp], self.handed[tp], self.batches[tp] = [], [], []
        self.stale += [delivery for delivery in self.open if delivery[0].tp == tp]
        self.open = [delivery for delivery in self.open if delivery[0].tp != tp]

    @invariant()
    def what_is_finished_from_the_start_and_no_more_can_be_committed(self) -> None:
        unfinished = {id(message) for message, _ in self.open}
        for tp in TPS:
            finished = list(takewhile(lambda message: id(message) not in unfinished, self.batches[tp]))
            assert self.consumer._new_offset(tp) == (finished[-1].batch.next_offset if finished else None)

    @invariant()
    def records_are_handed_over_once_and_in_order(self) -> None:
        for tp in TPS:
            assert self.handed[tp] == self.fetched[tp][: len(self.handed[tp])]
            waiting = len(self.consumer._gathered.get(tp, ()))
            assert len(self.handed[tp]) + waiting == len(self.fetched[tp])

    @invariant()
    def only_forgotten_batches_are_stale(self) -> None:
        assert all(message.batch.stale for message, _ in self.stale)
        assert not any(message.batch.stale for message, _ in self.open)
        assert not any(message.batch.stale for messages in self.consumer._in_flight.values() for message in messages)


TestTransport = TransportMachine.TestCase
TestTransport.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
