"""How large a batch may be, and the fetched records that wait to become one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from faust.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a batch: records, bytes of keys, values and headers, and seconds that its first record may wait.

    Raises ``ImproperlyConfigured`` for limits that no batch can keep.
    """

    max_records: int | None = None
    max_bytes: int | None = None
    max_wait_s: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("batch_max_records", self.max_records), ("batch_max_bytes", self.max_bytes)):
            if value is not None and value < 1:
                raise ImproperlyConfigured(f"{name} is {value}: give at least 1, or None for no limit")
        if not 0 <= self.max_wait_s < math.inf:
            raise ImproperlyConfigured(f"batch_max_wait is {self.max_wait_s}: give seconds, 0 for no wait")

    @classmethod
    def of(cls, app: Any) -> "Bounds":
        """The limits that an application has set, by default none."""
        return cls(
            getattr(app, "batch_max_records", None),
            getattr(app, "batch_max_bytes", None),
            getattr(app, "batch_max_wait", 0.0),
        )


class Gathered:
    """Fetched records of one partition that are no batch yet, in offset order."""

    __slots__ = ("_last_s", "_records", "_since_s", "_sizes")

    def __init__(self) -> None:
        self._records: list[Any] = []
        self._sizes: list[int] = []  # only kept where bytes are limited
        self._since_s = 0.0
        self._last_s = 0.0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, records: list[Any], bounds: Bounds, now_s: float) -> None:
        """Take in what was fetched; the list is ours from now on."""
        if not self._records:
            self._since_s = now_s
            self._records = records
            self._sizes = []
        else:
            self._records += records
        self._last_s = now_s
        if bounds.max_bytes is not None:
            self._sizes += map(size_bytes, self._records[len(self._sizes) :])

    def due_s(self, bounds: Bounds) -> float:
        """When the records have waited long enough."""
        return self._since_s + bounds.max_wait_s

    def take(self, bounds: Bounds, now_s: float) -> list[Any]:
        """The next batch's records: as many as the limits allow, once they are reached or the wait is over."""
        if not self._records or (now_s < self.due_s(bounds) and not self._is_full(bounds)):
            return []
        end = self._end(bounds)
        if end == len(self._records):
            taken, self._records, self._sizes = self._records, [], []
            return taken
        taken = self._records[:end]
        del self._records[:end]
        del self._sizes[:end]
        self._since_s = self._last_s  # what is left over came with the last fetch
        return taken

    def _is_full(self, bounds: Bounds) -> bool:
        if bounds.max_records is not None and len(self._records) >= bounds.max_records:
            return True
        return bounds.max_bytes is not None and sum(self._sizes) >= bounds.max_bytes

    def _end(self, bounds: Bounds) -> int:
        """How many records the next batch has: at least one, however large it is."""
        end = len(self._records)
        if bounds.max_records is not None:
            end = min(end, bounds.max_records)
        if bounds.max_bytes is not None:
            fitting = sum(1 for total in accumulate(self._sizes[:end]) if total <= bounds.max_bytes)
            end = max(1, fitting)
        return end


def size_bytes(record: Any) -> int:
    """Bytes of a record's key, value and headers."""
    headers: Sequence[tuple[str, bytes | None]] = record.headers
    size = len(record.key or b"") + len(record.value or b"")
    return size + sum(len(name) + len(value or b"") for name, value in headers)
