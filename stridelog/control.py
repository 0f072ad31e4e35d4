"""What operators asked of agents: which are paused, since when, by whom and why. Kept in PostgreSQL.

Workers look at it and obey (``stridelog/standby.py``); commands and workers that see a flood of dead letters write it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from psycopg import AsyncConnection, sql

from sinks.base import SinkUnavailable
from sinks.postgres_pool import Pool, mapped, open_pool
from stridelog.settings import Settings

ANSWER_TIMEOUT_S: Final = 10.0

DDL: Final = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.agent_control (
    agent text PRIMARY KEY,
    paused boolean NOT NULL,
    reason text NOT NULL,
    paused_by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    generation bigint NOT NULL
);
"""

READ: Final = "SELECT agent, paused, reason, paused_by, at, generation FROM {schema}.agent_control"

PAUSE: Final = """
INSERT INTO {schema}.agent_control AS c (agent, paused, reason, paused_by, generation) VALUES (%s, true, %s, %s, 1)
ON CONFLICT (agent) DO UPDATE
SET paused = true, reason = excluded.reason, paused_by = excluded.paused_by, at = now(), generation = c.generation + 1
WHERE NOT c.paused
"""

RESUME: Final = """
UPDATE {schema}.agent_control SET paused = false, at = now(), generation = generation + 1 WHERE agent = %s AND paused
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was last asked of an agent. ``generation`` counts its pauses and resumes."""

    paused: bool
    reason: str
    paused_by: str
    at: datetime  # when it was paused or resumed
    generation: int


FREE: Final = Standing(False, "", "", datetime.min.replace(tzinfo=UTC), 0)
"""The standing of an agent that nobody ever paused."""


class Control:
    """The table ``<namespace>.agent_control``. Its methods raise ``SinkUnavailable`` if PostgreSQL does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._schema = sql.Identifier(settings.namespace)
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Connect, and create what is missing; may be called again after it failed."""
        self._pool = await open_pool(self._settings, self._sql(DDL))

    async def close(self) -> None:
        """Disconnect."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def read(self) -> dict[str, Standing]:
        """Every agent that was ever paused; others are ``FREE``."""
        async with self._transaction() as connection:
            cursor = await connection.execute(self._sql(READ))
            return {agent: Standing(*rest) for agent, *rest in await cursor.fetchall()}

    async def pause(self, agent: str, reason: str, by: str) -> bool:
        """Ask the workers to leave an agent alone; ``False`` if it was paused already, and is as before."""
        async with self._transaction() as connection:
            cursor = await connection.execute(self._sql(PAUSE), (agent, reason, by))
            return cursor.rowcount > 0

    async def resume(self, agent: str) -> bool:
        """Let an agent go on; ``False`` if it was not paused."""
        async with self._transaction() as connection:
            cursor = await connection.execute(self._sql(RESUME), (agent,))
            return cursor.rowcount > 0

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        if self._pool is None:
            raise SinkUnavailable("postgres: not open")
        with mapped():
            async with asyncio.timeout(ANSWER_TIMEOUT_S), self._pool.connection() as connection:
                yield connection

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(schema=self._schema)  # of this module's constants only
