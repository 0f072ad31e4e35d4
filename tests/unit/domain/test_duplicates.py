"""When two recordings are one activity."""

from dataclasses import replace
from typing import Any

import pytest

from domain.duplicates import Candidate, are_copies, clusters

MINUTE = 60_000_000


def _workout(workout_id: str, start: float, end: float, sport: str = "running", **more: int) -> Candidate:
    what = {"channels": 3, "samples": 1000, **more}
    return Candidate(workout_id, round(start * MINUTE), round(end * MINUTE), sport, **what)


def test_a_watch_and_a_phone_on_one_run_are_one_workout() -> None:
    watch = _workout("b", 0, 60, channels=6)
    phone = _workout("a", 2, 61, channels=3)
    assert clusters([watch, phone]) == {"a": "b", "b": "b"}


def test_a_leg_is_no_copy_of_the_race() -> None:
    race = _workout("race", 0, 150, "multisport")
    legs = [
        _workout("swim", 0, 30, "swimming"),
        _workout("ride", 32, 95, "cycling"),
        _workout("run", 97, 150, "running"),
    ]
    assert clusters([race, *legs]) == {w.workout_id: w.workout_id for w in (race, *legs)}


def test_a_leg_is_no_copy_of_a_race_whose_sport_nobody_named() -> None:
    race = _workout("race", 0, 150, "other")
    ride = _workout("ride", 32, 95, "cycling")
    assert not are_copies(race, ride)


def test_two_halves_never_become_copies_through_the_whole() -> None:
    whole = _workout("whole", 0, 100, "other")
    first, second = _workout("first", 0, 55, "running"), _workout("second", 55, 100, "cycling")
    assert clusters([whole, first, second]) == {"whole": "whole", "first": "first", "second": "second"}


def test_workouts_one_after_the_other_are_two() -> None:
    assert not are_copies(_workout("a", 0, 60), _workout("b", 60, 120))
    assert not are_copies(_workout("a", 0, 60), _workout("b", 15, 75))  # 45 of 60 minutes shared: 75 %
    assert are_copies(_workout("a", 0, 60), _workout("b", 12, 72))  # 48 of 60: 80 %


def test_sports_must_fit() -> None:
    assert not are_copies(_workout("a", 0, 60, "running"), _workout("b", 0, 60, "cycling"))
    assert are_copies(_workout("a", 0, 60, "hiking"), _workout("b", 0, 60, "walking"))
    assert are_copies(_workout("a", 0, 60, "other"), _workout("b", 0, 60, "cycling"))


def test_copies_of_copies_are_copies() -> None:
    a, b, c = _workout("a", 0, 60), _workout("b", 10, 70), _workout("c", 20, 80)
    assert not are_copies(a, c)
    assert clusters([c, a, b]) == {"a": "a", "b": "a", "c": "a"}


@pytest.mark.parametrize(
    ("change", "winner"),
    [
        ({"channels": 4, "samples": 1}, "z"),
        ({"samples": 1001, "end_us": 59 * MINUTE}, "z"),
        ({"end_us": 61 * MINUTE}, "z"),
        ({}, "a"),
    ],
)
def test_channels_then_samples_then_length_then_the_smallest_id_decide(change: dict[str, Any], winner: str) -> None:
    one = _workout("a", 0, 60)
    other = replace(_workout("z", 0, 60), **change)
    assert clusters([one, other]) == {"a": winner, "z": winner}


def test_manual_entries_of_a_moment_are_copies_only_when_equal() -> None:
    assert are_copies(_workout("a", 5, 5), _workout("b", 5, 5))
    assert not are_copies(_workout("a", 5, 5), _workout("b", 0, 60))


def test_a_workout_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        clusters([_workout("a", 0, 60), _workout("a", 100, 160)])
