"""Whatever the heads of a board were: whoever follows the changes has the head, and all of them agree."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.rank_changes import rank_changes, ranks_of

USERS = st.sampled_from("abcdefgh")
SCORES = st.dictionaries(USERS, st.integers(1, 4).map(float), max_size=8)  # few values, so that many are equal


def head(scores: dict[str, float], top: int) -> dict[str, int]:
    ranked = ranks_of(sorted(scores.items(), key=lambda member: -member[1]))
    return {user: rank for user, rank in ranked.items() if rank <= top}


@given(st.lists(SCORES, min_size=1, max_size=6), st.integers(1, 5))
def test_the_last_change_of_each_user_gives_the_head(boards: list[dict[str, float]], top: int) -> None:
    heads = [{}, *(head(scores, top) for scores in boards)]
    held: dict[str, int | None] = {}
    for before, after in pairwise(heads):
        for change in rank_changes(before, after):
            assert held.get(change.user) == change.previous_rank
            held[change.user] = change.rank
    assert {user: rank for user, rank in held.items() if rank is not None} == heads[-1]


@given(SCORES, SCORES, st.integers(1, 5))
def test_who_passed_and_who_was_passed_say_the_same(
    first: dict[str, float], second: dict[str, float], top: int
) -> None:
    before, after = head(first, top), head(second, top)
    changes = {change.user: change for change in rank_changes(before, after)}
    for user, change in changes.items():
        for other in change.passed:
            assert other not in changes or user in changes[other].passed_by
            assert before.get(other, 99) < before.get(user, 99)
            assert after.get(user, 99) < after.get(other, 99)
        for other in change.passed_by:
            assert other not in changes or user in changes[other].passed
