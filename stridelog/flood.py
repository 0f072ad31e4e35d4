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
        """Take a batch into account. If that makes a flood the batch is not counted, and the answer says how many."""
        if not dead:
            self._row = 0
            self._count(len(records), 0)
            return None
        first, since_ms = self._forgiven.get(source, 0), self._forgiven_ms
        counted = [r.offset in dead for r in records if r.offset >= first and r.timestamp > since_ms]
        row = longest = self._row
        for is_dead in counted:
            row = row + 1 if is_dead else 0
            longest = max(longest, row)
        if longest >= self._in_a_row:
            return f"{longest:,} records in a row would be dead letters"
        total, gone = self._records + len(counted), self._dead + sum(counted)
        if total >= self._window and gone >= self._ratio * total:
            return f"{gone:,} of the last {total:,} records would be dead letters"
        self._row = row
        self._count(len(counted), sum(counted))
        return None

    def _count(self, records: int, dead: int) -> None:
        self._recent.append((records, dead))
        self._records += records
        self._dead += dead
        while self._records - self._recent[0][0] >= self._window:
            old, old_dead = self._recent.popleft()
            self._records -= old
            self._dead -= old_dead
