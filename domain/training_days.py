"""A user's training by local day: load, what it adds up to, and how far the longest run went beyond those before it.

A day has a row from the day of the first workout to that of the last: a day of rest is a day with load 0, not a missing
one. :func:`training_days` works all of them out; :class:`TrainingHistory` keeps them up workout by workout.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain import load
from domain.boards import Effort
from domain.features import LONGEST_WINDOW_DAYS
from domain.sports import family_of
from domain.track import FloatColumn

LOOK_BACK_DAYS: Final = max(LONGEST_WINDOW_DAYS, load.CHRONIC_DAYS)
_DIGITS: Final = 4
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class DayColumns:
    """Training of consecutive local days, columns of shape (days,), rounded to 0.0001; what is undefined is NaN.

    ``day`` counts from 1970-01-01.
    """

    day: NDArray[np.int32]
    load: FloatColumn
    workouts: NDArray[np.int32]
    moving_time_s: FloatColumn
    acute_load_7d: FloatColumn  # sum
    chronic_load_28d: FloatColumn  # mean week
    ewma_acute_7d: FloatColumn
    ewma_chronic_28d: FloatColumn
    acwr_coupled: FloatColumn
    acwr_uncoupled: FloatColumn
    acwr_ewma: FloatColumn
    monotony_7d: FloatColumn
    strain_7d: FloatColumn
    fitness_ctl: FloatColumn
    fatigue_atl: FloatColumn
    form_tsb: FloatColumn
    longest_run_m: FloatColumn  # of the day; 0 without a run
    longest_run_30d_m: FloatColumn  # of the 30 days before
    run_spike: FloatColumn  # the one by the other

    def __len__(self) -> int:
        return len(self.day)


def run_spike(longest_run_m: FloatColumn, before_m: FloatColumn) -> FloatColumn:
    """Each day's longest run by the longest of the 30 days before, (days,); NaN without a run or without one before.

    Schuster Brandt Frandsen et al. 2025 (RUNSAFE), doi 10.1136/bjsports-2024-109380: overuse injuries became more
    frequent from 1.1 on.

    Criticism: one cohort of volunteers; distances only, not how hard they were; and after a month without a run there
    is no ratio at all.
    """
    spike = np.full(len(longest_run_m), np.nan)
    np.divide(longest_run_m, before_m, out=spike, where=(longest_run_m > 0) & (before_m > 0))
    return spike


def training_days(efforts: Iterable[Effort]) -> DayColumns:
    """All days of a user, from all canonical workouts, whose order does not matter."""
    by_day: dict[int, list[Effort]] = {}
    for effort in efforts:
        by_day.setdefault(effort.day.toordinal(), []).append(effort)
    days = [_totals(by_day.get(day, ())) for day in range(min(by_day), max(by_day) + 1)] if by_day else []
    return _columns(min(by_day, default=0), days, 0, _REST)


def rest_after(days: DayColumns, until: date) -> DayColumns:
    """The days of rest from the day after ``days`` to ``until``, both included.

    ``days`` are the last ones of a user: at least ``LOOK_BACK_DAYS``, or all.
    """
    if not len(days):
        return days
    seen = days.load, days.workouts, days.moving_time_s, days.longest_run_m
    totals = [_Totals(*row) for row in zip(*(column.tolist() for column in seen), strict=True)]
    decayed = days.fitness_ctl, days.fatigue_atl, days.ewma_acute_7d, days.ewma_chronic_28d
    first = int(days.day[0]) + _EPOCH
    resting = max(0, until.toordinal() - first - len(totals) + 1)
    rest = [_Totals(0.0, 0, 0.0, 0.0)] * resting
    return _columns(first, [*totals, *rest], len(totals), _Means(*(float(column[-1]) for column in decayed)))


class TrainingHistory:
    """A user's days, kept up with each workout: what comes late changes its own day and those after it only."""

    def __init__(self) -> None:
        self._efforts: dict[int, dict[str, Effort]] = {}  # day as ordinal → those of it, by workout
        self._day_of: dict[str, int] = {}  # by workout
        self._first = self._last = 0  # of the days with a workout, or beyond them: _span
        self._totals: list[_Totals] = []  # of each day from the first on, as far as they are worked out
        self._means: list[_Means] = []  # the same

    def put(self, workout_id: str, effort: Effort | None) -> None:
        """Count a workout as ``effort`` in place of what it counted as before; ``None``: no longer."""
        touched = []
        before = self._day_of.pop(workout_id, None)
        if before is not None:
            del self._efforts[before][workout_id]
            if not self._efforts[before]:
                del self._efforts[before]
            touched.append(before)
        if effort is not None:
            day = self._day_of[workout_id] = effort.day.toordinal()
            self._efforts.setdefault(day, {})[workout_id] = effort
            touched.append(day)
        if touched:
            left = max(0, min(touched) - self._first)
            del self._totals[left:], self._means[left:]
            self._first, self._last = min(self._first, *touched), max(self._last, *touched)

    def around(self, first: date, last: date) -> tuple[date, date]:
        """The days whose rows come or go with workouts of the days ``first`` to ``last``.

        These, and the days of rest up to the workouts on either side.
        """
        if not self._efforts:
            return first, last
        begin, end = self._span()
        before, after = first.toordinal() - 1, last.toordinal() + 1
        while before >= begin and before not in self._efforts:
            before -= 1
        while after <= end and after not in self._efforts:
            after += 1
        return (
            date.fromordinal(before + 1) if before >= begin else first,
            date.fromordinal(after - 1) if after <= end else last,
        )

    def since(self, day: date) -> DayColumns:
        """The days from ``day`` to that of the last workout; they are worked out from those that changed on."""
        if not self._efforts:
            return _columns(0, [], 0, _REST)
        first, last = self._span()
        rows = last - first + 1
        del self._totals[rows:], self._means[rows:]
        for ordinal in range(first + len(self._totals), last + 1):
            self._totals.append(_totals(self._efforts.get(ordinal, {}).values()))
        known = len(self._means)
        self._means += _means(self._totals[known:], self._means[-1] if known else _REST)
        begin = min(max(0, day.toordinal() - first), rows)
        look_back = max(0, begin - LOOK_BACK_DAYS)
        before = self._means[begin - 1] if begin else _REST
        return _columns(first + look_back, self._totals[look_back:], begin - look_back, before)

    def _span(self) -> tuple[int, int]:
        """The first and the last day with a workout, of which there is one."""
        if self._first not in self._efforts:
            self._first = min(self._efforts)
        if self._last not in self._efforts:
            self._last = max(self._efforts)
        return self._first, self._last


class _Totals(NamedTuple):
    """What was done on a day."""

    load: float
    workouts: int
    moving_time_s: float
    longest_run_m: float


class _Means(NamedTuple):
    """What decays from day to day, after a day."""

    fitness: float
    fatigue: float
    acute: float
    chronic: float


_REST: Final = _Means(0.0, 0.0, 0.0, 0.0)


def _totals(efforts: Collection[Effort]) -> _Totals:
    return _Totals(
        load=sum(sorted(effort.load for effort in efforts)),
        workouts=len(efforts),
        moving_time_s=sum(sorted(effort.moving_time_s for effort in efforts)),
        longest_run_m=max((e.distance_m for e in efforts if family_of(e.sport) == "running"), default=0.0),
    )


def _means(days: Sequence[_Totals], before: _Means) -> list[_Means]:
    daily = np.array([day.load for day in days])
    columns = (
        load.fitness(daily, before=before.fitness),
        load.fatigue(daily, before=before.fatigue),
        load.ewma(daily, load.ACUTE_DAYS, before.acute),
        load.ewma(daily, load.CHRONIC_DAYS, before.chronic),
    )
    return [_Means(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _columns(first: int, days: Sequence[_Totals], begin: int, before: _Means) -> DayColumns:
    """Columns of the days from index ``begin`` on; those before it are looked back at, ``before`` is after the last of
    them.
    """
    daily = np.array([day.load for day in days])
    runs = np.array([day.longest_run_m for day in days])
    means = np.array(_means(days[begin:], before)).reshape(-1, len(_Means._fields)).T
    yesterday = np.hstack((np.array([before]).T, means[:, :-1])) if means.size else means
    before_m = _highest_before(runs)
    figures = {
        "load": daily,
        "moving_time_s": np.array([day.moving_time_s for day in days]),
        "acute_load_7d": load.rolling_sum(daily, load.ACUTE_DAYS),
        "chronic_load_28d": load.rolling_mean(daily, load.CHRONIC_DAYS) * load.ACUTE_DAYS,
        "acwr_coupled": load.acwr_coupled(daily),
        "acwr_uncoupled": load.acwr_uncoupled(daily),
        "monotony_7d": load.monotony(daily),
        "strain_7d": load.strain(daily),
        "longest_run_m": runs,
        "longest_run_30d_m": before_m,
        "run_spike": run_spike(runs, before_m),
    }
    decayed = {
        "ewma_acute_7d": means[2],
        "ewma_chronic_28d": means[3],
        "acwr_ewma": load.ratio(means[2], means[3]),
        "fitness_ctl": means[0],
        "fatigue_atl": means[1],
        "form_tsb": yesterday[0] - yesterday[1],
    }
    rounded = np.round(np.array([*(column[begin:] for column in figures.values()), *decayed.values()]), _DIGITS)
    return DayColumns(
        day=np.arange(first + begin, first + len(days), dtype=np.int32) - _EPOCH,
        workouts=np.array([day.workouts for day in days[begin:]], dtype=np.int32),
        **dict(zip((*figures, *decayed), rounded, strict=True)),
    )


def _highest_before(values: FloatColumn) -> FloatColumn:
    """The highest of the 30 days before each day; 0 without days."""
    highest = np.zeros(len(values))
    for age in range(1, LONGEST_WINDOW_DAYS + 1):
        np.maximum(highest[age:], values[:-age], out=highest[age:])
    return highest
