"""Facts in PostgreSQL: an agent's state, with the watermark in the same transaction.

The row of table ``watermarks`` is locked from the check of the owner to the commit, so a paused worker that comes back
cannot write after its partition was claimed by another: here fencing is exact.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from psycopg import AsyncConnection, sql

from sinks.base import Fact, PoisonRows, Sink, SinkUnavailable, Span, TopicPartition
from sinks.claims import Claims, new_owner
from sinks.postgres_pool import REFUSALS, Pool, mapped, one_line, open_pool
from stridelog.settings import Settings

ANSWER_TIMEOUT_S: Final = 30.0

DDL: Final = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.facts (
    agent text NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    fact_id text NOT NULL,
    source_offset bigint NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (agent, user_id, kind, fact_id)
);
CREATE TABLE IF NOT EXISTS {schema}.watermarks (
    agent text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    owner text NOT NULL,
    next_offset bigint,
    PRIMARY KEY (agent, topic, partition)
);
"""

CLAIM: Final = """
INSERT INTO {schema}.watermarks (agent, topic, partition, owner) VALUES (%s, %s, %s, %s)
ON CONFLICT (agent, topic, partition) DO UPDATE SET owner = excluded.owner
RETURNING next_offset
"""

LOCK: Final = """
SELECT owner, next_offset FROM {schema}.watermarks WHERE agent = %s AND topic = %s AND partition = %s
FOR UPDATE
"""

UPSERT: Final = """
INSERT INTO {schema}.facts (agent, user_id, kind, fact_id, source_offset, payload)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::bytea[])
ON CONFLICT (agent, user_id, kind, fact_id)
DO UPDATE SET source_offset = excluded.source_offset, payload = excluded.payload
"""

ADVANCE: Final = "UPDATE {schema}.watermarks SET next_offset = %s WHERE agent = %s AND topic = %s AND partition = %s"

WATERMARKS: Final = """
SELECT topic, partition, next_offset FROM {schema}.watermarks WHERE agent = %s AND next_offset IS NOT NULL
"""

LOAD: Final = """
SELECT user_id, kind, fact_id, payload, source_offset FROM {schema}.facts
WHERE agent = %s AND user_id = ANY(%s) AND (%s::text[] IS NULL OR kind = ANY(%s))
ORDER BY user_id, kind, fact_id
"""


class FactSink(Sink[Fact]):
    """Facts of users, and how to read them back.

    The last fact of a (user, kind, id) counts; an empty payload is kept as given.
    """

    name = "postgres"

    def __init__(self, agent: str, settings: Settings) -> None:
        super().__init__(agent)
        self._settings = settings
        self._schema = sql.Identifier(settings.namespace)
        self._claims = Claims(self.name, agent)
        self._pool: Pool | None = None

    async def open(self) -> None:
        self._pool = await open_pool(self._settings, self._sql(DDL))

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        held: dict[TopicPartition, int | None] = {}
        owner = new_owner()
        async with self._transaction() as connection:
            for source in sorted(sources):  # one order for all workers: no deadlock between two claims
                cursor = await connection.execute(self._sql(CLAIM), (self.agent, *source, owner))
                row = await cursor.fetchone()
                held[source] = row[0] if row else None
        for source, watermark in held.items():
            self._claims.take(source, owner, watermark)
        return held

    async def watermarks(self) -> dict[TopicPartition, int]:
        async with self._transaction() as connection:
            cursor = await connection.execute(self._sql(WATERMARKS), (self.agent,))
            return {TopicPartition(topic, partition): mark for topic, partition, mark in await cursor.fetchall()}

    async def write(self, rows: Sequence[Fact], span: Span) -> None:
        claim = self._claims.of(span)
        if claim.covers(span):
            return
        try:
            async with self._transaction() as connection:
                cursor = await connection.execute(self._sql(LOCK), (self.agent, *span.source))
                row = await cursor.fetchone()
                if row is None or row[0] != claim.owner or (row[1] or 0) < (claim.watermark or 0):  # restored: older
                    raise self._claims.lost(span.source)
                await self._upsert(connection, rows)
                await connection.execute(self._sql(ADVANCE), (span.next, self.agent, *span.source))
        except REFUSALS as error:
            raise await self._poison(rows, error) from error
        claim.watermark = span.next

    async def rewind(self, source: TopicPartition, offset: int) -> None:
        claim = self._claims.of(source)
        async with self._transaction() as connection:
            cursor = await connection.execute(self._sql(LOCK), (self.agent, *source))
            row = await cursor.fetchone()
            if row is None or row[0] != claim.owner:
                raise self._claims.lost(source)
            await connection.execute(self._sql(ADVANCE), (offset, self.agent, *source))
        claim.watermark = offset

    async def load(self, users: Sequence[str], kinds: Sequence[str] | None = None) -> dict[str, list[Fact]]:
        """All facts of users (of some kinds), sorted by kind and id; a user without facts has an empty list.

        Raises ``SinkUnavailable``.
        """
        facts: dict[str, list[Fact]] = {user: [] for user in users}
        wanted = None if kinds is None else list(kinds)
        async with self._transaction() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(self._sql(LOAD), (self.agent, list(facts), wanted, wanted))
            for row in await cursor.fetchall():
                facts[row[0]].append(Fact(*row))
        return facts

    def release(self, sources: Iterable[TopicPartition]) -> None:
        self._claims.release(sources)

    async def _upsert(self, connection: AsyncConnection, rows: Sequence[Fact]) -> None:
        last = {(fact.user, fact.kind, fact.id): fact for fact in rows}.values()
        if last:
            columns = (
                [fact.user for fact in last],
                [fact.kind for fact in last],
                [fact.id for fact in last],
                [fact.offset for fact in last],
                [fact.payload for fact in last],
            )
            await connection.execute(self._sql(UPSERT), (self.agent, *columns))

    async def _poison(self, rows: Sequence[Fact], error: Exception) -> PoisonRows | SinkUnavailable:
        """Which rows the server refuses: each is tried alone, and nothing of it is kept."""
        refused: dict[int, str] = {}
        async with self._transaction() as connection:
            for index, fact in enumerate(rows):
                try:
                    async with connection.transaction(force_rollback=True):
                        await self._upsert(connection, [fact])
                except REFUSALS as reason:
                    refused[index] = one_line(reason)
        return PoisonRows(refused) if refused else SinkUnavailable(f"postgres: {one_line(error)}")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        if self._pool is None:
            raise SinkUnavailable("postgres: not open")
        with mapped():
            async with asyncio.timeout(ANSWER_TIMEOUT_S), self._pool.connection() as connection:
                yield connection

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(schema=self._schema)  # of this module's constants only
