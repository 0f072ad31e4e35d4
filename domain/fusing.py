"""One activity, several recordings: each value comes from the best of them that has one, and no channel is lost.

The rule. Of the recordings of one activity (:mod:`domain.duplicates`) one is canonical. It gives the time points.

*What a recording has there.* Recordings are aligned by event time: at a time point a recording has its value that is
nearest in time, if that is at most 5 s away, the earlier of two as near. Devices whose clocks differ by more than that
are not aligned, and there is no interpolation: a value was measured.

*Which recording is best.* The one whose kind of source is first in the declared priorities of the channel
(``fusing.yaml``); of equals the canonical one, then the one that has a value at most time points, then the smallest id.

*Value by value.* Each time point takes the value of the best recording that has one there. As the 5 s are those of the
canonical recording too, two sensors do not take turns from second to second where the better one is slower. What only
the canonical recording has stays as it is, with its gaps. Latitude and longitude go together.

*As a whole.* Distance and altitude are summed up by their changes, and a step from one device's counter or barometer to
another's is a change that nobody made. So they come from one recording: the best of those that have a value at 90 % or
more of the time points at which the fullest has one.
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
AS_A_WHOLE: Final = frozenset({"distance", "altitude"})
NEARLY_ALL_PERCENT: Final = 90
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
    """A recording that values of a channel come from; a channel of several has one of these for each."""

    channel: str
    workout_id: str


@dataclass(frozen=True, slots=True, eq=False)
class _Offer:
    """What a recording has of a channel at the time points; arrays have the shape (n,)."""

    recording: Recording
    rows: NDArray[np.intp]  # its row that is nearest
    there: NDArray[np.bool_]  # whether that is near enough
    measured: NDArray[np.bool_]  # of the recording that gives the time points: known at that very time; else ``there``
    points: int  # at how many time points it has a value


def fuse(
    canonical: Recording, others: Sequence[Recording], priorities: Priorities
) -> tuple[Track, tuple[ChannelSource, ...]]:
    """The track of an activity from all of its recordings, in any order, and which of them gave values to each channel,
    the best first.
    """
    recordings = [canonical, *sorted(others, key=lambda one: one.workout_id)]
    base = next((one.track for one in recordings if len(one.track)), canonical.track)
    columns: dict[str, FloatColumn] = {}
    sources: list[ChannelSource] = []
    for channel, names in COLUMNS.items():
        offers = [offer for one in recordings if (offer := _offer(one, base, names)) is not None]
        patterns = priorities.get(channel, ())
        offers.sort(key=lambda o: (_rank(o.recording, patterns), o.recording is not canonical, -o.points))
        if channel in AS_A_WHOLE:
            offers = _best_of_the_fullest(offers)
        taken, given = _taken(offers, base, names)
        columns |= taken
        sources += (ChannelSource(channel, workout_id) for workout_id in given)
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


def _offer(recording: Recording, base: Track, names: Sequence[str]) -> _Offer | None:
    """What a recording has of a channel at the time points of ``base``; ``None`` if it does not have the channel."""
    known = _known(recording.track, names)
    known_rows = np.flatnonzero(known)
    if len(known_rows) == 0:
        return None
    times = recording.track.time_us[known_rows]
    after = np.minimum(np.searchsorted(times, base.time_us), len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(base.time_us - times[before]) <= np.abs(times[after] - base.time_us), before, after)
    there = np.abs(times[nearest] - base.time_us) <= TOLERANCE_US
    measured = known if recording.track is base else there
    return _Offer(recording, known_rows[nearest], there, measured, int(np.count_nonzero(there)))


def _best_of_the_fullest(offers: Sequence[_Offer]) -> list[_Offer]:
    """Of offers, the best first, the first one that has (nearly) as many values as any."""
    most = max((offer.points for offer in offers), default=0)
    return [offer for offer in offers if 100 * offer.points >= NEARLY_ALL_PERCENT * most][:1]


def _taken(offers: Sequence[_Offer], base: Track, names: Sequence[str]) -> tuple[dict[str, FloatColumn], list[str]]:
    """Columns from offers, the best first, and the ids of the recordings that gave a value."""
    columns = {name: np.full(len(base), np.nan) for name in names}
    given: list[str] = []
    open_points = np.zeros(len(base), dtype=np.bool_)
    for offer in offers:
        open_points |= offer.measured
    for offer in offers:
        here = open_points & offer.there
        if not here.any():
            continue
        for name in names:
            columns[name][here] = getattr(offer.recording.track, name)[offer.rows[here]]
        open_points &= ~here
        given.append(offer.recording.workout_id)
    return columns, given
