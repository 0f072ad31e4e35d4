"""Minutes of samples: what each sensor frame says of each minute, and how the frames of a minute are combined.

A frame that is sent again says the same again, and one that was cut at other boundaries shares seconds with others, so
minutes cannot be sums that are added to. Each frame's part of a minute is kept by itself, with a mask of the seconds
that it covers; a minute is made of parts that share no second (:func:`chosen`). Both are independent of the order of
arrival.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CHANNELS: Final = ("heart_rate_bpm", "cadence_rpm", "power_w", "speed_m_s", "altitude_m")
US_PER_MINUTE: Final = 60_000_000
_US_PER_S: Final = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class ChannelParts:
    """One channel, each of shape (parts,): sum and count of its samples, smallest and largest (NaN: none)."""

    sum: NDArray[np.float64]
    min: NDArray[np.float32]
    max: NDArray[np.float32]
    count: NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class MinuteParts:
    """What frames say of minutes, one row a (frame, minute), in the order of the rows given; all of shape (parts,)."""

    frame: NDArray[np.int64]  # index of the frame
    minute_us: NDArray[np.int64]  # start of the minute, UTC µs
    seconds_mask: NDArray[np.uint64]  # bit i: there is a sample in second i
    n: NDArray[np.uint16]  # samples
    channels: dict[str, ChannelParts]
    distance_m: NDArray[np.float32]  # gained by the device's own count since the frame's sample before the minute


def minute_parts(
    frame: NDArray[np.int64], time_us: NDArray[np.int64], values: Mapping[str, NDArray[np.floating]]
) -> MinuteParts:
    """Split frames by minute.

    ``frame`` (rows,) is the index of each row's frame, ``time_us`` (rows,) never falls within a frame, ``values`` has
    columns (rows,) by name with NaN for missing; channels that are not there count as missing.
    """
    if not len(frame):
        return _no_parts()
    minute = time_us // US_PER_MINUTE
    starts = np.flatnonzero(np.r_[True, (np.diff(frame) != 0) | (np.diff(minute) != 0)])
    second = (time_us // _US_PER_S % 60).astype(np.uint64)
    sizes = np.diff(np.r_[starts, len(frame)])
    return MinuteParts(
        frame=frame[starts],
        minute_us=minute[starts] * US_PER_MINUTE,
        seconds_mask=np.bitwise_or.reduceat(np.uint64(1) << second, starts),
        n=sizes.astype(np.uint16),
        channels={name: _channel(values.get(name), starts) for name in CHANNELS},
        distance_m=_gained(values.get("distance_m"), frame, starts),
    )


def chosen(parts: Sequence[tuple[int, int, int]]) -> list[int]:
    """Which parts make up a minute of one device: indices of (n, frame_start_us, seconds_mask).

    The part with most samples first, of equals the earliest frame; one that shares a second with those chosen
    before is left out.
    """
    taken, kept = 0, []
    for i in sorted(range(len(parts)), key=lambda i: (-parts[i][0], parts[i][1])):
        mask = parts[i][2]
        if not taken & mask:
            taken |= mask
            kept.append(i)
    return kept


def _channel(column: NDArray[np.floating] | None, starts: NDArray[np.int64]) -> ChannelParts:
    if column is None:
        none = np.full(len(starts), np.nan, dtype=np.float32)
        return ChannelParts(np.zeros(len(starts)), none, none, np.zeros(len(starts), dtype=np.uint16))
    present = ~np.isnan(column)
    return ChannelParts(
        sum=np.add.reduceat(np.where(present, column, 0).astype(np.float64), starts),
        min=np.fmin.reduceat(column, starts).astype(np.float32),
        max=np.fmax.reduceat(column, starts).astype(np.float32),
        count=np.add.reduceat(present, starts, dtype=np.uint16),
    )


def _gained(
    distance_m: NDArray[np.floating] | None, frame: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Sum of the rises of the cumulative distance; a fall (the device counts anew) counts as nothing."""
    if distance_m is None:
        return np.zeros(len(starts), dtype=np.float32)
    step = np.diff(distance_m, prepend=np.nan)
    step[np.diff(frame, prepend=-1) != 0] = np.nan
    return np.add.reduceat(np.where(step > 0, step, 0.0), starts).astype(np.float32)


def _no_parts() -> MinuteParts:
    none = ChannelParts(np.empty(0), np.empty(0, np.float32), np.empty(0, np.float32), np.empty(0, np.uint16))
    return MinuteParts(
        frame=np.empty(0, np.int64),
        minute_us=np.empty(0, np.int64),
        seconds_mask=np.empty(0, np.uint64),
        n=np.empty(0, np.uint16),
        channels=dict.fromkeys(CHANNELS, none),
        distance_m=np.empty(0, np.float32),
    )
