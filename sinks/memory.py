"""A sink in memory, for tests of agents and of the engine. It holds the same contract as the real ones."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sinks.base import PoisonRows, Sink, SinkUnavailable, Span, TopicPartition
from sinks.claims import Claims, new_owner


@dataclass(slots=True)
class MemoryStore:
    """What survives a worker: give the same store to a second sink to see what a restarted worker sees."""

    rows: dict[Hashable, Any] = field(default_factory=dict)
    watermarks: dict[tuple[str, TopicPartition], int] = field(default_factory=dict)
    owners: dict[tuple[str, TopicPartition], str] = field(default_factory=dict)
    available: bool = True


class MemorySink(Sink[Any]):
    """Keeps the last row of each key.

    ``key`` names a row (default: the row itself, which must be hashable); ``refuse`` says why a row is poison, or
    ``None``.
    """

    name = "memory"

    def __init__(
        self,
        agent: str,
        store: MemoryStore | None = None,
        key: Callable[[Any], Hashable] = lambda row: row,
        refuse: Callable[[Any], str | None] = lambda row: None,
    ) -> None:
        super().__init__(agent)
        self.store = store if store is not None else MemoryStore()
        self._key = key
        self._refuse = refuse
        self._claims = Claims(self.name, agent)

    async def open(self) -> None:
        self._check()

    async def close(self) -> None:
        """Nothing to close."""

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        self._check()
        held: dict[TopicPartition, int | None] = {}
        for source in sources:
            owner = new_owner()
            self.store.owners[self.agent, source] = owner
            held[source] = self.store.watermarks.get((self.agent, source))
            self._claims.take(source, owner, held[source])
        return held

    async def watermarks(self) -> dict[TopicPartition, int]:
        self._check()
        return {source: mark for (agent, source), mark in self.store.watermarks.items() if agent == self.agent}

    async def write(self, rows: Sequence[Any], span: Span) -> None:
        self._check()
        claim = self._claims.of(span)
        if self.store.owners.get((self.agent, span.source)) != claim.owner:
            raise self._claims.lost(span.source)
        if claim.covers(span):
            return
        refused = {index: reason for index, row in enumerate(rows) if (reason := self._refuse(row)) is not None}
        if refused:
            raise PoisonRows(refused)
        self.store.rows.update((self._key(row), row) for row in rows)
        self.store.watermarks[self.agent, span.source] = claim.watermark = span.next

    async def rewind(self, source: TopicPartition, offset: int) -> None:
        self._check()
        claim = self._claims.of(source)
        if self.store.owners.get((self.agent, source)) != claim.owner:
            raise self._claims.lost(source)
        self.store.watermarks[self.agent, source] = claim.watermark = offset

    def release(self, sources: Iterable[TopicPartition]) -> None:
        self._claims.release(sources)

    def _check(self) -> None:
        if not self.store.available:
            raise SinkUnavailable("memory: switched off by the test")
