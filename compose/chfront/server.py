"""The HTTP side: one thread a connection, ClickHouse's headers, and its way to report errors."""

import contextlib
import json
import logging
import secrets
import uuid
from collections.abc import Generator, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from compose.chfront.engine import STREAMABLE, Context, Engine, EngineError, Outcome
from compose.chfront.request import BadRequestError, Request, read_request
from compose.chfront.statement import Query, read_statement

logger = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 1024 * 1024 * 1024
_DEFAULT_FORMAT: Final = "TabSeparated"

# As in ClickHouse's HTTPHandler: what the sender did wrong, what is not there, what takes too long.
_STATUS_OF_CODE: Final[dict[int, int]] = {
    **dict.fromkeys((26, 27, 38, 41, 43, 53, 62, 69, 70, 72, 117, 130, 320, 321, 386, 441, 442, 457), 400),
    **dict.fromkeys((60, 16, 46, 47, 50, 61, 63, 115, 81, 82), 404),
    **dict.fromkeys((497, 516), 403),
    158: 413,
    48: 501,
    159: 408,
    252: 503,
}


class FrontServer(ThreadingHTTPServer):
    """Serves one engine on one address until `shutdown`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], engine: Engine) -> None:
        super().__init__(address, _Handler)
        self.engine = engine
        self.version = bytes(self._ask("SELECT version()")).decode().strip()
        self.timezone = bytes(self._ask("SELECT timezone()")).decode().strip()

    def _ask(self, sql: str) -> Any:
        return self.engine.run(read_statement(b"", sql.encode()), Context(), _DEFAULT_FORMAT).output


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 300
    server: FrontServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """One line for each request would say nothing that an operator needs; errors are logged where they arise."""

    def _answer(self) -> None:
        self._query_id = str(uuid.uuid4())
        try:
            body = self._read_body()
            if self.path.partition("?")[0] in ("/ping", "/replicas_status") or (not body and "?" not in self.path):
                self._send(HTTPStatus.OK, b"Ok.\n", {"Content-Type": "text/html; charset=UTF-8"})
            else:
                self._run(read_request(self.path, dict(self.headers.items()), body))
        except BadRequestError as error:
            self._send(error.status, f"{error}\n".encode(), {"Connection": "close"})
        except EngineError as error:
            self._send_error(error)
        except ConnectionError as error:
            logger.info("client went away: %s", error)
            self.close_connection = True

    def _run(self, request: Request) -> None:
        self._query_id = request.query_id or self._query_id
        statement = read_statement(request.query, request.body, request.default_format)
        if isinstance(statement, Query) and not statement.text.strip():
            raise EngineError("Empty query. (SYNTAX_ERROR)", 62)
        output_format = (isinstance(statement, Query) and statement.format) or request.default_format or _DEFAULT_FORMAT
        may_stream = output_format in STREAMABLE and not request.wait_end_of_query
        if may_stream and isinstance(statement, Query) and statement.is_select:
            self._stream(self.server.engine.stream(statement, request.context, output_format), output_format)
            return
        outcome = self.server.engine.run(statement, request.context, output_format)
        headers = {"X-ClickHouse-Summary": _summary(outcome)}
        if (isinstance(statement, Query) and statement.has_result) or len(outcome.output):
            headers["X-ClickHouse-Format"] = output_format
        self._send(HTTPStatus.OK, outcome.output, headers)

    def _stream(self, blocks: Generator[bytes, None, None], output_format: str) -> None:
        """Send blocks as they come. An error before the first is an HTTP error; later it is told in the body."""
        block = next(blocks, None)
        tag = secrets.token_hex(8)
        self._headers(
            HTTPStatus.OK,
            {
                "Transfer-Encoding": "chunked",
                "X-ClickHouse-Format": output_format,
                "X-ClickHouse-Exception-Tag": tag,
            },
        )
        try:
            with contextlib.closing(blocks):
                while block is not None:
                    self._chunk(block)
                    block = next(blocks, None)
        except EngineError as error:
            logger.warning("%s", error)
            message = f"{error} (version {self.server.version})\n".encode()
            close = f"{len(message)} {tag}\r\n__exception__\r\n".encode()
            self._chunk(f"\r\n__exception__\r\n{tag}\r\n".encode() + message + close)
            self.close_connection = True
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n" % len(data))
        self.wfile.write(data)
        self.wfile.write(b"\r\n")

    def _read_body(self) -> bytes:
        if (self.headers.get("Transfer-Encoding") or "").lower() == "chunked":
            return b"".join(self._read_chunks())
        length = _number(self.headers.get("Content-Length") or "0", 10)
        if length > MAX_BODY_BYTES:
            raise BadRequestError(f"the body has {length} bytes, the most is {MAX_BODY_BYTES}", 413)
        return self._read_exactly(length)

    def _read_chunks(self) -> Iterator[bytes]:
        total = 0
        while size := _number(self.rfile.readline(1024).partition(b";")[0].decode("latin-1"), 16):
            total += size
            if total > MAX_BODY_BYTES:
                raise BadRequestError(f"the body has more than {MAX_BODY_BYTES} bytes", 413)
            yield self._read_exactly(size)
            self.rfile.readline(1024)
        while self.rfile.readline(1024).strip():  # trailers
            pass

    def _read_exactly(self, length: int) -> bytes:
        data = self.rfile.read(length)
        if len(data) < length:
            # Nothing of a broken upload is inserted.
            raise ConnectionError(f"only {len(data)} of {length} bytes of the body came")
        return data

    def _send_error(self, error: EngineError) -> None:
        logger.warning("%s", error)
        text = str(error) if "(version " in str(error) else f"{error} (version {self.server.version})"
        headers = {"X-ClickHouse-Exception-Code": str(error.code)}
        self._send(_STATUS_OF_CODE.get(error.code, 500), f"{text}\n".encode(), headers)

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        self._headers(status, {**headers, "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _headers(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string())
        self.send_header("X-ClickHouse-Server-Display-Name", "stridelog-local")
        self.send_header("X-ClickHouse-Query-Id", self._query_id)
        self.send_header("X-ClickHouse-Timezone", self.server.timezone)
        for name, value in {"Content-Type": "text/plain; charset=UTF-8", **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _number(text: str, base: int) -> int:
    try:
        return int(text, base)
    except ValueError as error:
        raise BadRequestError(f"the length {text!r} is not a number") from error


def _summary(outcome: Outcome) -> str:
    return json.dumps(
        {
            "read_rows": str(outcome.read_rows),
            "read_bytes": str(outcome.read_bytes),
            "written_rows": str(outcome.written_rows),
            "written_bytes": str(outcome.written_bytes),
            "result_rows": str(outcome.read_rows),
            "result_bytes": str(len(outcome.output)),
            "elapsed_ns": str(outcome.elapsed_ns),
        }
    )
