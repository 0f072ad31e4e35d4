"""What the ClickHouse front answers is so: results keep their bytes, and rows that it says are written are there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from compose.chfront.engine import Context, Engine, EngineError
from compose.chfront.statement import read_statement

MEMORY_LIMIT_EXCEEDED = 241
TIGHT_BYTES = 160_000_000  # for some of the inserts below side by side, not for all


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "data", **getattr(request, "param", {}))
    yield engine
    engine.close()


def ask(engine: Engine, sql: str, data: bytes = b"") -> bytes:
    return engine.run(read_statement(sql.encode(), data), Context(), "TabSeparated").output


def test_a_result_stays_as_it_was_while_others_run(engine: Engine) -> None:
    def numbers(first: int) -> bytes:
        return ask(engine, f"SELECT number FROM numbers({first}, 20000) FORMAT ArrowStream")  # noqa: S608 - a number

    held = numbers(1_000_000)
    as_it_came = bytes(held)
    for first in range(2_000_000, 2_000_020):
        numbers(first)
    assert bytes(held) == as_it_came


def test_an_insert_with_settings_and_a_comment_at_its_end_arrives(engine: Engine) -> None:
    ask(engine, "CREATE DATABASE small")
    ask(engine, "CREATE TABLE small.numbers (n UInt64) ENGINE MergeTree ORDER BY n")
    ask(engine, "INSERT INTO small.numbers SETTINGS format_csv_delimiter = ';' FORMAT CSV", b"1\n")
    ask(engine, "INSERT INTO small.numbers -- no format", b"(2)")
    assert ask(engine, "SELECT n FROM small.numbers ORDER BY n") == b"1\n2\n"


@pytest.mark.parametrize("engine", [{"memory_limit_bytes": TIGHT_BYTES}], indirect=True)
def test_an_insert_that_runs_out_of_memory_is_refused_or_whole(engine: Engine) -> None:
    ask(engine, "CREATE DATABASE tight")
    columns = "w UInt32, n UInt64, at DateTime('UTC'), a Float64, b Float64"
    ask(
        engine,
        f"CREATE TABLE tight.samples ({columns}) ENGINE ReplacingMergeTree PARTITION BY toYYYYMM(at) ORDER BY (w, n)",
    )
    size = 200_000

    def insert(w: int) -> bool:
        rows = f"SELECT {w} AS w, number AS n, toDateTime(number, 'UTC') AS at, n / 7 AS a, n / 11 AS b"
        try:
            data = ask(engine, f"{rows} FROM numbers({size}) FORMAT Arrow")
            ask(engine, "INSERT INTO tight.samples FORMAT Arrow", data)
        except EngineError as error:
            if error.code != MEMORY_LIMIT_EXCEEDED:
                raise
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        written = {w for w, done in enumerate(pool.map(insert, range(60))) if done}
    assert written
    found = ask(engine, f"SELECT w FROM tight.samples GROUP BY w HAVING count() = {size}")  # noqa: S608 - a number
    assert {int(w) for w in found.split()} >= written
