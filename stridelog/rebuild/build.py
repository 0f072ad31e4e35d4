"""Builds a projection anew beside the live one, and lets it take its place.

What is live stays so, and its agent goes on, until the new one has nearly all. Then the agent is paused, the rest is
taken, the two are swapped, and the live watermarks are set to what the new one has. Whenever this is cut short, what is
live is complete up to its watermarks, and the next attempt removes what is left behind. See ADR 0008.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, Protocol

import psycopg
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from sinks.base import Fenced, Sink, SinkUnavailable, TopicPartition
from sinks.kafka import Consumer
from sinks.registry import make_sink
from sinks.shadow import make_shadow, shadow_settings
from stridelog.agent import Process
from stridelog.control import FREE, Control
from stridelog.errors import UserError
from stridelog.metadata import follow_all_topics
from stridelog.rebuild.feed import Feed
from stridelog.rebuild.projections import FACTS, Projection
from stridelog.rebuild.refused import Refused
from stridelog.rebuild.said import SCORES, Said
from stridelog.rebuild.shadow import ShadowRunner
from stridelog.seek import set_watermarks
from stridelog.settings import Settings
from stridelog.topics import Topics

CONNECT_S: Final = 15.0
NEAR_RECORDS: Final = 5_000
NEAR_S: Final = 2.0  # the agent is paused when the rest is this small, or was caught up with so fast
ROUNDS: Final = 100
BY: Final = "stridelog sink rebuild"
LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


class Progress(Protocol):
    """Whom a rebuild tells how far it is."""

    def say(self, text: str) -> None:
        """What is being done now."""

    def step(self, done: int, total: int) -> None:
        """How many records of how many are taken."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did. ``paused_s`` is how long the agent was paused; ``is_paused``: it was before, and still is."""

    name: str
    records: int
    seconds: float
    paused_s: float
    is_paused: bool


async def rebuild(
    settings: Settings, topics: Topics, projection: Projection, progress: Progress, since_ms: int | None = None
) -> Rebuilt:
    """Build a projection anew from the log, live, and swap it in; ``since_ms`` leaves out what was logged before.

    Raises ``UserError`` if a store does not answer, or if the agent is being rebuilt already.
    """
    agent = projection.agent
    if since_ms is not None and (agent.facts or projection.store == FACTS):
        raise UserError(
            f"{agent.name} works with facts from the beginning of the log: rebuild {projection.name} without --from"
        )
    try:
        async with AsyncExitStack() as stack, _alone(settings, agent.name):
            return await _Rebuild(settings, topics, projection, progress, since_ms, stack).run()
    except (SinkUnavailable, KafkaError, psycopg.Error, OSError) as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        raise UserError(
            f"{projection.name} was not rebuilt, and nothing of it is lost: {text}: is the stack up?"
        ) from error


class _Rebuild:
    """One rebuild of one projection."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        projection: Projection,
        progress: Progress,
        since_ms: int | None,
        stack: AsyncExitStack,
    ) -> None:
        agent = projection.agent
        self.settings = settings
        self.topics = topics
        self.projection = projection
        self.progress = progress
        self.since_ms = since_ms
        self.stack = stack
        self.sources = [
            TopicPartition(topic.name, number)
            for topic in topics.inputs_of(agent.name)
            for number in range(topic.partitions)
        ]
        self.users = topics.topic_of_message("UserRegistered").name
        self.for_everyone = {topic.name for topic in topics.for_everyone}
        self.control = Control(settings)
        self.live = make_sink(projection.sink, agent.name, settings)
        self.told = make_sink("topic", agent.name, settings)
        self.shadow = make_shadow(projection.sink, agent.name, settings, projection.parts)
        self.facts = make_shadow("postgres", agent.name, settings, ())
        self.began = time.monotonic()

    async def run(self) -> Rebuilt:
        await self._opened(self.control, self.live, self.told)
        await self.shadow.open()
        self.stack.push_async_callback(self.shadow.close)
        name = self.projection.agent.name
        left = (await self.control.read()).get(name, FREE)
        if left.paused and left.paused_by == BY:
            await self.control.resume(name)  # by an attempt that was killed: nobody else will
        await self._clear()
        try:
            async with AsyncExitStack() as self.stack:  # closed before the shadow is removed
                return await self._build()
        finally:
            with contextlib.suppress(SinkUnavailable):
                await self._clear()

    async def _build(self) -> Rebuilt:
        self.progress.say("reading where the log begins")
        refused = Refused(await self._consumer(), self.projection.agent.name, self.topics)
        starts = await self._starts()
        said, process = await self._recalled(starts)
        feed = Feed(await self._consumer(), refused, starts, self.settings.fetch_max_records, self.for_everyone)
        runner = ShadowRunner(
            self.projection,
            self.topics,
            self.settings,
            shadow_settings(self.projection.agent.name, self.settings),
            self.shadow.sink,
            feed.end_offsets,
            process,
        )
        runner.is_empty = feed.is_empty
        self.stack.push_async_callback(runner.close)
        await runner.open()
        await runner.claim(self.sources)

        async def catch_up(ends: Mapping[TopicPartition, int]) -> None:
            await refused.refresh()
            if said is not None:
                await said.refresh()
            total = sum(max(0, ends[source] - start) for source, start in starts.items())

            def say() -> None:
                self.progress.step(min(total, sum(feed.done[s] - start for s, start in starts.items())), total)

            await feed.run_to(runner, ends, say)

        self.progress.say(f"building {self.projection.name}")
        await self._nearly(catch_up)
        paused_s, is_paused = await self._take_over(catch_up, runner, feed)
        return Rebuilt(self.projection.name, feed.records, time.monotonic() - self.began, paused_s, is_paused)

    async def _nearly(self, catch_up: Callable[[Mapping[TopicPartition, int]], Awaitable[None]]) -> None:
        """Take all that the live agent has, again and again, until little is left."""
        for _ in range(ROUNDS):
            began = time.monotonic()
            ends = await self._live_ends()
            await catch_up(ends)
            rest = sum((await self._live_ends()).values()) - sum(ends.values())
            if rest <= NEAR_RECORDS or time.monotonic() - began < NEAR_S:
                return

    async def _take_over(
        self, catch_up: Callable[[Mapping[TopicPartition, int]], Awaitable[None]], runner: ShadowRunner, feed: Feed
    ) -> tuple[float, bool]:
        """Pause the agent, take the rest, swap; how long it was paused, and whether it stays so."""
        name = self.projection.agent.name
        self.progress.say("pausing the agent for the rest")
        began = time.monotonic()
        paused_here = await self.control.pause(name, f"{self.projection.name} is swapped", BY)
        try:
            if paused_here:
                await asyncio.sleep(2 * self.settings.control_poll_s)  # its workers finish their batches
            held = await self.live.claim(self.sources)  # whoever has not noticed is fenced
            ends = await self._live_ends()
            await catch_up({source: max(end, held[source] or 0) for source, end in ends.items()})
            for sink in runner.sinks.values():
                await sink.flush()
            await runner.leave()
            self.progress.say("swapping")
            marks = {source: feed.done[source] for source in self.sources}
            await self.shadow.swap(marks)
            await set_watermarks(self.live, {s: m for s, m in marks.items() if m or held[s]})
            await self.live.flush()
        finally:
            if paused_here:
                await self.control.resume(name)
        return time.monotonic() - began, not paused_here

    async def _live_ends(self) -> dict[TopicPartition, int]:
        """Up to where the agent has said everything, dead letters too: only that is decided.

        User events and what concerns everyone are asked for last: a record that is taken never lacks what its agent
        knew.
        """
        first = await self.told.watermarks()
        last = await self.told.watermarks()
        own = await self.live.watermarks()
        return {
            source: (last if source.topic in {self.users, *self.for_everyone} else first).get(
                source, own.get(source, 0)
            )
            for source in self.sources
        }

    async def _starts(self) -> dict[TopicPartition, int]:
        """Where to begin: at the beginning, or with ``since_ms`` there; what others rest on always at the beginning."""
        consumer = await self._consumer()
        partitions = [KafkaPartition(*source) for source in self.sources]
        begins = await consumer.beginning_offsets(partitions)
        starts = {TopicPartition(*tp): int(offset) for tp, offset in begins.items()}
        if self.since_ms is not None:
            timed = [
                tp
                for tp in partitions
                if tp.topic not in self.for_everyone
                and (tp.topic != self.users or not self.projection.agent.registered_users_only)
            ]
            ends = await consumer.end_offsets(timed)
            found = await consumer.offsets_for_times(dict.fromkeys(timed, self.since_ms))
            starts |= {TopicPartition(*tp): int(found[tp].offset if found[tp] else ends[tp]) for tp in timed}
        return starts

    async def _recalled(self, starts: Mapping[TopicPartition, int]) -> tuple[Said | None, Process | None]:
        """What takes the place of a model."""
        if self.projection.agent.name not in SCORES:
            return None, None
        message, table, rows_of = SCORES[self.projection.agent.name]
        begins = {source.partition: offset for source, offset in starts.items()}  # it reads one topic
        said = Said(await self._consumer(), message, self.topics, begins)
        return said, said.process(table, rows_of)

    async def _consumer(self) -> Consumer:
        consumer = Consumer(
            bootstrap_servers=self.settings.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=self.settings.fetch_max_bytes,
        )
        self.stack.push_async_callback(consumer.stop)
        await asyncio.wait_for(consumer.start(), CONNECT_S)
        follow_all_topics(consumer)
        return consumer

    async def _opened(self, control: Control, *sinks: Sink[Any]) -> None:
        self.stack.push_async_callback(control.close)
        await control.open()
        for sink in sinks:
            self.stack.push_async_callback(_quietly, sink)
            await sink.open()

    async def _clear(self) -> None:
        await self.shadow.clear()
        await self.facts.clear()


@contextlib.asynccontextmanager
async def _alone(settings: Settings, agent: str) -> AsyncIterator[None]:
    """Keep others from rebuilding the same agent; a lock of PostgreSQL, which goes with our connection."""
    connection = await psycopg.AsyncConnection.connect(settings.postgres, connect_timeout=5, autocommit=True)
    try:
        cursor = await connection.execute(LOCK, (f"stridelog.rebuild.{settings.namespace}.{agent}",))
        row = await cursor.fetchone()
        if row is None or not row[0]:
            raise UserError(f"agent {agent} is being rebuilt already: wait until that is done")
        yield
    finally:
        await connection.close()


async def _quietly(sink: Sink[Any]) -> None:
    with contextlib.suppress(SinkUnavailable, Fenced):
        await sink.close()
