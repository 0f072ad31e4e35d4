"""ClickHouse's own client, unchanged, against the HTTP front over chDB."""

import datetime as dt
import gzip
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from typing import Any

import clickhouse_connect
import numpy as np
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from compose.supervisor import Supervisor

MakeStack = Callable[..., Supervisor]
Connect = Callable[..., Any]

pytestmark = pytest.mark.stack
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def server(make_module_stack: MakeStack) -> Supervisor:
    """A ClickHouse of this module's own."""
    stack = make_module_stack("clickhouse")
    stack.up()
    return stack


@pytest.fixture
def connect(server: Supervisor) -> Generator[Connect, None, None]:
    """Makes clients, and closes them."""
    made = []

    def make(**options: Any) -> Any:
        made.append(
            clickhouse_connect.get_client(host="127.0.0.1", port=server.settings.ports["clickhouse"], **options)
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(connect: Connect) -> Any:
    """A client with an empty table `samples`."""
    made = connect()
    made.command("DROP TABLE IF EXISTS samples")
    made.command("CREATE TABLE samples (id UInt64, name String, at DateTime64(6, 'UTC')) ENGINE MergeTree ORDER BY id")
    return made


def rows(count: int) -> list[list[object]]:
    return [[number, f"athlete {number}", NOON] for number in range(count)]


def count(client: Any) -> int:
    return int(client.query("SELECT count() FROM samples").result_rows[0][0])


def address(server: Supervisor, query: str = "") -> str:
    return f"http://127.0.0.1:{server.settings.ports['clickhouse']}/{query}"


def fetch(url: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, data=body, headers={k.replace("_", "-"): v for k, v in headers.items()})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_inserted_rows_are_counted_and_come_back_equal(client: Any, connect: Connect) -> None:
    summary = client.insert("samples", rows(100), column_names=["id", "name", "at"])
    assert summary.written_rows == 100
    back = connect(tz_mode="aware").query("SELECT * FROM samples ORDER BY id").result_rows
    assert [list(row) for row in back] == rows(100)


def test_an_arrow_table_comes_back_as_the_same_arrow_table(client: Any) -> None:
    at = pa.array(np.arange(10_000), pa.timestamp("us", "UTC"))
    table = pa.table({"id": np.arange(10_000, dtype=np.uint64), "name": [f"n{i}" for i in range(10_000)], "at": at})
    assert client.insert_arrow("samples", table).written_rows == 10_000
    back = client.query_arrow("SELECT * FROM samples ORDER BY id", use_strings=True)
    assert back.to_pylist() == table.to_pylist()


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip"])
def test_a_compressed_insert_of_several_blocks_arrives_whole(client: Any, connect: Connect, compression: str) -> None:
    writer = connect(compress=compression)
    writer.insert("samples", rows(150_000), column_names=["id", "name", "at"])
    assert count(client) == 150_000


def test_a_raw_insert_with_the_statement_in_the_address_works(client: Any, server: Supervisor) -> None:
    body = gzip.compress(b'{"id": 1, "name": "a", "at": "2026-03-01 12:00:00"}\n')
    url = address(server, "?query=INSERT+INTO+samples+FORMAT+JSONEachRow")
    status, _, headers = fetch(url, body, Content_Encoding="gzip")
    assert status == 200
    assert '"written_rows": "1"' in headers["X-ClickHouse-Summary"]
    assert client.query("SELECT name FROM samples").result_rows == [("a",)]


def test_command_data_follows_its_statement(client: Any) -> None:
    client.command("INSERT INTO samples FORMAT CSV", data="1,a,2026-03-01 12:00:00\n2,b,2026-03-01 12:00:00\n")
    client.command("INSERT INTO samples VALUES (3, 'c', now64())")
    assert count(client) == 3


def test_parameters_arrive_as_they_were_given(client: Any) -> None:
    odd = "it's\ta \\ new\nline, and ü"
    assert client.query("SELECT {text:String}, {n:UInt8}", parameters={"text": odd, "n": 7}).result_rows == [(odd, 7)]


def test_parameters_too_long_for_an_address_arrive_too(client: Any) -> None:
    long = "x" * 50_000
    assert client.query("SELECT length({text:String})", parameters={"text": long}).result_rows == [(50_000,)]


def test_a_setting_holds_for_its_request_only(client: Any) -> None:
    sql = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
    (default,) = client.query(sql).result_rows
    assert client.query(sql, settings={"max_block_size": 1234}).result_rows == [("1234",)]
    assert client.query(sql).result_rows == [default]


def test_a_client_works_in_its_database(client: Any, connect: Connect) -> None:
    client.command("CREATE DATABASE IF NOT EXISTS `other-one`")
    other = connect(database="other-one")
    assert other.query("SELECT currentDatabase()").result_rows == [("other-one",)]
    assert client.query("SELECT currentDatabase()").result_rows == [("default",)]


def test_a_session_keeps_its_temporary_tables_and_others_do_not_see_them(client: Any, connect: Connect) -> None:
    client.command("CREATE TEMPORARY TABLE mine (x UInt8)")
    client.command("INSERT INTO mine VALUES (3)")
    assert client.query("SELECT x FROM mine").result_rows == [(3,)]
    with pytest.raises(DatabaseError):
        connect().query("SELECT x FROM mine")


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELECT nope", 47, 404),
        ("SELECT * FROM nowhere", 60, 404),
        ("SELEC 1", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("INSERT INTO nowhere VALUES (1)", 60, 404),
        ("SELECT 1 SETTINGS no_such_setting = 1", 115, 404),
        ("SELECT throwIf(1)", 395, 500),
    ],
)
def test_errors_carry_clickhouse_code_and_status(
    client: Any, server: Supervisor, sql: str, code: int, status: int
) -> None:
    with pytest.raises(DatabaseError) as raised:
        client.query(sql)
    assert raised.value.code == code
    told, body, headers = fetch(address(server), sql.encode())
    assert (told, headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert body.startswith(f"Code: {code}. DB::Exception:".encode())


def test_a_bad_row_is_an_error_and_nothing_of_its_insert_stays(client: Any) -> None:
    with pytest.raises(DatabaseError) as raised:
        client.command("INSERT INTO samples FORMAT CSV", data="1,a,2026-03-01 12:00:00\nx,b,2026-03-01 12:00:00\n")
    assert raised.value.code == 27
    assert count(client) == 0


def test_an_upload_that_breaks_off_inserts_nothing(client: Any, server: Supervisor) -> None:
    head = b"POST /?query=INSERT+INTO+samples+FORMAT+CSV HTTP/1.1\r\nHost: local\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.settings.ports["clickhouse"]), timeout=10) as connection:
        connection.sendall(head + b"1,a,2026-03-01 12:00:00\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000) == b""
    assert count(client) == 0


def test_an_error_in_mid_stream_reaches_the_client(client: Any) -> None:
    sql = "SELECT number, throwIf(number = 500000) FROM numbers(1000000)"
    with pytest.raises(StreamFailureError, match="throwIf"), client.query_row_block_stream(sql) as stream:
        for _ in stream:
            pass


def test_a_long_result_streams_whole(client: Any) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(1000000)") as stream:
        assert sum(len(block) for block in stream) == 1_000_000


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content_Encoding": "rot13"}, b"SELECT 1", 400),
        ({"Content_Encoding": "lz4"}, b"SELECT 1", 400),
        ({}, b"   ", 400),
        ({}, b"\xff\xfe", 400),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(
    server: Supervisor, headers: dict[str, str], body: bytes, status: int
) -> None:
    assert fetch(address(server, "?database=default"), body, **headers)[0] == status


def test_ping_answers(server: Supervisor) -> None:
    assert fetch(address(server, "ping"))[:2] == (200, b"Ok.\n")


def test_inserts_go_on_beside_a_slow_query(client: Any, connect: Connect) -> None:
    slow_client = connect()
    done = threading.Event()

    def slow() -> None:
        slow_client.query("SELECT sleepEachRow(0.5) FROM numbers(4) SETTINGS max_block_size = 1")
        done.set()

    thread = threading.Thread(target=slow)
    thread.start()
    client.insert("samples", rows(10), column_names=["id", "name", "at"])
    assert not done.is_set()
    assert count(client) == 10
    thread.join()


def test_writers_at_the_same_time_lose_nothing(client: Any, connect: Connect) -> None:
    writers = [connect() for _ in range(6)]

    def write(writer: Any) -> None:
        for _ in range(10):
            writer.insert("samples", rows(100), column_names=["id", "name", "at"])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(client) == 6_000


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_acknowledged_rows_survive_a_restart(
    client: Any, server: Supervisor, connect: Connect, how: signal.Signals
) -> None:
    client.insert("samples", rows(1_000), column_names=["id", "name", "at"])
    running = server.pids.read("clickhouse")
    assert running is not None
    os.kill(running.pid, how)
    server.down()
    server.up()
    assert count(connect()) == 1_000
