"""What has changed between two heads of a board: who entered, left, moved, and who passed whom.

A head is the users of the first ranks of a board with their competition ranks (1, 2, 2, 4). Nothing is known of who is
below it, so neither is anything said of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

    users = sorted(
        before.keys() | after.keys(), key=lambda user: (after.get(user, math.inf), before.get(user, math.inf), user)
    )
    was, now = (np.array([head.get(user, math.inf) for user in users]) for head in (before, after))
    changed = np.flatnonzero(was != now)
    passes = (was[changed, None] > was) & (now[changed, None] < now)
    is_passed = (was[changed, None] < was) & (now[changed, None] > now)

    def those(chosen: NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(users[number] for number in np.flatnonzero(chosen).tolist())

    return [
        RankChange(user, before.get(user), after.get(user), those(passes[row]), those(is_passed[row]))
        for row, user in enumerate(users[number] for number in changed.tolist())
    ]
