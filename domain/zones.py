"""Time in five intensity zones of heart rate, power or pace."""

from typing import Final, Literal

import numpy as np

from domain.athlete import Athlete
from domain.sports import rule_of
from domain.track import FloatColumn

ZoneBasis = Literal["heart_rate_max", "heart_rate_threshold", "power", "pace", "none"]
ZONES: Final = 5

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


def time_in_zones_s(
    values: FloatColumn, held_s: FloatColumn, reference: float, edges: tuple[float, float, float, float]
) -> tuple[float, float, float, float, float]:
    """Seconds in each of five zones.

    ``values`` and ``held_s`` have shape (n,); ``edges`` are shares of ``reference``; NaN counts nowhere.
    """
    known = np.isfinite(values)
    total = float(held_s.sum()) if known.all() else float(held_s @ known)
    above = [total, *(float(held_s @ (values >= share * reference)) for share in edges)]
    return (above[0] - above[1], above[1] - above[2], above[2] - above[3], above[3] - above[4], above[4])


def zones_of(
    *,
    heart_rate_bpm: FloatColumn,
    power_w: FloatColumn,
    speed_m_s: FloatColumn,
    held_s: FloatColumn,
    sport: str,
    athlete: Athlete,
    year: int,
) -> tuple[ZoneBasis, tuple[float, ...]]:
    """Seconds in zones of what was recorded, columns of shape (n,): heart rate (of threshold where it is known, else of
    the maximum), else power on wheels, else pace on foot; ``("none", ())`` when neither is there or the athlete's
    threshold is unknown.
    """
    if np.isfinite(heart_rate_bpm).any():
        if athlete.lthr_bpm:
            return "heart_rate_threshold", time_in_zones_s(heart_rate_bpm, held_s, athlete.lthr_bpm, HR_THRESHOLD_EDGES)
        highest = athlete.hr_max_or_default(year)
        return "heart_rate_max", time_in_zones_s(heart_rate_bpm, held_s, highest, HR_MAX_EDGES)
    group = rule_of(sport).body_group
    if group == "wheel" and athlete.ftp_w and np.isfinite(power_w).any():
        return "power", time_in_zones_s(power_w, held_s, athlete.ftp_w, POWER_EDGES)
    if group == "foot" and athlete.threshold_speed_m_s and np.isfinite(speed_m_s).any():
        return "pace", time_in_zones_s(speed_m_s, held_s, athlete.threshold_speed_m_s, SPEED_EDGES)
    return "none", ()


def heart_rate_zone(heart_rate_bpm: float, athlete: Athlete, year: int) -> int:
    """The zone (1 to 5) of one heart rate: of threshold where it is known, else of the maximum, as in ``zones_of``."""
    if athlete.lthr_bpm:
        reference, edges = athlete.lthr_bpm, HR_THRESHOLD_EDGES
    else:
        reference, edges = athlete.hr_max_or_default(year), HR_MAX_EDGES
    return 1 + sum(heart_rate_bpm >= share * reference for share in edges)
