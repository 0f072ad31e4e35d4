"""When two recordings are one activity."""

from dataclasses import replace
from typing import Any

import pytest

from domain.duplicates import Candidate, clusters, may_be_copies

MINUTE = 60_000_000


def nobody_apart(one: str, other: str) -> bool:
    return False


def _workout(workout_id: str, start: float, end: float, sport: str = "running", **more: int) -> Candidate:
    what = {"channels": 3, "samples": 1000, **more}
    return Candidate(workout_id, round(start * MINUTE), round(end * MINUTE), sport, **what)


def test_a_watch_and_a_phone_on_one_run_are_one_workout() -> None:
    watch = _workout("b", 0, 60, channels=6)
    phone = _workout("a", 2, 61, channels=3)
    assert clusters([watch, phone], nobody_apart) == {"a": "b", "b": "b"}


def test_a_leg_is_no_copy_of_the_race() -> None:
    race = _workout("race", 0, 150, "multisport")
    legs = [
        _workout("swim", 0, 30, "swimming"),
        _workout("ride", 32, 95, "cycling"),
        _workout("run", 97, 150, "running"),
    ]
    assert clusters([race, *legs], nobody_apart) == {w.workout_id: w.workout_id for w in (race, *legs)}


def test_a_leg_is_no_copy_of_a_race_whose_sport_nobody_named() -> None:
    race = _workout("race", 0, 150, "other")
    ride = _workout("ride", 32, 95, "cycling")
    assert not may_be_copies(race, ride)


def test_two_halves_never_become_copies_through_the_whole() -> None:
    whole = _workout("whole", 0, 100, "other")
    first, second = _workout("first", 0, 55, "running"), _workout("second", 55, 100, "cycling")
    assert clusters([whole, first, second], nobody_apart) == {"whole": "whole", "first": "first", "second": "second"}


def test_workouts_one_after_the_other_are_two() -> None:
    assert not may_be_copies(_workout("a", 0, 60), _workout("b", 60, 120))
    assert not may_be_copies(_workout("a", 0, 60), _workout("b", 15, 75))  # 45 of 60 minutes shared: 75 %
    assert may_be_copies(_workout("a", 0, 60), _workout("b", 12, 72))  # 48 of 60: 80 %


def test_sports_must_fit() -> None:
    assert not may_be_copies(_workout("a", 0, 60, "running"), _workout("b", 0, 60, "cycling"))
    assert may_be_copies(_workout("a", 0, 60, "hiking"), _workout("b", 0, 60, "walking"))
    assert may_be_copies(_workout("a", 0, 60, "other"), _workout("b", 0, 60, "cycling"))


def test_copies_of_copies_are_copies() -> None:
    a, b, c = _workout("a", 0, 60), _workout("b", 10, 70), _workout("c", 20, 80)
    assert not may_be_copies(a, c)
    assert clusters([c, a, b], nobody_apart) == {"a": "a", "b": "a", "c": "a"}


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
    assert clusters([one, other], nobody_apart) == {"a": winner, "z": winner}


def test_manual_entries_of_a_moment_are_copies_only_when_equal() -> None:
    assert may_be_copies(_workout("a", 5, 5), _workout("b", 5, 5))
    assert not may_be_copies(_workout("a", 5, 5), _workout("b", 0, 60))


def test_a_workout_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        clusters([_workout("a", 0, 60), _workout("a", 100, 160)], nobody_apart)


def test_recordings_of_one_time_in_two_places_are_two_workouts() -> None:
    watch, phone, lent = _workout("watch", 0, 60), _workout("phone", 1, 60), _workout("lent", 0, 59)
    is_apart = {frozenset(("watch", "lent")), frozenset(("phone", "lent"))}
    found = clusters([watch, phone, lent], lambda one, other: frozenset((one, other)) in is_apart)
    assert found == {"watch": "watch", "phone": "watch", "lent": "lent"}


def test_only_recordings_that_are_copies_otherwise_are_looked_at_for_their_places() -> None:
    def never(one: str, other: str) -> bool:
        raise AssertionError((one, other))

    assert len(set(clusters([_workout("a", 0, 60), _workout("b", 50, 110)], never).values())) == 2
