"""A result of the ClickHouse front keeps its bytes, whatever runs after it."""

from pathlib import Path

from compose.chfront.engine import Context, Engine
from compose.chfront.statement import read_statement


def test_a_result_stays_as_it_was_while_others_run(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "data")
    try:

        def ask(first: int) -> bytes:
            sql = f"SELECT number FROM numbers({first}, 20000) FORMAT ArrowStream"  # noqa: S608 - a number
            return engine.run(read_statement(b"", sql.encode()), Context(), "TabSeparated").output

        held = ask(1_000_000)
        as_it_came = bytes(held)
        for first in range(2_000_000, 2_000_020):
            ask(first)
        assert bytes(held) == as_it_came
    finally:
        engine.close()
