"""Two heads of a board, worked by hand: who entered, left, moved, and who passed whom."""

import pytest

from domain.rank_changes import RankChange, rank_changes, ranks_of


def test_on_a_board_that_is_first_seen_everyone_has_entered_and_passed_nobody() -> None:
    assert rank_changes({}, {"ann": 1, "bob": 2}) == [
        RankChange("ann", None, 1, (), ()),
        RankChange("bob", None, 2, (), ()),
    ]


def test_who_moves_up_passed_those_who_are_behind_now() -> None:
    assert rank_changes({"ann": 1, "bob": 2, "cid": 3, "dan": 4}, {"cid": 1, "ann": 2, "bob": 3, "dan": 4}) == [
        RankChange("cid", 3, 1, ("ann", "bob"), ()),
        RankChange("ann", 1, 2, (), ("cid",)),
        RankChange("bob", 2, 3, (), ("cid",)),
    ]


def test_who_enters_passes_who_is_pushed_out() -> None:
    assert rank_changes({"ann": 1, "bob": 2, "cid": 3}, {"ann": 1, "dan": 2, "bob": 3}) == [
        RankChange("dan", None, 2, ("bob", "cid"), ()),
        RankChange("bob", 2, 3, (), ("dan",)),
        RankChange("cid", 3, None, (), ("dan",)),
    ]


def test_who_moves_up_because_one_has_gone_has_passed_that_one() -> None:
    assert rank_changes({"ann": 1, "bob": 2, "cid": 3}, {"bob": 1, "cid": 2}) == [
        RankChange("bob", 2, 1, ("ann",), ()),
        RankChange("cid", 3, 2, ("ann",), ()),
        RankChange("ann", 1, None, (), ("bob", "cid")),
    ]


def test_of_two_who_enter_together_and_two_who_leave_together_neither_passed_the_other() -> None:
    assert rank_changes({"ann": 1, "bob": 2}, {"cid": 1, "dan": 2}) == [
        RankChange("cid", None, 1, ("ann", "bob"), ()),
        RankChange("dan", None, 2, ("ann", "bob"), ()),
        RankChange("ann", 1, None, (), ("cid", "dan")),
        RankChange("bob", 2, None, (), ("cid", "dan")),
    ]


def test_who_draws_level_passed_nobody_and_neither_does_who_breaks_a_tie() -> None:
    assert rank_changes({"ann": 1, "bob": 2, "cid": 3}, {"ann": 1, "bob": 1, "cid": 3}) == [
        RankChange("bob", 2, 1, (), ())
    ]
    assert rank_changes({"ann": 1, "bob": 1}, {"bob": 1, "ann": 2}) == [RankChange("ann", 1, 2, (), ())]


def test_the_same_head_is_no_change() -> None:
    assert rank_changes({"ann": 1, "bob": 1}, {"bob": 1, "ann": 1}) == []


def test_equal_scores_share_a_rank() -> None:
    assert ranks_of([("ann", 9.5), ("bob", 7.25), ("cid", 7.25), ("dan", 1.0)]) == {
        "ann": 1,
        "bob": 2,
        "cid": 2,
        "dan": 4,
    }
    with pytest.raises(ValueError, match="sort"):
        ranks_of([("ann", 1.0), ("bob", 2.0)])
