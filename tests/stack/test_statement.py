"""The front must cut an insert's head from its data exactly where ClickHouse does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.chfront.statement import Insert, Query, read_statement


@pytest.mark.parametrize(
    ("address", "body", "head", "row_format", "data"),
    [
        (b"", b"INSERT INTO t (a) FORMAT Native\n\x01\x02", b"INSERT INTO t (a) ", "Native", b"\x01\x02"),
        (b"", b"INSERT INTO t FORMAT CSV \r\n1,2\n", b"INSERT INTO t ", "CSV", b"1,2\n"),
        (b"INSERT INTO t FORMAT Arrow", b"ARROW1\x00", b"INSERT INTO t ", "Arrow", b"ARROW1\x00"),
        (b"INSERT INTO t VALUES", b"(1), (2)", b"INSERT INTO t ", "Values", b"(1), (2)"),
        (b"INSERT INTO t VALUES (1),", b"(2)", b"INSERT INTO t ", "Values", b" (1),(2)"),
        (b"INSERT INTO t", b"(1)", b"INSERT INTO t", "Values", b"(1)"),
        (b"insert into t format csv", b"1\n", b"insert into t ", "csv", b"1\n"),
        (
            b"/* SELECT */ INSERT INTO t -- VALUES\n FORMAT CSV",
            b"1",
            b"/* SELECT */ INSERT INTO t -- VALUES\n ",
            "CSV",
            b"1",
        ),
        (b"INSERT INTO `a FORMAT b` FORMAT CSV", b"1", b"INSERT INTO `a FORMAT b` ", "CSV", b"1"),
        (b"INSERT INTO format FORMAT CSV", b"1", b"INSERT INTO format ", "CSV", b"1"),
        (b"INSERT INTO db.values FORMAT CSV", b"1", b"INSERT INTO db.values ", "CSV", b"1"),
        (b"INSERT INTO t (format, select) FORMAT CSV", b"1", b"INSERT INTO t (format, select) ", "CSV", b"1"),
    ],
)
def test_an_insert_is_cut_between_head_and_data(
    address: bytes, body: bytes, head: bytes, row_format: str, data: bytes
) -> None:
    assert read_statement(address, body) == Insert(head, row_format, data)


@pytest.mark.parametrize(
    ("address", "body"),
    [
        (b"INSERT INTO t SETTINGS a = 1 FORMAT CSV", b"1\n"),
        (b"", b"INSERT INTO t SETTINGS a = 1 FORMAT CSV\n1\n"),
    ],
)
def test_settings_of_an_insert_are_not_of_its_head(address: bytes, body: bytes) -> None:
    assert read_statement(address, body) == Insert(b"INSERT INTO t ", "CSV", b"1\n", b"SETTINGS a = 1 ")


@given(data=st.binary(max_size=200))
def test_data_after_the_format_line_is_never_looked_into(data: bytes) -> None:
    assert read_statement(b"", b"INSERT INTO t (a, b) FORMAT Native\n" + data) == Insert(
        b"INSERT INTO t (a, b) ", "Native", data
    )


@given(text=st.text(max_size=100))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    assert read_statement(text.encode(), b"") is not None


def test_an_insert_without_a_format_reads_the_default_of_the_request() -> None:
    assert read_statement(b"INSERT INTO t", b"1\n", "CSV") == Insert(b"INSERT INTO t", "CSV", b"1\n")


@pytest.mark.parametrize(
    "sql", [b"INSERT INTO t SELECT 1", b"INSERT INTO t (a) WITH 1 AS x SELECT x", b"INSERT INTO t VALUES (1)"]
)
def test_an_insert_that_brings_its_rows_along_is_an_ordinary_statement(sql: bytes) -> None:
    statement = read_statement(b"", sql)
    assert isinstance(statement, Query)
    assert (statement.text, statement.has_result) == (sql, False)


@pytest.mark.parametrize(
    ("sql", "output_format", "has_result", "is_select"),
    [
        (b"SELECT 1 FORMAT JSON", "JSON", True, True),
        (b"select 1\n FORMAT Native", "Native", True, True),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1;", "CSV", True, True),
        (b"SELECT 'FORMAT CSV' AS x", None, True, True),
        (b"(SELECT 1)", None, True, True),
        (b"-- note\nWITH 1 AS x SELECT x", None, True, True),
        (b"SHOW TABLES", None, True, False),
        (b"EXISTS TABLE t", None, True, False),
        (b"CREATE TABLE t (a UInt8) ENGINE = Memory", None, False, False),
        (b"DROP TABLE t", None, False, False),
    ],
)
def test_a_query_tells_its_format_and_whether_it_answers(
    sql: bytes, output_format: str | None, has_result: bool, is_select: bool
) -> None:
    assert read_statement(b"", sql) == Query(sql, output_format, has_result, is_select)


def test_the_body_continues_a_query_in_the_address() -> None:
    statement = read_statement(b"SELECT 1", b"FORMAT CSV")
    assert isinstance(statement, Query)
    assert (statement.text, statement.format) == (b"SELECT 1\nFORMAT CSV", "CSV")
