"""A user's scores on boards, kept up workout by workout; :func:`domain.boards.scores` looks at all of them."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from domain.boards import ALL_SPORTS, METRICS, SCALE, BoardKey, Effort, Score, parts_of, periods_of
from domain.days import Period, period_key, period_start
from domain.sports import family_of

_NOTHING: Final = Score(0.0, 0)


class Ledger:
    """A user's counted efforts as they are now, and what months and years add up to.

    ``scores`` answers as :func:`domain.boards.scores` does for all of them, from the efforts of one month and a few
    sums, so that a score costs the same after ten years as after one.
    """

    def __init__(self) -> None:
        self._efforts: dict[str, Effort] = {}  # by workout
        self._months: dict[str, dict[str, Effort]] = {}  # period key of the month → those of it, by workout
        self._years: dict[str, set[str]] = {}  # period key of the year → those of its months
        self._totals: dict[str, dict[str, _Total]] = {}  # period key of a month, a year or all → sport → sums

    def put(self, workout_id: str, effort: Effort | None) -> None:
        """Count a workout as ``effort`` in place of what it counted as before; ``None``: no longer."""
        before = self._efforts.pop(workout_id, None)
        if before is not None:
            month, year, ever = _long_keys(before.day)
            del self._months[month][workout_id]
            for key in (month, year, ever):
                self._totals.pop(key, None)
        if effort is not None:
            month, year, ever = _long_keys(effort.day)
            self._efforts[workout_id] = effort
            self._months.setdefault(month, {})[workout_id] = effort
            self._years.setdefault(year, set()).add(month)
            for key in (month, year, ever):
                if key in self._totals:
                    _add(self._totals[key], effort)

    def scores(self, touched: Iterable[Effort]) -> dict[BoardKey, Score]:
        """The user's whole score on every board that the touched efforts could change."""
        found: dict[BoardKey, Score] = {}
        for effort in touched:
            sports = (family_of(effort.sport), ALL_SPORTS)
            for period, key in periods_of(effort.day):
                if all((METRICS[0], sport, period, key) in found for sport in sports):
                    continue
                totals = self._totals_of(period, key, effort.day)
                for sport in sports:
                    total = totals.get(sport)
                    for number, metric in enumerate(METRICS):
                        found[BoardKey(metric, sport, period, key)] = (
                            Score(total.sums[number] / SCALE, total.last_us[number]) if total else _NOTHING
                        )
        return found

    def _totals_of(self, period: Period, key: str, day: date) -> "dict[str, _Total]":
        if period in ("day", "week"):
            first = period_start(day, period)
            last = first + timedelta(days=6 if period == "week" else 0)
            months = {period_key(first, "month"), period_key(last, "month")}
            near = (effort for month in months for effort in self._months.get(month, {}).values())
            return _sums(effort for effort in near if first <= effort.day <= last)
        return self._kept(key)

    def _kept(self, key: str) -> "dict[str, _Total]":
        totals = self._totals.get(key)
        if totals is None:
            if key in self._months:
                totals = _sums(self._months[key].values())
            else:
                parts = self._years if key == ALL_SPORTS else self._years.get(key, ())
                totals = _merged([self._kept(part) for part in parts])
            self._totals[key] = totals
        return totals


class _Total:
    """Sums of the metrics in hundredths, and for each the end of the latest effort that adds to it."""

    __slots__ = ("last_us", "sums")

    def __init__(self) -> None:
        self.sums = [0] * len(METRICS)
        self.last_us = [0] * len(METRICS)

    def add(self, values: Iterable[int], ends_us: Iterable[int]) -> None:
        for number, (value, end_us) in enumerate(zip(values, ends_us, strict=True)):
            if value:
                self.sums[number] += value
                self.last_us[number] = max(end_us, self.last_us[number])


def _add(totals: dict[str, _Total], effort: Effort) -> None:
    *values, end_us = parts_of(effort)
    for sport in (family_of(effort.sport), ALL_SPORTS):
        totals.setdefault(sport, _Total()).add(values, [end_us] * len(METRICS))


def _sums(efforts: Iterable[Effort]) -> dict[str, _Total]:
    totals: dict[str, _Total] = {}
    for effort in efforts:
        _add(totals, effort)
    return totals


def _merged(parts: Iterable[dict[str, _Total]]) -> dict[str, _Total]:
    totals: dict[str, _Total] = {}
    for part in parts:
        for sport, total in part.items():
            totals.setdefault(sport, _Total()).add(total.sums, total.last_us)
    return totals


@lru_cache(maxsize=65536)
def _long_keys(day: date) -> tuple[str, str, str]:
    return period_key(day, "month"), period_key(day, "year"), period_key(day, "all")
