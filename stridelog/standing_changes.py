"""Who changed since a base of a leaderboard was made, beside the base's rows (``stridelog/standing_reads.py``)."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_HALF: Final = (1 << 64) - 1  # the upper half of the code of those who have gone


class Place(NamedTuple):
    """Somebody's place on a board; places are in the order of ``code`` and ``user_key``."""

    code: int
    user_key: int
    user: str
    workouts: int


FRONT: Final = Place(0, 0, "", 0)
"""Ahead of everybody."""

Run = Sequence[tuple[Place, int]]
"""Rows of a base that follow each other, with their number from 1."""


def places_of(found: pa.Table) -> list[Place]:
    """Rows with the columns ``high``, ``low`` (halves of the code), ``user_key``, ``user_id`` and ``workouts``."""
    columns = (found[name].to_pylist() for name in ("high", "low", "user_key", "user_id", "workouts"))
    return [
        Place(high << 64 | low, key, user, workouts) for high, low, key, user, workouts in zip(*columns, strict=True)
    ]


class Changed:
    """Who changed, each as they are now (``rows``: no user twice), and by user key their number in the base, 0 if they
    were not in it. Never altered: later changes make another one.
    """

    def __init__(self, rows: pa.Table | None = None, numbers: Mapping[int, int] | None = None) -> None:
        self._rows = rows
        self._numbers = numbers or {}
        self._keys: set[int] = set(rows["user_key"].to_pylist()) if rows is not None else set()
        left = [number for key, number in self._numbers.items() if number and key in self._keys]
        self._left = np.array(left, np.int64)  # their numbers, in the base
        if rows is None:
            self._high = self._low = self._ranked_keys = np.zeros(0, np.uint64)
            return
        high, low, keys = (rows[name].to_numpy() for name in ("high", "low", "user_key"))
        there = np.flatnonzero(high != _HALF)
        order = there[np.lexsort((keys[there], low[there], high[there]))]
        self._ranked = rows.take(order)
        self._high, self._low, self._ranked_keys = high[order], low[order], keys[order]

    @property
    def without_number(self) -> bool:
        """Whether of somebody it is not known yet where in the base they were."""
        return not self._keys <= self._numbers.keys()

    @property
    def more_users(self) -> int:
        """How many more are on the board than in the base."""
        return len(self._ranked_keys) - len(self._left)

    def with_later(self, rows: pa.Table) -> "Changed":
        """Together with later changes, some of which may be here already."""
        if self._rows is not None:
            both = pa.concat_tables([self._rows, rows])
            keys, offsets, stored_us = (both[name].to_numpy() for name in ("user_key", "offset", "stored_us"))
            order = np.lexsort((stored_us, offsets, keys))
            is_last = np.append(keys[order][1:] != keys[order][:-1], True)
            newest = np.sort(order[is_last])
            if len(newest) == len(self._rows) == newest[-1] + 1:  # nothing new
                return self
            rows = both.take(newest)
        return Changed(rows, self._numbers) if rows.num_rows else self

    def with_numbers(self, numbers: Mapping[int, int]) -> "Changed":
        """Together with numbers in the base, by user key: whoever has none by then was not in it."""
        return Changed(self._rows, {**dict.fromkeys(self._keys, 0), **self._numbers, **numbers})

    def fresh(self, run: Run) -> list[Place]:
        """Those of a run who have not changed."""
        return [place for place, _ in run if place.user_key not in self._keys]

    def of(self, user: str) -> Place | None:
        """The place of a user who changed; ``None`` if they did not, or are not on the board."""
        if self._rows is None:
            return None
        return next(iter(places_of(self._ranked.filter(pc.equal(self._ranked["user_id"], user)))), None)

    def nearest(self, at: Place, most: int) -> tuple[list[Place], list[Place]]:
        """Who changed and stands next above and below a place; that place itself is neither."""
        if self._rows is None:
            return [], []
        equal = (self._high == at.code >> 64) & (self._low == at.code & _HALF)
        above = self._count_better(at.code) + int(
            np.count_nonzero(equal & (self._ranked_keys < np.uint64(at.user_key)))
        )
        below = above + int(np.count_nonzero(equal & (self._ranked_keys == np.uint64(at.user_key))))
        first = max(0, above - most)
        return places_of(self._ranked.slice(first, above - first)), places_of(self._ranked.slice(below, most))

    def better(self, code: int, run: Run) -> int | None:
        """How many have a better code, by a run of the base around it; ``None``: the run begins too late to say."""
        before = [number for place, number in run if place.code < code]
        if not before and run and run[0][1] > 1:
            return None
        of_base = before[-1] if before else 0
        return of_base - int(np.count_nonzero(self._left <= of_base)) + self._count_better(code)

    def _count_better(self, code: int) -> int:
        wanted = np.uint64(code >> 64)
        less = (self._high < wanted) | ((self._high == wanted) & (self._low < np.uint64(code & _HALF)))
        return int(np.count_nonzero(less))
