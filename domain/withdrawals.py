"""Readings that are taken back: deleted by the athlete or the provider, or replaced by a higher revision.

The rule. A reading of a device, at a time, from a frame of revision *r*, does not count if

1. a *deletion* of revision *r* or higher covers its device and time; or
2. a *frame* of a higher revision of the same device spans its time.

It does not matter what came first: a reading that was deleted stays deleted when it is sent again or comes late, and
what is corrected comes back with a higher revision. A deletion that names channels takes only these, and leaves the
time points. Minutes are kept whole: of a minute that a deletion or a higher revision touches, a frame's part goes as
the reading would, because what is left of it cannot be told from the part.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

NEVER: Final = np.iinfo(np.int64).max


class Withdrawal(msgspec.Struct, frozen=True):
    """Readings of one user that do not count: from ``first_us`` until before ``end_us`` (UTC µs)."""

    device_id: str | None  # none: of all devices
    first_us: int
    end_us: int
    revision: int  # of this one and of lower ones
    columns: tuple[str, ...] = ()  # names with units, as in domain.track; none: all, with the time points


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Readings of one user, or parts of minutes: what decides whether they count. All of shape (n,)."""

    device_id: NDArray[np.object_]
    first_us: NDArray[np.int64]  # of the reading, or start of the minute
    end_us: NDArray[np.int64]  # the microsecond after it
    revision: NDArray[np.int64]


class Taken(NamedTuple):
    """Offsets of the records that took readings back; each (n,)."""

    whole: NDArray[np.int64]  # the first that took the reading as a whole; NEVER: it stands
    columns: dict[str, NDArray[np.int64]]  # by column of which any is taken: the last that took it; -1: it stands


def taken(readings: Readings, withdrawals: Iterable[tuple[int, Withdrawal]]) -> Taken:
    """What withdrawals, given with the offsets of the records that brought them, take of one user's readings."""
    n = len(readings.first_us)
    whole = np.full(n, NEVER, dtype=np.int64)
    columns: dict[str, NDArray[np.int64]] = {}
    if not n:
        return Taken(whole, columns)
    first_us, end_us = int(readings.first_us.min()), int(readings.end_us.max())
    for offset, withdrawal in withdrawals:
        if withdrawal.first_us >= end_us or withdrawal.end_us <= first_us:
            continue
        covered = (readings.first_us < withdrawal.end_us) & (readings.end_us > withdrawal.first_us)
        covered &= readings.revision <= withdrawal.revision
        if withdrawal.device_id is not None:
            covered &= readings.device_id == withdrawal.device_id
        if not withdrawal.columns:
            whole[covered] = np.minimum(whole[covered], offset)
        for name in withdrawal.columns:
            last = columns.setdefault(name, np.full(n, -1, dtype=np.int64))
            last[covered] = np.maximum(last[covered], offset)
    return Taken(whole, columns)


def replaced_by(device_id: str, first_us: int, last_us: int, revision: int) -> Withdrawal:
    """What a frame of revision 1 or higher, with samples from ``first_us`` to ``last_us``, takes back."""
    return Withdrawal(device_id, first_us, last_us + 1, revision - 1)
