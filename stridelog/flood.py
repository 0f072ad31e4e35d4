"""When dead letters are a flood: a broken producer or schema must not drain a topic into its dead letters."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sinks.base import TopicPartition


class Logged(Protocol):
    """A record as the log has it."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def timestamp(self) -> int:
        """When it was logged, in ms."""


@dataclass(slots=True)
class _Batch:
    """A batch that is worked on: which of the records that count are dead, in order; ``None`` where none is."""

    outcomes: Sequence[bool] | None
    records: int
    is_done: bool = False

    @property
    def size(self) -> int:
        """How many records count."""
        return self.records if self.outcomes is None else len(self.outcomes)

    @property
    def dead(self) -> int:
        """How many of them are dead."""
        return sum(self.outcomes or ())

    def rows_after(self, row: int) -> tuple[int, int]:
        """Dead records in a row at the end of the batch, and at most, when there were ``row`` before."""
        if self.outcomes is None:
            return 0, row
        longest = row
        for is_dead in self.outcomes:
            row = row + 1 if is_dead else 0
            longest = max(longest, row)
        return row, longest


class FloodGauge:
    """Counts what one agent in one worker works on, over all its partitions, in the order in which it begins.

    ``in_a_row``: so many dead records with no good one between them are a flood; ``ratio``: so is this share of the
    last ``window`` records or more, in whole batches. Partitions are worked on at the same time: a batch counts from
    the first look on, and what is known of it may change until it is done.
    """

    def __init__(self, in_a_row: int, ratio: float, window: int) -> None:
        self._in_a_row = in_a_row
        self._ratio = ratio
        self._window = window
        self._forgiven: Mapping[TopicPartition, int] = {}
        self._forgiven_ms = 0
        self._row = 0
        self._recent: deque[tuple[int, int]] = deque()  # records and dead ones of the last batches that are done
        self._records = self._dead = 0  # their sums
        self._open: dict[tuple[TopicPartition, int], _Batch] = {}  # by partition and first offset, as they began

    def forgive(self, ends: Mapping[TopicPartition, int], until_ms: int) -> None:
        """Count anew, and only records from ``ends`` on that were logged after ``until_ms``: somebody has seen the
        others.
        """
        self._forgiven = dict(ends)
        self._forgiven_ms = until_ms
        self._row = self._records = self._dead = 0
        self._recent.clear()
        self._open.clear()

    def look(self, source: TopicPartition, records: Sequence[Logged], dead: Collection[int]) -> str | None:
        """Whether a batch, of which these offsets are dead, makes a flood: how many then.

        A batch that does is not counted.
        """
        key = source, records[0].offset
        self._open[key] = _Batch(self._counted(source, records, dead) if dead else None, len(records))
        flood = self._flood() if dead else None
        if flood is not None:
            del self._open[key]
        return flood

    def done(self, source: TopicPartition, records: Sequence[Logged]) -> None:
        """A batch is written."""
        written = self._open.get((source, records[0].offset))
        if written is not None:
            written.is_done = True
        while self._open and (batch := next(iter(self._open.values()))).is_done:
            del self._open[next(iter(self._open))]
            self._row, _ = batch.rows_after(self._row)
            self._recent.append((batch.size, batch.dead))
            self._records += batch.size
            self._dead += batch.dead
        while self._recent and self._records - self._recent[0][0] >= self._window:
            old, old_dead = self._recent.popleft()
            self._records -= old
            self._dead -= old_dead

    def leave(self) -> None:
        """The partitions are given back: their batches at hand are nobody's."""
        self._open.clear()

    def _flood(self) -> str | None:
        row = longest = self._row
        for batch in self._open.values():
            row, most = batch.rows_after(row)
            longest = max(longest, most)
        if longest >= self._in_a_row:
            return f"{longest:,} records in a row would be dead letters"
        total = self._records + sum(batch.size for batch in self._open.values())
        gone = self._dead + sum(batch.dead for batch in self._open.values())
        if total >= self._window and gone >= self._ratio * total:
            return f"{gone:,} of the last {total:,} records would be dead letters"
        return None

    def _counted(self, source: TopicPartition, records: Sequence[Logged], dead: Collection[int]) -> list[bool]:
        """Whether each record is dead, without those that were forgiven."""
        first, since_ms = self._forgiven.get(source, 0), self._forgiven_ms
        return [record.offset in dead for record in records if record.offset >= first and record.timestamp > since_ms]
