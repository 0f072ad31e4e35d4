"""How frames come, for a metric: late, out of order, or from a clock that is ahead."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from schemas import hot
from schemas.frames import Columns
from stridelog.settings import Settings

LATE_US: Final = 3_600_000_000
AHEAD_US: Final = 120_000_000
MOST_DEVICES: Final = 200_000  # that are remembered


class Arrivals:
    """What this worker has seen last of each device. It counts, and decides nothing: a new worker has seen nothing."""

    def __init__(self, _: Settings) -> None:
        self._starts_us: dict[tuple[str, str], int] = {}

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""

    def count(self, frames: Sequence[tuple[int, hot.SensorFrame]], columns: Columns) -> Counter[str]:
        """Frames by case; one may be of several. ``frames`` come with the broker's time in ms, ``columns`` are theirs.

        ``late``: its last sample is over an hour before the broker's time. ``clock_ahead``: it is over two minutes
        after it. ``out_of_order``: it begins before a frame of the same device that came earlier.
        """
        ends = np.cumsum(np.bincount(columns.frame, minlength=len(frames)))
        logged_us = 1000 * np.fromiter((logged_ms for logged_ms, _ in frames), dtype=np.int64, count=len(frames))
        behind_us = logged_us - columns.time_us[ends - 1]
        starts, back = self._starts_us, 0
        if len(starts) > MOST_DEVICES:
            starts.clear()
        known = starts.get
        for device, start_us in [((frame.user, frame.device_id), frame.start) for _, frame in frames]:
            if start_us < known(device, 0):
                back += 1
            else:
                starts[device] = start_us
        found = {
            "late": int(np.count_nonzero(behind_us > LATE_US)),
            "clock_ahead": int(np.count_nonzero(behind_us < -AHEAD_US)),
            "out_of_order": back,
        }
        return Counter({case: count for case, count in found.items() if count})
