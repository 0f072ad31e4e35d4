"""A first look at a workout, which proves of most that no rule on its motion can fire; :mod:`domain.integrity` then
leaves the rule out. It looks at every fifth second with gaps bridged, and at extremes of whole columns.

Each bound is wider than the rule's own, so the answer of :func:`domain.integrity.check` is the same with and without
it (a property test holds that).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.athlete import Sex
from domain.distance import CATCH_UP_M, EARTH_RADIUS_M
from domain.efforts import MAX_SPAN_S
from domain.integrity_flags import Case, RuleName
from domain.integrity_limits import MARGIN, Race, climb_limit_m_s, climbing_w_kg, record_within
from domain.integrity_motion import SLOPE_SPAN_S, SPEED_SPAN_S, without_jumps
from domain.integrity_motion_rules import (
    AT_REST_M_S,
    AT_REST_W_KG,
    AT_REST_WINDOW_S,
    CLIMB_WINDOWS_S,
    POWER_WINDOW_S,
    WINDOWS_S,
)
from domain.sports import family_of, rule_of
from domain.timeline import MAX_HELD_S
from domain.track import US_PER_S, FloatColumn
from domain.trimp import clean_heart_rate_bpm

GRID_S: Final = 5
# Rounding must not break a bound: it is drawn wider by this.
_SLACK: Final = 1.001
_NOTHING: Final = np.empty(0)


def _vehicle_possible(case: Case) -> bool:
    if case.race is None or not _has_motion(case):
        return False
    bounds = _speed_bounds(case.race, case.athlete.sex)
    slowest = AT_REST_M_S.get(case.race)
    if slowest is None or family_of(case.sport) == "ebike":
        slowest = np.inf
    lowest = min([slowest, *(limit for limit, _ in bounds)]) / _SLACK
    resting: NDArray[np.bool_] | None = None
    for speed in _speeds(case, lowest):
        if any(_may_last(speed > limit / _SLACK, window_s) for limit, window_s in bounds):
            return True
        fast = speed > slowest / _SLACK
        if _may_last(fast, AT_REST_WINDOW_S):
            resting = _resting(case) if resting is None else resting
            if _may_last(fast & resting[: len(fast)], AT_REST_WINDOW_S):
                return True
    return False


def _speeds(case: Case, lowest: float) -> list[FloatColumn]:
    """The speeds (m/s) of every fifth second, at least those of the rule; not those that are nowhere above
    ``lowest``.
    """
    track, steps = case.track, SPEED_SPAN_S // GRID_S
    found = []
    latitude, longitude = _grid(case, track.latitude_deg), _grid(case, track.longitude_deg)
    if len(latitude) and len(longitude):
        found.append(_apart_at_most_m(latitude, longitude, steps) / SPEED_SPAN_S)
    if np.fmax.reduce(track.speed_m_s, initial=0.0) > lowest:
        found.append(_grid(case, track.speed_m_s))
    counter = _grid(case, track.distance_m)
    found.append((counter[steps:] - counter[:-steps]) / SPEED_SPAN_S)
    return [speed for speed in found if np.fmax.reduce(speed, initial=0.0) > lowest]


def _motor_possible(case: Case) -> bool:
    race = case.race
    if race not in ("foot", "wheel") or family_of(case.sport) == "ebike" or not _has_motion(case):
        return False
    sex, mass_kg = case.athlete.sex, case.athlete.mass_or_default()
    at_rest_m_s = AT_REST_W_KG / climbing_w_kg(1.0, mass_kg)
    limits = [(limit, w) for w in CLIMB_WINDOWS_S if (limit := climb_limit_m_s(race, sex, mass_kg, w)) is not None]
    if race == "wheel" and (case.track.power_w > 0).any():
        limits.append((at_rest_m_s / 2, POWER_WINDOW_S))
    altitude = without_jumps(case.track)
    climb_m = float(np.fmax.reduce(altitude) - np.fmin.reduce(altitude)) * _SLACK
    if any(climb_m >= limit * window_s for limit, window_s in limits):
        by_second = _grid(case, altitude, 1)
        if any(_rises(by_second, limit, window_s) for limit, window_s in limits):
            return True
    if race == "foot" or climb_m < at_rest_m_s * SLOPE_SPAN_S:
        return False
    return _may_last(_resting(case), AT_REST_WINDOW_S)


def _rises(altitude_m: FloatColumn, limit_m_s: float, window_s: int) -> bool:
    rise_m = altitude_m[window_s:] - altitude_m[:-window_s]
    return bool(np.fmax.reduce(rise_m, initial=-np.inf) * _SLACK >= limit_m_s * window_s)


def _jumps_possible(case: Case) -> bool:
    if case.race is None:
        return False
    latitude, longitude, time_us = case.track.latitude_deg, case.track.longitude_deg, case.track.time_us
    known = np.isfinite(latitude) & np.isfinite(longitude)
    if np.count_nonzero(known) < len(known):
        latitude, longitude, time_us = latitude[known], longitude[known], time_us[known]
    if len(latitude) < 2:
        return False
    step_m, step_s = _apart_at_most_m(latitude, longitude, 1), (time_us[1:] - time_us[:-1]) / US_PER_S
    over = step_m > rule_of(case.sport).max_speed_m_s * np.minimum(step_s, MAX_HELD_S) + CATCH_UP_M
    over |= (step_s > MAX_HELD_S) & (step_m > CATCH_UP_M)
    return bool(over.any())


FIRST_LOOKS: Final[dict[RuleName, Callable[[Case], bool]]] = {
    "vehicle": _vehicle_possible,
    "motor_assistance": _motor_possible,
    "position_jumps": _jumps_possible,
}
"""Whether a rule can fire, for the rules whose full look is dear; the others are looked at as they are."""


def _has_motion(case: Case) -> bool:
    return len(case.track) >= 2 and case.track.elapsed_s <= MAX_SPAN_S


@lru_cache(maxsize=64)
def _speed_bounds(race: Race, sex: Sex) -> tuple[tuple[float, int], ...]:
    """The speed that 90 % of a window has to pass, and the window's seconds."""
    records = ((record_within(race, sex, window_s), window_s) for window_s in WINDOWS_S)
    return tuple((record.speed_m_s * MARGIN[race], window_s) for record, window_s in records if record is not None)


def _grid(case: Case, values: FloatColumn, step_s: int = GRID_S) -> FloatColumn:
    """A channel at every fifth second of the track, interpolated over gaps; empty where fewer than two are known."""
    track = case.track
    time_s = (track.time_us - track.time_us[0]) / US_PER_S
    known = np.isfinite(values)
    count = np.count_nonzero(known)
    if count < 2:
        return _NOTHING
    if count < len(known):
        time_s, values = time_s[known], values[known]
    seconds = np.arange(0.0, int(track.elapsed_s) + 1, step_s)
    on_grid: FloatColumn = np.interp(seconds, time_s, values, left=np.nan, right=np.nan)
    return on_grid


def _resting(case: Case) -> NDArray[np.bool_]:
    """Whether the heart rate of every fifth second is very light."""
    heart_rate = _grid(case, clean_heart_rate_bpm(case.track.heart_rate_bpm))
    if not len(heart_rate):
        return np.zeros(int(case.track.elapsed_s) // GRID_S + 1, dtype=np.bool_)
    resting: NDArray[np.bool_] = heart_rate <= case.very_light_bpm * _SLACK
    return resting


def _may_last(holds: NDArray[np.bool_], window_s: int) -> bool:
    """Whether 90 % of ``window_s`` seconds may hold: then at least half of every fifth second does."""
    points = window_s // GRID_S
    if np.count_nonzero(holds) < points / 2 or len(holds) < points // 2:
        return False
    sums = np.concatenate(([0], np.cumsum(holds)))
    window = min(points, len(holds))
    return bool((sums[window:] - sums[:-window]).max() >= points / 2)


def _apart_at_most_m(latitude_deg: FloatColumn, longitude_deg: FloatColumn, rows: int) -> FloatColumn:
    """Metres from each place to the one ``rows`` later, or some more: no way is longer than the one that is straight on
    the map, whose degrees of longitude are at most as long as those at the latitude nearest to the equator.
    """
    south, north = np.fmin.reduce(latitude_deg), np.fmax.reduce(latitude_deg)
    narrowing = np.cos(np.radians(max(0.0, south, -north)))
    apart_deg = np.hypot(
        latitude_deg[rows:] - latitude_deg[:-rows], (longitude_deg[rows:] - longitude_deg[:-rows]) * narrowing
    )
    apart: FloatColumn = apart_deg * (_SLACK * np.radians(1.0) * EARTH_RADIUS_M)
    return apart
