"""Who follows whom and since when, and what ends it: an unfollow, a block of either of the two, the end of a block.

It is ``domain.visibility.relation_at`` for all times at once: a sweep over the facts about one pair of athletes.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec


class FollowChange(msgspec.Struct, frozen=True):
    """Somebody began (or ceased) to follow an athlete."""

    time_us: int
    event_id: str
    follower: str
    following: bool


class BlockChange(msgspec.Struct, frozen=True):
    """An athlete and ``other``: one of them began (or ceased) to block the other, ``by_other`` says who."""

    time_us: int
    event_id: str
    other: str
    by_other: bool
    blocking: bool


class Following(NamedTuple):
    """A time of following (µs): from ``since_us`` on, until ``until_us``, which is excluded; ``None``: until now."""

    since_us: int
    until_us: int | None


def followings(follows: Iterable[FollowChange], blocks: Iterable[BlockChange]) -> list[Following]:
    """When one athlete followed another, by the facts about the two, in whatever order: apart, and sorted.

    Of two facts of the same time the one that shows less holds. To follow again while one follows changes nothing;
    while one of the two blocks the other, following cannot begin.
    """
    steps: list[tuple[int, int, str]] = [(f.time_us, 0 if f.following else 1, "") for f in follows]
    steps += [(b.time_us, 3 if b.blocking else 2, "other" if b.by_other else "self") for b in blocks]
    found: list[Following] = []
    since_us: int | None = None
    blockers: set[str] = set()
    for time_us, step, blocker in sorted(steps):
        if step == 0:
            if since_us is None and not blockers:
                since_us = time_us
            continue
        if since_us is not None and since_us < time_us:
            found.append(Following(since_us, time_us))
        since_us = None
        if step == 2:
            blockers.discard(blocker)
        elif step == 3:
            blockers.add(blocker)
    return found if since_us is None else [*found, Following(since_us, None)]


def is_blocked(blocks: Iterable[BlockChange]) -> bool:
    """Whether one of the two blocks the other now; a block and its end at the same time is a block."""
    blockers: set[bool] = set()
    for change in sorted(blocks, key=lambda b: (b.time_us, b.blocking)):
        (blockers.add if change.blocking else blockers.discard)(change.by_other)
    return bool(blockers)
