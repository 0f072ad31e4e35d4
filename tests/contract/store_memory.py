"""The sink in memory."""

from typing import Any

from sinks.base import Sink
from sinks.memory import MemorySink, MemoryStore
from stridelog.settings import Settings

from .stores import Store


class Memory(Store):
    name = "memory"
    behind_proxy = False

    async def create(self) -> None:
        self.store = MemoryStore()

    def sink(self, agent: str = "tester", settings: Settings | None = None) -> Sink[Any]:
        store = self.store if settings is None else MemoryStore(available=False)
        return MemorySink(agent, store, key=lambda row: row[0], refuse=lambda row: "negative" if row[1] < 0 else None)

    def row(self, key: int, value: int, *, offset: int | None = None) -> Any:
        return key, value

    def poison(self, key: int) -> Any:
        return key, -1

    async def read(self) -> dict[int, int]:
        return dict(self.store.rows.values())

    async def lose_watermarks(self) -> None:
        self.store.watermarks.clear()

    async def drop(self) -> None:
        """It goes with the test."""
