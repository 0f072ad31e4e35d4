"""Who changed since a base of a leaderboard was made, beside the base's rows (``stridelog/standing_reads.py``)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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


_ROWS: Final = pa.schema(
    {
        **{name: pa.uint64() for name in ("high", "low", "user_key", "offset", "stored_us")},
        "user_id": pa.string(),
        "workouts": pa.uint32(),
    }
)
_VERSION: Final = ("user_key", "offset", "stored_us")
_UNKNOWN: Final = -1


class Changed:
    """Who changed, each as they are now, with their number in the base. Never altered: later changes make another one.

    ``rows``: one of each user, in the order of ``user_key``; also of those who have left the board. ``numbers``: of the
    same users, 0 if they were not in the base, -1 while that is not known.
    """

    def __init__(self, rows: pa.Table | None = None, numbers: NDArray[np.int64] | None = None) -> None:
        self._rows = _ROWS.empty_table() if rows is None else rows
        self._numbers = np.zeros(0, np.int64) if numbers is None else numbers
        self._left = self._numbers[self._numbers > 0]
        self._keys = self._rows["user_key"].to_numpy()

    @cached_property
    def _ranked(self) -> pa.Table:
        """Those who are on the board, in the order of their places."""
        high, low = self._rows["high"].to_numpy(), self._rows["low"].to_numpy()
        there = np.flatnonzero(high != _HALF)
        return self._rows.take(there[np.lexsort((self._keys[there], low[there], high[there]))])

    @cached_property
    def _codes(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        return self._ranked["high"].to_numpy(), self._ranked["low"].to_numpy()

    def without_number(self) -> list[int]:
        """The keys of users of whom it is not known where in the base they were."""
        keys: list[int] = self._keys[self._numbers == _UNKNOWN].tolist()
        return keys

    @property
    def more_users(self) -> int:
        """How many more are on the board than in the base."""
        return int(self._ranked.num_rows) - len(self._left)

    def with_later(self, rows: pa.Table) -> "Changed":
        """Together with later changes, one of each user, some of which may be here already."""
        keys, offsets, stored_us = (rows[name].to_numpy() for name in _VERSION)
        if len(self._keys):
            at, is_here = self._find(keys)
            _, here_offsets, here_stored_us = (self._rows[name].to_numpy()[at] for name in _VERSION)
            is_newer = (offsets > here_offsets) | ((offsets == here_offsets) & (stored_us > here_stored_us))
            rows = rows.filter(~is_here | is_newer)
        if not rows.num_rows:
            return self
        rows = rows.select(_ROWS.names).cast(_ROWS)
        stay = ~np.isin(self._keys, rows["user_key"].to_numpy())
        both = pa.concat_tables([self._rows.filter(stay), rows]).combine_chunks()
        order = np.argsort(both["user_key"].to_numpy())
        numbers = np.full(len(order), _UNKNOWN, np.int64)
        numbers[np.searchsorted(both["user_key"].to_numpy()[order], self._keys)] = self._numbers
        return Changed(both.take(order), numbers)

    def with_numbers(self, asked: list[int], keys: NDArray[np.uint64], numbers: NDArray[np.uint32]) -> "Changed":
        """Together with the numbers of those who were ``asked`` for: of ``keys``. Others were not in the base."""
        known = self._numbers.copy()
        known[self._find(np.array(asked, np.uint64))[0]] = 0
        known[self._find(keys)[0]] = numbers
        return Changed(self._rows, known)

    def _find(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where users are, and whether they are here at all; there must be somebody."""
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return at, self._keys[at] == keys

    def fresh(self, run: Run) -> list[Place]:
        """Those of a run who have not changed."""
        if not len(self._keys):
            return [place for place, _ in run]
        _, has_changed = self._find(np.array([place.user_key for place, _ in run], np.uint64))
        return [place for (place, _), changed in zip(run, has_changed.tolist(), strict=True) if not changed]

    def of(self, user: str) -> Place | None:
        """The place of a user who changed; ``None`` if they did not, or are not on the board."""
        return next(iter(places_of(self._ranked.filter(pc.equal(self._ranked["user_id"], user)))), None)

    def nearest(self, at: Place, most: int) -> tuple[list[Place], list[Place]]:
        """Who changed and stands next above and below a place; that place itself is neither."""
        high, low, key = np.uint64(at.code >> 64), np.uint64(at.code & _HALF), np.uint64(at.user_key)
        keys = self._ranked["user_key"].to_numpy()
        equal = (self._codes[0] == high) & (self._codes[1] == low)
        above = self._count_better(at.code) + int(np.count_nonzero(equal & (keys < key)))
        below = above + int(np.count_nonzero(equal & (keys == key)))
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
        high, low = self._codes
        less = (high < wanted) | ((high == wanted) & (low < np.uint64(code & _HALF)))
        return int(np.count_nonzero(less))
