"""PostgreSQL: facts in a schema of their own, which replace the agent's live ones in one transaction."""

from collections.abc import Mapping
from typing import Final

from psycopg import AsyncConnection, sql

from sinks.base import Fact, TopicPartition
from sinks.postgres import FactSink
from sinks.postgres_pool import CONNECT_TIMEOUT_S, mapped
from sinks.shadow.base import Shadow, shadow_settings
from stridelog.settings import Settings

FORGET: Final = "DELETE FROM {live}.facts WHERE agent = %s"
TAKE: Final = """
INSERT INTO {live}.facts (agent, user_id, kind, fact_id, source_offset, payload)
SELECT agent, user_id, kind, fact_id, source_offset, payload FROM {shadow}.facts WHERE agent = %s
"""


class PostgresShadow(Shadow[Fact]):
    """The same tables in another schema."""

    def __init__(self, agent: str, settings: Settings, parts: tuple[str, ...]) -> None:
        self._agent = agent
        self._url = settings.postgres
        built = shadow_settings(agent, settings)
        self._names = {"live": sql.Identifier(settings.namespace), "shadow": sql.Identifier(built.namespace)}
        self.sink = FactSink(agent, built)

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing stays open."""

    async def clear(self) -> None:
        with mapped():
            async with await self._connect() as connection:
                await connection.execute(self._sql("DROP SCHEMA IF EXISTS {shadow} CASCADE"))

    async def swap(self, marks: Mapping[TopicPartition, int]) -> None:
        with mapped():
            async with await self._connect() as connection:  # one transaction, however long it takes
                await connection.execute(self._sql(FORGET), (self._agent,))
                await connection.execute(self._sql(TAKE), (self._agent,))

    async def _connect(self) -> AsyncConnection:
        return await AsyncConnection.connect(self._url, connect_timeout=CONNECT_TIMEOUT_S)

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(**self._names)  # of this module's constants only
