"""Sets the watermarks of an agent's sinks: back, to have records taken again, or forward, to have them skipped."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from sinks.base import Fenced, Sink, SinkUnavailable, TopicPartition
from sinks.kafka import Consumer
from sinks.registry import make_sink
from stridelog.agent import Agent
from stridelog.control import Control
from stridelog.errors import UserError
from stridelog.lag import sinks_of
from stridelog.metadata import follow_all_topics
from stridelog.settings import Settings
from stridelog.topics import Topics

EARLIEST: Final = "earliest"
CONNECT_S: Final = 15.0
ATTEMPTS: Final = 10  # a worker in a rebalance may claim between our claim and our write

Place = str | int | float
"""``EARLIEST``, an offset (int), or a time in ms since 1970 (float)."""


@dataclass(frozen=True, slots=True)
class Move:
    """One sink's watermark of one partition, as it is and as it shall be."""

    sink: str
    source: TopicPartition
    at: int
    to: int


class Seek:
    """One seek of one agent. Use as an async context manager: ``plan`` first, then ``carry_out``."""

    def __init__(self, agent: Agent, topics: Topics, settings: Settings, only_sink: str = "") -> None:
        names = sinks_of(agent)
        if only_sink and only_sink not in names:
            raise UserError(f"{agent.name} has no sink {only_sink!r}: there are {', '.join(names)}")
        self._agent = agent
        self._topics = topics
        self._settings = settings
        self._control = Control(settings)
        self._sinks: list[Sink[Any]] = [
            make_sink(name, agent.name, settings) for name in names if only_sink in ("", name)
        ]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Seek":
        try:
            for sink in self._sinks:
                self._stack.push_async_callback(_quietly, sink.close)
                await sink.open()
            self._stack.push_async_callback(self._control.close)
            await self._control.open()
        except SinkUnavailable as error:
            await self._stack.aclose()
            raise _away(error) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def plan(self, place: Place, topic: str = "", partition: int | None = None) -> list[Move]:
        """What is to be moved; nothing is changed. Raises ``UserError`` for a place that is not in the log."""
        sources = self._sources(topic, partition)
        if isinstance(place, int) and len(sources) != 1:
            raise UserError("an offset is one of one partition: say --topic and --partition too")
        targets = await self._targets(place, sources)
        try:
            held = [(sink.name, await sink.watermarks()) for sink in self._sinks]
        except SinkUnavailable as error:
            raise _away(error) from error
        moves = [
            Move(name, source, marks.get(source, 0), targets[source]) for name, marks in held for source in targets
        ]
        return [move for move in moves if move.at != move.to]

    async def carry_out(self, moves: Sequence[Move], reason: str, by: str) -> bool:
        """Pause the agent, take its partitions from the workers, set the watermarks; whether the agent was resumed.

        An agent that was paused before stays paused. Raises ``UserError`` if a store does not answer; the sinks that
        were moved until then stay so, and the same seek may be done again.
        """
        try:
            paused_here = await self._control.pause(self._agent.name, reason, by)
            try:
                for sink in self._sinks:
                    mine = {move.source: move.to for move in moves if move.sink == sink.name}
                    if mine:
                        await set_watermarks(sink, mine)
            finally:
                if paused_here:
                    await self._control.resume(self._agent.name)
        except SinkUnavailable as error:
            raise _away(error) from error
        return paused_here

    def _sources(self, topic: str, partition: int | None) -> list[TopicPartition]:
        inputs = {one.name: one for one in self._topics.inputs_of(self._agent.name)}
        if topic:
            name = self._topics.named(topic).name
            if name not in inputs:
                raise UserError(f"{self._agent.name} does not read {topic}: it reads {', '.join(inputs)}")
            inputs = {name: inputs[name]}
        fewest = min(one.partitions for one in inputs.values())
        if partition is not None and not 0 <= partition < fewest:
            raise UserError(f"there is no partition {partition}: they go from 0 to {fewest - 1}")
        numbers = (lambda one: range(one.partitions)) if partition is None else (lambda one: [partition])
        return [TopicPartition(one.name, number) for one in inputs.values() for number in numbers(one)]

    async def _targets(self, place: Place, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        consumer: Any = Consumer(bootstrap_servers=self._settings.bootstrap)
        try:
            await asyncio.wait_for(consumer.start(), CONNECT_S)
            follow_all_topics(consumer)
            partitions = [KafkaPartition(*source) for source in sources]
            begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            if isinstance(place, float):
                found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(place)))
                wanted = {tp: found[tp].offset if found[tp] else ends[tp] for tp in partitions}
            else:
                wanted = {tp: begins[tp] if isinstance(place, str) else place for tp in partitions}
        except (KafkaConnectionError, TimeoutError) as error:
            raise UserError(f"Kafka does not answer at {self._settings.bootstrap}: is the stack up? make up") from error
        except KafkaError as error:
            raise UserError(
                f"Kafka at {self._settings.bootstrap} does not say where partitions begin: {error}"
            ) from error
        finally:
            await consumer.stop()
        for tp, offset in wanted.items():
            if not begins[tp] <= offset <= ends[tp]:
                whole = f"it goes from {begins[tp]} to {ends[tp]}"
                raise UserError(f"{tp.topic} partition {tp.partition} has no offset {offset}: {whole}")
        return {TopicPartition(*tp): offset for tp, offset in wanted.items()}


def skipped(moves: Iterable[Move]) -> int:
    """How many records at least one sink would never take."""
    most: dict[TopicPartition, int] = {}
    for move in moves:
        most[move.source] = max(most.get(move.source, 0), move.to - move.at)
    return sum(most.values())


def taken_again(moves: Iterable[Move]) -> int:
    """How many records at least one sink would take a second time."""
    return skipped(Move(move.sink, move.source, move.to, move.at) for move in moves)


async def set_watermarks(sink: Sink[Any], marks: Mapping[TopicPartition, int]) -> None:
    """Claim partitions and set their watermarks. Raises ``UserError`` if workers take them back again and again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await sink.claim(marks)
            for source, offset in marks.items():
                await sink.rewind(source, offset)
            return
        except Fenced as error:
            if attempt == ATTEMPTS:
                raise UserError(f"{error} - workers come and go right now: try again when they have settled") from error


async def _quietly(close: Callable[[], Awaitable[None]]) -> None:
    try:
        await close()
    except (SinkUnavailable, Fenced):
        return


def _away(error: SinkUnavailable) -> UserError:
    return UserError(f"a store does not answer: {error}: is the stack up? make up")
