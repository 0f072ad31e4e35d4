"""Boards, rankings and feeds from the last summaries."""

from datetime import UTC, date, datetime
from typing import Any

from domain.boards import BoardKey, decode_rank_score
from schemas import hot
from tests.unit.verification.conftest import HOUR_US, OTHER, START_US, WORKOUT, TestLog
from verification import boards, feeds
from verification.partition import SOCIAL_EVENTS

DAY = date(2026, 11, 18)
KEY = b"k" * 32


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


def documents(log: TestLog, most: int = 1_000) -> feeds.Feeds:
    read = log.read()
    events = [*read.seen_by("feed", *SOCIAL_EVENTS), *read.seen_by("feed", hot.VisibilityChanged)]
    kept = feeds.Feeds(groups={"ada": {"club"}, "bea": {"club"}})
    feeds.expect(kept, boards.last_of(read.carrying("WorkoutSummarised").valid), feeds.social_of(events), most, KEY)
    return kept


def follow(log: TestLog, follower: str, hours: int, *, user: str = "ada", following: bool = True) -> None:
    kind, data = (hot.Followed, hot.FollowedData) if following else (hot.Unfollowed, hot.UnfollowedData)
    log.event(kind, data(follower=follower), user=user, time=START_US + hours * HOUR_US)


def block(log: TestLog, blocker: str, blocked: str, hours: int, *, told: str, blocking: bool = True) -> None:
    kind, data = (hot.Blocked, hot.BlockedData) if blocking else (hot.Unblocked, hot.UnblockedData)
    log.event(kind, data(blocker=blocker, blocked=blocked), user=told, time=START_US + hours * HOUR_US)


def test_a_workout_is_in_the_feeds_of_those_who_follow_since_before_it_ended(log: TestLog) -> None:
    follow(log, "early", -1)
    follow(log, "late", 2)
    follow(log, "gone", -2)
    follow(log, "gone", 5, following=False)
    say(log)
    assert documents(log).feeds.keys() == {("early/2026-W47", WORKOUT)}
    assert documents(log).timelines.keys() == {("ada/2026-W47", WORKOUT)}
    assert documents(log).seen() == {("ada", WORKOUT), ("early", WORKOUT)}
    say(log, status="deleted")
    assert documents(log).seen() == set()


def test_who_has_more_followers_than_are_told_has_a_timeline_that_they_merge(log: TestLog) -> None:
    for hours, follower in enumerate(("bea", "cid", "dan"), start=-4):
        follow(log, follower, hours)
    say(log)
    kept = documents(log, most=2)
    assert kept.feeds == {}
    assert kept.circles["dan", "merged.ada"] == START_US - 2 * HOUR_US
    assert {reader for reader, _ in kept.seen()} == {"ada", "bea", "cid", "dan"}
    assert not any(name.startswith("merged") for _, name in documents(log, most=3).circles)


def test_a_block_of_either_takes_all_away_and_its_end_does_not_bring_it_back(log: TestLog) -> None:
    follow(log, "bea", -3)
    follow(log, "cid", -3)
    block(log, "ada", "bea", 3, told="ada")
    block(log, "cid", "ada", 3, told="ada")
    block(log, "cid", "ada", 4, told="ada", blocking=False)
    say(log)
    assert documents(log).seen() == {("ada", WORKOUT)}
    follow(log, "cid", 0)  # told late: it was before the block
    assert documents(log).seen() == {("ada", WORKOUT)}
    assert documents(log).circles == {("ada", "blocks.bea"): True}


def test_the_reader_s_own_word_of_a_block_is_enough(log: TestLog) -> None:
    follow(log, "bea", -3)
    block(log, "ada", "bea", 3, told="bea")
    say(log)
    assert documents(log).seen() == {("ada", WORKOUT)}


def test_a_workout_is_seen_by_whom_the_profile_or_its_own_word_lets_in(log: TestLog) -> None:
    follow(log, "bea", -3)
    follow(log, "cid", -3)
    for data in (
        hot.VisibilityChangedData(workout="only_me", map="only_me", heart_rate="only_me"),
        hot.VisibilityChangedData(workout="group", map="only_me", heart_rate="only_me"),
    ):
        log.event(hot.VisibilityChanged, data, time=START_US + (data.workout == "group"))
    say(log)
    assert documents(log).seen() == {("ada", WORKOUT), ("bea", WORKOUT)}
    say(log, visibility=hot.WorkoutVisibility(workout="everyone"))
    assert documents(log).seen() == {("ada", WORKOUT), ("bea", WORKOUT), ("cid", WORKOUT)}
    say(log, visibility=hot.WorkoutVisibility(workout="only_me"))
    assert documents(log).seen() == {("ada", WORKOUT)}


def test_an_item_shows_kudos_once_and_comments_that_stand(log: TestLog) -> None:
    say(log)
    follow(log, "fan", 9)
    for actor in ("bea", "bea", "abe"):
        log.event(hot.KudosGiven, hot.KudosGivenData(workout_id=WORKOUT, actor=actor))
    said = ((1, "second"), (0, "first"), (2, "taken back"), (0, "first, as written before"))
    for order, (n, text) in enumerate(said):
        data = hot.CommentPostedData(
            workout_id=WORKOUT, comment_id=comment(n), actor="bea", text=text, mentions=("fan", "stranger", "fan")
        )
        log.event(hot.CommentPosted, data, time=START_US + n - 100 * (order == 3))
    log.event(hot.CommentDeleted, hot.CommentDeletedData(workout_id=WORKOUT, comment_id=comment(2), actor="bea"))
    shown = documents(log).timelines["ada/2026-W47", WORKOUT]
    assert shown["kudos"] == ["abe", "bea"]
    assert [c["text"] for c in shown["comments"]] == ["first", "second"]
    assert shown["comments"][0]["mentions"] == ["fan"]


def comment(n: int) -> str:
    return f"00000000-0000-4000-8000-00000000000{n}"


def test_the_analysts_table_has_the_last_word_with_its_offset(log: TestLog) -> None:
    say(log)
    say(log, status="deleted")
    (row,) = boards.workout_table(boards.last_of(log.read().carrying("WorkoutSummarised").valid)).to_pylist()
    assert (row["status"], row["deleted"], row["source_offset"], row["load_method"]) == ("deleted", 1, 1, "")
