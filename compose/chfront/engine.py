"""The engine: one chDB data folder, one handle for each statement or session, statements side by side.

chDB lets any number of handles of one process share a data folder and run at the same time, with the interpreter
lock released; a handle runs one statement at a time and keeps its own settings and current database.
"""

import os
import re
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chdb import _chdb

from compose.chfront.statement import Insert, Query

MEMORY_LIMIT_BYTES: Final = 1_500_000_000
MAX_STATEMENTS: Final = 16
_MARK_CACHE_BYTES: Final = 128 * 1024 * 1024
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_CODE: Final = re.compile(r"Code: (\d+)\.")
_TWICE: Final = re.compile(r"(Code: \d+\. DB::Exception: )\1")  # how an insert's errors begin
# Formats whose blocks can be sent one after another: nothing before the first, nothing after the last.
STREAMABLE: Final = frozenset({"Native", "TabSeparated", "TSV", "CSV", "RowBinary", "JSONEachRow"})

SESSION_IS_LOCKED: Final = 373
SYNTAX_ERROR: Final = 62
UNKNOWN_SETTING: Final = 115


class EngineError(Exception):
    """ClickHouse refused a statement: its numeric code, and its message as a server sends it."""

    def __init__(self, message: str, code: int | None = None) -> None:
        start = message.find("Code: ")
        text = _TWICE.sub(r"\1", message[start:], count=1) if start >= 0 else message
        found = _CODE.match(text)
        self.code = code if code is not None else int(found[1]) if found else 1000
        super().__init__(text if found else f"Code: {self.code}. DB::Exception: {text}")


@dataclass(frozen=True)
class Context:
    """What a request carries besides its statement."""

    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    session_id: str | None = None
    session_timeout_s: float = 60.0


@dataclass(frozen=True)
class Outcome:
    """A finished statement: its output and the figures of X-ClickHouse-Summary."""

    output: bytes
    read_rows: int
    read_bytes: int
    written_rows: int
    written_bytes: int
    elapsed_ns: int


class _Session:
    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.lock = threading.Lock()
        self.settings: dict[str, str] = {}
        self.expires_s = 0.0


class Engine:
    """Safe for threads. `close` waits for running statements."""

    def __init__(self, path: Path, memory_limit_bytes: int = MEMORY_LIMIT_BYTES) -> None:
        options = f"max_server_memory_usage={memory_limit_bytes}&mark_cache_size={_MARK_CACHE_BYTES}"
        self._address = f"{path}?{options}"
        # This handle is only held: the engine lives as long as its last handle.
        self._anchor = _open(self._address)
        self._sessions: dict[str, _Session] = {}
        self._sessions_lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(MAX_STATEMENTS)

    def run(self, statement: Insert | Query, context: Context, default_format: str) -> Outcome:
        """Run a statement to its end. Raise `EngineError` where ClickHouse does."""
        started_ns = time.monotonic_ns()
        with self._handle(context) as handle:
            if isinstance(statement, Insert):
                result = self._insert(handle, statement)
            else:
                self._refuse_several(handle, statement)
                result = handle.query(_text(statement.text), default_format, params=dict(context.parameters))
            # A copy: a view does not keep the result alive, and another statement would write into it.
            output = result.bytes() if result.size() else b""
        return Outcome(
            output=output,
            read_rows=result.rows_read(),
            read_bytes=result.bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            elapsed_ns=time.monotonic_ns() - started_ns,
        )

    def stream(self, query: Query, context: Context, output_format: str) -> Generator[bytes, None, None]:
        """Run a query and yield its output block by block, in constant memory; close the iterator to cancel it."""
        with self._handle(context) as handle:
            self._refuse_several(handle, query)
            stream = handle.send_query(_text(query.text), output_format, params=dict(context.parameters))
            finished = False
            try:
                while (block := handle.streaming_fetch_result(stream)) is not None and block.rows_read():
                    yield block.bytes()
                finished = True
            finally:
                if not finished:
                    handle.streaming_cancel_query(stream)

    def close(self) -> None:
        """Wait for the running statements, then write all and let go of the folder."""
        for _ in range(MAX_STATEMENTS):
            self._slots.acquire()
        for session in self._sessions.values():
            session.handle.close()
        self._anchor.close()

    @staticmethod
    def _insert(handle: Any, insert: Insert) -> Any:
        # The engine's own insert streams answer "written" to a commit that ran out of memory; a file's insert does not.
        with os.fdopen(os.memfd_create("insert"), "wb") as file:
            file.write(insert.data)
            file.flush()
            source = f"FROM INFILE '/proc/self/fd/{file.fileno()}'"
            lines = _text(insert.head), source, _text(insert.settings), f"FORMAT {insert.format}"
            return handle.query("\n".join(lines), "Null")

    @staticmethod
    def _refuse_several(handle: Any, query: Query) -> None:
        # The engine would run them one after another; a ClickHouse server does not.
        if b";" in query.text and handle.classify_query(_text(query.text))["statement_count"] > 1:
            raise EngineError("Syntax error: Multi-statements are not allowed. (SYNTAX_ERROR)", SYNTAX_ERROR)

    @contextmanager
    def _handle(self, context: Context) -> Generator[Any, None, None]:
        with self._slots, _engine_errors():
            if context.session_id is None:
                handle = _open(self._address)
                try:
                    _set(handle, context.settings)
                    _use(handle, context.database)
                    yield handle
                finally:
                    handle.close()
            else:
                yield from self._session_handle(context.session_id, context)

    def _session_handle(self, session_id: str, context: Context) -> Generator[Any, None, None]:
        session = self._session(session_id)
        try:
            # What the last request set by its address and this one does not goes back to its default.
            _reset(session.handle, session.settings.keys() - context.settings.keys())
            changed = {k: v for k, v in context.settings.items() if session.settings.get(k) != v}
            session.settings = {}
            _set(session.handle, changed)
            session.settings = dict(context.settings)
            _use(session.handle, context.database)
            yield session.handle
        finally:
            session.expires_s = time.monotonic() + context.session_timeout_s
            session.lock.release()

    def _session(self, session_id: str) -> _Session:
        """The session with its lock taken; those that have expired are closed on the way."""
        with self._sessions_lock:
            now_s = time.monotonic()
            for name, other in list(self._sessions.items()):
                if name != session_id and other.expires_s < now_s and other.lock.acquire(blocking=False):
                    other.handle.close()
                    del self._sessions[name]
            session = self._sessions.get(session_id)
            if session is None:
                session = self._sessions[session_id] = _Session(_open(self._address))
            if not session.lock.acquire(blocking=False):
                message = f"Session {session_id} is locked by a concurrent client. (SESSION_IS_LOCKED)"
                raise EngineError(message, SESSION_IS_LOCKED)
            return session


def _open(address: str) -> Any:
    # The handle itself: the package's own wrapper adds data frames and progress bars that nothing here needs.
    return _chdb.connect(address)  # type: ignore[attr-defined]


@contextmanager
def _engine_errors() -> Generator[None, None, None]:
    try:
        yield
    except RuntimeError as error:
        raise EngineError(str(error)) from error


def _text(sql: bytes) -> str:
    try:
        return sql.decode()
    except UnicodeDecodeError as error:
        raise EngineError(f"The statement is not UTF-8: {error}. (SYNTAX_ERROR)", SYNTAX_ERROR) from error


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _set(handle: Any, settings: Mapping[str, str]) -> None:
    for name in settings:
        if not _NAME.match(name):
            raise EngineError(f"Unknown setting {name!r}. (UNKNOWN_SETTING)", UNKNOWN_SETTING)
    if settings:
        handle.query("SET " + ", ".join(f"{name} = {_quote(value)}" for name, value in settings.items()), "Null")


def _reset(handle: Any, names: set[str]) -> None:
    for name in names:
        handle.query(f"SET {name} = DEFAULT", "Null")


def _use(handle: Any, database: str | None) -> None:
    if database:
        handle.query(f"USE `{database.replace(chr(92), chr(92) * 2).replace('`', chr(92) + '`')}`", "Null")
