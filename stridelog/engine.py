"""Runs an agent: takes fetched batches, decodes, calls the agent, writes its sinks, acknowledges.

Each partition number of an agent has a lane, which works on one batch at a time whatever topic it is of: co-partitioned
topics share the users of the partition, and their facts. Lanes do not wait for each other.
"""

import asyncio
import contextlib
import logging
import os
import random
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NoReturn

import msgspec
from faust_batches import FetchedBatch

from schemas import hot
from schemas.decode import BadRecord, DeadReason, Decoder, decoder_for, encode
from sinks.base import Fenced, Outgoing, PoisonRows, Sink, SinkUnavailable, Span, TopicPartition
from sinks.keys import Keys
from sinks.postgres import FactSink
from sinks.registry import make_sink
from stridelog import metrics
from stridelog.agent import AGENTS, Agent, Context
from stridelog.batch import Batch, Record, Writes
from stridelog.deadletters import DeadLetter
from stridelog.settings import Settings
from stridelog.state import State
from stridelog.topics import Topics

log = logging.getLogger(__name__)

MAX_SHOWN: Final = 10_000  # characters of a refused row in its dead letter
RETRY_FIRST_S: Final = 0.05
RETRY_MOST_S: Final = 5.0
FENCED_POLL_S: Final = 0.2
LEAVE_S: Final = 5.0  # how long a lane may finish its batch when its partitions are taken away


class RegisteredUser(msgspec.Struct, frozen=True):
    """The fact that a user registered. It outlives erasure: which records a user may have sent must not depend on when
    the erasure is read; what erasure voids, agents decide by event time.
    """

    event_id: str


EndOffsets = Callable[[Iterable[TopicPartition]], Awaitable[dict[TopicPartition, int]]]


class Runner:
    """One agent in one worker: its sinks, its state and its lanes."""

    def __init__(self, agent: Agent, topics: Topics, settings: Settings, end_offsets: EndOffsets) -> None:
        self.agent = agent
        self.topics = topics
        self.settings = settings
        self.end_offsets = end_offsets
        self.inputs = [topic.name for topic in topics.inputs_of(agent.name)]
        self.decoders: dict[str, Decoder] = {name: decoder_for(topics.named(name)) for name in self.inputs}
        # Topics that only agents write are about registered users by construction.
        self.checked = {
            topic.name for topic in topics.inputs_of(agent.name) if not AGENTS.keys() >= set(topic.producers)
        }
        self.user_topic = topics.topic_of_message("UserRegistered").name
        self.kinds: tuple[type[Any], ...] = agent.facts
        if agent.registered_users_only:
            self.kinds = (*self.kinds, RegisteredUser)
        self.stores: dict[str, Sink[Any]] = {name: make_sink(name, agent.name, settings) for name in agent.stores}
        self.facts: FactSink | None = FactSink(agent.name, settings) if self.kinds else None
        self.topic_sink: Sink[Outgoing] = make_sink("topic", agent.name, settings)
        self.resources = {kind: kind(settings) for kind in agent.resources}
        self.lanes: dict[int, Lane] = {}
        self.claimed: set[TopicPartition] = set()
        self.is_closed = False
        self.claiming = asyncio.Lock()  # Faust may ask for the starts again while it still waits for an answer

    @property
    def sinks(self) -> dict[str, Sink[Any]]:
        """All sinks by name, in the order in which they are opened."""
        facts = {self.facts.name: self.facts} if self.facts else {}
        return {**self.stores, **facts, self.topic_sink.name: self.topic_sink}

    async def open(self) -> None:
        """Connect everything; waits for stores that are not up yet. Call it once."""
        for sink in self.sinks.values():
            await self.persist(sink.name, sink.open)
        for resource in self.resources.values():
            await self.persist(type(resource).__name__, resource.open)

    async def close(self) -> None:
        """Finish or drop what is under way and disconnect."""
        self.is_closed = True
        await self.leave()
        for sink in self.sinks.values():
            with contextlib.suppress(SinkUnavailable, Fenced):
                await sink.close()
        for resource in self.resources.values():
            await resource.close()

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        """Take over partitions: the smallest watermark of each among the sinks; ``None`` where a sink has none."""
        async with self.claiming:
            return {} if self.is_closed else await self._claim([s for s in sources if s.topic in self.inputs])

    async def _claim(self, mine: list[TopicPartition]) -> dict[TopicPartition, int | None]:
        await self.leave()
        for sink in self.sinks.values():
            sink.release(self.claimed - set(mine))
        self.claimed = set(mine)
        claims = await asyncio.gather(
            *(self.persist(sink.name, partial(sink.claim, mine)) for sink in self.sinks.values())
        )
        ends = await self.persist("kafka", partial(self.end_offsets, mine))
        for sink, claimed in zip(self.sinks.values(), claims, strict=True):
            self._check_ends(sink, claimed, ends)
        starts = smallest(claims)
        for source in mine:
            if source.partition not in self.lanes:
                self.lanes[source.partition] = Lane(self, source.partition)
            self.lanes[source.partition].positions[source.topic] = starts[source] or 0
        return starts

    def _check_ends(
        self, sink: Sink[Any], claimed: Mapping[TopicPartition, int | None], ends: Mapping[TopicPartition, int]
    ) -> None:
        """A store that is ahead of the log would take nothing until the log has caught up: that ends the worker."""
        for source, mark in claimed.items():
            if mark is not None and mark > ends[source]:
                end_worker(
                    f"{self.agent.name}: {sink.name} is at offset {mark} of {source.topic} partition "
                    f"{source.partition}, which ends at {ends[source]}: the topic was made anew. Empty the stores too "
                    f"(make clean), take a new STRIDELOG_NAMESPACE, or restore the topic"
                )

    async def leave(self) -> None:
        """Let every lane finish its batch, for a few seconds, and drop the rest."""
        lanes, self.lanes = list(self.lanes.values()), {}
        await asyncio.gather(*(lane.stop() for lane in lanes))

    def take(self, event: Any) -> None:
        """Put a fetched batch into its partition's lane."""
        batch: FetchedBatch = event.value
        lane = self.lanes.get(batch.tp.partition)
        if lane is not None:
            lane.put(event)

    async def persist(self, what: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Call until the store takes it."""
        wait_s = RETRY_FIRST_S
        while True:
            try:
                return await call()
            except SinkUnavailable as error:
                metrics.SINK_RETRIES.labels(self.agent.name, what).inc()
                log.warning("%s: %s does not answer, trying again in %.1f s: %s", self.agent.name, what, wait_s, error)
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, no secret
                wait_s = min(wait_s * 2, RETRY_MOST_S)


class Lane:
    """The batches of one partition number of all the agent's topics, one at a time."""

    def __init__(self, runner: Runner, partition: int) -> None:
        self.runner = runner
        self.partition = partition
        self.state = State(runner.facts, runner.kinds, runner.settings.cached_facts)
        self.context = Context(self.state, Keys(runner.settings.namespace), runner.resources)
        self.positions: dict[str, int] = {}  # topic → next offset to work on
        self.waiting: dict[str, deque[Any]] = defaultdict(deque)  # topic → events
        self.blocked: dict[str, int] = {}  # topic → position of the user topic that it waits for
        self.work = asyncio.Event()
        self.stopping = False
        self.task = asyncio.create_task(self._run(), name=f"{runner.agent.name}-{partition}")

    def put(self, event: Any) -> None:
        """Take a fetched batch in."""
        self.waiting[event.value.tp.topic].append((event, time.monotonic()))
        self.work.set()

    async def stop(self) -> None:
        """Finish the batch at hand, if that takes no longer than a few seconds."""
        self.stopping = True
        self.work.set()
        _, unfinished = await asyncio.wait({self.task}, timeout=LEAVE_S)
        if unfinished:
            self.task.cancel()
            await asyncio.wait({self.task})

    def _next(self) -> str | None:
        """The topic to go on with: users first, so that the others find them registered, then as in topics.yaml."""
        users = self.runner.user_topic
        ready = [
            topic
            for topic, events in self.waiting.items()
            if events and self.blocked.get(topic, 0) <= self.positions.get(users, 0)
        ]
        return min(ready, key=lambda topic: (topic != users, self.runner.inputs.index(topic)), default=None)

    async def _run(self) -> None:
        while not self.stopping:
            topic = self._next()
            if topic is None:
                self.work.clear()
                await self.work.wait()
                continue
            event, arrived = self.waiting[topic][0]
            batch: FetchedBatch = event.value
            try:
                finished = await self._work_on(batch)
                if finished:
                    self.waiting[topic].popleft()
                    batch.ack(event)
                    self._measure(batch, arrived, event.app.consumer.highwater(batch.tp))
            except* Fenced as fenced:
                log.warning("%s: partition %d has a new owner: %s", self.runner.agent.name, self.partition, fenced)
                await self._leave_soon()
            except* Exception:
                # A bug: going on would lose the batch. The process ends; the next one starts at the watermarks.
                log.exception("%s failed on %r", self.runner.agent.name, batch)
                end_worker(f"worker ends because of {self.runner.agent.name}")

    async def _leave_soon(self) -> None:
        """Wait to be stopped: whoever has claimed the partition got it in a rebalance, which reaches us too. If none
        does, nobody reads the partition, and a new process must claim it.
        """
        deadline = time.monotonic() + 3 * self.runner.settings.session_timeout_s
        while not self.stopping:
            if time.monotonic() > deadline:
                end_worker(f"{self.runner.agent.name} was fenced on partition {self.partition} without a rebalance")
            await asyncio.sleep(FENCED_POLL_S)

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
                _dead(row, DeadReason.unknown_user, f"user {users[row.offset]!r} never registered")
                for row in fetched.records
                if users.get(row.offset) in unknown
            ]
            records = [record for record in records if record.message.user not in unknown]
        batch = Batch(span, records)
        writes: Writes = await runner.persist("reading", partial(runner.agent.process, batch, self.context))
        await self._write(writes, dead, span)
        self.positions[span.topic] = span.next
        self._count(span, len(records), dead, writes)
        return True

    async def _unknown_users(self, span: Span, records: list[Record]) -> set[str]:
        """Load the facts of the batch's users; those who never registered and whose records are therefore refused."""
        if not self.runner.kinds:
            return set()
        users = {record.message.user for record in records}
        await self.state.load(users)
        if not self.runner.agent.registered_users_only:
            return set()
        unknown = {user for user in users if not self._registered(user)}
        unknown -= self._register(records)
        return unknown if span.topic in self.runner.checked else set()

    def _decode(self, fetched: FetchedBatch) -> tuple[list[Record], list[DeadLetter]]:
        decoder = self.runner.decoders[fetched.tp.topic]
        records: list[Record] = []
        dead: list[DeadLetter] = []
        outcomes = decoder.decode_many([(row.key, row.value) for row in fetched.records])
        for row, outcome in zip(fetched.records, outcomes, strict=True):
            if isinstance(outcome, BadRecord):
                dead.append(_dead(row, outcome.reason, outcome.detail))
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

    async def _write(self, writes: Writes, dead: list[DeadLetter], span: Span) -> None:
        """Stores at the same time, then topics: a message announces what the stores hold already."""
        runner = self.runner
        rows: dict[str, list[Any]] = {name: getattr(writes, name) for name in runner.stores}
        if runner.facts is not None:
            rows[runner.facts.name] = self.state.take_pending()
        async with asyncio.TaskGroup() as stores:
            for name, kept in rows.items():
                stores.create_task(self._store(name, kept, span, dead))
        outgoing = [self._outgoing(message) for message in writes.messages]
        outgoing += [self._letter(letter, span) for letter in dead]
        await self._store(runner.topic_sink.name, outgoing, span, dead)

    def _letter(self, letter: DeadLetter, span: Span) -> Outgoing:
        topic = self.runner.topics.dead_letter_of(span.topic)
        return letter.outgoing(topic.name, span, self.runner.agent.name)

    def _outgoing(self, message: Any) -> Outgoing:
        topic = self.runner.topics.topic_of_message(type(message).__name__)
        return Outgoing(topic.name, message.user.encode(), encode(message))

    async def _store(self, name: str, rows: list[Any], span: Span, dead: list[DeadLetter]) -> None:
        runner = self.runner
        sink = runner.sinks[name]
        began = time.perf_counter()
        try:
            await runner.persist(name, lambda: sink.write(rows, span))
        except PoisonRows as poison:
            refused: list[DeadLetter] = []
            for index, reason in poison.rows.items():
                shown = repr(rows[index])[:MAX_SHOWN]
                log.error("%s: %s refuses %s: %s", runner.agent.name, name, shown, reason)
                refused.append(DeadLetter(None, shown.encode(), (), span.first, 0, "refused_by_store", reason, "sink"))
            kept = [row for index, row in enumerate(rows) if index not in poison.rows]
            dead += refused
            if name == runner.topic_sink.name:
                kept += [self._letter(letter, span) for letter in refused]
            await self._store(name, kept, span, dead)
            return
        labels = (runner.agent.name, name, span.topic, str(span.partition))
        metrics.SINK_SECONDS.labels(runner.agent.name, name).observe(time.perf_counter() - began)
        metrics.WATERMARK.labels(*labels).set(span.next)
        metrics.WATERMARK_TIME.labels(*labels).set_to_current_time()

    def _count(self, span: Span, valid: int, dead: list[DeadLetter], writes: Writes) -> None:
        name = self.runner.agent.name
        dropped = writes.dropped.total()
        metrics.RECORDS.labels(name, span.topic, "written").inc(valid - dropped)
        metrics.RECORDS.labels(name, span.topic, "dropped").inc(dropped)
        metrics.RECORDS.labels(name, span.topic, "dead").inc(len(dead))
        for reason, count in writes.dropped.items():
            metrics.DROPPED.labels(name, reason).inc(count)
        for letter in dead:
            metrics.DEAD.labels(name, span.topic, letter.reason).inc()

    def _measure(self, batch: FetchedBatch, arrived: float, end: int | None) -> None:
        name = self.runner.agent.name
        if end is not None:
            metrics.LAG.labels(name, batch.tp.topic, str(batch.tp.partition)).set(max(0, end - batch.next_offset))
        metrics.BATCH_RECORDS.labels(name).observe(len(batch))
        metrics.BATCH_SECONDS.labels(name).observe(time.monotonic() - arrived)
        metrics.DELAY.labels(name).observe(max(0.0, time.time() - batch.records[-1].timestamp / 1000))


def _dead(row: Any, reason: str, detail: str) -> DeadLetter:
    headers = tuple((name, bytes(value)) for name, value in row.headers)
    return DeadLetter(row.key, row.value, headers, row.offset, row.timestamp, str(reason), detail, "decode")


def end_worker(why: str) -> NoReturn:
    """End the process at once: what is under way is read again by the next one, from the watermarks on."""
    log.critical("%s: the process ends", why)
    logging.shutdown()
    os._exit(os.EX_SOFTWARE)


def smallest(claims: Iterable[Mapping[TopicPartition, int | None]]) -> dict[TopicPartition, int | None]:
    """Where a worker starts: per partition the smallest of its agents' starts; ``None`` means the beginning."""
    starts: dict[TopicPartition, int | None] = {}
    for claim in claims:
        for source, mark in claim.items():
            lowest = starts.get(source, mark)
            starts[source] = None if mark is None or lowest is None else min(mark, lowest)
    return starts
