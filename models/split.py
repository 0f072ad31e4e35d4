"""What is learned from and what is measured on: other athletes, later.

A quarter of the athletes, chosen by a hash of their id, is never learned from, whatever the seed and the date. Of the
others only rows count whose label was known before the cutoff; of the held-out athletes only rows after it. So neither
a person nor a day is on both sides, and a champion of last month has not seen the holdout of today either: both can be
compared on it.
"""

from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from models.rows import DAY_US

HOLDOUT_SHARE: Final = 0.25
TRAIN_TIME_SHARE: Final = 0.6
_BUCKETS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Split:
    """Masks over the labelled rows, (n,) bool, and the cutoff between them in UTC microseconds."""

    train: NDArray[np.bool_]
    holdout: NDArray[np.bool_]
    cutoff_us: int


def held_out(users: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Whether an athlete is held out; depends on the id alone."""
    names, index = np.unique(users, return_inverse=True)
    chosen = [crc32(f"holdout:{name}".encode()) % _BUCKETS < HOLDOUT_SHARE * _BUCKETS for name in names]
    return np.array(chosen, dtype=bool)[index]


def folds(users: NDArray[np.str_], count: int) -> NDArray[np.int64]:
    """Fold of each row, all rows of an athlete in the same one; depends on the id alone."""
    names, index = np.unique(users, return_inverse=True)
    return np.array([crc32(f"fold:{name}".encode()) % count for name in names], dtype=np.int64)[index]


def split(users: NDArray[np.str_], at_us: NDArray[np.int64], horizon_days: int) -> Split:
    """Split labelled rows whose label looks ``horizon_days`` ahead; the cutoff lies at 60 % of the rows' time range."""
    if not len(at_us):
        none = np.zeros(0, dtype=bool)
        return Split(none, none, 0)
    first, last = int(at_us.min()), int(at_us.max())
    cutoff = first + int(TRAIN_TIME_SHARE * (last - first + horizon_days * DAY_US))
    away = held_out(users)
    return Split(~away & (at_us + horizon_days * DAY_US <= cutoff), away & (at_us > cutoff), cutoff)
