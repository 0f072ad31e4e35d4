"""What verification expects of flags, reviews and what follows from them."""

from typing import Any

import numpy as np

from schemas import hot
from tests.unit.verification.conftest import HOUR_US, OTHER, START_US, WORKOUT, TestLog
from tests.unit.verification.test_workouts import known
from verification import boards
from verification.outcomes import Valid

IMPOSSIBLE = hot.Stated(distance_m=50_000.0, timer_time_s=3_600.0)


def review(log: TestLog, verdict: Any, *, rule_version: int = 1, time: int = START_US) -> None:
    data = hot.WorkoutReviewedData(
        workout_id=WORKOUT,
        reviewer="Eva",
        verdict=verdict,
        why="Seen.",
        rules=(hot.JudgedRule(rule="impossible_total", rule_version=rule_version),),
    )
    log.event(hot.WorkoutReviewed, data, time=time)


def flagged(log: TestLog) -> hot.WorkoutSummarisedData:
    log.register()
    log.complete(stated=IMPOSSIBLE)
    return known(log)[WORKOUT].summary


def test_an_impossible_entry_is_flagged_with_its_reason_and_kept_in_the_shadow(log: TestLog) -> None:
    data = flagged(log)
    (flag,) = data.flags
    assert (flag.rule, flag.decision, flag.verdict) == ("impossible_total", "flagged", None)
    assert "50.0 km stated in 1:00:00" in flag.reason
    assert data.shadowed
    assert data.status == "counted"


def test_of_reviews_the_latest_by_its_own_time_counts_and_only_for_the_version_that_it_names(log: TestLog) -> None:
    review(log, "reinstated", time=START_US + 2)
    review(log, "upheld", time=START_US + 1)
    review(log, "upheld", rule_version=2, time=START_US + 3)
    data = flagged(log)
    assert (data.flags[0].verdict, data.shadowed) == ("reinstated", False)
    assert data.review is not None
    assert data.review.at == START_US + 3


def test_an_appeal_is_shown_and_changes_nothing(log: TestLog) -> None:
    log.event(hot.WorkoutAppealed, hot.WorkoutAppealedData(workout_id=WORKOUT, text="It was me."))
    data = flagged(log)
    assert (data.appeal, data.shadowed) == ("It was me.", True)


def test_a_deleted_workout_has_no_flags(log: TestLog) -> None:
    log.event(hot.WorkoutDeleted, hot.WorkoutDeletedData(workout_id=WORKOUT))
    data = flagged(log)
    assert (data.flags, data.shadowed) == ((), False)


def test_the_athlete_was_where_the_log_heard_of_first(log: TestLog) -> None:
    log.register()
    for workout_id, sport, latitude in ((OTHER, "cycling", 47.0), (WORKOUT, "running", 46.0)):
        log.complete(workout_id, hours=1 / 6, sport=sport)
        columns = {"latitude_deg": latitude + np.arange(600) * 2e-5, "longitude_deg": np.full(600, 15.0)}
        log.frame(columns, workout_id=workout_id)
    summaries = {wid: one.summary for wid, one in known(log).items()}
    decisions = {wid: [(f.rule, f.decision) for f in data.flags] for wid, data in summaries.items()}
    assert decisions == {OTHER: [("two_places", "noted")], WORKOUT: [("two_places", "flagged")]}
    assert {wid: data.shadowed for wid, data in summaries.items()} == {OTHER: False, WORKOUT: True}


def test_what_is_in_the_shadow_counts_for_days_and_is_on_no_board(log: TestLog) -> None:
    data = flagged(log)
    message = hot.WorkoutSummarised.of(
        user="ada", time=START_US + HOUR_US, zone="UTC", source="test", producer="test", data=data
    )
    last = {("ada", WORKOUT): Valid(0, 0, message)}
    assert len(boards.counted(last)["ada"]) == 1
    assert boards.ranked_efforts(last) == {}
    (row,) = boards.workout_table(last).to_pylist()
    assert {name: row[name] for name in ("ranked", "flags", "notes", "unreviewed", "appeal")} == {
        "ranked": 0,
        "flags": "impossible_total",
        "notes": "",
        "unreviewed": 1,
        "appeal": "",
    }
