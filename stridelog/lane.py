"""A partition's lane: takes fetched batches, decodes, calls the agent, writes its sinks, acknowledges.

Each partition number of an agent has one, which works on one batch at a time whatever topic it is of: co-partitioned
topics share the users of the partition, and their facts. Lanes wait for each other in one thing: so many large batches
at a time are processed and written (``large_at_once``), so while a store is away, large batches wait behind those that
retry.
"""

import asyncio
import contextlib
import logging
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiokafka.partitioner import DefaultPartitioner
from faust_batches import FetchedBatch

from schemas import hot
from schemas.decode import BadRecord, DeadReason, encode
from sinks.base import Fenced, Outgoing, PoisonRows, Span, TopicPartition
from sinks.keys import Keys
from stridelog import metrics
from stridelog.agent import Context
from stridelog.batch import Batch, Record, Writes
from stridelog.deadletters import ROW, SINK, DeadLetter, of_refused
from stridelog.ending import end_worker
from stridelog.state import State, everyone

if TYPE_CHECKING:
    from stridelog.engine import Runner

log = logging.getLogger(__name__)

_PARTITIONER: Final = DefaultPartitioner()
MAX_SHOWN: Final = 500  # characters of a refused row in the log
SMALL_BYTES: Final = 128 << 10  # of values; frames of some ten thousand samples
SMALL_RECORDS: Final = 1_000
FENCED_POLL_S: Final = 0.2
EMPTY_POLL_S: Final = 1.0
LEAVE_S: Final = 5.0  # how long a lane may finish its batch when its partitions are taken away


def is_large(batch: FetchedBatch) -> bool:
    """Whether a batch is one of those that bound a worker's memory."""
    records = batch.records
    return len(records) > SMALL_RECORDS or sum(len(record.value or b"") for record in records) > SMALL_BYTES


class RegisteredUser(msgspec.Struct, frozen=True):
    """The fact that a user registered. It outlives erasure: which records a user may have sent must not depend on when
    the erasure is read; what erasure voids, agents decide by event time.
    """

    event_id: str


class HeldBack(Exception):
    """The agent pauses before this batch is written."""


class Lane:
    """The batches of one partition number of all the agent's topics, one at a time."""

    def __init__(self, runner: "Runner", partition: int) -> None:
        self.runner = runner
        self.partition = partition
        always = [everyone(partition)] if runner.for_everyone else []
        self.state = State(runner.facts, runner.kinds, runner.settings.cached_facts, always)
        self.context = Context(self.state, Keys(runner.settings.namespace), runner.resources)
        self.positions: dict[str, int] = {}  # topic → next offset to work on
        self.waiting: dict[str, deque[Any]] = defaultdict(deque)  # topic → events, each with when it came
        self.blocked: dict[str, int] = {}  # topic → position of the user topic that it waits for
        self.work = asyncio.Event()
        self.sending_ahead = asyncio.Lock()  # several stores may refuse rows at the same time
        self.stopping = False
        self.task = asyncio.create_task(self._run(), name=f"{runner.agent.name}-{partition}")
        self.task.add_done_callback(self._ended)

    def put(self, event: Any) -> None:
        """Take a fetched batch in."""
        self.waiting[event.value.tp.topic].append((event, time.monotonic()))
        self.work.set()

    def let_go(self) -> None:
        """Acknowledge unread what a stopped lane has left."""
        for events in self.waiting.values():
            for event, _ in events:
                event.value.ack(event)

    async def stop(self) -> None:
        """Finish the batch at hand, if that takes no longer than a few seconds."""
        self.stopping = True
        self.work.set()
        _, unfinished = await asyncio.wait({self.task}, timeout=LEAVE_S)
        if unfinished:
            self.task.cancel()
            await asyncio.wait({self.task})

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Nobody would go on with the partition, so the process ends; the next one starts at the watermarks. A
        ``CancelledError`` of a library, though nobody has cancelled the task, ends it as an error does.
        """
        name = self.runner.agent.name
        if task.cancelled():
            if not task.cancelling():
                end_worker(f"worker ends because {name} broke off in partition {self.partition}")
        elif task.exception() is not None:
            log.error("%s failed", name, exc_info=task.exception())
            end_worker(f"worker ends because of {name}")

    def _next(self) -> str | None:
        """The topic to go on with: users first, so that the others find them registered, then whose batch has waited
        longest: one that always has the next batch ready must not keep the others waiting.
        """
        users = self.runner.user_topic
        ready = [
            topic
            for topic, events in self.waiting.items()
            if events and self.blocked.get(topic, 0) <= self.positions.get(users, 0)
        ]
        return min(ready, key=lambda topic: (topic != users, self.waiting[topic][0][1]), default=None)

    async def _run(self) -> None:
        while not self.stopping:
            topic = self._next()
            if topic is None:
                await self._wait_for_work()
                continue
            event, arrived = self.waiting[topic][0]
            batch: FetchedBatch = event.value
            if batch.next_offset <= self.positions.get(topic, 0):  # others start further back
                self.waiting[topic].popleft()
                batch.ack(event)
                continue
            wait: Callable[[], Awaitable[None]] | None = None  # not in except*: before 3.11.4 it wraps a cancellation
            try:
                async with self._room(batch):
                    finished = await self._work_on(batch)
                if finished:
                    self.waiting[topic].popleft()
                    batch.ack(event)
                    self._measure(batch, arrived, event.app.consumer.highwater(batch.tp))
            except* Fenced as fenced:
                log.warning("%s: partition %d has a new owner: %s", self.runner.agent.name, self.partition, fenced)
                wait = self._leave_soon
            except* HeldBack:
                wait = self._until_stopped
            except* Exception:
                # A bug: going on would lose the batch. The process ends; the next one starts at the watermarks.
                log.exception("%s failed on %r", self.runner.agent.name, batch)
                end_worker(f"worker ends because of {self.runner.agent.name}")
            if wait is not None:
                await wait()

    def _room(self, batch: FetchedBatch) -> AbstractAsyncContextManager[Any]:
        """Large batches take turns. Small ones go along: alone they take no memory to speak of, and together they can
        be one insert.
        """
        return self.runner.large_at_once if is_large(batch) else contextlib.nullcontext()

    async def _wait_for_work(self) -> None:
        self.work.clear()
        try:
            await asyncio.wait_for(self.work.wait(), EMPTY_POLL_S if self.blocked else None)
        except TimeoutError:
            await self._skip_what_holds_nothing()

    async def _skip_what_holds_nothing(self) -> None:
        """Batches wait for user events up to an offset: what lies there may be no records, which nobody brings us."""
        runner = self.runner
        users = TopicPartition(runner.user_topic, self.partition)
        position, end = self.positions.get(users.topic, 0), max(self.blocked.values())
        if runner.is_empty is None or position >= end:
            return
        if await runner.persist("kafka", partial(runner.is_empty, users, position, end)):
            self.positions[users.topic] = max(end, self.positions.get(users.topic, 0))

    async def _leave_soon(self) -> None:
        """Wait to be stopped: whoever has claimed the partition got it in a rebalance, which reaches us too. If none
        does, nobody reads the partition, and a new process must claim it.
        """
        deadline = time.monotonic() + 3 * self.runner.settings.session_timeout_s
        while not self.stopping:
            if time.monotonic() > deadline:
                end_worker(f"{self.runner.agent.name} was fenced on partition {self.partition} without a rebalance")
            await asyncio.sleep(FENCED_POLL_S)

    async def _hold_back_a_flood(self, fetched: FetchedBatch, dead: list[DeadLetter]) -> None:
        """Before dead letters are written: raises ``HeldBack`` where they are too many, once the agent is paused."""
        runner, tp = self.runner, fetched.tp
        source = TopicPartition(tp.topic, tp.partition)
        flood = runner.flood.look(source, fetched.records, {letter.offset for letter in dead})
        if flood is not None and runner.pause_asked is not None:
            await runner.pause_asked(runner, f"{flood} ({tp.topic} partition {tp.partition}: {dead[-1].reason})")
            raise HeldBack(flood)

    async def _until_stopped(self) -> None:
        while not self.stopping:
            self.work.clear()
            await self.work.wait()

    async def _work_on(self, fetched: FetchedBatch) -> bool:
        """Decode, process and write one batch; ``False``: it has to wait for user events."""
        runner = self.runner
        span = Span(fetched.tp.topic, fetched.tp.partition, fetched.first_offset, fetched.next_offset)
        records, dead = self._decode(fetched)
        unknown = await runner.persist("state", partial(self._unknown_users, span, records))
        if unknown and span.topic != runner.user_topic and not await self._caught_up(span.topic):
            return False
        if unknown:
            users = {record.offset: record.message.user for record in records}
            dead += [
                DeadLetter.of(row, DeadReason.unknown_user, f"user {users[row.offset]!r} never registered")
                for row in fetched.records
                if users.get(row.offset) in unknown
            ]
            records = [record for record in records if record.message.user not in unknown]
        await self._hold_back_a_flood(fetched, dead)
        batch = Batch(span, records)
        writes: Writes = await runner.persist("reading", partial(runner.agent.process, batch, self.context))
        await self._write(writes, dead, span, fetched)
        self.positions[span.topic] = span.next
        runner.flood.done(span.source, fetched.records)
        self._count(span, len(records), dead, writes)
        return True

    async def _unknown_users(self, span: Span, records: list[Record]) -> set[str]:
        """Load the facts of the batch's users; those who never registered and whose records are therefore refused."""
        if not self.runner.kinds:
            return set()
        # What concerns everyone comes from users of any partition, whom this one need not know.
        users = {record.message.user for record in records} if span.topic not in self.runner.for_everyone else set()
        await self.state.load(users)
        if not self.runner.agent.registered_users_only:
            return set()
        unknown = self.state.without(users, RegisteredUser, "user")
        if span.topic == self.runner.user_topic:
            unknown -= self._register(records)
        return unknown if span.topic in self.runner.checked else set()

    def _decode(self, fetched: FetchedBatch) -> tuple[list[Record], list[DeadLetter]]:
        decoder = self.runner.decoders[fetched.tp.topic]
        records: list[Record] = []
        dead: list[DeadLetter] = []
        rows = fetched.records
        for row, outcome in zip(rows, decoder.decode_many([(row.key, row.value) for row in rows]), strict=True):
            if type(outcome) is BadRecord:
                dead.append(DeadLetter.of(row, outcome.reason, outcome.detail))
            else:
                records.append(Record(row.offset, row.timestamp, outcome))
        return records, dead

    def _registered(self, user: str) -> bool:
        return self.state.get(user, RegisteredUser, "user") is not None

    def _register(self, records: list[Record]) -> set[str]:
        """Keep who registers in the batch; returns them."""
        users: set[str] = set()
        for offset, _, message in records:
            if isinstance(message, hot.UserRegistered):
                users.add(message.user)
                if not self._registered(message.user):
                    self.state.put(message.user, "user", RegisteredUser(message.id), offset)
        return users

    async def _caught_up(self, topic: str) -> bool:
        """Whether all user events are known that were in the log when a user turned out to be unknown."""
        users = TopicPartition(self.runner.user_topic, self.partition)
        position = self.positions.get(users.topic, 0)
        if topic in self.blocked and position >= self.blocked[topic]:
            del self.blocked[topic]
            return True
        self.blocked[topic] = (await self.runner.persist("kafka", partial(self.runner.end_offsets, [users])))[users]
        if position >= self.blocked[topic]:
            del self.blocked[topic]
            return True
        return False

    async def _write(self, writes: Writes, dead: list[DeadLetter], span: Span, fetched: FetchedBatch) -> None:
        """Stores at the same time, then topics: a message announces what the stores hold already.

        Where rows are made of the facts of several topics, facts are written before everything else. After a crash a
        store that is ahead of the facts would skip a batch that, with what another topic has brought meanwhile, comes
        to something else.
        """
        runner = self.runner
        rows: dict[str, list[Any]] = {name: getattr(writes, name) for name in runner.stores}
        if runner.facts is not None:
            facts = self.state.take_pending()
            if len(runner.inputs) > 1:
                await self._store(runner.facts.name, facts, span, dead, fetched)
            else:
                rows[runner.facts.name] = facts
        async with asyncio.TaskGroup() as stores:
            for name, kept in rows.items():
                stores.create_task(self._store(name, kept, span, dead, fetched))
        outgoing = [self._outgoing(message) for message in writes.messages]
        outgoing += [self._elsewhere(message) for message in writes.elsewhere]
        outgoing += [self._letter(letter, span) for letter in dead]
        await self._store(runner.topic_sink.name, outgoing, span, dead, fetched)

    def _letter(self, letter: DeadLetter, span: Span) -> Outgoing:
        topic = self.runner.topics.dead_letter_of(span.topic)
        return letter.outgoing(topic.name, span, self.runner.agent.name)

    def _outgoing(self, message: Any) -> Outgoing:
        topic = self.runner.topics.topic_of_message(type(message).__name__)
        return Outgoing(topic.name, message.user.encode(), encode(message))

    def _elsewhere(self, message: Any) -> Outgoing:
        """For the partition in which producers put what is about the user."""
        outgoing = self._outgoing(message)
        partitions = self.runner.topics.topic_of_message(type(message).__name__).partitions
        return replace(outgoing, partition=_PARTITIONER(outgoing.key, range(partitions), range(partitions)))

    async def _store(
        self, name: str, rows: list[Any], span: Span, dead: list[DeadLetter], fetched: FetchedBatch
    ) -> None:
        runner = self.runner
        sink = runner.sinks[name]
        began = time.perf_counter()
        try:
            await runner.persist(name, lambda: sink.write(rows, span))
        except PoisonRows as poison:
            for index, reason in poison.rows.items():
                shown = repr(rows[index])[:MAX_SHOWN]
                log.error("%s: %s refuses %s: %s", runner.agent.name, name, shown, reason)
            refused = of_refused(poison.rows, rows, fetched.records)
            await self._hold_back_a_flood(fetched, [*dead, *refused])
            kept = [row for index, row in enumerate(rows) if index not in poison.rows]
            dead += refused
            if name != runner.topic_sink.name:
                await self._send_ahead(refused, span)
            else:
                kept += [self._letter(letter, span) for letter in refused]
            await self._store(name, kept, span, dead, fetched)
            return
        labels = (runner.agent.name, name, span.topic, str(span.partition))
        metrics.SINK_SECONDS.labels(runner.agent.name, name).observe(time.perf_counter() - began)
        metrics.WATERMARK.labels(*labels).set(span.next)
        metrics.WATERMARK_TIME.labels(*labels).set_to_current_time()

    async def _send_ahead(self, letters: list[DeadLetter], span: Span) -> None:
        """Publish the letters of what a store refuses before that store goes past it: whoever takes over after a crash
        does not write the span there again, and so would never hear of the refusal.
        """
        rows, sink = [self._letter(letter, span) for letter in letters], self.runner.topic_sink
        async with self.sending_ahead:
            with contextlib.suppress(PoisonRows):  # it comes again with the write of the span
                await self.runner.persist(sink.name, lambda: sink.send_ahead(rows, span))

    def _count(self, span: Span, valid: int, dead: list[DeadLetter], writes: Writes) -> None:
        name = self.runner.agent.name
        dropped = writes.dropped.total()
        # Two stores may refuse a record, and a refused row need not be of one record.
        gone = {letter.offset for letter in dead if letter.stage != ROW}
        refused = {letter.offset for letter in dead if letter.stage == SINK}
        metrics.RECORDS.labels(name, span.topic, "written").inc(valid - dropped - len(refused))
        metrics.RECORDS.labels(name, span.topic, "dropped").inc(dropped)
        metrics.RECORDS.labels(name, span.topic, "dead").inc(len(gone))
        for reason, count in writes.dropped.items():
            metrics.DROPPED.labels(name, reason).inc(count)
        for flag, count in writes.flags.items():
            metrics.FLAGS.labels(name, *flag).inc(count)
        for case, count in writes.timing.items():
            metrics.TIMING.labels(name, case).inc(count)
        for letter in dead:
            metrics.DEAD.labels(name, span.topic, letter.reason).inc()

    def _measure(self, batch: FetchedBatch, arrived: float, end: int | None) -> None:
        name = self.runner.agent.name
        if end is not None:
            metrics.LAG.labels(name, batch.tp.topic, str(batch.tp.partition)).set(max(0, end - batch.next_offset))
        metrics.BATCH_RECORDS.labels(name).observe(len(batch))
        metrics.BATCH_SECONDS.labels(name).observe(time.monotonic() - arrived)
        metrics.DELAY.labels(name).observe(max(0.0, time.time() - batch.records[-1].timestamp / 1000))
