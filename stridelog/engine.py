"""Runs an agent in a worker: its sinks, what it holds of its partitions, and a lane for each of them."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from faust_batches import FetchedBatch

from schemas.decode import Decoder, decoder_for
from sinks.base import Fenced, Outgoing, Sink, SinkUnavailable, TopicPartition
from sinks.postgres import FactSink
from sinks.registry import make_sink
from stridelog import metrics
from stridelog.agent import AGENTS, Agent
from stridelog.ending import end_worker
from stridelog.flood import FloodGauge
from stridelog.lane import LEAVE_S, Lane, RegisteredUser
from stridelog.settings import Settings
from stridelog.topics import Topics

log = logging.getLogger(__name__)

RETRY_FIRST_S: Final = 0.05
RETRY_MOST_S: Final = 5.0

IsEmpty = Callable[[TopicPartition, int, int], Awaitable[bool]]
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
        self.for_everyone = {topic.name for topic in topics.inputs_of(agent.name) if topic.key == "everyone"}
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
        self.large_at_once = asyncio.Semaphore(agent.large_at_once)
        self.claimed: set[TopicPartition] = set()
        self.is_closed = False
        self.is_paused = False
        self.pause_asked: Callable[[Runner, str], Awaitable[None]] | None = None  # how it asks to be paused itself
        self.is_empty: IsEmpty | None = None  # whether a range of offsets holds no records
        self.flood = FloodGauge(
            settings.dead_letters_in_a_row, settings.dead_letters_ratio, settings.dead_letters_window
        )
        self.resumed_at: datetime | None = None  # until the next claim
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
            if self.is_closed or self.is_paused:
                return {}
            return await self._claim([s for s in sources if s.topic in self.inputs])

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
        if self.resumed_at is not None:
            self.flood.forgive(ends, _ms(self.resumed_at))
            self.resumed_at = None
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

    async def leave(self) -> list[Lane]:
        """Let every lane finish its batch, for a few seconds, and drop the rest."""
        lanes, self.lanes = list(self.lanes.values()), {}
        await asyncio.gather(*(lane.stop() for lane in lanes))
        self.flood.leave()
        return lanes

    async def pause(self) -> None:
        """Leave the partitions alone until ``resume``: lanes finish their batch, what else is fetched passes by.

        Other agents of the worker may read the same topics, so batches are not held back: they are acknowledged unread.
        What they hold is not lost by that, because whoever takes the agent up again begins at its watermarks.
        """
        self.is_paused = True
        async with self.claiming:
            for lane in await self.leave():
                lane.let_go()
            for sink in self.sinks.values():
                with contextlib.suppress(SinkUnavailable, Fenced, TimeoutError):
                    await asyncio.wait_for(sink.flush(), LEAVE_S)
                sink.release(self.claimed)
            self.claimed = set()

    def resume(self, at: datetime) -> None:
        """Take part in the next claim. Dead letters up to then, or logged before ``at``, are no flood any more."""
        self.is_paused = False
        self.resumed_at = at

    def forgive_until(self, at: datetime) -> None:
        """Records that were logged before are not counted for a flood: somebody has resumed the agent since."""
        self.flood.forgive({}, _ms(at))

    def take(self, event: Any) -> None:
        """Put a fetched batch into its partition's lane."""
        batch: FetchedBatch = event.value
        if self.is_paused:
            batch.ack(event)
            return
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


def _ms(at: datetime) -> int:
    return int(max(0.0, at.timestamp() * 1000))


def smallest(claims: Iterable[Mapping[TopicPartition, int | None]]) -> dict[TopicPartition, int | None]:
    """Where a worker starts: per partition the smallest of its agents' starts; ``None`` means the beginning."""
    starts: dict[TopicPartition, int | None] = {}
    for claim in claims:
        for source, mark in claim.items():
            lowest = starts.get(source, mark)
            starts[source] = None if mark is None or lowest is None else min(mark, lowest)
    return starts
