"""Kafka in memory around the transport's real consumer, and Faust's application as far as a rebalance needs it.

Nothing happens by itself: whatever waits for Kafka, a store or Faust waits at a gate until the test opens it.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from aiokafka import ConsumerRecord
from aiokafka.errors import IllegalStateError
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP
from faust.utils.tracing import noop_span
from faust_batches import BatchSchema
from faust_batches.gathering import Bounds
from faust_batches.transport import Consumer
from mode.utils.queues import FlowControlEvent

TOPIC: Final = "batches"
TPS: Final = (TP(TOPIC, 0), TP(TOPIC, 1))
IN_FLIGHT: Final = 2


class Stage(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still until it is moved, and gates that a test opens in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.gates: list[tuple[str, asyncio.Future[None]]] = []
        self._held: tuple[str, asyncio.Future[None]] | None = None
        self._to_hold: str | None = None

    def time(self) -> float:
        return self.now_s

    async def gate(self, name: str) -> None:
        """Wait until the test lets it pass."""
        gate = (name, self.create_future())
        self.gates.append(gate)
        if name == self._to_hold:
            self._held, self._to_hold = gate, None
        try:
            await gate[1]
        finally:
            self.gates.remove(gate)

    def open(self, number: int) -> None:
        """Open one of the gates that are not held, and let everybody go on to the next."""
        if free := [gate for gate in self.gates if gate is not self._held]:
            free[number % len(free)][1].set_result(None)
            self.settle()

    def hold(self, name: str | None) -> None:
        """Let the next gate of a name wait longer than all others; what was held waits no longer than others."""
        self._held = next((gate for gate in self.gates if gate[0] == name), None)
        self._to_hold = name if self._held is None else None

    def settle(self) -> None:
        """Let everything run that only waits for its turn."""

        def again() -> None:
            if self._ready:  # type: ignore[attr-defined] # asyncio's own
                self.call_soon(again)
            else:
                self.stop()

        self.call_soon(again)
        self.run_forever()


class Kafka:
    """Logs with holes, what the group has committed, and which records somebody has worked on."""

    def __init__(self, reset: str) -> None:
        self.reset = reset
        self.log: dict[TP, list[Any]] = {tp: [] for tp in TPS}
        self.since: Counter[TP] = Counter()  # the number with which the topic was made
        self.committed: dict[TP, int] = {}
        self.refused: set[TP] = set()  # of which a commit came to nothing: Faust does not try again
        self.generation = 0
        self.done: set[int] = set()
        self.lost: set[int] = set()  # what was done and is gone from the store
        self._numbers = itertools.count()

    def append(self, tp: TP, gap: int, size: int) -> None:
        """Add a record; its number, which stands in for the time, is like no other's."""
        offset = self.end(tp) + gap
        self.log[tp].append(ConsumerRecord(*tp, offset, next(self._numbers), 0, None, b"x" * size, None, -1, size, ()))

    def end(self, tp: TP) -> int:
        return self.log[tp][-1].offset + 1 if self.log[tp] else 0

    def first(self, tp: TP) -> int:
        """Where a group without a commit begins; what it passes over by that is nobody's work."""
        if self.reset == "earliest":
            return 0
        self.done.update(record.timestamp for record in self.log[tp])
        return self.end(tp)

    def mark(self, tp: TP) -> int:
        """The next offset after what is done from the beginning: a store's watermark."""
        done = itertools.takewhile(lambda record: record.timestamp in self.done - self.lost, self.log[tp])
        return max((record.offset + 1 for record in done), default=0)

    def make_anew(self, tp: TP) -> None:
        self.since[tp] = next(self._numbers)
        self.log[tp] = []
        self.committed.pop(tp, None)


class Thread:
    """Faust's consumer thread with aiokafka's consumer in it. What was begun goes on when nobody waits for it."""

    beacon = None
    consumer: "Tested"

    def __init__(self, stage: Stage, kafka: Kafka) -> None:
        self.stage = stage
        self.kafka = kafka
        self.tps: set[TP] = set()
        self.position: dict[TP, int] = {}
        self.generation = 0
        self.reassignment_in_progress = True

    def _ensure_consumer(self) -> Any:
        return SimpleNamespace(_subscription=self)

    async def call_thread(self, call: Any, *args: Any) -> Any:
        work = asyncio.ensure_future(call(*args))
        work.add_done_callback(lambda work: work.cancelled() or work.exception())
        await asyncio.wait([work])
        await self.stage.gate(f"after {call.__name__}")
        return work.result()

    def assign(self, tps: set[TP]) -> None:
        """The group has agreed on who has what."""
        self.kafka.generation += 1
        self.generation = self.kafka.generation
        self.tps, self.position = tps, {}
        self.reassignment_in_progress = False

    def assignment(self) -> set[TP]:
        return set(self.tps)

    def highwater(self, tp: TP) -> int:
        return self.kafka.end(tp)

    def seek(self, tp: TP, offset: int) -> None:
        if tp not in self.tps:
            raise IllegalStateError(f"{tp} is not assigned")
        self.position[tp] = offset

    async def getmany(self, active: set[TP], timeout: float) -> dict[TP, list[Any]]:
        fetched: dict[TP, list[Any]] = await self.call_thread(self._fetch, active)
        return fetched

    async def _fetch(self, active: set[TP]) -> dict[TP, list[Any]]:
        await self.stage.gate("fetch")
        if not self.consumer.flow_active:
            return {}
        while self.reassignment_in_progress:
            await self.stage.gate("assignment")
        return {tp: rows for tp in sorted(active & self.tps) if (rows := self._take(tp))}

    def _take(self, tp: TP) -> list[Any]:
        start = self.position.get(tp, self.kafka.committed.get(tp))
        if start is None or start > self.kafka.end(tp):
            start = self.kafka.first(tp)
        rows = [record for record in self.kafka.log[tp] if record.offset >= start]
        self.position[tp] = rows[-1].offset + 1 if rows else start
        return rows

    async def seek_to_committed(self) -> dict[TP, int | None]:
        found: dict[TP, int | None] = await self.call_thread(self._seek_to_committed)
        return found

    async def _seek_to_committed(self) -> dict[TP, int | None]:
        assert self.tps, "No partitions are currently assigned"
        found: dict[TP, int | None] = {}
        for tp in sorted(self.tps):
            await self.stage.gate("committed")
            found[tp] = offset = self.kafka.committed.get(tp)
            if offset:
                self.seek(tp, offset)
        return found

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        committed: bool = await self.call_thread(self._commit, offsets)
        return committed

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        mine = {tp: offset for tp, offset in offsets.items() if tp in self.tps and self.consumer.knows(tp)}
        generation = self.generation
        await self.stage.gate("commit")
        if generation != self.kafka.generation:
            mine = {}
        self.kafka.committed.update(mine)
        self.kafka.refused.update(offsets.keys() - mine.keys())
        return bool(mine)

    async def earliest_offsets(self, *tps: TP) -> Any:
        return await self.call_thread(self._offsets, dict.fromkeys(tps, 0))

    async def highwaters(self, *tps: TP) -> Any:
        return await self.call_thread(self._offsets, {tp: self.kafka.first(tp) for tp in tps})

    async def _offsets(self, offsets: dict[TP, int]) -> dict[TP, int]:
        return offsets


class Tested(Consumer):
    """The consumer, with its thread replaced."""

    def _new_consumer_thread(self) -> Any:
        transport: Any = self.transport
        transport.thread.consumer = self
        self.kafka: Kafka = transport.thread.kafka
        self.seen: dict[TP, int] = {}
        return transport.thread

    def _gather(self, tp: TP, rows: list[Any], bounds: Bounds) -> None:
        self.seen[tp] = rows[-1].timestamp
        super()._gather(tp, rows, bounds)

    def knows(self, tp: TP) -> bool:
        """Whether it has seen the topic as it is now: of another one it has nothing to commit."""
        return self.seen.get(tp, -1) >= self.kafka.since[tp]


class Silent:
    """Sensors and such: takes every call."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


async def nothing(*args: Any) -> None:
    """A call of Faust's that has nothing to do here."""


class Topics(list[Any]):
    """The channels of the application."""

    def acks_enabled_for(self, topic: str) -> bool:
        return True


class Worker:
    """A Faust application around the consumer."""

    def __init__(self, stage: Stage, kafka: Kafka, deliver: Callable[[Any], None], **options: Any) -> None:
        self.stage = stage
        self.deliver = deliver
        self.flow = FlowControlEvent(loop=stage)
        conf = SimpleNamespace(
            broker_commit_every=None,
            ConsumerScheduler=DefaultSchedulingStrategy,
            broker_commit_interval=1.0,
            broker_commit_livelock_soft_timeout=1.0,
            consumer_auto_offset_reset=kafka.reset,
        )
        self.app: Any = SimpleNamespace(
            conf=conf,
            client_only=False,
            in_transaction=False,
            in_recovery=False,
            should_stop=False,
            consumer_generation_id=0,
            topics=Topics([SimpleNamespace(schema=BatchSchema(), topics=(TOPIC,))]),
            sensors=Silent(),
            monitor=Silent(),
            tables=Silent(),
            producer=SimpleNamespace(flush=nothing),
            _attachments=SimpleNamespace(publish_for_tp_offset=nothing),
            _start_span_from_rebalancing=lambda name: noop_span(),
            on_rebalance_return=lambda: None,
            batches_in_flight=IN_FLIGHT,
            **options,
        )
        self.thread = Thread(stage, kafka)
        transport = SimpleNamespace(
            app=self.app, thread=self.thread, create_transaction_manager=lambda **_: None, _topic_waiters={}
        )
        self.app.consumer = self.consumer = Tested(
            transport, self._on_message, self._on_revoked, self._on_assigned, loop=stage
        )
        self.errors: list[BaseException] = []  # that Faust would have crashed with
        self.recovered = 0  # the generation
        self._generation = 0
        self._recovery_starts = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []
        self._fetching = False
        self.begin(self._recover())

    def begin(self, work: Any) -> "asyncio.Task[Any]":
        """Do something beside all the rest."""
        task = self.stage.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.errors.append(error)

    def kill(self) -> None:
        """End the process: nothing of it runs any more."""
        self.thread.generation = -1
        for task in asyncio.all_tasks(self.stage):
            task.cancel()
        self.stage.settle()

    async def rebalance(self, tps: set[TP]) -> None:
        """What aiokafka's coordinator does."""
        self.thread.reassignment_in_progress = True
        await self.stage.gate("revoke")
        await self.consumer.on_partitions_revoked(set(self.thread.tps))
        assert not self.consumer._in_flight, "batches of the assignment before still count"
        await self.stage.gate("join")
        self.thread.assign(tps)
        await self.stage.gate("assign")
        self.app.consumer_generation_id = self.thread.generation
        await self.consumer.on_partitions_assigned(set(tps), self.thread.generation)

    async def _on_revoked(self, revoked: set[TP]) -> None:
        if tps := self.consumer.assignment():
            self.consumer.stop_flow()
            self.flow.suspend()
            self.consumer.pause_partitions(tps)
            await self.stage.gate("streams finish")

    async def _on_assigned(self, assigned: set[TP], generation: int) -> None:
        await self.stage.gate("agents")
        self.consumer.pause_partitions(assigned)
        await self.stage.gate("tables")
        self._generation = generation
        self._recovery_starts.set()

    async def _recover(self) -> None:
        """Faust's task of recovery, without tables."""
        while await self._recovery_starts.wait():
            self._recovery_starts.clear()
            generation = self._generation
            await self.stage.gate("on_rebalance_complete")
            if generation != self.app.consumer_generation_id:
                continue
            if tps := self.consumer.assignment():
                self.consumer.resume_partitions(tps)
                try:
                    await self.consumer.wait_first(self.consumer.perform_seek(), self._recovery_starts.wait())
                except IllegalStateError:
                    continue
                if self._recovery_starts.is_set():
                    continue
            self.recovered = generation
            self.flow.resume()
            self.consumer.resume_flow()
            if not self._fetching:
                self._fetching = True
                self.begin(self.consumer._drain_messages(self.consumer))

    async def _on_message(self, message: Any) -> None:
        """What Faust's conductor does."""
        await self.stage.gate("message")
        await self.flow.acquire()
        self.deliver(message)
