"""Waiting until the agents have caught up with the log, by the watermarks of all their sinks."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from sinks.base import Sink, SinkUnavailable
from sinks.registry import make_sink
from stridelog.errors import UserError
from stridelog.settings import Settings
from stridelog.topics import Topics
from verification.log import Log
from verification.rank_changes import unannounced
from verification.readers import READERS

POLL_S: Final = 0.5
ATTEMPTS: Final = 10  # of asking a store that does not answer: a broker that went takes its groups along for seconds

T = TypeVar("T")

Say = Callable[[str], None]


class Lag(NamedTuple):
    """How far a sink of an agent is behind the end of a partition, in records."""

    agent: str
    sink: str
    topic: str
    partition: int
    records: int


@dataclass(frozen=True, slots=True)
class Settled:
    """Where the log ended, who had not got there, and whether it went on growing."""

    ends: Mapping[tuple[str, int], int]
    lags: tuple[Lag, ...] = ()
    growing: bool = False
    unannounced: int = 0  # boards and messages

    def lines(self) -> list[str]:
        """One line an agent that lags, and one each if rank changes wait and if the log grows."""
        lines = [
            f"agent {agent} lags by {sum(by_source.values()):,} records"
            f" (sink {', '.join(sorted({lag.sink for lag in self.lags if lag.agent == agent}))};"
            f" {', '.join(sorted({lag.topic for lag in self.lags if lag.agent == agent}))})"
            for agent, by_source in self._by_agent().items()
        ]
        if self.unannounced:
            lines.append(f"rank changes: {self.unannounced:,} boards and messages wait to be announced")
        return lines + (["the log keeps growing: differences may be of what came meanwhile"] if self.growing else [])

    def _by_agent(self) -> dict[str, dict[tuple[str, int], int]]:
        """The greatest lag of each agent in each source partition."""
        behind: dict[str, dict[tuple[str, int], int]] = {}
        for lag in self.lags:
            of_agent = behind.setdefault(lag.agent, {})
            source = (lag.topic, lag.partition)
            of_agent[source] = max(lag.records, of_agent.get(source, 0))
        return behind


async def settle(settings: Settings, topics: Topics, log: Log, deadline_s: float, say: Say) -> Settled:
    """Wait until every sink of every agent has reached the end of the log, and rank changes are announced, at most
    ``deadline_s`` seconds.

    Settled is: all watermarks are at the ends, nothing waits to be announced, and the ends, asked again after that, are
    the same; so nothing that was published meanwhile is waiting for an agent. With 0 nobody is asked. Raises
    ``UserError`` for a store that does not answer.
    """
    names = [topic.name for topic in topics]
    ends = await log.ends(names)
    if deadline_s <= 0:
        return Settled(ends)
    deadline = time.monotonic() + deadline_s
    async with contextlib.AsyncExitStack() as stack:
        sinks = [(agent.name, name) for agent in READERS.values() for name in agent.sinks]
        answers = await asyncio.gather(
            *(_open(stack, agent, name, settings) for agent, name in sinks), return_exceptions=True
        )
        opened: list[Sink[Any]] = []
        for answer in answers:  # all have answered: what did open is closed with the stack
            if isinstance(answer, BaseException):
                raise answer
            opened.append(answer)
        while True:
            marks = await asyncio.gather(*(_watermarks(sink) for sink in opened))
            lags = [
                lag
                for (agent, name), held in zip(sinks, marks, strict=True)
                for lag in _lags(agent, name, held, topics, ends)
            ]
            waiting = 0 if lags else await unannounced(settings)
            before, ends = ends, await log.ends(names)
            if not lags and not waiting and ends == before:
                return Settled(ends)
            if time.monotonic() >= deadline:
                return Settled(ends, tuple(lags), growing=ends != before, unannounced=waiting)
            say(f"waiting for the agents: {sum(lag.records for lag in lags):,} records to go" if lags else "waiting")
            await asyncio.sleep(POLL_S)


def _lags(
    agent: str, sink: str, held: Mapping[tuple[str, int], int], topics: Topics, ends: Mapping[tuple[str, int], int]
) -> list[Lag]:
    inputs = {topic.name for topic in topics.inputs_of(agent)}
    return [
        Lag(agent, sink, topic, partition, end - held.get((topic, partition), 0))
        for (topic, partition), end in ends.items()
        if topic in inputs and held.get((topic, partition), 0) < end
    ]


async def _open(stack: contextlib.AsyncExitStack, agent: str, name: str, settings: Settings) -> Sink[Any]:
    sink = make_sink(name, agent, settings)
    await _patiently(name, sink.open)
    stack.push_async_callback(_close, sink)
    return sink


async def _close(sink: Sink[Any]) -> None:
    with contextlib.suppress(SinkUnavailable):
        await sink.close()


async def _watermarks(sink: Sink[Any]) -> Mapping[tuple[str, int], int]:
    marks = await _patiently(sink.name, sink.watermarks)
    return {(source.topic, source.partition): mark for source, mark in marks.items()}


async def _patiently(name: str, call: Callable[[], Awaitable[T]]) -> T:
    """Call again for a while what a retry may mend. Raises ``UserError``."""
    for attempt in range(ATTEMPTS):
        try:
            return await call()
        except SinkUnavailable as error:
            if attempt == ATTEMPTS - 1:
                raise UserError(
                    f"the watermarks in {name} cannot be read ({error}): start the stack with 'make up'"
                ) from error
            await asyncio.sleep(POLL_S)
    raise AssertionError("the last attempt returns or raises")
