"""ClickHouse over HTTP: Arrow columns into ReplacingMergeTree tables, and twice a second the watermarks.

A watermark for each batch would be two statements and a part more each time, and most of the server's work where
batches are small. So ``write`` returns once the rows are there, and what a worker wrote in the half second before it
died is written again.

Rows carry their source offset and replace older rows of their key, so a span may be inserted again in any cut. No
``insert_deduplication_token`` is set: a token says that two inserts are equal, and a span that is written again without
its poison rows is not. ``async_insert`` is off: with it, an insert is acknowledged before it is where its reader looks.

ClickHouse has no compare-and-set, so a claim is a row with a higher epoch and the fence is a look at the highest ones,
before watermarks are written. Rows that a fenced worker still inserts do no harm: whoever has the partition now brings
the same ones, or newer versions of them. On a replicated cluster the watermark must be read where it was written: set
``select_sequential_consistency`` and ``insert_quorum`` for the worker's user.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Final

import aiohttp
import pyarrow as pa
from clickhouse_connect import get_async_client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import keyed
from sinks.base import Fenced, PoisonRows, Rows, Sink, SinkUnavailable, Span, TopicPartition
from sinks.claims import Claims
from sinks.combining import Combiner, RefusedError
from sinks.conform import conformed
from sinks.standings import WRITER, ddl, forget
from sinks.tables import TABLES
from sinks.views import VIEWS
from stridelog.settings import Settings

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5
ANSWER_TIMEOUT_S: Final = 60
MARK_EVERY_S: Final = 0.5
LATE_MARKS_S: Final = 10.0  # what could not be marked for so long holds up further rows
EPOCH_RANDOM_BITS: Final = 20  # two workers that claim at the same moment get different epochs; the higher one owns

# Error codes by which the server says that it will never take such rows (src/Common/ErrorCodes.cpp).
POISON_CODES: Final = frozenset({6, 27, 33, 41, 53, 69, 70, 72, 117, 131, 349, 407, 636})

_WATERMARKS_DDL: Final = """
CREATE TABLE IF NOT EXISTS `{db}`.watermarks (
    agent String COMMENT 'the agent whose sink it is',
    topic String COMMENT 'source topic',
    `partition` UInt16 COMMENT 'source partition',
    epoch UInt64 COMMENT 'claim: the highest owns the partition',
    next_offset UInt64 COMMENT 'next offset that the sink needs',
    held UInt8 COMMENT '0: claimed, and nothing was ever written',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (agent, topic, `partition`, epoch)
COMMENT 'Where each agent resumes: one row a claim, the one of the highest epoch counts'
"""
_STATE: Final = """
SELECT topic, `partition`, max(epoch), argMax(next_offset, (epoch, next_offset)), argMax(held, (epoch, next_offset))
FROM `{db}`.watermarks WHERE agent = {{agent:String}} GROUP BY topic, `partition`
"""


FAILURES: Final = (ClickHouseError, aiohttp.ClientError, OSError, TimeoutError)
"""What the asynchronous client raises when the server refuses, does not answer, or stops in the middle of an answer."""

State = dict[TopicPartition, tuple[int, int | None]]  # highest epoch and watermark


class ClickHouseSink(Sink[Rows]):
    """Rows of the tables in ``sinks/tables.py``."""

    name = "clickhouse"
    buffers = True  # watermarks, not rows

    def __init__(self, agent: str, settings: Settings) -> None:
        super().__init__(agent)
        self._settings = settings
        self._database = settings.namespace
        self._claims = Claims(self.name, agent)
        self._inserts = Combiner(self._insert_arrow)
        self._marked: dict[TopicPartition, int] = {}  # the watermarks that the server should have
        self._unmarked: dict[TopicPartition, int] = {}  # what holds rows beyond its watermark → the next one
        self._unmarked_since_s = 0.0
        self._to_mark = asyncio.Event()
        self._marking = asyncio.Lock()
        self._marker: asyncio.Task[None] | None = None
        self._client: Any = None  # clickhouse_connect's AsyncClient; the library has no types

    async def open(self) -> None:
        self._client = await connect(self._settings)
        await self._create()
        if self._marker is None:
            self._marker = asyncio.create_task(self._mark_regularly(), name=f"clickhouse-{self.agent}")

    async def close(self) -> None:
        marker, self._marker = self._marker, None
        if marker is not None:
            marker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await marker
        try:
            await self.flush()
        finally:
            await self._disconnect()

    async def _disconnect(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        wanted = list(sources)
        if not wanted:
            return {}
        with contextlib.suppress(Fenced):
            await self.flush()
        state = await self._state()
        claimed: list[tuple[TopicPartition, int, int | None]] = []
        for source in wanted:
            top_epoch, watermark = state.get(source, (0, None))
            claimed.append((source, _next_epoch(top_epoch), watermark))
        await self._write_watermarks(claimed)
        for source, epoch, watermark in claimed:
            self._claims.take(source, str(epoch), watermark)
            self._marked[source] = watermark or 0
        return {source: watermark for source, _, watermark in claimed}

    async def watermarks(self) -> dict[TopicPartition, int]:
        return {source: mark for source, (_, mark) in (await self._state()).items() if mark is not None}

    async def write(self, rows: Sequence[Rows], span: Span) -> None:
        claim = self._claims.of(span)
        if claim.covers(span):
            return
        if self._unmarked and time.monotonic() > self._unmarked_since_s + LATE_MARKS_S:
            await self.flush()
            claim = self._claims.of(span)
        by_table = conformed(rows, TABLES, "sinks/tables.py")
        answers = await asyncio.gather(
            *(self._insert(name, parts) for name, parts in by_table.items()), return_exceptions=True
        )
        errors = [answer for answer in answers if isinstance(answer, BaseException)]
        for error in errors:
            if not isinstance(error, PoisonRows):
                raise error
        if errors:
            raise PoisonRows(
                {index: why for error in errors if isinstance(error, PoisonRows) for index, why in error.rows.items()}
            )
        if self._claims.get(span.source) is not claim:  # it was lost or released meanwhile
            raise self._claims.fenced(span.source)
        claim.watermark = span.next
        if not self._unmarked:
            self._unmarked_since_s = time.monotonic()
        self._unmarked[span.source] = span.next
        self._to_mark.set()

    async def flush(self) -> None:
        async with self._marking:
            marks, began_s = dict(self._unmarked), time.monotonic()
            if not marks:
                return
            state = await self._state()
            owned = {source: int(self._claims.of(source).owner) for source in marks if self._claims.get(source)}
            mine = {source: epoch for source, epoch in owned.items() if self._is_mine(source, epoch, state)}
            await self._write_watermarks([(source, epoch, marks[source]) for source, epoch in mine.items()])
            self._marked |= {source: marks[source] for source in mine}
            lost = owned.keys() - mine.keys()
            self._unmarked = {  # what was written meanwhile
                source: mark
                for source, mark in self._unmarked.items()
                if mark > marks.get(source, -1) and source not in lost
            }
            self._unmarked_since_s = began_s
        errors = [self._claims.lost(source) for source in sorted(lost)]
        if errors:
            raise errors[0]

    def _is_mine(self, source: TopicPartition, epoch: int, state: State) -> bool:
        """Nobody has claimed it since, and the server did not fall back behind what it has acknowledged."""
        top_epoch, watermark = state.get(source, (0, None))
        return top_epoch == epoch and (watermark or 0) >= self._marked[source]

    async def _mark_regularly(self) -> None:
        while True:
            await self._to_mark.wait()
            await asyncio.sleep(MARK_EVERY_S)
            self._to_mark.clear()
            try:
                await self.flush()
            except (SinkUnavailable, Fenced) as error:
                # What waits goes on waiting; write() will say so after a while. A lost partition is refused there too.
                log.warning("%s: %s", self.agent, error)
                if self._unmarked:
                    self._to_mark.set()

    async def rewind(self, source: TopicPartition, offset: int) -> None:
        # Within an epoch the highest offset counts, so going back needs a new one; it fences like a claim.
        claim = self._claims.of(source)
        async with self._marking:
            self._unmarked.pop(source, None)
            top_epoch, _ = (await self._state()).get(source, (0, None))
            if top_epoch != int(claim.owner):
                raise self._claims.lost(source)
            epoch = _next_epoch(top_epoch)
            await self._write_watermarks([(source, epoch, offset)])
            if self.agent == WRITER:
                for text in forget(self._database):
                    await self._command(text)
        self._claims.take(source, str(epoch), offset)
        self._marked[source] = offset

    def release(self, sources: Iterable[TopicPartition]) -> None:
        gone = list(sources)
        self._claims.release(gone)
        for source in gone:
            self._unmarked.pop(source, None)

    async def _create(self) -> None:
        """Create what is missing: tables, columns that were added since, and the views as they are now."""
        await self._command(f"CREATE DATABASE IF NOT EXISTS `{self._database}`")
        await self._command(_WATERMARKS_DDL.format(db=self._database))
        for table in TABLES.values():
            await self._command(table.ddl(self._database))
        found = await self._query(
            "SELECT table, name FROM system.columns WHERE database = {{db:String}}", db=self._database
        )
        there = {(table, column) for table, column in found}
        for table in TABLES.values():
            for column in table.columns:
                if (table.name, column.name) not in there:
                    await self._command(
                        f"ALTER TABLE `{self._database}`.`{table.name}` ADD COLUMN IF NOT EXISTS {column.ddl}"
                    )
        for view in VIEWS.values():
            await self._command(view.ddl(self._database))
        for text in (*ddl(self._database), *keyed.ddl(self._database)):
            await self._command(text)

    async def _insert(self, table: str, parts: Sequence[tuple[int, pa.Table]]) -> None:
        """Insert what a span has for one table; the Rows that the server refuses are named."""
        answers = await asyncio.gather(
            *(self._inserts.insert(table, columns) for _, columns in parts), return_exceptions=True
        )
        refused: dict[int, str] = {}
        for (index, _), answer in zip(parts, answers, strict=True):
            if isinstance(answer, RefusedError):
                refused[index] = str(answer)
            elif isinstance(answer, BaseException):
                raise answer
        if refused:
            raise PoisonRows(refused)

    async def _insert_arrow(self, table: str, columns: pa.Table) -> None:
        await mapped(self._open_client().insert_arrow(table, columns, database=self._database))

    async def _write_watermarks(self, marks: Sequence[tuple[TopicPartition, int, int | None]]) -> None:
        if not marks:
            return
        table = pa.Table.from_pylist(
            [
                {
                    "agent": self.agent,
                    "topic": source.topic,
                    "partition": source.partition,
                    "epoch": epoch,
                    "next_offset": watermark or 0,
                    "held": int(watermark is not None),
                }
                for source, epoch, watermark in marks
            ],
            schema=_WATERMARK_SCHEMA,
        )
        await self._inserts.insert("watermarks", table)

    async def _state(self) -> State:
        """Highest epoch and watermark of each partition."""
        result = await self._query(_STATE, agent=self.agent)
        return {
            TopicPartition(topic, partition): (epoch, next_offset if held else None)
            for topic, partition, epoch, next_offset, held in result
        }

    async def _query(self, text: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        query = self._open_client().query(text.format(db=self._database), parameters=parameters)
        rows: Sequence[Sequence[Any]] = (await mapped(query)).result_rows
        return rows

    async def _command(self, text: str) -> None:
        await mapped(self._open_client().command(text))

    def _open_client(self) -> Any:
        if self._client is None:
            raise SinkUnavailable("clickhouse: not open")
        return self._client


_WATERMARK_SCHEMA: Final = pa.schema(
    {
        "agent": pa.string(),
        "topic": pa.string(),
        "partition": pa.uint16(),
        "epoch": pa.uint64(),
        "next_offset": pa.uint64(),
        "held": pa.uint8(),
    }
)


def _next_epoch(top_epoch: int) -> int:
    return ((top_epoch >> EPOCH_RANDOM_BITS) + 1) << EPOCH_RANDOM_BITS | secrets.randbits(EPOCH_RANDOM_BITS)


async def connect(settings: Settings) -> Any:
    """A client for agents: one that gives up in time. Raises ``SinkUnavailable``."""
    return await mapped(
        get_async_client(
            host=settings.host,
            port=settings.clickhouse_port,
            username=settings.clickhouse_user,
            password=settings.clickhouse_password,
            compress=False,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=ANSWER_TIMEOUT_S,
            autogenerate_session_id=False,  # the server refuses a second statement of a session meanwhile
            settings={
                "async_insert": 0,
                "max_partitions_per_insert_block": 0,  # a device that was offline for months sends many of them
            },
        )
    )


async def mapped(call: Awaitable[Any]) -> Any:
    """Turns the driver's errors into the contract's."""
    try:
        return await call
    except FAILURES as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        if getattr(error, "code", None) in POISON_CODES:
            raise RefusedError(text) from error
        raise SinkUnavailable(f"clickhouse: {text}") from error
