"""Delta tables, on a folder or S3: rows wait in memory and are committed together.

A commit costs tens of milliseconds on a disk and more on S3, whatever its size, so one commit carries the spans of all
partitions that came in a few seconds. What waits is lost with the worker, and nothing is lost by that: the watermark is
the offset of the last commit, and who takes the partition over starts there.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, ParamSpec, TypeVar

from deltalake.exceptions import DeltaError

from sinks.base import Fenced, Rows, Sink, SinkUnavailable, Span, TopicPartition
from sinks.claims import Claims
from sinks.conform import conformed
from sinks.lake import CommitConflictError, Lake, Pending
from sinks.lake_tables import LAKE_TABLES
from stridelog.settings import Settings

log = logging.getLogger(__name__)

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m|↳")  # delta-rs prints its errors for a terminal

P = ParamSpec("P")
R = TypeVar("R")


class DeltaSink(Sink[Rows]):
    """Appends rows to the tables in ``sinks/lake_tables.py``."""

    name = "delta"
    buffers = True

    def __init__(self, agent: str, settings: Settings) -> None:
        super().__init__(agent)
        self._lake = Lake.of(settings)
        self._most_rows = settings.lake_commit_rows
        self._interval_s = settings.lake_commit_interval_s
        self._claims = Claims(self.name, agent)
        self._pending: list[Pending] = []
        self._committing = asyncio.Lock()
        self._full = asyncio.Event()
        self._committer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await in_thread(self._lake.create)
        self._committer = asyncio.create_task(self._commit_regularly(), name=f"delta-{self.agent}")

    async def close(self) -> None:
        committer, self._committer = self._committer, None
        if committer is None:
            return
        committer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await committer
        await self.flush()

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        wanted = list(sources)
        if not wanted:
            return {}
        async with self._committing:
            self._drop(wanted)
            claimed = await in_thread(self._lake.claim, self.agent, wanted)
        for source, (epoch, watermark) in claimed.items():
            self._claims.take(source, str(epoch), watermark)
        return {source: watermark for source, (_, watermark) in claimed.items()}

    async def watermarks(self) -> dict[TopicPartition, int]:
        return await in_thread(self._lake.watermarks, self.agent)

    async def write(self, rows: Sequence[Rows], span: Span) -> None:
        claim = self._claims.of(span)
        if claim.covers(span) or any(p.span.source == span.source and p.span.next >= span.next for p in self._pending):
            return
        by_table = conformed(rows, LAKE_TABLES, "sinks/lake_tables.py")
        pending = Pending(span, {name: [columns for _, columns in parts] for name, parts in by_table.items()})
        if self._waiting_rows() >= 2 * self._most_rows:  # the last commit is still under way, or the store is away
            await self.flush()
            self._claims.of(span)
        self._pending.append(pending)
        if self._waiting_rows() >= self._most_rows:
            self._full.set()

    async def flush(self) -> None:
        async with self._committing:
            pending = list(self._pending)
            if not pending:
                return
            claims = {one.span.source: self._claims.of(one.span) for one in pending}
            epochs = {source: int(claim.owner) for source, claim in claims.items()}
            held = {source: claim.watermark or 0 for source, claim in claims.items()}
            lost = await in_thread(self._commit, pending, epochs, held)
            done = {id(one) for one in pending}
            self._pending = [one for one in self._pending if id(one) not in done]
            for one in pending:
                claim = self._claims.get(one.span.source)
                if claim is not None and one.span.source not in lost:  # it may have been released meanwhile
                    claim.watermark = max(one.span.next, claim.watermark or 0)
            self._drop(lost)
        if lost:
            errors = [self._claims.lost(source) for source in sorted(lost)]
            raise errors[0]

    async def rewind(self, source: TopicPartition, offset: int) -> None:
        claim = self._claims.of(source)
        async with self._committing:
            self._drop([source])
            lost = await in_thread(self._lake.rewind, self.agent, source, offset, int(claim.owner))
        if lost:
            raise self._claims.lost(source)
        claim.watermark = offset

    def release(self, sources: Iterable[TopicPartition]) -> None:
        gone = list(sources)
        self._claims.release(gone)
        self._drop(gone)

    def _commit(
        self, pending: Sequence[Pending], epochs: dict[TopicPartition, int], held: dict[TopicPartition, int]
    ) -> set[TopicPartition]:
        """Commit table by table, then the watermarks; the partitions that are not ours as we left them."""
        fenced = self._lake.fenced(self.agent, epochs, held)
        mine = [one for one in pending if one.span.source not in fenced]
        for table in sorted({name for one in mine for name in one.rows}):
            self._lake.append(self.agent, table, mine)
        marks: dict[TopicPartition, int] = {}
        for one in mine:
            marks[one.span.source] = max(one.span.next, marks.get(one.span.source, 0))
        return fenced | (self._lake.advance(self.agent, marks, epochs) if marks else set())

    async def _commit_regularly(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._interval_s)
            self._full.clear()
            try:
                await self.flush()
            except (SinkUnavailable, Fenced) as error:
                # Rows keep waiting; write() will say so once there are too many. A lost partition is refused there too.
                log.warning("%s: %s", self.agent, error)

    def _waiting_rows(self) -> int:
        return sum(rows.num_rows for one in self._pending for parts in one.rows.values() for rows in parts)

    def _drop(self, sources: Iterable[TopicPartition]) -> None:
        gone = set(sources)
        self._pending = [one for one in self._pending if one.span.source not in gone]


async def in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking call of the lake; its errors become the contract's."""
    try:
        return await asyncio.to_thread(call, *args, **kwargs)
    except (DeltaError, CommitConflictError, OSError) as error:
        text = " ".join(_COLOURS.sub("", str(error)).split())[:300]
        raise SinkUnavailable(f"delta: {text}") from error
