"""One activity, several recordings: each channel comes from the best of them, and none is lost.

The rule. Of the recordings of one activity (:mod:`domain.duplicates`) one is canonical. It gives the time points. Each
channel is taken as a whole from one recording that has it: the one whose kind of source is first in the declared
priorities of the channel (``fusing.yaml``); of equals the canonical one, then the one with most values, then the
smallest id. Latitude and longitude go together.

Recordings are aligned by event time: a time point of the canonical recording gets the value of the other one that is
nearest in time, if that is at most 5 s away, the earlier of two as near. Devices whose clocks differ by more than that
are not aligned, and there is no interpolation: a value was measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.track import US_PER_S, FloatColumn, Track

TOLERANCE_US: Final = 5 * US_PER_S
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "heart_rate": ("heart_rate_bpm",),
    "cadence": ("cadence_rpm",),
    "power": ("power_w",),
    "speed": ("speed_m_s",),
    "distance": ("distance_m",),
    "position": ("latitude_deg", "longitude_deg"),
    "altitude": ("altitude_m",),
    "temperature": ("temperature_c",),
}
Priorities = Mapping[str, tuple[str, ...]]
"""Channel (a key of ``COLUMNS``) → patterns of sources or devices, the best first."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One recording of an activity; ``source`` (``device:watch``, ``file:fit``) or ``device_id`` tell its kind."""

    workout_id: str
    source: str
    device_id: str | None
    track: Track


class ChannelSource(NamedTuple):
    """Where a channel of a workout comes from."""

    channel: str
    workout_id: str


def fuse(
    canonical: Recording, others: Sequence[Recording], priorities: Priorities
) -> tuple[Track, tuple[ChannelSource, ...]]:
    """The track of an activity from all of its recordings, in any order, and what each known channel was taken from."""
    recordings = [canonical, *sorted(others, key=lambda one: one.workout_id)]
    base = next((one.track for one in recordings if len(one.track)), canonical.track)
    columns: dict[str, FloatColumn] = {}
    sources: list[ChannelSource] = []
    for channel, names in COLUMNS.items():
        patterns = priorities.get(channel, ())
        known = {one.workout_id: _known(one.track, names) for one in recordings}
        having = [one for one in recordings if known[one.workout_id].any()]
        if not having:
            columns |= dict.fromkeys(names, np.full(len(base), np.nan))
            continue
        best = min(
            having,
            key=lambda one: (_rank(one, patterns), one is not canonical, -int(known[one.workout_id].sum())),
        )
        columns |= _aligned(best.track, known[best.workout_id], base, names)
        sources.append(ChannelSource(channel, best.workout_id))
    return Track(time_us=base.time_us, **columns), tuple(sources)


def priorities_from(content: object) -> Priorities:
    """What fusing.yaml says. Raises ``ValueError`` that names what is wrong."""
    if not isinstance(content, dict) or set(content) != {"channels"} or not isinstance(content["channels"], dict):
        raise ValueError("has to have one key, channels, with a list of sources for each channel")
    priorities: dict[str, tuple[str, ...]] = {}
    for channel, patterns in content["channels"].items():
        if channel not in COLUMNS:
            raise ValueError(f"has no channel {channel!r}; there are {', '.join(COLUMNS)}")
        if not isinstance(patterns, list) or not all(isinstance(one, str) and one for one in patterns):
            raise ValueError(f"{channel} has to be a list of patterns like 'device:watch' or '*strap*', the best first")
        priorities[channel] = tuple(patterns)
    return priorities


def _rank(recording: Recording, patterns: Sequence[str]) -> int:
    names = (recording.source, recording.device_id or "")
    matching = (i for i, pattern in enumerate(patterns) if any(fnmatchcase(name, pattern) for name in names))
    return next(matching, len(patterns))


def _known(track: Track, names: Sequence[str]) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = np.logical_and.reduce([np.isfinite(getattr(track, name)) for name in names])
    return known


def _aligned(track: Track, known: NDArray[np.bool_], base: Track, names: Sequence[str]) -> dict[str, FloatColumn]:
    """Columns of a track at the time points of another one."""
    if track is base:
        return {name: getattr(track, name) for name in names}
    times = track.time_us[known]
    after = np.minimum(np.searchsorted(times, base.time_us), len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(base.time_us - times[before]) <= np.abs(times[after] - base.time_us), before, after)
    near = np.abs(times[nearest] - base.time_us) <= TOLERANCE_US
    return {name: np.where(near, getattr(track, name)[known][nearest], np.nan) for name in names}
