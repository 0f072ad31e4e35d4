"""Training by local day: hand-worked rows, and what a late workout changes."""

from dataclasses import fields
from datetime import date, timedelta

import numpy as np
import pytest

from domain.boards import Effort
from domain.training_days import DayColumns, TrainingHistory, rest_after, run_spike, training_days

FIRST = date(2026, 11, 2)


def effort(workout_id: str, day: date, load: float, distance_m: float = 0.0, sport: str = "running") -> Effort:
    return Effort(workout_id, sport, 0, day, distance_m, 1800.0, 0.0, load)


def day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def test_a_rest_day_is_a_row_with_load_0_and_not_a_missing_day() -> None:
    days = training_days([effort("a", FIRST, 50.0), effort("b", FIRST + timedelta(days=3), 30.0)])
    assert days.day.tolist() == [day_number(FIRST) + i for i in range(4)]
    assert days.load.tolist() == [50.0, 0.0, 0.0, 30.0]
    assert days.workouts.tolist() == [1, 0, 0, 1]
    assert days.acute_load_7d.tolist() == [50.0, 50.0, 50.0, 80.0]
    assert days.fatigue_atl[1] < days.fatigue_atl[0]


def test_two_workouts_of_a_day_are_one_row() -> None:
    days = training_days([effort("a", FIRST, 50.0), effort("b", FIRST, 25.5, sport="cycling")])
    assert (days.load.tolist(), days.workouts.tolist(), days.moving_time_s.tolist()) == ([75.5], [2], [3600.0])


def test_the_figures_of_a_day_are_those_of_the_formulas() -> None:
    # 21 days of 10, then 7 of 20: a week of 140 by a mean week of 350 / 4 = 87.5, and by the 3 weeks before of 70.
    efforts = [effort(str(i), FIRST + timedelta(days=i), 10.0 if i < 21 else 20.0) for i in range(28)]
    days = training_days(efforts)
    assert days.acute_load_7d[-1] == 140.0
    assert days.chronic_load_28d[-1] == 87.5
    assert days.acwr_coupled[-1] == 1.6
    assert days.acwr_uncoupled[-1] == 2.0
    assert np.isnan(days.monotony_7d[-1])  # seven equal days
    # form is of the day before
    assert days.form_tsb[-1] == pytest.approx(days.fitness_ctl[-2] - days.fatigue_atl[-2], abs=2e-4)
    assert days.form_tsb[0] == 0.0


def test_a_run_is_held_against_the_longest_of_the_30_days_before_its_day() -> None:
    efforts = [
        effort("long", FIRST, 80.0, 10_000.0),
        effort("ride", FIRST + timedelta(days=1), 80.0, 90_000.0, "cycling"),
        effort("longer", FIRST + timedelta(days=30), 90.0, 13_000.0),
        effort("again", FIRST + timedelta(days=61), 90.0, 13_000.0),
    ]
    days = training_days(efforts)
    assert days.run_spike[30] == 1.3  # 13 km by the 10 km of 30 days before
    assert np.isnan(days.run_spike[1])  # a ride is no run
    assert np.isnan(days.run_spike[61])  # 31 days after the last one
    assert days.longest_run_30d_m[60] == 13_000.0


def test_a_spike_needs_a_run_and_one_before_it() -> None:
    spikes = run_spike(np.array([5.0, 0.0, 5.0]), np.array([4.0, 4.0, 0.0]))
    assert spikes[0] == 1.25
    assert np.isnan(spikes[1:]).all()


def test_a_late_workout_changes_its_day_and_those_after_it_and_no_other() -> None:
    history = TrainingHistory()
    for i in range(10):
        history.put(str(i), effort(str(i), FIRST + timedelta(days=i), 10.0 + i))
    before = history.since(FIRST)
    late = effort("late", FIRST + timedelta(days=6), 99.0)
    history.put("late", late)
    after = history.since(late.day)
    assert after.day.tolist() == before.day[6:].tolist()
    assert (after.fitness_ctl > before.fitness_ctl[6:]).all()
    assert history.since(FIRST).fitness_ctl[:6].tolist() == before.fitness_ctl[:6].tolist()


def test_nothing_is_left_when_the_last_workout_goes() -> None:
    history = TrainingHistory()
    history.put("a", effort("a", FIRST, 10.0))
    assert len(history.since(FIRST)) == 1
    history.put("a", None)
    assert len(history.since(FIRST)) == 0
    assert len(training_days([])) == 0


def test_rest_goes_on_from_the_last_day_as_if_a_workout_without_load_ended_it() -> None:
    done = [effort(str(i), FIRST + timedelta(days=i), 10.0 + i, 5_000.0) for i in range(40)]
    until = FIRST + timedelta(days=49)
    rest = rest_after(training_days(done), until)
    whole = training_days([*done, effort("nothing", until, 0.0, sport="cycling")])
    assert len(rest) == 10
    for field in fields(DayColumns):
        if field.name not in ("workouts", "moving_time_s"):
            expected = getattr(whole, field.name)[-10:]
            assert getattr(rest, field.name) == pytest.approx(expected, abs=2e-3, nan_ok=True), field.name


def test_who_has_not_trained_or_trained_today_has_no_rest_to_come() -> None:
    assert len(rest_after(training_days([]), FIRST)) == 0
    assert len(rest_after(training_days([effort("a", FIRST, 1.0)]), FIRST)) == 0
