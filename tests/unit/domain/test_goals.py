"""Periods of goals, and what setting one again and removing it mean."""

from datetime import date

import pytest

from domain.goals import Aim, Every, Goal, GoalEvent, aim_of
from domain.targets import Measure, Window

SET_US = 1_791_181_800_000_000  # Monday, 5 October 2026, 21:50 in Oslo
WANTED = Measure("distance", None, (), 20_000.0)
WEEKLY = Goal(WANTED, "week")
RACE = Goal(WANTED, window=Window(date(2026, 10, 10), date(2026, 10, 12)))


def said(time_us: int, goal: Goal | None) -> GoalEvent:
    return GoalEvent("g", str(time_us), time_us, "Europe/Oslo", goal)


@pytest.mark.parametrize(
    ("every", "day", "key", "first", "last"),
    [
        ("week", date(2026, 10, 8), "2026-W41", date(2026, 10, 5), date(2026, 10, 11)),
        ("week", date(2027, 1, 1), "2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("month", date(2026, 10, 31), "2026-10", date(2026, 10, 1), date(2026, 10, 31)),
        ("month", date(2028, 2, 29), "2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("month", date(2026, 12, 1), "2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("year", date(2026, 1, 1), "2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("year", date(2028, 12, 31), "2028", date(2028, 1, 1), date(2028, 12, 31)),
    ],
)
def test_a_goal_is_for_each_calendar_period(every: Every, day: date, key: str, first: date, last: date) -> None:
    assert Aim(Goal(WANTED, every), date(2026, 10, 5)).window_of(day) == (key, Window(first, last))


def test_the_period_in_which_it_was_set_counts_from_its_first_day_and_earlier_ones_do_not() -> None:
    aim = Aim(WEEKLY, date(2026, 10, 8))
    assert aim.window_of(date(2026, 10, 5)) is not None
    assert aim.window_of(date(2026, 10, 4)) is None


def test_a_goal_between_two_days_counts_those() -> None:
    aim = Aim(RACE, date(2027, 1, 1))
    assert [aim.window_of(date(2026, 10, day)) is not None for day in (9, 10, 12, 13)] == [False, True, True, False]


def test_it_begins_on_the_local_day_on_which_it_was_set() -> None:
    aim = aim_of([said(SET_US, WEEKLY)])
    assert aim == Aim(WEEKLY, date(2026, 10, 5))


def test_set_again_it_is_another_goal_from_then_on() -> None:
    later = SET_US + 14 * 86_400_000_000
    assert aim_of([said(later, RACE), said(SET_US, WEEKLY)]) == Aim(RACE, date(2026, 10, 19))


def test_removed_it_ends_then_and_a_removal_before_it_was_set_means_nothing() -> None:
    assert aim_of([said(SET_US, WEEKLY), said(SET_US + 5, None), said(SET_US + 9, None)]) == Aim(
        WEEKLY, date(2026, 10, 5), SET_US + 5
    )
    assert aim_of([said(SET_US - 5, None), said(SET_US, WEEKLY)]) == Aim(WEEKLY, date(2026, 10, 5))
    assert aim_of([said(SET_US, None)]) is None
