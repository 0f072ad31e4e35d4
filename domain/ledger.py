"""A user's scores on boards: worked out from all workouts, or kept up workout by workout."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from domain.board_rules import BoardRule, BoardRules
from domain.boards import ALL_SPORTS, METRICS, SCALE, STREAK, BoardKey, Effort, Score, parts_of, periods_of, scaled
from domain.days import Period, period_key, period_start
from domain.efforts import DISTANCES
from domain.sports import family_of
from domain.streaks import Runs, longest_run

_ALL_TIME: Final = period_key(date(1970, 1, 1), "all")
_NOTHING: Final = Score(0.0, 0, 0)
_TIMED: Final = frozenset(name for name, _ in DISTANCES)  # of these bests less is better


def scores(efforts: Iterable[Effort], touched: Iterable[Effort], rules: BoardRules) -> dict[BoardKey, Score]:
    """The user's whole score on every board that the touched efforts could change.

    ``efforts`` are all canonical workouts of one user as they are now; ``touched`` are those that came,
    changed or went, in their old and new form (an edit that moves a workout to another day touches both
    days). Neither's order matters. Give an effort once: the same workout id twice in ``efforts`` raises
    ``ValueError``.
    """
    groups: dict[tuple[Period, str], dict[str, list[Effort]]] = {}  # period and its key → sport → those that count
    for effort in touched:
        for period in periods_of(effort.day):
            counting = groups.setdefault(period, {})
            counting.setdefault(family_of(effort.sport), [])
            counting.setdefault(ALL_SPORTS, [])
    seen: set[str] = set()
    for effort in efforts:
        if effort.workout_id in seen:
            raise ValueError(f"workout {effort.workout_id} is given twice: give each canonical workout once")
        seen.add(effort.workout_id)
        for period in periods_of(effort.day):
            for sport in (family_of(effort.sport), ALL_SPORTS):
                if sport in groups.get(period, ()):
                    groups[period][sport].append(effort)
    return {
        BoardKey(rule.name, sport, period, key): _score(found, rule)
        for (period, key), counting in groups.items()
        for sport, found in counting.items()
        for rule in rules.of(sport, period)
    }


def _score(efforts: list[Effort], rule: BoardRule) -> Score:
    if rule.total == STREAK:
        days, end_us = longest_run((effort.day, effort.end_us) for effort in efforts)
        return Score(float(days), end_us, len(efforts))
    if rule.total is not None:
        number = METRICS.index(rule.total)
        parts = [(parts_of(effort)[number], effort.end_us) for effort in efforts]
        last_us = max((end_us for part, end_us in parts if part), default=0)
        return Score(sum(part for part, _ in parts) / SCALE, last_us, len(efforts))
    bests = [
        (scaled(value), effort.end_us) for effort in efforts for name, value in effort.bests if name == rule.effort
    ]
    if not bests:
        return Score(0.0, 0, len(efforts))
    best, end_us = min(bests, key=lambda best: (best[0] if rule.less_is_better else -best[0], best[1]))
    return Score(best / SCALE, end_us, len(efforts))


class Ledger:
    """A user's counted efforts as they are now, and what months and years add up to.

    ``scores`` answers as :func:`scores` does for all of them, from the efforts of one month and a few sums, so that a
    score costs the same after ten years as after one.
    """

    def __init__(self, rules: BoardRules) -> None:
        self._rules = rules
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
        done: set[tuple[Period, str, str]] = set()
        for effort in touched:
            sports = (family_of(effort.sport), ALL_SPORTS)
            for period, key in periods_of(effort.day):
                if all((period, key, sport) in done for sport in sports):
                    continue
                totals = self._totals_of(period, key, effort.day)
                for sport in sports:
                    done.add((period, key, sport))
                    total = totals.get(sport)
                    for rule in self._rules.of(sport, period):
                        found[BoardKey(rule.name, sport, period, key)] = total.score(rule) if total else _NOTHING
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
                parts = self._years if key == _ALL_TIME else self._years.get(key, ())
                totals = _merged([self._kept(part) for part in parts])
            self._totals[key] = totals
        return totals


class _Total:
    """Sums of the metrics in hundredths with the end of the latest effort that adds to each; bests with their ends;
    runs of days.
    """

    __slots__ = ("bests", "count", "last_us", "runs", "sums")

    def __init__(self) -> None:
        self.count = 0
        self.sums = [0] * len(METRICS)
        self.last_us = [0] * len(METRICS)
        self.runs = Runs()
        self.bests: dict[str, tuple[int, int]] = {}  # by name: hundredths, turned so that less is better, and the end

    def add(self, count: int, values: Iterable[int], ends_us: Iterable[int]) -> None:
        self.count += count
        for number, (value, end_us) in enumerate(zip(values, ends_us, strict=True)):
            if value:
                self.sums[number] += value
                self.last_us[number] = max(end_us, self.last_us[number])

    def best(self, name: str, best: tuple[int, int]) -> None:
        if name not in self.bests or best < self.bests[name]:
            self.bests[name] = best

    def score(self, rule: BoardRule) -> Score:
        if rule.total == STREAK:
            days, end_us = self.runs.longest
            return Score(float(days), end_us, self.count)
        if rule.total is not None:
            number = METRICS.index(rule.total)
            return Score(self.sums[number] / SCALE, self.last_us[number], self.count)
        best, end_us = self.bests.get(rule.effort or "", (0, 0))
        return Score(abs(best) / SCALE, end_us, self.count)


def _add(totals: dict[str, _Total], effort: Effort) -> None:
    *values, end_us = parts_of(effort)
    bests = [(name, (scaled(value) * (1 if name in _TIMED else -1), end_us)) for name, value in effort.bests]
    for sport in (family_of(effort.sport), ALL_SPORTS):
        total = totals.setdefault(sport, _Total())
        total.add(1, values, [end_us] * len(METRICS))
        total.runs.add(effort.day, end_us)
        for name, best in bests:
            total.best(name, best)


def _sums(efforts: Iterable[Effort]) -> dict[str, _Total]:
    totals: dict[str, _Total] = {}
    for effort in efforts:
        _add(totals, effort)
    return totals


def _merged(parts: Iterable[dict[str, _Total]]) -> dict[str, _Total]:
    totals: dict[str, _Total] = {}
    for part in parts:
        for sport, other in part.items():
            total = totals.setdefault(sport, _Total())
            total.add(other.count, other.sums, other.last_us)
            total.runs.update(other.runs)
            for name, best in other.bests.items():
                total.best(name, best)
    return totals


@lru_cache(maxsize=65536)
def _long_keys(day: date) -> tuple[str, str, str]:
    return period_key(day, "month"), period_key(day, "year"), period_key(day, "all")
