"""Boards, rankings and feeds from the last summaries."""

from datetime import UTC, date, datetime
from typing import Any

from domain.boards import BoardKey, decode_rank_score
from schemas import hot
from tests.unit.verification.conftest import HOUR_US, OTHER, START_US, WORKOUT, TestLog
from verification import boards, feeds
from verification.partition import SOCIAL_EVENTS

DAY = date(2026, 11, 18)


def summary(distance_m: float = 10_000.0) -> hot.Summary:
    return hot.Summary(
        distance_m=distance_m,
        distance_source="device",
        elapsed_s=3600.0,
        timer_time_s=3600.0,
        moving_time_s=3500.0,
        time_in_zones_s=(),
        zone_basis="none",
        best_efforts=(),
        load=50.0,
        load_method="duration",
        sample_count=3600,
        coverage=1.0,
    )


def say(log: TestLog, workout_id: str = WORKOUT, *, user: str = "ada", status: Any = "counted", **fields: Any) -> None:
    data = {
        "sport": "running",
        "start": START_US,
        "end": START_US + HOUR_US,
        "local_day": DAY,
        "duplicate_of": OTHER if status == "duplicate" else None,
        "summary": None if status == "deleted" else summary(),
        **fields,
    }
    log.event(hot.WorkoutSummarised, hot.WorkoutSummarisedData(workout_id=workout_id, status=status, **data), user=user)


def scores(log: TestLog) -> dict[str, dict[BoardKey, float]]:
    last = boards.last_of(log.read().carrying("WorkoutSummarised").valid)
    return {
        user: {k: s.value for k, s in found.items()}
        for user, found in boards.board_scores(boards.counted(last)).items()
    }


def test_whole_scores_come_from_all_workouts_that_count(log: TestLog) -> None:
    say(log)
    say(log, OTHER, end=START_US + 2 * HOUR_US)
    say(log, "44444444-4444-4444-8444-444444444444", status="duplicate")
    found = scores(log)["ada"]
    assert found[BoardKey("distance", "running", "week", "2026-W47")] == 20_000
    assert found[BoardKey("workouts", "all", "all", "all")] == 2
    assert BoardKey("elevation", "all", "all", "all") not in found  # nothing climbed: on no board


def test_only_the_last_word_on_a_workout_counts(log: TestLog) -> None:
    say(log)
    say(log, sport="cycling", local_day=date(2026, 11, 17))
    found = scores(log)["ada"]
    assert BoardKey("workouts", "running", "all", "all") not in found
    assert BoardKey("workouts", "all", "day", "2026-11-18") not in found
    say(log, status="deleted")
    assert scores(log) == {}


def test_equal_scores_share_a_rank_and_the_earlier_is_ahead(log: TestLog) -> None:
    for user, hours, metres in (("ada", 1, 10_000), ("bea", 1, 10_000), ("cat", 2, 10_000), ("dan", 1, 12_000)):
        say(log, user=user, end=START_US + hours * HOUR_US, summary=summary(metres))
    last = boards.last_of(log.read().carrying("WorkoutSummarised").valid)
    rows = boards.ranked(boards.score_table(boards.board_scores(boards.counted(last)))).to_pylist()
    board = {
        r["user_id"]: r["rank"] for r in rows if (r["metric"], r["sport"], r["period"]) == ("distance", "all", "all")
    }
    assert board == {"dan": 1, "ada": 2, "bea": 2, "cat": 4}


def test_rankings_are_kept_for_two_weeks_after_their_period() -> None:
    ends = {
        ("day", "2026-11-18"): "2026-12-03",
        ("week", "2026-W47"): "2026-12-07",
        ("month", "2026-12"): "2027-01-15",
        ("year", "2026"): "2027-01-15",
    }
    for (period, key), day in ends.items():
        until_s = boards.kept_until_s(BoardKey("load", "all", period, key))  # type: ignore[arg-type]
        assert datetime.fromtimestamp(until_s, UTC).date() == date.fromisoformat(day)
    assert boards.kept_until_s(BoardKey("load", "all", "all", "all")) == float("inf")


def test_rankings_hold_encoded_scores_of_boards_that_are_kept(log: TestLog) -> None:
    say(log)
    last = boards.last_of(log.read().carrying("WorkoutSummarised").valid)
    after_s = boards.kept_until_s(BoardKey("load", "all", "day", "2026-11-18"))
    found = boards.rankings(boards.board_scores(boards.counted(last)), kept_at_s=after_s)
    assert {key.period for key in found} == {"week", "month", "year", "all"}
    value, achieved_us = decode_rank_score(found[BoardKey("distance", "all", "all", "all")]["ada"])
    assert (value, round(achieved_us / HOUR_US)) == (10_000, round((START_US + HOUR_US) / HOUR_US))


def items(log: TestLog) -> dict[tuple[str, str], dict[str, Any]]:
    read = log.read()
    last = boards.last_of(read.carrying("WorkoutSummarised").valid)
    found = feeds.feed_items(last, feeds.social_of(read.seen_by("feed", *SOCIAL_EVENTS)))
    return {(item.document, item.workout_id): item.shown for item in found}


def test_a_workout_is_in_the_feeds_of_those_who_followed_when_it_ended(log: TestLog) -> None:
    for kind, follower, hours in (
        (hot.Followed, "early", -1),
        (hot.Followed, "late", 2),
        (hot.Followed, "gone", -2),
        (hot.Unfollowed, "gone", -1),
    ):
        data = (hot.FollowedData if kind is hot.Followed else hot.UnfollowedData)(follower=follower)
        log.event(kind, data, time=START_US + hours * HOUR_US)
    say(log)
    assert {document for document, _ in items(log)} == {"ada/2026-W47", "early/2026-W47"}
    say(log, status="deleted")
    assert items(log) == {}


def test_an_item_shows_kudos_once_and_comments_that_stand(log: TestLog) -> None:
    say(log)
    for actor in ("bea", "bea", "abe"):
        log.event(hot.KudosGiven, hot.KudosGivenData(workout_id=WORKOUT, actor=actor))
    for n, text in ((1, "second"), (0, "first"), (2, "taken back")):
        data = hot.CommentPostedData(workout_id=WORKOUT, comment_id=comment(n), actor="bea", text=text)
        log.event(hot.CommentPosted, data, time=START_US + n)
    log.event(hot.CommentDeleted, hot.CommentDeletedData(workout_id=WORKOUT, comment_id=comment(2), actor="bea"))
    shown = items(log)["ada/2026-W47", WORKOUT]
    assert shown["kudos"] == ["abe", "bea"]
    assert [c["text"] for c in shown["comments"]] == ["first", "second"]


def comment(n: int) -> str:
    return f"00000000-0000-4000-8000-00000000000{n}"


def test_the_analysts_table_has_the_last_word_with_its_offset(log: TestLog) -> None:
    say(log)
    say(log, status="deleted")
    (row,) = boards.workout_table(boards.last_of(log.read().carrying("WorkoutSummarised").valid)).to_pylist()
    assert (row["status"], row["deleted"], row["source_offset"], row["load_method"]) == ("deleted", 1, 1, "")
