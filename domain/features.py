"""Features of the models, as of the end of one workout: the same numbers online and in training.

They are computed from facts that were known then: the user's canonical workouts that had ended by ``at_us``,
in the local days of the 168 days up to ``at_day``, and the workout itself. Facts are sorted first, so that
their order changes no bit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain import load as training_load
from domain.athlete import Athlete
from domain.sports import FAMILIES, family_of

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


def known_at(facts: Iterable[LoadFact], at_us: int, at_day: date, current: LoadFact) -> list[LoadFact]:
    """The facts that count at ``at_us``: ended by then, within the window, without ``current``; sorted, each workout
    once.
    """
    first = at_day - timedelta(days=FEATURE_WINDOW_DAYS - 1)
    chosen = [
        fact for fact in facts if fact.end_us <= at_us and fact.day >= first and fact.workout_id != current.workout_id
    ]
    chosen.sort(key=lambda fact: (fact.end_us, fact.workout_id))
    if len({fact.workout_id for fact in chosen}) != len(chosen):
        raise ValueError("a workout is given twice: give each canonical workout of the user once")
    return chosen


def features(
    facts: Iterable[LoadFact], at_us: int, at_day: date, athlete: Athlete, current: LoadFact
) -> NDArray[np.float32]:
    """Features as of ``at_us``, the end of ``current`` (local day ``at_day``); shape (len(FEATURE_NAMES),), missing
    is NaN.

    ``facts`` are the user's canonical workouts in any order; those that had not ended by ``at_us`` and ``current``
    itself are left out. A workout that is given twice raises ``ValueError``.
    """
    before = known_at(facts, at_us, at_day, current)
    today = at_day.toordinal()
    # Days ago; a traveller across the date line may have a workout "tomorrow", which is today.
    ages = [max(0, today - fact.day.toordinal()) for fact in before]
    family = family_of(current.sport)
    daily = [0.0] * FEATURE_WINDOW_DAYS
    trained_14d = set[int]()
    longest_m = moving_7d_s = 0.0
    workouts_7d = workouts_28d = 0
    for fact, age in zip((*before, current), (*ages, max(0, today - current.day.toordinal())), strict=True):
        if age >= FEATURE_WINDOW_DAYS:
            continue
        daily[-1 - age] += fact.load
        if age < 28:
            workouts_28d += 1
        if age < 14:
            trained_14d.add(age)
        if age < 7:
            workouts_7d += 1
            moving_7d_s += fact.moving_time_s
        if age <= LONGEST_WINDOW_DAYS and fact is not current and family_of(fact.sport) == family:
            longest_m = max(longest_m, fact.distance_m)
    state = training_load.state_of(np.array(daily))
    age_years = athlete.age_years(at_day.year)
    values = (
        state.acute_sum,
        state.chronic_sum / 4.0,
        state.acwr_uncoupled,
        state.ewma_acute,
        state.ewma_chronic,
        state.fitness,
        state.fatigue,
        state.form,
        state.monotony,
        state.strain,
        longest_m if longest_m > 0 else np.nan,
        current.distance_m / longest_m if longest_m > 0 else np.nan,
        moving_7d_s / 3600.0,
        workouts_7d,
        workouts_28d,
        max(0.0, (current.start_us - before[-1].end_us) / _US_PER_DAY) if before else np.nan,
        14 - len(trained_14d),
        state.acute_sum / state.week_before_sum if state.week_before_sum > 0 else np.nan,
        current.load,
        current.distance_m,
        current.moving_time_s,
        current.elevation_gain_m,
        np.nan if age_years is None else age_years,
        {"female": 1.0, "male": 0.0, "unspecified": np.nan}[athlete.sex],
        *(float(name == family) for name in FAMILIES),
    )
    return np.array(values, dtype=np.float32)
