"""Rows as a file gives them → a track: dated, in range, in order."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.track import CHANNELS, FloatColumn, Track, track_from_columns
from recordings.clock import plausible_times
from schemas.channels import BY_COLUMN

# Running cadence counts one leg. Nobody's one leg does more than this for half of a run, so such a file counts both.
_BOTH_LEGS_ABOVE_RPM: Final = 120.0


def track_of(
    time_us: Sequence[int] | NDArray[np.int64], columns: Mapping[str, Sequence[float | None] | FloatColumn]
) -> tuple[Track, tuple[str, ...]]:
    """The track of rows in any order, and what had to be left out of it: undated rows and values out of range.

    The ranges are those of the frames' channels, so that no sample of a recording is refused later on. ``columns`` maps
    channels of ``Track`` to one value a row, ``None`` or NaN where there is none.
    """
    times = np.asarray(time_us, dtype=np.int64)
    dated = plausible_times(times)
    warnings = []
    if not dated.all():
        warnings.append(f"{np.count_nonzero(~dated)} samples with an impossible time left out")
    channels: dict[str, FloatColumn] = {}
    for name in CHANNELS:
        if name not in columns:
            continue
        column = np.array(columns[name], dtype=np.float64)[dated]
        lowest, highest = BY_COLUMN[name].low, BY_COLUMN[name].high
        wrong = ~np.isnan(column) & ~((column >= lowest) & (column <= highest))
        # No heart rate is written as 0 by many; that is no fault.
        counted = np.count_nonzero(wrong & (column != 0.0)) if name == "heart_rate_bpm" else np.count_nonzero(wrong)
        if counted:
            warnings.append(f"{counted} values of {name} outside {lowest:g} to {highest:g} left out")
        column[wrong] = np.nan
        channels[name] = column
    _forget_null_island(channels)
    return track_from_columns(times[dated], **channels), tuple(warnings)


def one_leg_cadence(cadence_rpm: FloatColumn, sport: str) -> FloatColumn:
    """Cadence of one leg: halved where a foot sport's file counts the steps of both."""
    moving = cadence_rpm[cadence_rpm > 0]
    if sport in ("running", "trail_running") and len(moving) and float(np.median(moving)) > _BOTH_LEGS_ABOVE_RPM:
        return cadence_rpm / 2
    return cadence_rpm


def _forget_null_island(channels: dict[str, FloatColumn]) -> None:
    """A position of exactly 0, 0 is a receiver without a fix."""
    if "latitude_deg" in channels and "longitude_deg" in channels:
        nowhere = (channels["latitude_deg"] == 0.0) & (channels["longitude_deg"] == 0.0)
        channels["latitude_deg"][nowhere] = np.nan
        channels["longitude_deg"][nowhere] = np.nan
