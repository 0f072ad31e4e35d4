"""Time in intensity zones of heart rate, power or pace: the five standard ones, or those that the athlete set."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from domain.athlete import Athlete
from domain.sports import Family, family_of, rule_of
from domain.track import FloatColumn

SetBasis = Literal["heart_rate_max", "heart_rate_threshold", "power", "pace"]
ZoneBasis = Literal[SetBasis, "none"]

# Lower edges of zones 2 to 5; zone 1 is all that is below.
# Shares of maximum heart rate: Edwards 1993, The Heart Rate Monitor Book (Polar CIC).
HR_MAX_EDGES: Final = (0.60, 0.70, 0.80, 0.90)
# Shares of heart rate at threshold: Friel 2009, The Triathlete's Training Bible, ISBN 978-1-934030-19-6 (5a
# to 5c as one).
HR_THRESHOLD_EDGES: Final = (0.85, 0.90, 0.95, 1.00)
# Shares of functional threshold power: Coggan's levels 1-4 as zones 1-4, levels 5-7 as zone 5 (Allen, Coggan,
# McGregor 2019).
POWER_EDGES: Final = (0.55, 0.75, 0.90, 1.05)
# Shares of threshold speed: Friel's pace zones (slower than 129 %, 114 %, 106 %, 99 % of threshold pace), 5a
# to 5c as one.
SPEED_EDGES: Final = (0.775, 0.877, 0.943, 1.01)
STANDARD: Final[Mapping[SetBasis, tuple[float, ...]]] = {
    "heart_rate_threshold": HR_THRESHOLD_EDGES,
    "heart_rate_max": HR_MAX_EDGES,
    "power": POWER_EDGES,
    "pace": SPEED_EDGES,
}


class ZoneSetting(msgspec.Struct, frozen=True):
    """The zones that an athlete set, from ``time_us`` on (UTC, microseconds)."""

    event_id: str
    time_us: int
    sport: Family | Literal["all"]
    basis: SetBasis
    upper_bounds: tuple[float, ...]  # of every zone but the last, shares of the basis, rising; none: standard again


class Zones(NamedTuple):
    """Seconds in each zone, the easiest first, and which zones they are; without a basis there are none."""

    basis: ZoneBasis
    seconds: tuple[float, ...]
    upper_bounds: tuple[float, ...]  # of every zone but the last: bpm and W to 0.1, m/s to 0.001
    set_by: str | None  # the event that set them; ``None``: the standard zones


def zone_setting_at(settings: Iterable[ZoneSetting], sport: str, time_us: int) -> ZoneSetting | None:
    """What holds for a sport at a time: the latest setting of its family, else the latest for all; of two at one time
    the one with the greater event id. ``None``: the standard zones.
    """
    latest: dict[str, ZoneSetting] = {
        setting.sport: setting
        for setting in sorted(settings, key=lambda s: (s.time_us, s.event_id))
        if setting.time_us <= time_us
    }
    return next(
        (latest[name] for name in (family_of(sport), "all") if name in latest and latest[name].upper_bounds), None
    )


def time_in_zones_s(
    values: FloatColumn, held_s: FloatColumn, reference: float, edges: tuple[float, ...]
) -> tuple[float, ...]:
    """Seconds in each of the zones that ``edges`` part.

    ``values`` and ``held_s`` have shape (n,); ``edges`` are shares of ``reference``; NaN counts nowhere.
    """
    known = np.isfinite(values)
    total = float(held_s.sum()) if known.all() else float(held_s @ known)
    above = [total, *(float(held_s @ (values >= share * reference)) for share in edges), 0.0]
    return tuple(lower - upper for lower, upper in pairwise(above))


def zones_of(
    *,
    heart_rate_bpm: FloatColumn,
    power_w: FloatColumn,
    speed_m_s: FloatColumn,
    held_s: FloatColumn,
    sport: str,
    athlete: Athlete,
    year: int,
    setting: ZoneSetting | None = None,
) -> Zones:
    """Seconds in zones of what was recorded, columns of shape (n,).

    By the zones that the athlete set for the sport, where what they are shares of was recorded and is known: threshold
    heart rate, power and speed as the profile states them, power on wheels only, pace on foot only. Else by the
    standard zones: of heart rate (of threshold where it is known, else of the maximum), else of power, else of pace.
    ``("none", (), (), None)`` when neither is there or the athlete's threshold is unknown.

    Shares of threshold heart rate 0.85, 0.9, 0.95, 1 and of threshold speed 0.775, 0.877, 0.943, 1.01 (Friel 2009, ISBN
    978-1-934030-19-6), of threshold power 0.55, 0.75, 0.9, 1.05 (Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9),
    of the maximum heart rate 0.6, 0.7, 0.8, 0.9, a convention. Criticism: where metabolism changes differs from person
    to person, most of all as a share of the maximum; time in zones says nothing of the order in which it was spent.
    """
    group = rule_of(sport).body_group
    columns: dict[SetBasis, tuple[FloatColumn, float | None]] = {
        "heart_rate_threshold": (heart_rate_bpm, athlete.lthr_bpm),
        "heart_rate_max": (heart_rate_bpm, athlete.hr_max_or_default(year)),
        "power": (power_w, athlete.ftp_w if group == "wheel" else None),
        "pace": (speed_m_s, athlete.threshold_speed_m_s if group == "foot" else None),
    }
    wanted: list[tuple[SetBasis, tuple[float, ...], str | None]] = [(basis, STANDARD[basis], None) for basis in columns]
    if setting is not None:
        wanted.insert(0, (setting.basis, setting.upper_bounds, setting.event_id))
    for basis, edges, set_by in wanted:
        values, reference = columns[basis]
        if reference and np.isfinite(values).any():
            bounds = tuple(round(share * reference, 3 if basis == "pace" else 1) for share in edges)
            return Zones(basis, time_in_zones_s(values, held_s, reference, edges), bounds, set_by)
    return Zones("none", (), (), None)


def heart_rate_zone(heart_rate_bpm: float, athlete: Athlete, year: int) -> int:
    """The standard zone (1 to 5) of one heart rate: of threshold where it is known, else of the maximum, as in
    :func:`zones_of`.
    """
    if athlete.lthr_bpm:
        reference, edges = athlete.lthr_bpm, STANDARD["heart_rate_threshold"]
    else:
        reference, edges = athlete.hr_max_or_default(year), STANDARD["heart_rate_max"]
    return 1 + sum(heart_rate_bpm >= share * reference for share in edges)
