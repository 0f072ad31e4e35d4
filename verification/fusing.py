"""The track of an activity that was recorded more than once: each channel from the best recording of it."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from domain.fusing import Priorities
from domain.track import FloatColumn, Track, track_from_columns
from domain.workouts import Completion

WITHIN_US = 5_000_000
POSITION = ("latitude_deg", "longitude_deg")
NAMES = {
    "heart_rate_bpm": "heart_rate",
    "cadence_rpm": "cadence",
    "power_w": "power",
    "speed_m_s": "speed",
    "distance_m": "distance",
    "latitude_deg": "position",
    "longitude_deg": "position",
    "altitude_m": "altitude",
    "temperature_c": "temperature",
}


def fused(
    leader: str, others: Sequence[str], known: Mapping[str, Completion], tracks: Mapping[str, Track], rules: Priorities
) -> tuple[Track, dict[str, str]]:
    """The track, and channel → the workout that it comes from."""
    order = [leader, *sorted(others)]
    times = next((tracks[wid].time_us for wid in order if len(tracks[wid])), tracks[leader].time_us)
    columns: dict[str, FloatColumn] = {}
    sources: dict[str, str] = {}
    for column, channel in NAMES.items():
        parts = POSITION if column in POSITION else (column,)
        counts = {wid: _count(tracks[wid], parts) for wid in order}
        having = [wid for wid in order if counts[wid]]
        if not having:
            continue
        ranked = sorted(
            having, key=lambda wid: (_place(known[wid], rules.get(channel, ())), wid != leader, -counts[wid], wid)
        )
        sources[channel] = ranked[0]
        columns[column] = _moved(tracks[ranked[0]], parts, column, times)
    return track_from_columns(times, **columns), sources


def _count(track: Track, parts: Sequence[str]) -> int:
    return int(np.count_nonzero(~np.isnan([getattr(track, part) for part in parts]).any(axis=0)))


def _place(completion: Completion, patterns: Sequence[str]) -> int:
    for place, pattern in enumerate(patterns):
        if fnmatchcase(completion.source, pattern) or fnmatchcase(completion.device_id or "", pattern):
            return place
    return len(patterns)


def _moved(track: Track, parts: Sequence[str], column: str, times: NDArray[np.int64]) -> FloatColumn:
    if times is track.time_us:
        return np.asarray(getattr(track, column))
    rows = np.flatnonzero(~np.isnan([getattr(track, part) for part in parts]).any(axis=0))
    values, at = getattr(track, column)[rows], track.time_us[rows]
    found = np.full(len(times), np.nan)
    # Between the middles of two neighbours the one is nearest; in the middle itself the earlier.
    nearest = np.searchsorted(at[:-1] + at[1:], 2 * times, side="left")
    close = np.abs(at[nearest] - times) <= WITHIN_US
    found[close] = values[nearest[close]]
    return found
