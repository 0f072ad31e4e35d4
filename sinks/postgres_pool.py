"""Connections to PostgreSQL, which all of a process share: a worker has as many agents as its role, each with a state,
and a server gives a hundred connections by default.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from sinks.base import SinkUnavailable
from stridelog.settings import Settings

CONNECT_TIMEOUT_S: Final = 5
RECONNECT_S: Final = 2.0
"""How long the pool tries by itself. It doubles its waits, and whoever wants a connection asks again anyway: a server that
was away for a minute would be found again a minute late.
"""  # noqa: E501
STOPPED_S: Final = 30
"""After so long the server ends a transaction in which nothing happens: that of a worker whose machine was stopped, which
locks its partitions against their next owner.
"""  # noqa: E501


@dataclass(slots=True)
class _Shared:
    pool: AsyncConnectionPool
    users: int = 0
    preparing: asyncio.Lock = field(default_factory=asyncio.Lock)


_SHARED: Final[dict[tuple[asyncio.AbstractEventLoop, str], _Shared]] = {}


class Pool:
    """A share in the process's connections; ``close`` gives it back."""

    def __init__(self, key: tuple[asyncio.AbstractEventLoop, str], shared: _Shared) -> None:
        self._key = key
        self._shared = shared
        self.connection = shared.pool.connection

    async def close(self) -> None:
        """The last one to close disconnects. Call it once."""
        self._shared.users -= 1
        if not self._shared.users:
            del _SHARED[self._key]
            await self._shared.pool.close()


async def open_pool(settings: Settings, ddl: sql.Composed) -> Pool:
    """Create what is missing, and connect. Raises ``SinkUnavailable``."""
    key = asyncio.get_running_loop(), settings.postgres
    shared = _SHARED.get(key)
    if shared is None:
        shared = _SHARED[key] = _Shared(_new_pool(settings))
    shared.users += 1
    share = Pool(key, shared)
    try:
        with mapped():
            async with shared.preparing:  # one after the other: a worker's agents open at the same time
                await _create(settings.postgres, ddl)
                await shared.pool.open()
    except BaseException:
        await share.close()
        raise
    return share


def _new_pool(settings: Settings) -> AsyncConnectionPool:
    return AsyncConnectionPool(
        settings.postgres,
        min_size=1,
        max_size=settings.postgres_connections,
        timeout=CONNECT_TIMEOUT_S,
        reconnect_timeout=RECONNECT_S,
        kwargs={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": settings.namespace},
        configure=_limit,
        open=False,
        name="stridelog",
    )


async def _limit(connection: AsyncConnection) -> None:
    await connection.execute(f"SET idle_in_transaction_session_timeout = '{STOPPED_S}s'")
    await connection.commit()


async def _create(url: str, ddl: sql.Composed) -> None:
    async with await AsyncConnection.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        # IF NOT EXISTS is not safe against a second one that starts at the same moment: hence the lock.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('stridelog.ddl'))")
        await connection.execute(ddl)


REFUSALS: Final = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, psycopg.IntegrityError)
"""The server (or the driver) will never take such a row: a NUL in a text, a key over the index's limit, a number too
large.
"""


class mapped:  # noqa: N801 - reads as a statement
    """Turns the driver's errors into the contract's."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, REFUSALS):
            return
        if isinstance(error, psycopg.Error | PoolTimeout | PoolClosed | OSError):
            raise SinkUnavailable(f"postgres: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """What an error says."""
    return " ".join(str(error).split())[:300] or type(error).__name__
