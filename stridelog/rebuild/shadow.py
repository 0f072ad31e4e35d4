"""The agent that builds a projection anew: the real one, with every sink but one that holds what it writes replaced."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from sinks.base import Sink, Span, TopicPartition
from sinks.postgres import FactSink
from stridelog.agent import Process
from stridelog.engine import EndOffsets, Runner
from stridelog.readers import LiveReader
from stridelog.rebuild.projections import Projection
from stridelog.settings import Settings
from stridelog.stored_readings import StoredReadings
from stridelog.topics import Topics

# What an agent reads of a store that it has written itself: beside the one that is read now, the one that is built.
_OWN: Final = {"clickhouse": StoredReadings, "redis": LiveReader}


class NothingSink(Sink[Any]):
    """Takes everything and keeps nothing: the live agent has written it."""

    name = "nothing"

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to disconnect."""

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        return dict.fromkeys(sources)

    async def watermarks(self) -> dict[TopicPartition, int]:
        return {}

    async def write(self, rows: Sequence[Any], span: Span) -> None:
        """Written already."""

    async def rewind(self, source: TopicPartition, offset: int) -> None:
        """There is no watermark."""


class ShadowRunner(Runner):
    """An agent that reads from the beginning of the log, with facts of its own, and fills ``sink`` only.

    ``built`` are settings with the namespace of the shadow; what the agent reads from is the live one's, but for what
    it has written itself. ``process`` replaces the agent's function where what it said cannot be computed again.
    """

    def __init__(
        self,
        projection: Projection,
        topics: Topics,
        settings: Settings,
        built: Settings,
        sink: Sink[Any],
        end_offsets: EndOffsets,
        process: Process | None,
    ) -> None:
        agent = projection.agent
        if process is not None:
            agent = replace(agent, process=process, resources=())
        super().__init__(agent, topics, built, end_offsets)
        self.stores = {name: sink if name == projection.store else NothingSink(name) for name in agent.stores}
        if isinstance(sink, FactSink):
            self.facts = sink
        self.topic_sink = NothingSink(agent.name)
        own = _OWN.get(projection.store)
        self.resources = {kind: kind(built if kind is own else settings) for kind in agent.resources}
