"""A track without the faults of its sensors, and where these were.

What is dropped becomes unknown (NaN); nothing is invented in its place. The rules are :mod:`domain.channel_faults`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from domain.channel_faults import FAULTS, Channel, Rule, case_of
from domain.column_runs import Mask
from domain.distance import DistanceSeries, distance_series
from domain.sports import rule_of
from domain.timeline import Timeline
from domain.track import FloatColumn, Track

COLUMNS: Final[dict[Channel, tuple[str, ...]]] = {
    "heart_rate": ("heart_rate_bpm",),
    "cadence": ("cadence_rpm",),
    "power": ("power_w",),
    "speed": ("speed_m_s",),
    "position": ("latitude_deg", "longitude_deg"),
    "altitude": ("altitude_m",),
}
# Counted as faults but left in the track: what is true cannot be told from the samples.
KEPT: Final[frozenset[Rule]] = frozenset({"cadence_lock", "jump"})


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """A track without its faults, its distance, and where the faults were.

    ``faults`` has every channel with at least one plausible value (without one there is no sensor behind it; altitude
    only where the sport climbs), and for each rule the rows (n,) that it caught. No row is under two rules of one
    channel. Rows of the rules in :data:`KEPT` still have their values. Columns without a fault are those of the track
    that was given, not copies.
    """

    track: Track
    series: DistanceSeries
    faults: Mapping[Channel, Mapping[Rule, Mask]]


def cleaned(track: Track, timeline: Timeline, sport: str) -> Cleaned:
    """Find the faults of each channel and make them unknown.

    The first rule that catches a value names it. ``docs/quality.md`` has the rules in a table. Distance and temperature
    pass as they are: the distance counter is cleaned where it is read (:mod:`domain.distance`), like positions, but
    speeds are not, so that of a distance that is summed from them the spikes go here.

    Criticism: the limits are conventions. Heart rate that rests on the step rate of an athlete who really has that
    heart rate is called locked, and a sensor that is wrong steadily is not found at all.
    """
    series = distance_series(track, timeline, sport)
    if len(track) == 0:
        return Cleaned(track, series, {})
    case = case_of(track, timeline, sport, series.cumulative_m)
    columns: dict[str, FloatColumn] = {}
    faults: dict[Channel, dict[Rule, Mask]] = {}
    for channel, names in COLUMNS.items():
        if all(np.isnan(np.fmax.reduce(getattr(track, name))) for name in names):
            continue  # not recorded
        rules, dropped = _parted(FAULTS[channel](case), case.none)
        judged = channel != "altitude" or rule_of(sport).climbs
        useless = np.count_nonzero(rules["missing"]) + np.count_nonzero(rules["out_of_range"])
        if judged and useless < len(track):
            faults[channel] = rules
        if np.count_nonzero(dropped):
            columns |= {name: np.where(dropped, np.nan, getattr(track, name)) for name in names}
    clean = replace(track, time_us=track.time_us, **columns) if columns else track
    if series.source == "speed" and "speed_m_s" in columns:
        series = distance_series(clean, timeline, sport)
    return Cleaned(clean, series, faults)


def speed_across_spikes(found: Cleaned, timeline: Timeline) -> FloatColumn:
    """Speed (n,) with a straight line where a spike was, for :mod:`domain.moving`: a spike in a known channel is no
    reason to tell the moving time of the whole workout by distance.
    """
    speed = found.track.speed_m_s
    spike = found.faults["speed"]["spike"] if "speed" in found.faults else None
    if spike is None or not np.count_nonzero(spike):
        return speed
    known = np.isfinite(speed)
    line: FloatColumn = np.interp(timeline.offset_s, timeline.offset_s[known], speed[known])
    return np.where(spike, line, speed)


def _parted(rules: dict[Rule, Mask], none: Mask) -> tuple[dict[Rule, Mask], Mask]:
    """Each row under the first rule only that caught it, and the rows to be dropped."""
    taken = dropped = none
    for rule, mask in rules.items():
        if np.count_nonzero(mask):
            rules[rule] = mask & ~taken
            taken = taken | mask
            if rule not in KEPT:
                dropped = dropped | mask
    return rules, dropped
