"""Whatever is fetched, acked, taken away, restarted or killed: no record is skipped, and no commit passes one.

Hypothesis plays Kafka, Faust's rebalances, agents, a store and fate against the transport's real consumer, whose every
wait ends when the machine says so.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from faust.types import TP
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.property.engine.faust_world import IN_FLIGHT, TPS, Kafka, Stage, Worker

HOUR_S: Final = 3_600.0
GATES: Final = (
    *("fetch", "after _fetch", "message", "committed", "store", "after seek"),
    *("commit", "after _commit", "join", "agents", "on_rebalance_complete"),
)
FATE: Final = (
    *("an_hour_passes", "an_hour_passes", "crash", "other_works", "made_anew", "pause", "resume", "agent_fails"),
)
tps = st.sampled_from(TPS)
gates = st.none() | st.sampled_from(GATES)
answers = st.sampled_from(["mark", "mark", "behind", "empty", "nothing", "away"])
opens = st.builds(
    lambda some, more: some + [0] * more, st.lists(st.integers(0, 5), max_size=8), st.sampled_from([0, 0, 10, 40])
)


class TransportMachine(RuleBasedStateMachine):
    """A worker on a topic of two partitions; what it is not given, another one has."""

    @initialize(
        asked=st.booleans(),
        reset=st.sampled_from(["earliest", "earliest", "latest"]),
        records=st.none() | st.integers(1, 4),
        size=st.none() | st.integers(1, 40),
        wait_s=st.sampled_from([0.0, 0.0, HOUR_S]),
        agents=st.integers(1, 2),
        begun=st.booleans(),
    )
    def start(
        self,
        asked: bool,
        reset: str,
        records: int | None,
        size: int | None,
        wait_s: float,
        agents: int,
        begun: bool,
    ) -> None:
        self.stage = Stage()
        self.clock = mock.patch("faust_batches.transport.time", SimpleNamespace(monotonic=self.stage.time))
        self.clock.start()
        self.kafka = Kafka(reset)
        self.agents = agents
        self.answer = "mark"
        self.asked = asked
        self.options = {"batch_max_records": records, "batch_max_bytes": size, "batch_max_wait": wait_s}
        self.new_worker(set(TPS))
        for tp in TPS:
            self.produce(tp, [0, 0, 1], 1, [])
        self.rounds(lambda: self.quiet and (not begun or all(map(self.is_done, TPS))))

    def new_worker(self, assigned: set[TP]) -> None:
        starts = {"batch_start_offsets": self.starts} if self.asked else {}
        self.worker = Worker(self.stage, self.kafka, self.deliver, **self.options, **starts)
        self.consumer = self.worker.consumer
        self.open: list[tuple[Any, Any]] = []  # deliveries that were not acked
        self.runs: dict[TP, tuple[Any, int]] = {}  # where the batches that count have come to
        self.owed: set[TP] = set()  # partitions that wait for a start, as the store gave none
        self.failed = False
        self.works: list[asyncio.Task[Any]] = []
        self.rebalance(assigned, "mark", None, [])

    async def starts(self, partitions: set[TP]) -> dict[TP, int | None]:
        """``app.batch_start_offsets``, from a store that may have lost some."""
        await self.stage.gate("store")
        answer, self.answer = self.answer, "mark"
        if answer == "away":
            raise ConnectionError("the store is away")
        for tp in partitions:
            kept = {"empty": 0, "behind": self.kafka.mark(tp) - 2}.get(answer, self.kafka.end(tp))
            self.kafka.lost.update(record.timestamp for record in self.kafka.log[tp] if record.offset >= kept)
            if answer == "nothing":
                self.kafka.lost.difference_update(record.timestamp for record in self.kafka.log[tp])
        return {} if answer == "nothing" else {tp: self.kafka.mark(tp) or None for tp in partitions}

    def deliver(self, message: Any) -> None:
        """A batch comes to the agents, which skip it as Faust's streams do."""
        batch, tp = message.batch, message.tp
        message.incref(self.agents)
        if not self.worker.flow.is_active() or message.generation_id != self.worker.app.consumer_generation_id:
            return
        assert not batch.stale
        assert len(self.consumer._in_flight[tp]) <= IN_FLIGHT
        records, size = self.options["batch_max_records"], self.options["batch_max_bytes"]
        assert records is None or len(batch) <= records
        assert size is None or len(batch) == 1 or sum(len(record.value) for record in batch.records) <= size
        self.open += [(message, SimpleNamespace(ack=lambda: message.ack(self.consumer)))] * self.agents
        log = {record.timestamp: record.offset for record in self.kafka.log[tp]}
        numbers = [record.timestamp for record in batch.records]
        if numbers[0] not in log:
            return  # of a topic that was made anew since
        first, after = batch.first_offset, batch.next_offset
        assert numbers == [number for number, offset in log.items() if first <= offset < after]
        known = {record.timestamp for other in self.consumer._in_flight[tp] for record in other.batch.records}
        before = [offset for number, offset in log.items() if offset < first and number not in known | self.kafka.done]
        assert not before, f"{batch} comes before {before}"
        run, begin = self.runs.get(tp, (None, 0))
        if run == self.consumer._epoch(tp):
            assert first == next(offset for offset in log.values() if begin <= offset), f"{batch} is not at {begin}"
        self.runs[tp] = self.consumer._epoch(tp), after

    # -- what happens

    @rule(held=gates, then=opens)
    def go_on(self, held: str | None, then: list[int]) -> None:
        """Open gates in some order, and one of them not: it waits until it is said again which."""
        self.stage.hold(held)
        self.step(then)

    def step(self, then: list[int]) -> None:
        for number in then:
            self.stage.open(number)

    @rule(tp=tps, gaps=st.lists(st.integers(0, 3), min_size=1, max_size=5), size=st.integers(1, 30), then=opens)
    def produce(self, tp: TP, gaps: list[int], size: int, then: list[int]) -> None:
        for gap in gaps:
            self.kafka.append(tp, gap, size)
        self.step(then)

    @precondition(lambda self: self.open)
    @rule(numbers=st.lists(st.integers(0, 5), min_size=1, max_size=8), commit=st.booleans(), then=opens)
    def ack(self, numbers: list[int], commit: bool, then: list[int]) -> None:
        for number in numbers[: len(self.open)]:
            self.finish(*self.open.pop(number % len(self.open)))
        if commit:
            self.begin(self.consumer.commit(), None, [])
        self.step(then)

    def finish(self, message: Any, event: Any) -> None:
        before = dict(self.consumer._done)
        message.batch.ack(event)
        numbers = {record.timestamp for record in message.batch.records}
        if message.batch.stale:
            assert self.consumer._done == before, "a stale batch counts"
        elif message.batch.processed:
            self.kafka.done |= numbers
            self.kafka.lost -= numbers
        self.stage.settle()

    @precondition(lambda self: self.rebalancing.done())
    @rule(assigned=st.sets(tps), answer=answers, held=gates, then=opens)
    def rebalance(self, assigned: set[TP], answer: str, held: str | None, then: list[int]) -> None:
        self.answer = answer
        self.owed.clear()
        self.rebalancing = self.begin(self.worker.rebalance(assigned), held, then)

    @precondition(lambda self: self.asked)
    @rule(some=st.sets(tps, min_size=1), answer=answers, held=gates, then=opens)
    def restart(self, some: set[TP], answer: str, held: str | None, then: list[int]) -> None:
        self.answer = answer
        self.begin(self.restarted(some), held, then)

    async def restarted(self, some: set[TP]) -> None:
        generation = self.kafka.generation
        with suppress(ConnectionError):
            await self.consumer.restart_batches(some)
        if generation == self.kafka.generation and not self.worker.thread.reassignment_in_progress:
            self.owed = (self.owed | some) - self.consumer._placed

    def begin(self, work: Coroutine[Any, Any, Any], held: str | None, then: list[int]) -> "asyncio.Task[Any]":
        if held is not None:
            self.stage.hold(held)
        task = self.worker.begin(work)
        self.works.append(task)
        self.stage.settle()
        self.step(then)
        return task

    @rule(what=st.sampled_from(FATE), tp=tps, then=opens)
    def fate(self, what: str, tp: TP, then: list[int]) -> None:
        getattr(self, what)(tp)
        self.step(then)

    def an_hour_passes(self, tp: TP) -> None:
        self.stage.now_s += HOUR_S
        self.stage.settle()

    def crash(self, tp: TP) -> None:
        self.worker.kill()
        self.new_worker({tp})

    def other_works(self, tp: TP) -> None:
        """A partition that was moved away goes on elsewhere."""
        if tp not in self.worker.thread.tps and self.rebalancing.done():
            start = self.kafka.committed.get(tp)
            start = self.kafka.first(tp) if start is None else start
            for record in [record for record in self.kafka.log[tp] if record.offset >= start][:2]:
                self.kafka.done.add(record.timestamp)
                self.kafka.committed[tp] = record.offset + 1

    def made_anew(self, tp: TP) -> None:
        """The topic's offsets begin at 0 again and nobody says so."""
        if self.calm():
            self.kafka.make_anew(tp)
            self.kafka.append(tp, 0, 1)
            if tp in self.worker.thread.tps:
                self.worker.thread.position[tp] = 0  # as the old one is out of range

    def pause(self, tp: TP) -> None:
        if self.calm() and tp in self.worker.thread.tps:
            self.consumer.pause_partitions({tp})

    def resume(self, tp: TP) -> None:
        if self.calm() and tp in self.worker.thread.tps:
            self.consumer.resume_partitions({tp})

    def agent_fails(self, tp: TP) -> None:
        """Faust acks for it; the batch holds its partition up until the next assignment."""
        if self.open:
            self.open.pop()[1].ack()
            self.failed = True

    @property
    def quiet(self) -> bool:
        """Nothing is under way but a fetch."""
        return self.worker.recovered == self.kafka.generation and all(work.done() for work in self.works)

    def calm(self) -> bool:
        """Let what is under way come to its end, if nothing holds it."""
        for _ in range(60):
            if not self.quiet:
                self.stage.open(0)
        return self.quiet

    # -- what holds

    @invariant()
    def no_commit_passes_a_record_that_nobody_finished(self) -> None:
        for tp, committed in self.kafka.committed.items():
            undone = [row.offset for row in self.kafka.log[tp] if row.timestamp not in self.kafka.done]
            assert not undone or committed <= undone[0], f"{tp} is committed at {committed} and {undone[0]} is not done"

    @invariant()
    def faust_goes_on(self) -> None:
        errors, self.worker.errors = self.worker.errors, []
        if any(isinstance(error, ConnectionError) for error in errors):
            self.crash(TPS[0])  # by the application's own store
        else:
            assert not errors, f"Faust would crash: {errors}"

    def teardown(self) -> None:
        if not hasattr(self, "stage"):
            return
        try:
            self.everything_is_done_in_the_end()
        finally:
            self.worker.kill()
            self.stage.run_until_complete(self.stage.shutdown_asyncgens())
            self.stage.close()
            self.clock.stop()

    def everything_is_done_in_the_end(self) -> None:
        self.answer = "mark"  # of what is under way
        self.stage.hold(None)
        self.rounds(lambda: self.quiet)
        if self.failed:
            self.rebalance(set(TPS), "mark", None, [])
            self.rounds(lambda: self.quiet)
        mine = self.worker.thread.tps
        self.consumer.resume_partitions(mine)
        if self.owed & mine:
            self.restart(self.owed & mine, "mark", None, [])
        self.rounds(lambda: all(map(self.is_done, mine)))

    def is_done(self, tp: TP) -> bool:
        """Whether nothing is left of a partition, and all of it is committed as far as that can be."""
        end = self.kafka.end(tp)
        free = tp in self.kafka.refused or self.consumer._done.get(tp) is None
        return self.kafka.mark(tp) == end and (free or self.kafka.committed.get(tp) == end)

    def rounds(self, true: Callable[[], bool]) -> None:
        """Let everybody do all they can until it is so."""
        for _ in range(400):
            if true():
                return
            self.step([0] * (len(self.stage.gates) + 1))
            while self.open:
                self.finish(*self.open.pop(0))
            if self.quiet:
                self.begin(self.consumer.commit(), None, [])
            self.an_hour_passes(TPS[0])
            self.faust_goes_on()
            self.no_commit_passes_a_record_that_nobody_finished()
        raise AssertionError(f"it does not go on: {[name for name, _ in self.stage.gates]}")


logging.getLogger("faust").setLevel(logging.CRITICAL)
TestTransport = TransportMachine.TestCase
TestTransport.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
