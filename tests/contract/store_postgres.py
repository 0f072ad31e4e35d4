"""Facts in PostgreSQL."""

from typing import Any

import psycopg
from psycopg import sql

from sinks.base import Fact, Sink
from sinks.postgres import FactSink
from stridelog.settings import Settings

from .stores import Store


class Postgres(Store):
    name = "postgres"
    patience = "sinks.postgres.ANSWER_TIMEOUT_S"
    ports = ("postgres_port",)

    def sink(self, agent: str = "tester", settings: Settings | None = None) -> Sink[Any]:
        return FactSink(agent, settings or self.settings)

    def row(self, key: int, value: int, *, offset: int | None = None) -> Any:
        return Fact("ann", "number", str(key), str(value).encode(), key if offset is None else offset)

    def poison(self, key: int) -> Any:
        return Fact("ann", "number", f"{key}\0", b"text in PostgreSQL has no NUL", key)

    async def read(self) -> dict[int, int]:
        rows = await self.execute("SELECT fact_id, payload FROM {schema}.facts")
        return {int(key): int(value) for key, value in rows}

    async def lose_watermarks(self) -> None:
        await self.execute("UPDATE {schema}.watermarks SET next_offset = NULL")

    async def drop(self) -> None:
        await self.execute("DROP SCHEMA IF EXISTS {schema} CASCADE")

    async def execute(self, text: str) -> list[tuple[Any, ...]]:
        query = sql.SQL(text).format(schema=sql.Identifier(self.settings.namespace))
        async with await psycopg.AsyncConnection.connect(self.settings.postgres, autocommit=True) as connection:
            cursor = await connection.execute(query)
            return await cursor.fetchall() if cursor.description else []
