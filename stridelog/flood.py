"""When dead letters are a flood: a broken producer or schema must not drain a topic into its dead letters."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
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


class FloodGauge:
    """Counts what one agent in one worker decodes, over all its partitions, in the order in which it does.

    ``in_a_row``: so many dead records with no good one between them are a flood; ``ratio``: so is this share of the
    last ``window`` records or more, in whole batches.
    """

    def __init__(self, in_a_row: int, ratio: float, window: int) -> None:
        self._in_a_row = in_a_row
        self._ratio = ratio
        self._window = window
        self._forgiven: Mapping[TopicPartition, int] = {}
        self._forgiven_ms = 0
        self._row = 0
        self._recent: deque[tuple[int, int]] = deque()  # records and dead ones of the last batches
        self._records = self._dead = 0  # their sums

    def forgive(self, ends: Mapping[TopicPartition, int], until_ms: int) -> None:
        """Count anew, and only records from ``ends`` on that were logged after ``until_ms``: somebody has seen the
        others.
        """
        self._forgiven = dict(ends)
        self._forgiven_ms = until_ms
        self._row = self._records = self._dead = 0
        self._recent.clear()

    def look(self, source: TopicPartition, records: Sequence[Logged], dead: Collection[int]) -> str | None:
        """Whether a batch of which these offsets are dead would make a flood: how many then, else ``None``."""
        if not dead:
            return None
        outcomes = self._counted(source, records, dead)
        row = longest = self._row
        for is_dead in outcomes:
            row = row + 1 if is_dead else 0
            longest = max(longest, row)
        if longest >= self._in_a_row:
            return f"{longest:,} records in a row would be dead letters"
        total, gone = self._records + len(outcomes), self._dead + sum(outcomes)
        if total >= self._window and gone >= self._ratio * total:
            return f"{gone:,} of the last {total:,} records would be dead letters"
        return None

    def count(self, source: TopicPartition, records: Sequence[Logged], dead: Collection[int]) -> None:
        """Take a batch into account that was written."""
        size, gone = len(records), 0
        if dead:
            outcomes = self._counted(source, records, dead)
            size, gone = len(outcomes), sum(outcomes)
            for is_dead in outcomes:
                self._row = self._row + 1 if is_dead else 0
        else:
            self._row = 0  # most batches: nothing is looked at one by one
        self._recent.append((size, gone))
        self._records += size
        self._dead += gone
        while self._records - self._recent[0][0] >= self._window:
            old, old_dead = self._recent.popleft()
            self._records -= old
            self._dead -= old_dead

    def _counted(self, source: TopicPartition, records: Sequence[Logged], dead: Collection[int]) -> list[bool]:
        """Whether each record is dead, without those that were forgiven."""
        first, since_ms = self._forgiven.get(source, 0), self._forgiven_ms
        return [record.offset in dead for record in records if record.offset >= first and record.timestamp > since_ms]
