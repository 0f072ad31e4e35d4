"""Inserts that wait go together; each hears of its own rows only."""

import asyncio

import pyarrow as pa
import pytest

from sinks import combining
from sinks.combining import Combiner, RefusedError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Server:
    """Takes inserts one at a time, when it is let; refuses rows with a value below zero."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.open = asyncio.Event()
        self.away = False

    async def insert(self, table: str, rows: pa.Table) -> None:
        values = rows["value"].to_pylist()
        self.calls.append(values)
        await self.open.wait()
        if self.away:
            raise ConnectionError("away")
        if min(values) < 0:
            raise RefusedError("negative")


def rows(*values: int) -> pa.Table:
    return pa.table({"value": list(values)})


async def begin(combiner: Combiner, table: str, *values: int) -> "asyncio.Task[None]":
    task = asyncio.create_task(combiner.insert(table, rows(*values)))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def test_what_waits_for_an_insert_goes_as_one(anyio_backend: str) -> None:
    server = Server()
    combiner = Combiner(server.insert)
    tasks = [await begin(combiner, "t", value) for value in range(5)]
    assert server.calls == [[0]]
    server.open.set()
    await asyncio.gather(*tasks)
    assert server.calls == [[0], [1, 2, 3, 4]]


async def test_tables_do_not_wait_for_each_other(anyio_backend: str) -> None:
    server = Server()
    combiner = Combiner(server.insert)
    tasks = [await begin(combiner, table, 1) for table in ("a", "b")]
    assert server.calls == [[1], [1]]
    server.open.set()
    await asyncio.gather(*tasks)


async def test_refused_rows_are_their_own_writers_only(anyio_backend: str) -> None:
    server = Server()
    combiner = Combiner(server.insert)
    tasks = [await begin(combiner, "t", value) for value in (0, 1, -2, 3)]
    server.open.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), type(None), RefusedError, type(None)]
    assert server.calls == [[0], [1, -2, 3], [1], [-2], [3]]


async def test_a_server_that_is_away_fails_all_that_wait_and_the_next_works(anyio_backend: str) -> None:
    server = Server()
    combiner = Combiner(server.insert)
    server.away = True
    tasks = [await begin(combiner, "t", value) for value in range(3)]
    server.open.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError] * 3
    server.away = False
    await combiner.insert("t", rows(7))


async def test_a_writer_that_is_cancelled_takes_nobody_with_it(anyio_backend: str) -> None:
    server = Server()
    combiner = Combiner(server.insert)
    tasks = [await begin(combiner, "t", value) for value in range(3)]
    tasks[1].cancel()
    tasks[0].cancel()
    server.open.set()
    await tasks[2]


async def test_an_insert_has_at_most_so_many_rows(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combining, "MOST_ROWS", 3)
    server = Server()
    combiner = Combiner(server.insert)
    tasks = [await begin(combiner, "t", *values) for values in ((0,), (1, 2), (3,), (4, 5, 6, 7), (8,))]
    server.open.set()
    await asyncio.gather(*tasks)
    assert server.calls == [[0], [1, 2, 3], [4, 5, 6, 7], [8]]
