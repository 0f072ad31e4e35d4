"""Following, its ends, and where a feed keeps items."""

from datetime import UTC, datetime

import pytest

from domain.feeds import bucket, mentions_kept, week_of
from domain.following import BlockChange, FollowChange, followings, is_blocked


def follow(time_us: int, following: bool = True) -> FollowChange:
    return FollowChange(time_us, f"f{time_us}", "bob", following)


def block(time_us: int, blocking: bool = True, *, by_other: bool = False) -> BlockChange:
    return BlockChange(time_us, f"b{time_us}", "bob", by_other, blocking)


def test_following_again_while_following_does_not_begin_anew() -> None:
    assert followings([follow(1), follow(5)], []) == [(1, None)]


def test_an_unfollow_ends_it_and_at_the_same_time_wins() -> None:
    assert followings([follow(1), follow(3, False), follow(6)], []) == [(1, 3), (6, None)]
    assert followings([follow(4), follow(4, False)], []) == []


@pytest.mark.parametrize("by_other", [False, True])
def test_a_block_ends_following_and_its_end_does_not_bring_it_back(by_other: bool) -> None:
    blocks = [block(3, by_other=by_other), block(7, False, by_other=by_other)]
    assert followings([follow(1)], blocks) == [(1, 3)]
    assert followings([follow(1), follow(5)], blocks) == [(1, 3)]
    assert followings([follow(1), follow(9)], blocks) == [(1, 3), (9, None)]


def test_a_block_of_each_other_ends_only_when_both_have_ended() -> None:
    blocks = [block(1), block(2, by_other=True), block(3, False)]
    assert is_blocked(blocks)
    assert followings([follow(4)], blocks) == []
    assert not is_blocked([*blocks, block(5, False, by_other=True)])


def test_a_block_and_its_end_at_the_same_time_is_a_block() -> None:
    assert is_blocked([block(3), block(3, False)])


def test_weeks_of_documents_are_those_of_utc() -> None:
    monday = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1_000_000
    assert bucket("ada", monday) == "ada/2026-W48"
    assert bucket("ada", monday - 1) == "ada/2026-W47"
    assert week_of(monday - 1).isoformat() == "2026-11-16"


def test_a_mention_stands_if_the_mentioned_may_see_the_workout() -> None:
    everybody = ["fan", "foe", "ada", "passer", "fan"]
    kept = {
        audience: mentions_kept(everybody, "ada", audience, {"fan", "foe"}, {"foe"})
        for audience in ("everyone", "followers", "group", "only_me")
    }
    assert kept == {
        "everyone": ["fan", "ada", "passer"],
        "followers": ["fan", "ada"],
        "group": ["fan", "ada", "passer"],  # whether they share a group is seen where the feed is read
        "only_me": ["ada"],
    }
