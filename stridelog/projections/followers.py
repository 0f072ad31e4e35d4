"""An athlete's followers as an index over the facts, so that a workout need not look at a million of them."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from heapq import merge
from typing import Any, Final

from domain.following import BlockChange, FollowChange, Following, followings, is_blocked
from stridelog.state import Index

_NOBODY: Final[dict[str, Any]] = {}


class Followers(Index):
    """Who follows an athlete since when, how many did at a time, and who is in a block with the athlete."""

    kinds = (FollowChange, BlockChange)

    def __init__(self) -> None:
        self._follows: defaultdict[str, dict[str, FollowChange]] = defaultdict(dict)
        self._blocks: defaultdict[str, dict[str, BlockChange]] = defaultdict(dict)
        self._followings: dict[str, list[Following]] = {}
        self._first_us: dict[str, int] = {}
        # Sorted, once somebody asked for what needs it.
        self._is_sorted = False
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._firsts: list[tuple[int, str]] = []

    def put(self, id: str, fact: FollowChange | BlockChange) -> None:
        if isinstance(fact, FollowChange):
            other = fact.follower
            self._follows[other][id] = fact
        else:
            other = fact.other
            self._blocks[other][id] = fact
        before = self._followings.get(other, [])
        now = followings(self._follows.get(other, _NOBODY).values(), self._blocks.get(other, _NOBODY).values())
        self._followings[other] = now
        began_us = [f.time_us for f in self._follows.get(other, _NOBODY).values() if f.following]
        first_us = self._first_us.get(other)
        if began_us:
            self._first_us[other] = min(began_us)
        if self._is_sorted:
            self._sort_in(before, now)
            if began_us and first_us != min(began_us):
                if first_us is not None:
                    del self._firsts[bisect_left(self._firsts, (first_us, other))]
                insort(self._firsts, (min(began_us), other))

    def since_us(self, user: str) -> int | None:
        """Since when ``user`` follows the athlete; ``None``: they do not."""
        times = self._followings.get(user)
        return times[-1].since_us if times and times[-1].until_us is None else None

    def is_blocked(self, user: str) -> bool:
        """Whether one of the two blocks the other."""
        return is_blocked(self._blocks.get(user, _NOBODY).values())

    def count_at(self, time_us: int) -> int:
        """How many followed at a time."""
        self._sort()
        return bisect_right(self._begins, time_us) - bisect_right(self._ends, time_us)

    def ever(self) -> Iterator[str]:
        """Everybody who ever said that they follow."""
        yield from self._first_us

    def begun_by(self, time_us: int) -> Iterator[str]:
        """Everybody who said by then that they follow, whether or not they do still."""
        self._sort()
        for _, follower in self._firsts[: bisect_right(self._firsts, (time_us, "\U0010ffff"))]:
            yield follower

    def first_us(self, user: str) -> int | None:
        """When ``user`` first said that they follow."""
        return self._first_us.get(user)

    def peak(self, bound: int) -> int:
        """The most who ever followed at the same time, exact up to ``bound``; above, some number above ``bound``."""
        self._sort()
        if len(self._begins) <= bound and not self._ends:
            return len(self._begins)
        if len(self._begins) - len(self._ends) > bound:
            return bound + 1
        most = now = 0
        for _, step in merge(((time, 1) for time in self._begins), ((time, -1) for time in self._ends)):
            now += step  # ends come before begins of the same time
            most = max(most, now)
        return most

    def _sort(self) -> None:
        if not self._is_sorted:
            every = [one for times in self._followings.values() for one in times]
            self._begins = sorted(one.since_us for one in every)
            self._ends = sorted(one.until_us for one in every if one.until_us is not None)
            self._firsts = sorted((time, follower) for follower, time in self._first_us.items())
            self._is_sorted = True

    def _sort_in(self, before: list[Following], now: list[Following]) -> None:
        for one in before:
            del self._begins[bisect_left(self._begins, one.since_us)]
            if one.until_us is not None:
                del self._ends[bisect_left(self._ends, one.until_us)]
        for one in now:
            insort(self._begins, one.since_us)
            if one.until_us is not None:
                insort(self._ends, one.until_us)
