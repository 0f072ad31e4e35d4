"""Ranks of athletes and teams, worked by hand, and whose word counts."""

from typing import Any

import pyarrow as pa

from schemas import hot
from tests.unit.verification.conftest import START_US, TestLog
from tests.unit.verification.test_boards_and_feeds import DAY, say
from verification import boards, challenges

CLUB, RIVALS = (f"{number}0000000-0000-4000-8000-00000000000a" for number in (1, 2))
CHALLENGE = "10000000-0000-4000-8000-00000000000b"


def part(user: str, score: float, achieved_at: int, *, team: str = "", less: int = 0) -> dict[str, Any]:
    return {
        "challenge_id": CHALLENGE,
        "user_id": user,
        "group_id": team,
        "score": score,
        "achieved_at": achieved_at,
        "workouts": 1,
        "target": 30.0,
        "less_is_better": less,
        "reached_at": None,
    }


def ranks(*parts: dict[str, Any]) -> dict[str, int]:
    table = challenges.ranked(pa.Table.from_pylist(list(parts)))
    return dict(zip(table.column("user_id").to_pylist(), table.column("rank").to_pylist(), strict=True))


def test_of_equal_scores_the_earlier_is_ahead_and_equals_share_a_rank() -> None:
    assert ranks(part("ada", 5, 3), part("bob", 9, 9), part("cid", 5, 2), part("dan", 5, 3), part("eve", 1, 1)) == {
        "bob": 1,
        "cid": 2,
        "ada": 3,
        "dan": 3,
        "eve": 5,
    }


def test_where_less_is_better_who_has_nothing_yet_is_last() -> None:
    found = ranks(part("ada", 0, 0, less=1), part("bob", 1_500, 2, less=1), part("cid", 1_400, 9, less=1))
    assert found == {"cid": 1, "bob": 2, "ada": 3}


def test_a_team_has_the_sum_of_its_members_as_of_the_last_of_them() -> None:
    parts = [part("ada", 10.1, 5, team=CLUB), part("bob", 19.9, 7, team=CLUB), part("cid", 29.99, 1, team=RIVALS)]
    rows = challenges.teams(pa.Table.from_pylist([*parts, part("eve", 99, 1)])).to_pylist()
    names = ("group_id", "rank", "score", "achieved_at", "members", "reached")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (CLUB, 1, 30.0, 7, 2, 1),
        (RIVALS, 2, 29.99, 1, 1, 0),
    ]


def test_the_later_word_on_taking_part_counts_whichever_came_last(log: TestLog) -> None:
    say(log)
    data = hot.ChallengeDefinedData(
        challenge_id=CHALLENGE,
        title="Any",
        metric="workouts",
        target=1.0,
        first_day=DAY,
        last_day=DAY,
        kind="individual",
    )
    log.event(hot.ChallengeDefined, data, user="eve")
    log.event(hot.ChallengeLeft, hot.ChallengeLeftData(challenge_id=CHALLENGE), time=START_US + 2)
    log.event(hot.ChallengeJoined, hot.ChallengeJoinedData(challenge_id=CHALLENGE), time=START_US + 1)
    assert challenges.parts(facts(log)) == []
    log.event(hot.ChallengeJoined, hot.ChallengeJoinedData(challenge_id=CHALLENGE), time=START_US + 3)
    (found,) = challenges.parts(facts(log))
    assert (found.user, found.far.score) == ("ada", 1.0)
    (target,) = challenges.targets(facts(log), [found], [])
    assert (target.user, target.target_id) == ("ada", f"challenge/{CHALLENGE}")


def facts(log: TestLog) -> challenges.Log:
    read = log.read()
    last = boards.last_of(read.carrying("WorkoutSummarised").valid)
    standings = challenges.standings(read.carrying("ChallengeDefined").valid, {})
    return challenges.Log(last, {}, standings, read.carrying("ChallengeJoined").valid)
