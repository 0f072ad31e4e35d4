"""Achievements: each kind of rule by hand, and what deletion, late data and new rules do."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from domain.achievement_facts import Award, Done, Workout
from domain.achievement_rules import Rule, rules_from
from domain.achievements import Achievements, difference, earned
from domain.boards import Effort
from domain.efforts import BestEffort

DAY_US = 86_400_000_000
MONDAY = date(2026, 11, 2)


def rule(id: str = "it", **fields: Any) -> Rule:
    texts = {"title": "A title", "text": "What it is about.", "version": 1}
    return rules_from({"achievements": {id: texts | fields}})[0]


def workout(id: str, day: int, sport: str = "running", **figures: Any) -> Workout:
    """A workout ``day`` days after Monday the 2nd of November 2026."""
    best_efforts = figures.pop("best_efforts", ())
    figures = {"distance_m": 0.0, "moving_time_s": 0.0, "elevation_gain_m": 0.0, "load": 0.0} | figures
    return Workout(Effort(id, sport, day * DAY_US, MONDAY + timedelta(days=day), **figures), best_efforts)


def run_5_km(id: str, day: int, seconds: float) -> Workout:
    return workout(id, day, best_efforts=(BestEffort("distance", "5 km", seconds, 5000.0, None, 0),))


def days(*numbers: int) -> list[Workout]:
    return [workout(f"w{number}", number) for number in numbers]


def keys(awards: set[Award]) -> list[str]:
    return sorted(award.key for award in awards)


FASTEST_5_KM = rule("5k", kind="personal_best", sport="running", fastest="5 km")


def test_a_personal_best_is_faster_than_all_before_and_the_first_earns_nothing() -> None:
    facts = [run_5_km("a", 0, 1500), run_5_km("b", 1, 1490), run_5_km("c", 2, 1495), run_5_km("d", 3, 1490)]
    assert earned([FASTEST_5_KM], facts) == {Award("5k", 1, "", "b", DAY_US, 1490.0, ("b", "a"))}


def test_the_first_time_is_a_personal_best_if_the_rule_says_so() -> None:
    first_counts = rule("5k", kind="personal_best", sport="running", fastest="5 km", first_counts=True)
    facts = [run_5_km("a", 0, 1500), run_5_km("b", 1, 1490)]
    assert keys(earned([first_counts], facts)) == ["5k:1::a", "5k:1::b"]


def test_a_late_slow_run_takes_the_first_ones_place_and_makes_it_a_personal_best() -> None:
    facts = [run_5_km("b", 1, 1490)]
    assert earned([FASTEST_5_KM], facts) == set()
    assert keys(earned([FASTEST_5_KM], [*facts, run_5_km("a", 0, 1500)])) == ["5k:1::b"]


def test_a_late_fast_run_takes_a_personal_best_away_from_a_slower_one_after_it() -> None:
    facts = [run_5_km("a", 0, 1500), run_5_km("c", 2, 1490)]
    assert keys(earned([FASTEST_5_KM], [*facts, run_5_km("b", 1, 1480)])) == ["5k:1::b"]


def test_power_and_size_are_better_when_they_are_more() -> None:
    strongest = rule("p", kind="personal_best", sport="cycling", strongest="20 min")
    longest = rule("l", kind="personal_best", sport="cycling", most="distance")
    facts = [
        workout(
            id,
            day,
            "mountain_biking",
            distance_m=distance_m,
            best_efforts=(BestEffort("power", "20 min", 1200.0, None, power_w, 0),),
        )
        for id, day, power_w, distance_m in (
            ("a", 0, 250.0, 40_000.0),
            ("b", 1, 260.0, 30_000.0),
            ("c", 2, 255.0, 41_000.0),
        )
    ]
    assert earned([strongest, longest], facts) == {
        Award("p", 1, "", "b", DAY_US, 260.0, ("b", "a")),
        Award("l", 1, "", "c", 2 * DAY_US, 41_000.0, ("c", "a")),
    }


def test_as_much_as_ever_is_no_personal_best() -> None:
    longest = rule("l", kind="personal_best", sport="running", most="distance")
    assert earned([longest], [workout(id, day, distance_m=5_000.0) for id, day in (("a", 0), ("b", 1))]) == set()


def test_a_best_of_another_sport_does_not_count() -> None:
    ride = workout("b", 1, "cycling", best_efforts=run_5_km("b", 1, 600).best_efforts)
    assert earned([FASTEST_5_KM], [run_5_km("a", 0, 1500), ride]) == set()


def test_a_family_counts_its_sports_and_a_sport_only_itself() -> None:
    levels: dict[str, Any] = {"kind": "milestone", "metric": "workouts", "levels": [1]}
    rules = [rule("family", sport="running", **levels), rule("trail", sport="trail_running", **levels)]
    assert keys(earned(rules, [workout("a", 0, "trail_running")])) == ["family:1:1:", "trail:1:1:"]
    assert keys(earned(rules, [workout("a", 0, "running")])) == ["family:1:1:"]


def test_a_milestone_is_reached_by_the_workout_that_crosses_it() -> None:
    levels = rule(kind="milestone", metric="distance", sport="running", levels=["10 km", "25 km", "30 km"])
    facts = [workout(id, day, distance_m=9_000.0) for id, day in (("a", 0), ("b", 1), ("c", 2))]  # 9, 18, 27 km
    assert earned([levels], facts) == {
        Award("it", 1, "10 km", "", DAY_US, 10_000.0, ("b",)),
        Award("it", 1, "25 km", "", 2 * DAY_US, 25_000.0, ("c",)),
    }


def test_one_workout_may_reach_all_badges_of_a_series() -> None:
    series = rule(
        kind="milestone", metric="elevation", levels={"bronze": "100 m", "silver": "1000 ft", "gold": "400 m"}
    )
    climbed = workout("a", 0, elevation_gain_m=400.0)
    assert {award.level: award.value for award in earned([series], [climbed])} == {
        "bronze": 100.0,
        "silver": 304.8,
        "gold": 400.0,
    }


def test_a_hundred_times_a_hundred_metres_are_ten_kilometres_exactly() -> None:
    # 0.1 + 0.1 + … in floats is not 10: sums are of whole hundredths.
    levels = rule(kind="milestone", metric="distance", levels=["10 m"])
    facts = [workout(f"{n:02}", n, distance_m=0.1) for n in range(100)]
    assert [award.evidence for award in earned([levels], facts)] == [("99",)]


def test_an_unknown_figure_adds_nothing() -> None:
    levels = rule(kind="milestone", metric="distance", levels=["1 m"])
    assert earned([levels], [workout("a", 0, distance_m=float("nan"))]) == set()


def test_a_streak_is_reached_on_its_last_day_whatever_else_was_done_that_day() -> None:
    streak = rule(kind="streak", unit="day", levels=[3])
    second = replace(workout("again", 2), effort=replace(workout("again", 2).effort, end_us=2 * DAY_US + 1))
    assert earned([streak], [*days(0, 1, 2), second]) == {Award("it", 1, "3", "", 2 * DAY_US, 3.0, ("w2",))}
    assert earned([streak], days(0, 1, 3)) == set()


def test_a_rest_day_is_not_a_missing_day() -> None:
    streak = rule(kind="streak", unit="day", levels=[5], rests=1, per=7)
    assert [award.evidence for award in earned([streak], days(0, 1, 3, 4, 5))] == [("w5",)]


def test_a_rest_day_keeps_a_streak_and_does_not_count_for_it() -> None:
    streak = rule(kind="streak", unit="day", levels=[4], rests=1, per=7)
    assert earned([streak], days(0, 1, 3)) == set()


def test_a_second_rest_within_seven_days_shortens_the_streak_to_after_the_first() -> None:
    streak = rule(kind="streak", unit="day", levels=[4, 5], rests=1, per=7)
    # On day 4: 0, 1, 3, 4. Rests on 2 and 5 are three days apart, so on day 6: 3, 4, 6; and on day 8: 3, 4, 6, 7, 8.
    found = {award.level: award.evidence for award in earned([streak], days(0, 1, 3, 4, 6, 7, 8))}
    assert found == {"4": ("w4",), "5": ("w8",)}


def test_rests_seven_days_apart_are_both_allowed() -> None:
    streak = rule(kind="streak", unit="day", levels=[9], rests=1, per=7)
    assert keys(earned([streak], days(0, 1, 3, 4, 5, 6, 7, 8, 10))) == ["it:1:9:"]  # rests on 2 and 9


def test_two_rests_in_a_row_end_a_streak_that_allows_one() -> None:
    streak = rule(kind="streak", unit="day", levels=[4], rests=1, per=7)
    assert earned([streak], days(0, 1, 4, 5)) == set()


def test_weeks_begin_on_monday_and_count_once() -> None:
    streak = rule(kind="streak", unit="week", levels=[2, 3])
    assert earned([streak], days(0, 6)) == set()  # Monday and Sunday of one week
    assert [award.evidence for award in earned([streak], days(0, 6, 7))] == [("w7",)]


def test_flying_over_the_date_line_does_not_break_a_streak() -> None:
    # Auckland on the 3rd ends before Los Angeles on the 2nd: both days are there once the latter has ended.
    streak = rule(kind="streak", unit="day", levels=[2])
    auckland = replace(workout("auckland", 1), effort=replace(workout("auckland", 1).effort, end_us=DAY_US // 2))
    los_angeles = replace(workout("la", 0), effort=replace(workout("la", 0).effort, end_us=DAY_US))
    assert earned([streak], [auckland, los_angeles]) == {Award("it", 1, "2", "", DAY_US, 2.0, ("auckland",))}


def test_the_first_workout_of_each_sport_counts_once() -> None:
    first = rule(kind="first", each_sport=True)
    facts = [workout("a", 0), workout("b", 1, "hiking"), workout("c", 2, "hiking"), workout("d", 3, "other")]
    assert earned([first], facts) == {
        Award("it", 1, "", "running", 0, 1.0, ("a",)),
        Award("it", 1, "", "hiking", DAY_US, 1.0, ("b",)),
    }


def test_the_first_marathon_is_the_first_run_that_is_as_long() -> None:
    first = rule(kind="first", sport="running", metric="distance", at_least="42.195 km")
    facts = [
        workout("a", 0, distance_m=42_194.9),
        workout("b", 1, distance_m=42_195.0),
        workout("c", 2, distance_m=42_500.0),
    ]
    assert earned([first], facts) == {Award("it", 1, "", "", DAY_US, 42_195.0, ("b",))}


def test_a_challenge_is_of_one_calendar_period_and_can_be_met_in_the_next() -> None:
    month = rule(kind="challenge", metric="distance", sport="running", every="month", target="100 km")
    # 60 + 60 km in November; 60 + 30 in December, which 50 of November do not help.
    run = [("a", 0, 60), ("b", 5, 60), ("c", 10, 50), ("d", 30, 60), ("e", 40, 30)]
    facts = [workout(id, day, distance_m=km * 1000.0) for id, day, km in run]
    assert earned([month], facts) == {Award("it", 1, "", "2026-11", 5 * DAY_US, 100_000.0, ("b",))}
    assert keys(earned([month], [*facts, workout("f", 41, distance_m=10_000.0)])) == ["it:1::2026-11", "it:1::2026-12"]


def test_a_challenge_may_be_between_two_days() -> None:
    once = rule(kind="challenge", metric="workouts", first_day="2026-11-03", last_day="2026-11-04", target=2)
    assert earned([once], days(0, 1, 3)) == set()
    assert keys(earned([once], days(0, 1, 2))) == ["it:1::2026-11-03..2026-11-04"]


def test_a_rule_with_a_last_day_keeps_what_was_earned_until_then() -> None:
    retired = rule(kind="milestone", metric="workouts", levels=[1, 2], last_day="2026-11-02")
    assert keys(earned([retired], days(0, 1))) == ["it:1:1:"]


def test_challenges_and_goals_are_counted_by_their_kind_and_workouts_are_not() -> None:
    rules = [rule(metric, kind="milestone", metric=metric, levels=[1, 2]) for metric in ("challenges", "goals")]
    done = [Done("c1", "challenges", 5, MONDAY), Done("g1", "goals", 6, MONDAY), Done("g2", "goals", 7, MONDAY)]
    assert earned(rules, [*done, *days(0, 1)]) == {
        Award("challenges", 1, "1", "", 5, 1.0, ("c1",)),
        Award("goals", 1, "1", "", 6, 1.0, ("g1",)),
        Award("goals", 1, "2", "", 7, 2.0, ("g2",)),
    }
    assert earned([rule(kind="milestone", metric="workouts", levels=[1])], done) == set()


def test_a_goal_reached_after_the_last_day_does_not_count() -> None:
    retired = rule(kind="milestone", metric="goals", levels=[1], last_day="2026-11-02")
    assert earned([retired], [Done("g", "goals", DAY_US, MONDAY + timedelta(days=1))]) == set()
    assert keys(earned([retired], [Done("g", "goals", 0, MONDAY)])) == ["it:1:1:"]


def test_a_fact_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="fact w0 is given twice"):
        earned([FASTEST_5_KM], days(0, 0))


def test_deleting_a_workout_revokes_what_only_it_had_earned() -> None:
    levels = rule(kind="milestone", metric="workouts", levels=[2, 3])
    facts = days(0, 1, 2)
    changes = difference(earned([levels], facts), earned([levels], facts[:2]))
    assert [award.key for award in changes.revoked] == ["it:1:3:"]
    assert (changes.earned, changes.moved) == ((), ())


def test_a_late_workout_moves_an_award_to_an_earlier_day() -> None:
    levels = rule(kind="milestone", metric="workouts", levels=[2])
    facts = days(0, 5)
    changes = difference(earned([levels], facts), earned([levels], [*facts, workout("late", 3)]))
    assert changes.moved == (Award("it", 1, "2", "", 3 * DAY_US, 2.0, ("late",)),)
    assert (changes.earned, changes.revoked) == ((), ())


def test_a_new_version_of_a_rule_is_earned_anew() -> None:
    old, new = (rule(kind="milestone", metric="workouts", levels=[1], version=version) for version in (1, 2))
    changes = difference(earned([old], days(0)), earned([new], days(0)))
    assert [award.key for award in changes.earned] == ["it:2:1:"]
    assert [award.key for award in changes.revoked] == ["it:1:1:"]


def test_changes_are_told_once_and_as_one_sum() -> None:
    levels = rule(kind="milestone", metric="workouts", levels=[1, 2])
    kept = Achievements([levels])
    first, second = days(0, 1)
    kept.put(second)
    assert [award.evidence for award in kept.changes().earned] == [("w1",)]
    kept.put(first)
    kept.awards()  # looking does not take the news away
    changes = kept.changes()
    assert [award.key for award in changes.earned] == ["it:1:2:"]
    assert changes.moved == (Award("it", 1, "1", "", 0, 1.0, ("w0",)),)
    assert kept.changes() == ((), (), ())
    kept.remove("w0")
    kept.awards()
    kept.put(first)
    assert kept.changes() == ((), (), ())


def test_the_same_fact_again_and_an_unknown_id_change_nothing() -> None:
    kept = Achievements([rule(kind="milestone", metric="workouts", levels=[1])])
    kept.put(workout("a", 0))
    kept.changes()
    kept.put(workout("a", 0))
    kept.remove("b")
    assert kept.changes() == ((), (), ())
