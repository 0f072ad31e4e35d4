"""What agents that look things up in ClickHouse share: the connection, and errors that say to ask again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import clickhouse_connect

from sinks.base import SinkUnavailable
from sinks.clickhouse import FAILURES
from stridelog.settings import Settings


class ClickHouseReader:
    """A resource of an agent that reads the namespace's tables."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None  # clickhouse_connect's AsyncClient; the library has no types

    async def open(self) -> None:
        """Connect. Raises ``SinkUnavailable``."""
        async with self._asking("connecting"):
            self._client = await clickhouse_connect.get_async_client(
                host=self._settings.host,
                port=self._settings.clickhouse_port,
                username=self._settings.clickhouse_user,
                password=self._settings.clickhouse_password,
                compress=False,
                autogenerate_session_id=False,  # the server refuses a second question of a session meanwhile
            )

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
