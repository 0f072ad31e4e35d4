"""What has changed between two heads of a board: who entered, left, moved, and who passed whom.

A head is the users of the first ranks of a board with their competition ranks (1, 2, 2, 4). Nothing is known of who is
below it, so neither is anything said of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.boards import competition_ranks


@dataclass(frozen=True, slots=True)
class RankChange:
    """What became of one user. ``None``: not in the head. Those passed stand in the order of their ranks now."""

    user: str
    previous_rank: int | None
    rank: int | None
    passed: tuple[str, ...]
    passed_by: tuple[str, ...]


def ranks_of(members: Sequence[tuple[str, float]]) -> dict[str, int]:
    """Competition ranks of users with their encoded scores, the greatest first. Raises ``ValueError`` if not sorted."""
    ranks = competition_ranks([score for _, score in members])
    return {user: rank for (user, _), rank in zip(members, ranks, strict=True)}


def rank_changes(before: Mapping[str, int], after: Mapping[str, int]) -> list[RankChange]:
    """A change for each user whose rank is another one: those in the new head by rank, then those who left it.

    A user passed another who was ahead of them and is behind them now; with equal ranks nobody is ahead. Who is in
    neither head was not ahead of anybody in it, and of two who were in neither before nothing is known.
    """

    def key(user: str) -> tuple[float, float, str]:
        return _rank(after, user), _rank(before, user), user

    users = sorted(before.keys() | after.keys(), key=key)

    def passes(user: str, other: str) -> bool:
        was_behind = _rank(before, other) < _rank(before, user)
        return was_behind and _rank(after, user) < _rank(after, other)

    return [
        RankChange(
            user,
            before.get(user),
            after.get(user),
            tuple(other for other in users if passes(user, other)),
            tuple(other for other in users if passes(other, user)),
        )
        for user in users
        if before.get(user) != after.get(user)
    ]


def _rank(head: Mapping[str, int], user: str) -> float:
    return head.get(user, math.inf)
