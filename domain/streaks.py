"""Streaks: runs of consecutive local days with a workout.

A run is reached with the end of the first workout of its last day; of equally long ones the one that was reached first
counts.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from typing import Final

_NONE: Final = (0, 0)


def longest_run(workouts: Iterable[tuple[date, int]]) -> tuple[int, int]:
    """The longest run of consecutive days, and when it was reached (µs), of workouts by day and end; 0, 0 of none."""
    first_end_us: dict[date, int] = {}
    for day, end_us in workouts:
        first_end_us[day] = min(end_us, first_end_us.get(day, end_us))
    best, length = _NONE, 0
    for day in sorted(first_end_us):
        length = length + 1 if date.fromordinal(day.toordinal() - 1) in first_end_us else 1
        best = _better(best, (length, first_end_us[day]))
    return best


class Runs:
    """Days with a workout as runs, to which days are added in any order: what that costs does not grow with the days.

    ``longest`` is what :func:`longest_run` says of all that was added.
    """

    __slots__ = ("_ends_us", "_firsts", "_lasts", "longest")

    def __init__(self) -> None:
        self._firsts: list[int] = []  # of each run, in order: its first day, its last, and when it was reached
        self._lasts: list[int] = []
        self._ends_us: list[int] = []
        self.longest = _NONE

    def add(self, day: date, end_us: int) -> None:
        """A workout of a day."""
        self._join(day.toordinal(), day.toordinal(), end_us)

    def update(self, other: "Runs") -> None:
        """Everything that was added to another, which has no day that is here already."""
        for first, last, end_us in zip(other._firsts, other._lasts, other._ends_us, strict=True):
            self._join(first, last, end_us)

    def _join(self, first: int, last: int, end_us: int) -> None:
        at = bisect_right(self._firsts, first) - 1  # the run that begins at or before it
        if at >= 0 and last <= self._lasts[at]:  # the day is there
            if last == self._lasts[at]:
                self._ends_us[at] = min(end_us, self._ends_us[at])
        elif at >= 0 and self._lasts[at] == first - 1:
            self._lasts[at], self._ends_us[at] = last, end_us
        else:
            at += 1
            self._firsts.insert(at, first)
            self._lasts.insert(at, last)
            self._ends_us.insert(at, end_us)
        if at + 1 < len(self._firsts) and self._firsts[at + 1] == self._lasts[at] + 1:
            self._lasts[at], self._ends_us[at] = self._lasts.pop(at + 1), self._ends_us.pop(at + 1)
            del self._firsts[at + 1]
        self.longest = _better(self.longest, (self._lasts[at] - self._firsts[at] + 1, self._ends_us[at]))


def _better(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The longer, and of equally long ones the one that was reached first."""
    return max(one, other, key=lambda run: (run[0], -run[1]))
