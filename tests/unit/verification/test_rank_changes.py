"""What was announced of the heads of boards adds up to the heads that the scores give."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from domain.boards import BoardKey, encode_rank_score
from domain.rank_changes import rank_changes, ranks_of
from schemas import hot
from tests.unit.verification.conftest import START_US, TestLog
from verification.rank_changes import Said, expected_heads, found_heads, note_said
from verification.settle import Settled
from verification.tally import Tally, compare

BOARD = BoardKey("distance", "running", "week", "2026-W47")
OTHER = BoardKey("load", "all", "all", "all")
# From Tuesday to Thursday: bob passes ann, dan enters beside cid, cid leaves.
DAYS: list[dict[str, float]] = [
    {"ann": 30.0, "bob": 20.0, "cid": 10.0},
    {"ann": 30.0, "bob": 40.0, "cid": 10.0, "dan": 10.0},
    {"ann": 30.0, "bob": 40.0, "dan": 12.0},
]


def encoded(scores: dict[str, float]) -> dict[str, float]:
    return {user: encode_rank_score(value, START_US) for user, value in scores.items()}


def announced() -> Iterator[hot.RankChanged]:
    before: dict[str, int] = {}
    for day, scores in enumerate(DAYS, start=1):
        after = ranks_of(sorted(encoded(scores).items(), key=lambda member: -member[1]))
        for change in rank_changes(before, after):
            data = hot.RankChangedData(
                **BOARD._asdict(),
                top=10,
                sequence=day,
                previous_rank=change.previous_rank,
                rank=change.rank,
                score=scores.get(change.user),
                passed=change.passed,
                passed_by=change.passed_by,
            )
            head: dict[str, Any] = {"zone": "UTC", "source": "test", "producer": "test"}
            yield hot.RankChanged.of(user=change.user, time=START_US + day, data=data, **head)
        before = after


def checked(log: TestLog, messages: list[hot.RankChanged]) -> Tally:
    said: Said = {}
    for message in messages:
        log.put(message)
    note_said(said, log.read().carrying("RankChanged").valid)
    tally = Tally(show=5)
    compare(tally, expected_heads({BOARD: encoded(DAYS[-1])}), found_heads(said))
    return tally


def test_the_last_change_of_each_athlete_gives_the_head(log: TestLog) -> None:
    tally = checked(log, list(announced()))
    assert tally.ok
    assert (tally.expected, tally.found) == (3, 3)


def test_what_is_sent_again_and_later_than_others_changes_nothing(log: TestLog) -> None:
    messages = list(announced())
    assert checked(log, [*messages, *messages[:4]]).ok


@pytest.mark.parametrize("number", [-1, -2, 3, 4])
def test_a_change_that_says_another_rank_is_seen(log: TestLog, number: int) -> None:
    messages = list(announced())
    data = messages[number].data
    messages[number] = msgspec.structs.replace(messages[number], data=msgspec.structs.replace(data, rank=7))
    tally = checked(log, messages)
    assert (tally.missing, tally.extra + tally.different) == (0, 1)


def test_a_change_that_was_never_said_is_seen(log: TestLog) -> None:
    messages = list(announced())
    assert messages[-1].data.rank is None  # cid has left
    tally = checked(log, messages[:-1])
    assert (tally.missing, tally.extra, tally.different) == (0, 1, 0)
    assert "cid" in tally.examples[0].key


def test_the_head_has_as_many_ranks_as_the_board_announces_and_all_who_share_the_last() -> None:
    scores = {f"user-{number}": float(number // 2) for number in range(30)}
    heads = expected_heads({OTHER: encoded(scores)})
    assert sorted(heads.values()) == [1, 1, 3, 3, 5, 5, 7, 7, 9, 9]
    assert expected_heads({BoardKey("no longer declared", "all", "all", "all"): encoded(scores)}) == {}


def test_what_waits_to_be_announced_is_said() -> None:
    assert Settled({}, unannounced=1_200).lines() == ["rank changes: 1,200 boards and messages wait to be announced"]
    assert Settled({}).lines() == []
