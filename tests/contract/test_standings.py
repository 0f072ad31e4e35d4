"""A board that is read by its base and what changed since is the board, whatever came when; on the real ClickHouse."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from domain.boards import BoardKey
from sinks.base import Rows, Sink
from sinks.standings import BASE_TABLES, WRITER, score_of
from sinks.tables import BOARD_SCORES
from stridelog import standing_keeper, standing_reads
from stridelog.standing_keeper import StandingKeeper
from stridelog.standing_reads import MEMBERS, Among, Standing, Standings

from .store_clickhouse import ClickHouse

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

TOTAL: Final = BoardKey("distance", "all", "all", "all")
FASTEST: Final = BoardKey("fastest_5_km", "running", "all", "all")
BEGIN: Final = datetime(2026, 11, 24, tzinfo=UTC)
USERS: Final = 25
STEP: Final = 97  # between the offsets of rows

Row = dict[str, Any]
Ranked = tuple[int, str, float]


@pytest.fixture(autouse=True)
def small_boards_have_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_keeper, "LARGE", 2)
    monkeypatch.setattr(standing_keeper, "CHANGED_SHARE", 0.5)
    monkeypatch.setattr(standing_reads, "KEYS", 3)
    monkeypatch.setattr(standing_reads, "LOOK_S", 0.0)
    monkeypatch.setattr(standing_keeper, "LATE_S", 0.0)  # no insert is under way when a base is made here
    monkeypatch.setattr(standing_keeper, "_LARGE", standing_keeper._LARGE.replace(">= 20000", ">= 2"))


@pytest.fixture
async def clickhouse(tmp_path: Path, anyio_backend: str) -> AsyncIterator[ClickHouse]:
    store = ClickHouse(tmp_path)
    await store.create()
    yield store
    await store.drop()


@asynccontextmanager
async def boards_of(store: ClickHouse) -> AsyncIterator[tuple[Sink[Any], StandingKeeper]]:
    sink, keeper = store.sink(WRITER), StandingKeeper(store.settings)
    await sink.open()
    await sink.claim([store.source])
    await keeper.connect()
    try:
        yield sink, keeper
    finally:
        await keeper.close()
        await sink.close()


def row(board: BoardKey, user: str, score: float, minute: int, offset: int) -> Row:
    return {
        **board._asdict(),
        "user_id": user,
        "score": score,
        "achieved_at": BEGIN + timedelta(minutes=minute),
        "workouts": 1 + offset % 7,
        "less_is_better": int(board == FASTEST),
        "deleted": int(score == 0),
        "source_partition": 0,
        "source_offset": offset,
    }


async def write(store: ClickHouse, sink: Sink[Any], rows: list[Row]) -> None:
    offsets = [one["source_offset"] for one in rows]
    table = pa.Table.from_pylist(rows, schema=BOARD_SCORES.schema)
    await sink.write([Rows(BOARD_SCORES.name, table)], store.span(min(offsets), max(offsets) + 1))
    await sink.flush()


def drawn(lot: random.Random, offset: int, count: int) -> list[Row]:
    """Scores of few values at few times, so that many are equal; one in eight leaves the board."""
    return [
        row(
            lot.choice((TOTAL, FASTEST)),
            f"user-{lot.randrange(USERS)}",
            lot.choice((0, 10.01, 10.02, 12.5, 99, 1000, 4e9, 7.25)),
            lot.randrange(3),
            STEP * (offset + number),
        )
        for number in range(count)
    ]


def expected(rows: Iterator[Row] | list[Row], board: BoardKey) -> list[Ranked]:
    """All of a board in order: rank, user, score."""
    last: dict[str, Row] = {}
    for one in sorted(rows, key=lambda one: one["source_offset"]):
        if tuple(one[name] for name in BoardKey._fields) == tuple(board):
            last[one["user_id"]] = one
    key = {
        user: (one["score"] if one["less_is_better"] else -one["score"], one["achieved_at"])
        for user, one in last.items()
        if not one["deleted"]
    }
    return sorted((1 + sum(other < key[user] for other in key.values()), user, last[user]["score"]) for user in key)


class Readers:
    """One reader of boards that goes on through the whole test, and new ones that know nothing."""

    def __init__(self, store: ClickHouse) -> None:
        self._store = store
        self._old = Standings(ask_of(store))

    async def assert_read(self, board: BoardKey, rows: list[Row]) -> None:
        """The head, and the place of every second with two neighbours on each side."""
        whole = expected(rows, board)
        users = [*(user for _, user, _ in whole), "nobody"]
        for user in users[len(rows) % 2 :: 2]:
            assert_right(whole, board, user, await self._old.read(board, top=7, user=user, near=2))
        for user in (users[0], users[-1]):
            new = Standings(ask_of(self._store))
            assert_right(whole, board, user, await new.read(board, top=7, user=user, near=2))


def assert_right(whole: list[Ranked], board: BoardKey, user: str, found: Standing) -> None:
    head, around = (
        [(rank, place.user, score_of(place.code, less_is_better=board == FASTEST)[0]) for rank, place in part]
        for part in (found.head, found.around)
    )
    assert found.users == len(whole)
    assert [rank for rank, *_ in head] == [rank for rank, *_ in whole[:7]]
    assert set(head) <= set(whole)
    assert set(around) <= set(whole)
    if user == "nobody":
        assert (found.rank, around) == (None, [])
        return
    mine = next(one for one in whole if one[1] == user)
    assert found.rank == mine[0]
    at = around.index(mine)
    ranks = [rank for rank, *_ in whole]
    assert sorted(ranks)[ranks.index(mine[0])] == mine[0]
    assert len({user for _, user, _ in around}) == len(around)
    assert [rank for rank, *_ in around] == sorted(rank for rank, *_ in around)
    ahead = sum(rank < mine[0] for rank in ranks)
    equals = ranks.count(mine[0])
    assert min(2, ahead) <= at <= min(2, ahead + equals - 1)
    assert len(around) - 1 - at >= min(2, len(whole) - ahead - equals)


def ask_of(store: ClickHouse) -> Any:
    async def ask(text: str, **parameters: Any) -> pa.Table:
        try:
            return await client.query_arrow(text, parameters=parameters, use_strings=True)
        except DatabaseError as error:
            if "UNKNOWN_TABLE" not in str(error):
                raise
            return pa.table({})

    client = store.client
    client.database = store.settings.namespace
    return ask


async def bases(store: ClickHouse) -> int:
    ((count,),) = await store.query("SELECT count() FROM {db}.board_bases")
    return int(count)


@pytest.mark.parametrize("seed", range(3))
async def test_a_board_with_a_base_is_read_as_it_stands(clickhouse: ClickHouse, seed: int) -> None:
    lot, rows, readers = random.Random(seed), list[Row](), Readers(clickhouse)
    async with boards_of(clickhouse) as (sink, keeper):
        for count in (90, 8, 2, 20, 3):
            came = drawn(lot, len(rows), count)
            rows += came
            await write(clickhouse, sink, came)
            for board in (TOTAL, FASTEST):
                await readers.assert_read(board, rows)
            await keeper.tend()
            assert await bases(clickhouse) >= 2
        for board in (TOTAL, FASTEST):
            await readers.assert_read(board, rows)


async def test_a_base_is_made_when_enough_has_changed_and_not_before(clickhouse: ClickHouse) -> None:
    async with boards_of(clickhouse) as (sink, keeper):
        rows = [row(TOTAL, f"user-{number}", 10 + number, 0, number) for number in range(10)]
        await write(clickhouse, sink, rows)
        assert await keeper.tend() == [TOTAL]
        await write(clickhouse, sink, [row(TOTAL, "user-1", 77, 0, 10)])
        assert await keeper.tend() == []
        await write(clickhouse, sink, [row(TOTAL, f"user-{number}", 78, 0, 11 + number) for number in range(5)])
        assert await keeper.tend() == [TOTAL]
        other = StandingKeeper(clickhouse.settings)
        await other.connect()
        assert await other.tend() == [], "a keeper that starts finds the base"
        await other.close()


async def test_a_row_of_a_worker_that_came_too_late_shows_nothing_old(clickhouse: ClickHouse) -> None:
    async with boards_of(clickhouse) as (sink, keeper):
        rows = [row(TOTAL, f"user-{number}", 10 + number, 0, number) for number in range(10)]
        await write(clickhouse, sink, rows)
        await write(clickhouse, sink, [row(TOTAL, "user-3", 500, 1, 20)])
        await keeper.tend()
        late = pa.Table.from_pylist([row(TOTAL, "user-3", 9999, 0, 4)], schema=BOARD_SCORES.schema)
        await clickhouse.client.insert_arrow("board_scores", late, database=clickhouse.settings.namespace)
        await Readers(clickhouse).assert_read(TOTAL, [*rows, row(TOTAL, "user-3", 500, 1, 20)])


async def test_after_a_rewind_boards_follow_what_is_written_anew(clickhouse: ClickHouse) -> None:
    readers = Readers(clickhouse)
    async with boards_of(clickhouse) as (sink, keeper):
        rows = [row(TOTAL, f"user-{number}", 10 + number, 0, number) for number in range(10)]
        await write(clickhouse, sink, rows)
        await keeper.tend()
        await readers.assert_read(TOTAL, rows)
        await sink.rewind(clickhouse.source, 0)
        assert await bases(clickhouse) == 0
        rows = [row(TOTAL, f"user-{number}", 100 - number, 0, number) for number in range(10)]
        await write(clickhouse, sink, rows)
        await readers.assert_read(TOTAL, rows)
        assert await keeper.tend() == [TOTAL]
        await readers.assert_read(TOTAL, rows)


async def test_a_base_without_its_places_by_user_is_not_read(clickhouse: ClickHouse) -> None:
    readers = Readers(clickhouse)
    async with boards_of(clickhouse) as (sink, keeper):
        rows = [row(TOTAL, f"user-{number}", 10 + number, 0, number) for number in range(10)]
        await write(clickhouse, sink, rows)
        await keeper.tend()
        await clickhouse.client.command(f"DROP TABLE `{clickhouse.settings.namespace}`.board_base_users")
        await readers.assert_read(TOTAL, rows)


async def test_a_base_that_is_replaced_goes(clickhouse: ClickHouse) -> None:
    async with boards_of(clickhouse) as (sink, keeper):
        for first in (0, 10, 20):
            rows = [row(TOTAL, f"user-{number}", first + number + 1, 0, first + number) for number in range(10)]
            await write(clickhouse, sink, rows)
            assert await keeper.tend() == [TOTAL]
        assert await keeper.tend() == [], "whoever reads the old one may go on until the keeper looks again"
        for table in BASE_TABLES:
            assert await clickhouse.query(f"SELECT uniqExact(base) FROM {{db}}.{table}") == [(1,)]  # noqa: S608


async def test_a_board_among_some_ranks_only_them(clickhouse: ClickHouse) -> None:
    async with boards_of(clickhouse) as (sink, keeper):
        rows = [row(TOTAL, f"user-{number}", 10 + number, 0, number) for number in range(10)]
        await write(clickhouse, sink, rows)
        await keeper.tend()
        friends = Among(MEMBERS, {"members": ["user-2", "user-7", "user-5", "stranger"]})
        found = await Standings(ask_of(clickhouse)).read(TOTAL, top=10, user="user-5", near=1, among=friends)
        assert [(rank, place.user) for rank, place in found.head] == [(1, "user-7"), (2, "user-5"), (3, "user-2")]
        assert (found.users, found.rank, found.around) == (3, 2, found.head)
