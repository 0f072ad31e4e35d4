"""A track without the faults of its sensors, and where these were.

What is dropped becomes unknown (NaN); nothing is invented in its place. The rules are :mod:`domain.channel_faults`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from domain.channel_faults import FAULTS, Channel, Rule, case_of
from domain.column_runs import Mask
from domain.distance import distance_series
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
    """A track without its faults, and where these were.

    ``faults`` has every channel with at least one plausible value (without one there is no sensor behind it; altitude
    only where the sport climbs), and for each rule the rows (n,) that it caught. No row is under two rules of one
    channel. Rows of the rules in :data:`KEPT` still have their values. Columns without a fault are those of the track
    that was given, not copies.
    """

    track: Track
    faults: Mapping[Channel, Mapping[Rule, Mask]]


def cleaned(track: Track, timeline: Timeline, sport: str, cumulative_m: FloatColumn | None = None) -> Cleaned:
    """Find the faults of each channel and make them unknown.

    The first rule that catches a value names it. ``docs/quality.md`` has the rules in a table. Distance and temperature
    pass as they are: the distance counter is cleaned where it is read (:mod:`domain.distance`). ``cumulative_m`` (n,)
    is what :func:`domain.distance.distance_series` gives for the track, by those who have it already.

    Criticism: the limits are conventions. Heart rate that rests on the step rate of an athlete who really has that
    heart rate is called locked, and a sensor that is wrong steadily is not found at all.
    """
    if len(track) == 0:
        return Cleaned(track, {})
    metres = distance_series(track, timeline, sport).cumulative_m if cumulative_m is None else cumulative_m
    case = case_of(track, timeline, sport, metres)
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
    return Cleaned(clean, faults)


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
