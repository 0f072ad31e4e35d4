"""Features as of the end of a workout."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from domain.athlete import Athlete
from domain.features import FEATURE_NAMES, LoadFact, features

DAY_US = 86_400_000_000
TODAY = date(2026, 11, 24)
NOW_US = 1_795_550_000_000_000


def _fact(
    days_ago: int, load: float = 50.0, distance_m: float = 8000.0, sport: str = "running", n: int = 0
) -> LoadFact:
    end_us = NOW_US - days_ago * DAY_US - n * 1_000_000
    return LoadFact(
        f"{days_ago}-{n}",
        sport,
        end_us - 3_600_000_000,
        end_us,
        TODAY - timedelta(days=days_ago),
        load,
        distance_m,
        3000,
        10,
    )


def _features(facts: list[LoadFact], current: LoadFact, athlete: Athlete | None = None) -> dict[str, float]:
    values = features(facts, current.end_us, TODAY, athlete or Athlete(), current)
    assert values.dtype == np.float32
    assert values.shape == (len(FEATURE_NAMES),)
    return dict(zip(FEATURE_NAMES, values.tolist(), strict=True))


def test_a_first_workout_has_no_history() -> None:
    got = _features([], _fact(0))
    assert got["acute_load_7d"] == 50.0
    assert got["workouts_28d"] == 1
    assert got["rest_days_14d"] == 13
    undefined = {name for name, value in got.items() if np.isnan(value)}
    assert undefined == {
        "acwr_uncoupled",
        "longest_distance_30d_m",
        "distance_spike_ratio",
        "days_since_last_workout",
        "weekly_load_change",
        "age_years",
        "sex_female",
    }


def test_a_spike_is_measured_against_the_longest_of_thirty_days_of_the_family() -> None:
    facts = [
        _fact(31, distance_m=30_000),
        _fact(30, distance_m=10_000),
        _fact(2, distance_m=60_000, sport="cycling"),
        _fact(1, sport="trail_running"),
    ]
    got = _features(facts, _fact(0, distance_m=13_000))
    assert got["longest_distance_30d_m"] == 10_000
    assert got["distance_spike_ratio"] == pytest.approx(1.3)


def test_a_steady_month_has_a_ratio_of_one() -> None:
    got = _features([_fact(day) for day in range(1, 28)], _fact(0))
    assert got["acwr_uncoupled"] == pytest.approx(1.0)
    assert got["weekly_load_change"] == pytest.approx(1.0)
    assert got["chronic_load_28d"] == got["acute_load_7d"] == 350.0
    assert got["rest_days_14d"] == 0
    assert np.isnan(got["monotony_7d"])
    assert got["days_since_last_workout"] == pytest.approx(1 - 1 / 24)


def test_the_future_and_the_workout_itself_are_left_out() -> None:
    current = _fact(3)
    past = [_fact(5), _fact(9)]
    future = [_fact(2, load=900), _fact(0, load=900)]
    at_day = TODAY - timedelta(days=3)
    alone = features(past, current.end_us, at_day, Athlete(), current)
    assert np.array_equal(
        features([*future, *past, current], current.end_us, at_day, Athlete(), current), alone, equal_nan=True
    )


def test_beyond_the_window_nothing_counts() -> None:
    inside, outside = _fact(167, load=500), _fact(168, load=500)
    assert _features([outside], _fact(0)) == pytest.approx(_features([], _fact(0)), nan_ok=True)
    assert _features([inside], _fact(0))["fitness_ctl"] > _features([], _fact(0))["fitness_ctl"]


def test_athletes_enter_as_numbers() -> None:
    got = _features([], _fact(0), Athlete(sex="female", birth_year=1990))
    assert (got["age_years"], got["sex_female"]) == (36.0, 1.0)
    assert [name for name, value in got.items() if name.startswith("family_") and value] == ["family_running"]


def test_a_workout_of_tomorrow_by_the_local_clock_counts_today() -> None:
    traveller = replace(_fact(0, n=7200), day=TODAY + timedelta(days=1))
    assert _features([traveller], _fact(0))["acute_load_7d"] == 100.0


def test_a_workout_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        _features([_fact(1), _fact(1)], _fact(0))
