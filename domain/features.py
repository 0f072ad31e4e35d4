"""Features of the models, as of the end of one workout: the same numbers online and in training.

They are computed from facts that were known then: the user's canonical workouts that had ended by ``at_us``,
in the local days of the 168 days up to ``at_day``, and the workout itself. Facts are sorted first, so that
their order changes no bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain import load as training_load
from domain.athlete import Athlete
from domain.sports import FAMILIES, family_of
from domain.track import FloatColumn

FEATURE_WINDOW_DAYS: Final = 168
LONGEST_WINDOW_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class LoadFact:
    """One canonical workout of a user as a fact; times in UTC microseconds, ``day`` the local day of its
    start.
    """

    workout_id: str
    sport: str
    start_us: int
    end_us: int
    day: date
    load: float
    distance_m: float
    moving_time_s: float
    elevation_gain_m: float


FEATURE_NAMES: Final[tuple[str, ...]] = (
    "acute_load_7d",  # sum of load of 7 days, today and this workout included
    "chronic_load_28d",  # mean weekly load of 28 days
    "acwr_uncoupled",
    "ewma_acute_7d",
    "ewma_chronic_28d",
    "fitness_ctl",
    "fatigue_atl",
    "form_tsb",
    "monotony_7d",
    "strain_7d",
    "longest_distance_30d_m",  # longest single workout of the family in the 30 days before this one
    # This distance / that longest one: Schuster Brandt Frandsen et al. 2025 (RUNSAFE), doi
    # 10.1136/bjsports-2024-109380.
    "distance_spike_ratio",
    "moving_hours_7d",
    "workouts_7d",
    "workouts_28d",
    "days_since_last_workout",  # from the end of the one before to the start of this one, fractional
    "rest_days_14d",
    "weekly_load_change",  # load of 7 days / load of the 7 days before
    "load_this",
    "distance_this_m",
    "moving_time_this_s",
    "elevation_gain_this_m",
    "age_years",
    "sex_female",  # 1 female, 0 male, NaN unspecified
    *(f"family_{family}" for family in FAMILIES),
)
NAMES_VERSION: Final = 1
"""Version of ``FEATURE_NAMES``, in every message and model; it goes up when a name, a meaning or the order changes."""
_US_PER_DAY: Final = 86_400_000_000


def known_at(facts: Sequence[LoadFact], at_us: int, at_day: date, current: LoadFact) -> list[LoadFact]:
    """The facts that count at ``at_us``: ended by then, within the window, without ``current``; sorted, each
    workout once.
    """
    first = at_day - timedelta(days=FEATURE_WINDOW_DAYS - 1)
    chosen = {
        fact.workout_id: fact
        for fact in facts
        if fact.end_us <= at_us and first <= fact.day <= at_day and fact.workout_id != current.workout_id
    }
    return sorted(chosen.values(), key=lambda fact: (fact.end_us, fact.workout_id))


def features(
    facts: Sequence[LoadFact], at_us: int, at_day: date, athlete: Athlete, current: LoadFact
) -> NDArray[np.float32]:
    """Features as of ``at_us``, the end of ``current`` (local day ``at_day``); shape (len(FEATURE_NAMES),),
    missing is NaN.

    ``facts`` are the user's canonical workouts in any order; those that had not ended by ``at_us`` and
    ``current`` itself are left out.
    """
    before = known_at(facts, at_us, at_day, current)
    daily = np.zeros(FEATURE_WINDOW_DAYS)
    trained = np.zeros(FEATURE_WINDOW_DAYS, dtype=bool)
    for fact in (*before, current):
        row = FEATURE_WINDOW_DAYS - 1 - (at_day - fact.day).days
        if 0 <= row < FEATURE_WINDOW_DAYS:
            daily[row] += fact.load
            trained[row] = True
    family = family_of(current.sport)
    longest_m = _longest_m(before, at_day, family)
    week = [fact for fact in before if (at_day - fact.day).days < 7]
    workouts_28d = 1 + sum((at_day - fact.day).days < 28 for fact in before)
    acute, week_before = float(daily[-7:].sum()), float(daily[-14:-7].sum())
    sex = {"female": 1.0, "male": 0.0, "unspecified": np.nan}[athlete.sex]
    age = athlete.age_years(at_day.year)
    values = (
        acute,
        float(daily[-28:].sum()) / 4.0,
        _last(training_load.acwr_uncoupled, daily, 28),
        _last(lambda d: training_load.ewma(d, 7), daily, FEATURE_WINDOW_DAYS),
        _last(lambda d: training_load.ewma(d, 28), daily, FEATURE_WINDOW_DAYS),
        _last(training_load.fitness, daily, FEATURE_WINDOW_DAYS),
        _last(training_load.fatigue, daily, FEATURE_WINDOW_DAYS),
        _last(training_load.form, daily, FEATURE_WINDOW_DAYS),
        _last(training_load.monotony, daily, 7),
        _last(training_load.strain, daily, 7),
        longest_m,
        current.distance_m / longest_m if longest_m > 0 else np.nan,
        (sum(fact.moving_time_s for fact in week) + current.moving_time_s) / 3600.0,
        1 + len(week),
        workouts_28d,
        max(0.0, (current.start_us - before[-1].end_us) / _US_PER_DAY) if before else np.nan,
        14 - int(np.count_nonzero(trained[-14:])),
        acute / week_before if week_before > 0 else np.nan,
        current.load,
        current.distance_m,
        current.moving_time_s,
        current.elevation_gain_m,
        np.nan if age is None else age,
        sex,
        *(float(name == family) for name in FAMILIES),
    )
    return np.array(values, dtype=np.float32)


def _last(column: Callable[[FloatColumn], FloatColumn], daily: FloatColumn, days: int) -> float:
    return float(column(daily[-days:])[-1])


def _longest_m(before: Sequence[LoadFact], at_day: date, family: str) -> float:
    """Longest single distance of the family in the 30 days before; NaN when there is none."""
    distances = [
        fact.distance_m
        for fact in before
        if (at_day - fact.day).days <= LONGEST_WINDOW_DAYS and fact.distance_m > 0 and family_of(fact.sport) == family
    ]
    return max(distances) if distances else float("nan")
