"""What sensor frames keep to beyond their fields' types, checked for many at once: columns of equal length,
times that do not fall, values that can be.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.channels import Channel, RawColumn, packed_columns
from schemas.reasons import DeadReason, RuleBroken
from schemas.types import TIME_MAX_US

US_PER_MS: Final = 1_000
TIME_TYPE: Final = np.dtype("<u4")  # milliseconds since the frame's start


def check_frame(frame: Any) -> None:
    """One frame. Raises ``RuleBroken``."""
    for broken in broken_frames([frame]).values():
        raise broken


def broken_frames(frames: Sequence[Any]) -> dict[int, RuleBroken]:
    """The frames (models or hot structs) that break a rule, by index, and the first rule that each breaks."""
    counts = np.fromiter((frame.n for frame in frames), dtype=np.int64, count=len(frames))
    broken = _broken_clocks(frames, counts)
    empty = np.ones(len(frames), dtype=np.bool_)
    for channel, parts in packed_columns(frames).items():
        name = channel.name
        sizes = np.fromiter((-1 if part is None else len(part) for part in parts), dtype=np.int64, count=len(parts))
        empty &= sizes < 0
        for index in np.flatnonzero(~channel.fits(sizes, counts) & (sizes >= 0)).tolist():
            detail = f"{name} has {sizes[index]} bytes for {counts[index]} samples"
            broken.setdefault(index, RuleBroken(DeadReason.ragged_frame, f"{detail}, expected {channel.expected}"))
            parts[index], sizes[index] = None, -1
        for index, value in _impossible(parts, sizes, channel).items():
            detail = f"{name} of {value:g} {channel.unit} is outside {channel.low:g}..{channel.high:g}"
            broken.setdefault(index, RuleBroken(DeadReason.out_of_range, detail))
    for index in np.flatnonzero(empty).tolist():
        broken.setdefault(index, RuleBroken(DeadReason.undecodable, "a frame without a channel says nothing"))
    return broken


def _impossible(parts: Sequence[bytes | None], sizes: NDArray[np.int64], channel: Channel) -> dict[int, float]:
    """Frames with a value out of the channel's range, and the first such value."""
    raw: RawColumn = np.frombuffer(b"".join(filter(None, parts)), dtype=channel.wire)
    wrong = np.flatnonzero(channel.out_of_range(raw))
    if not len(wrong):
        return {}
    ends = np.cumsum(np.maximum(sizes, 0) // channel.wire.itemsize)
    owners, first = np.unique(np.searchsorted(ends, wrong, side="right"), return_index=True)
    return dict(zip(owners.tolist(), channel.to_physical(raw[wrong[first]]).tolist(), strict=True))


def _broken_clocks(frames: Sequence[Any], counts: NDArray[np.int64]) -> dict[int, RuleBroken]:
    broken: dict[int, RuleBroken] = {}
    irregular: list[int] = []
    starts = np.fromiter((frame.start for frame in frames), dtype=np.int64, count=len(frames))
    intervals = np.fromiter((frame.interval_us or 0 for frame in frames), dtype=np.int64, count=len(frames))
    regular = np.fromiter((frame.time is None for frame in frames), dtype=np.bool_, count=len(frames))
    late = intervals > (TIME_MAX_US - starts) // np.maximum(counts - 1, 1)
    for index in np.flatnonzero(~regular | (intervals == 0) | late).tolist():
        frame = frames[index]
        time, interval_us = frame.time, frame.interval_us
        if (time is None) == (interval_us is None):
            detail = "a frame has either interval_us or time, not both and not none"
            broken[index] = RuleBroken(DeadReason.undecodable, detail)
        elif time is None:
            if frame.start + (frame.n - 1) * interval_us > TIME_MAX_US:
                broken[index] = RuleBroken(DeadReason.time_out_of_range, "the last sample is after 2099")
        elif len(time) != frame.n * TIME_TYPE.itemsize:
            detail = f"time has {len(time)} bytes for {frame.n} samples, expected {frame.n * TIME_TYPE.itemsize}"
            broken[index] = RuleBroken(DeadReason.ragged_frame, detail)
        else:
            irregular.append(index)
    if irregular:
        broken |= _broken_times(frames, counts, irregular)
    return broken


def _broken_times(frames: Sequence[Any], counts: NDArray[np.int64], irregular: list[int]) -> dict[int, RuleBroken]:
    since_ms = np.frombuffer(b"".join(frames[index].time for index in irregular), dtype=TIME_TYPE)
    ends = np.cumsum(counts[irregular])
    falls = np.flatnonzero(since_ms[1:] < since_ms[:-1]) + 1
    falls = falls[~np.isin(falls, ends)]  # from one frame to the next it may fall
    broken = {
        irregular[owner]: RuleBroken(DeadReason.out_of_range, "time falls within the frame")
        for owner in np.searchsorted(ends, falls, side="right").tolist()
    }
    for index, last_ms in zip(irregular, since_ms[ends - 1].tolist(), strict=True):
        if frames[index].start + last_ms * US_PER_MS > TIME_MAX_US:
            broken[index] = RuleBroken(DeadReason.time_out_of_range, "the last sample is after 2099")
    return broken
