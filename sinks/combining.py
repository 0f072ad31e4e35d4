"""Inserts that are asked for while another one of the same table is under way go together as the next.

ClickHouse makes a part of every insert and merges parts in the background, so it wants few and large ones; an agent has
a batch of each partition at the same time. Alone, an insert goes at once: nothing ever waits for a timer.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Final

import pyarrow as pa

MOST_ROWS: Final = 500_000  # of one insert, unless a single request has more

Insert = Callable[[str, pa.Table], Awaitable[None]]


class RefusedError(Exception):
    """The server says that it will never take these rows."""


class Combiner:
    """Combines inserts by table. ``insert`` raises ``RefusedError`` for refused rows, and inserts none then."""

    def __init__(self, insert: Insert) -> None:
        self._insert = insert
        self._waiting: dict[str, list[tuple[pa.Table, asyncio.Future[None]]]] = defaultdict(list)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def insert(self, table: str, rows: pa.Table) -> None:
        """Insert ``rows``. Raises what ``insert`` raised for them; others' refused rows do not matter."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[table].append((rows, done))
        if table not in self._running:
            self._running[table] = asyncio.create_task(self._run(table), name=f"insert-{table}")
        await done

    async def _run(self, table: str) -> None:
        try:
            while self._waiting[table]:
                await self._insert_some(table, self._take(table))
        finally:
            del self._running[table]

    def _take(self, table: str) -> list[tuple[pa.Table, asyncio.Future[None]]]:
        waiting = self._waiting[table]
        taken = [waiting.pop(0)]
        rows = taken[0][0].num_rows
        while waiting and rows + waiting[0][0].num_rows <= MOST_ROWS:
            rows += waiting[0][0].num_rows
            taken.append(waiting.pop(0))
        return taken

    async def _insert_some(self, table: str, some: list[tuple[pa.Table, asyncio.Future[None]]]) -> None:
        try:
            together = pa.concat_tables([rows for rows, _ in some], promote_options="default")
            await self._insert(table, together.unify_dictionaries())
        except RefusedError as error:
            if len(some) == 1:
                _fail(some, error)
            else:
                for one in some:
                    await self._insert_some(table, [one])
        except Exception as error:
            _fail(some, error)
        else:
            for _, done in some:
                if not done.done():  # its writer may have been cancelled
                    done.set_result(None)


def _fail(some: list[tuple[pa.Table, asyncio.Future[None]]], error: Exception) -> None:
    for _, done in some:
        if not done.done():
            done.set_exception(error)
