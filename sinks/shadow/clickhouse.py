"""ClickHouse: a database beside the live one, whose tables are exchanged with the live ones.

``EXCHANGE TABLES`` is one step for readers; views name their tables and read the new ones from then on.
"""

from collections.abc import Mapping
from typing import Any

from sinks.base import Rows, SinkUnavailable, TopicPartition
from sinks.clickhouse import ClickHouseSink, connect, mapped
from sinks.shadow.base import Shadow, shadow_settings
from sinks.standings import forget
from sinks.tables import BOARD_SCORES
from stridelog.settings import Settings


class ClickHouseShadow(Shadow[Rows]):
    """Tables of the same names in another database."""

    def __init__(self, agent: str, settings: Settings, parts: tuple[str, ...]) -> None:
        self._settings = settings
        self._tables = parts
        self._database = shadow_settings(agent, settings).namespace
        self.sink = ClickHouseSink(agent, shadow_settings(agent, settings))
        self._client: Any = None  # clickhouse_connect's AsyncClient; the library has no types

    async def open(self) -> None:
        self._client = await connect(self._settings)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def clear(self) -> None:
        # What is dropped here was live a moment ago, or was never read: the guard against large drops is for others.
        await self._command(f"DROP DATABASE IF EXISTS `{self._database}` SYNC SETTINGS max_table_size_to_drop = 0")

    async def swap(self, marks: Mapping[TopicPartition, int]) -> None:
        for table in self._tables:
            live, built = f"`{self._settings.namespace}`.`{table}`", f"`{self._database}`.`{table}`"
            await self._command(f"EXCHANGE TABLES {live} AND {built}")
        if BOARD_SCORES.name in self._tables:
            for text in forget(self._settings.namespace):
                await self._command(text)

    async def _command(self, text: str) -> None:
        if self._client is None:
            raise SinkUnavailable("clickhouse: not open")
        await mapped(self._client.command(text))
