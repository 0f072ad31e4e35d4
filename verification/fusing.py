"""The track of an activity that was recorded more than once: each value from the best recording that has it."""

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
OF_ONE_RECORDING = ("distance_m", "altitude_m")
Sources = dict[str, tuple[str, ...]]
"""Channel → the workouts that gave it values, the best first."""


def fused(
    leader: str, others: Sequence[str], known: Mapping[str, Completion], tracks: Mapping[str, Track], rules: Priorities
) -> tuple[Track, Sources]:
    """The track, and what each channel is from."""
    order = [leader, *sorted(others)]
    pacer = next((wid for wid in order if len(tracks[wid])), leader)
    times = tracks[pacer].time_us
    columns: dict[str, FloatColumn] = {}
    sources: Sources = {}
    for column, channel in NAMES.items():
        parts = POSITION if column in POSITION else (column,)
        moved = {wid: _moved(tracks[wid], parts, column, times) for wid in order}
        counts = {wid: int(np.count_nonzero(~np.isnan(values))) for wid, values in moved.items()}
        ranked = sorted(
            (wid for wid in order if counts[wid]),
            key=lambda wid: (_place(known[wid], rules.get(channel, ())), wid != leader, -counts[wid], wid),
        )
        if not ranked:
            continue
        if column in OF_ONE_RECORDING:
            enough = max(counts.values()) * 9
            ranked = [next(wid for wid in ranked if counts[wid] * 10 >= enough)]
        if pacer in ranked:  # a gap of its own that no other recording reaches stays one
            alone = np.all([np.isnan(moved[wid]) for wid in ranked if wid != pacer], axis=0)
            moved[pacer][alone & ~_complete(tracks[pacer], parts)] = np.nan
        columns[column], givers = _layered([moved[wid] for wid in ranked])
        sources[channel] = tuple(ranked[giver] for giver in np.unique(givers[givers >= 0]))
    return track_from_columns(times, **columns), sources


def _complete(track: Track, parts: Sequence[str]) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan([getattr(track, part) for part in parts]).any(axis=0))


def _place(completion: Completion, patterns: Sequence[str]) -> int:
    for place, pattern in enumerate(patterns):
        if fnmatchcase(completion.source, pattern) or fnmatchcase(completion.device_id or "", pattern):
            return place
    return len(patterns)


def _layered(columns: Sequence[FloatColumn]) -> tuple[FloatColumn, NDArray[np.intp]]:
    """At each row the value of the first column that has one, and which that is (-1: none has)."""
    table = np.stack(columns)
    has = ~np.isnan(table)
    first = has.argmax(axis=0)
    return table[first, np.arange(table.shape[1])], np.where(has.any(axis=0), first, -1)


def _moved(track: Track, parts: Sequence[str], column: str, times: NDArray[np.int64]) -> FloatColumn:
    rows = np.flatnonzero(_complete(track, parts))
    values, at = getattr(track, column)[rows], track.time_us[rows]
    found = np.full(len(times), np.nan)
    if len(rows) == 0:
        return found
    # Between the middles of two neighbours the one is nearest; in the middle itself the earlier.
    nearest = np.searchsorted(at[:-1] + at[1:], 2 * times, side="left")
    close = np.abs(at[nearest] - times) <= WITHIN_US
    found[close] = values[nearest[close]]
    return found
