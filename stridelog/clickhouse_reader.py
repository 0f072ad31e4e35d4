"""What agents that look things up in ClickHouse share: the connection, and errors that say to ask again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sinks.base import SinkUnavailable
from sinks.clickhouse import FAILURES, connect
from stridelog.settings import Settings


class ClickHouseReader:
    """A resource of an agent that reads the namespace's tables."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None  # clickhouse_connect's AsyncClient; the library has no types

    async def open(self) -> None:
        """Connect. Raises ``SinkUnavailable``."""
        self._client = await connect(self._settings)

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def _asking(self, what: str) -> AsyncIterator[None]:
        """Whatever the server refuses, or breaks off, is ``SinkUnavailable``, which says ``what`` was asked."""
        try:
            yield
        except FAILURES as error:
            raise SinkUnavailable(f"clickhouse: {what}: {error}") from error
