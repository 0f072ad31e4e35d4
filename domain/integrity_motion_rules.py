"""Rules on how a workout moved: by car, or up by a motor."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.integrity_flags import Case, Evidence, Flag, flag_of, kmh, minutes
from domain.integrity_limits import MARGIN, Race, climb_limit_m_s, climbing_w_kg, record_within
from domain.integrity_motion import SLOPE_SPAN_S, SUSTAINED_SHARE, Motion, stretch
from domain.sports import family_of
from domain.track import US_PER_S, FloatColumn, Track
from domain.trimp import clean_heart_rate_bpm

# Conventions of this project.
WINDOWS_S: Final = (60, 300, 1200)
AT_REST_WINDOW_S: Final = 300
DESCENT_M_S: Final = 28.0  # 100 km/h: racers touch it in a descent and do not hold it for a minute
AT_REST_M_S: Final[dict[Race, float]] = {"foot": 5.0, "wheel": 12.5}
AT_REST_W_KG: Final = 3.0
CLIMB_WINDOWS_S: Final = (300, 1200, 3600)
POWER_WINDOW_S: Final = 1200
POWER_MISSING: Final = 1.5  # times the recorded power: more than a wrong mass explains


def vehicle(case: Case) -> Flag | None:
    """Faster than anyone moves there, or fast on a heart that does nothing."""
    if case.race is None or case.motion is None:
        return None
    race, motion = case.race, case.motion
    for window_s in WINDOWS_S:
        record = record_within(race, case.athlete.sex, window_s)
        if record is None:
            continue
        limit_m_s = record.speed_m_s * MARGIN[race]
        why = f"{kmh(limit_m_s)}, the speed of {record.holder}'s record of {record.day.year} and a margin"
        for speed in motion.speeds_m_s:
            over = (speed > limit_m_s) & _may_be_judged(motion, race, limit_m_s)
            if race == "wheel":
                over |= speed > max(limit_m_s, DESCENT_M_S)
            if found := stretch(over, window_s):
                return _vehicle_flag(case, motion, found, speed, limit_m_s, why)
    slowest = AT_REST_M_S.get(race)
    if slowest is None or family_of(case.sport) == "ebike":
        return None
    resting = motion.heart_rate_bpm <= case.very_light_bpm
    for speed in motion.speeds_m_s:
        if found := stretch((speed > slowest) & resting & _may_be_judged(motion, race, slowest), AT_REST_WINDOW_S):
            why = f"{kmh(slowest)} with a heart rate of at most {case.very_light_bpm:.0f} bpm, which is very light"
            return _vehicle_flag(case, motion, found, speed, slowest, why)
    return None


def _may_be_judged(motion: Motion, race: Race, speed_m_s: float) -> NDArray[np.bool_]:
    """Where a speed says something: everywhere on foot and on water, else where the road is known not to fall."""
    if race in ("wheel", "skate"):
        return motion.level(speed_m_s)
    return np.ones(len(motion.altitude_m), dtype=np.bool_)


def _vehicle_flag(
    case: Case, motion: Motion, found: tuple[int, int], speed: FloatColumn, limit_m_s: float, why: str
) -> Flag:
    start_us, end_us = motion.span_us(*found)
    typical_m_s = float(np.nanmedian(speed[slice(*found)]))
    reason = (
        f"{minutes(end_us - start_us)} of {case.sport} at {kmh(typical_m_s)}; the limit is {why}. "
        f"Meanwhile {_body(case.track.between(start_us, end_us), case.very_light_bpm)}."
    )
    return flag_of("vehicle", reason, Evidence(start_us, end_us, typical_m_s, limit_m_s, "m/s"))


def _body(part: Track, very_light_bpm: float) -> str:
    """What heart and legs did in a stretch, as supporting evidence."""
    heart = clean_heart_rate_bpm(part.heart_rate_bpm)
    heart, cadence = heart[np.isfinite(heart)], part.cadence_rpm[np.isfinite(part.cadence_rpm)]
    said = ["no heart rate was recorded"]
    if len(heart):
        bpm = float(np.median(heart))
        said = [f"the heart rate was {bpm:.0f} bpm" + (", very light" if bpm <= very_light_bpm else "")]
    if len(cadence):
        still = float(np.median(cadence)) == 0.0
        said.append("the legs stood still" if still else f"the cadence was {float(np.median(cadence)):.0f} rpm")
    else:
        said.append("no cadence was recorded")
    return " and ".join(said)


def motor_assistance(case: Case) -> Flag | None:
    """Up faster than anyone climbs, or with less of a heart or of a power meter than the climb takes."""
    if case.motion is None or case.race not in ("foot", "wheel") or family_of(case.sport) == "ebike":
        return None
    race, motion, mass_kg = case.race, case.motion, case.athlete.mass_or_default()
    for window_s in CLIMB_WINDOWS_S:
        rise = motion.rise_m_s(window_s)
        limit_m_s = climb_limit_m_s(race, case.athlete.sex, mass_kg, window_s)
        if limit_m_s is None or not bool((rise > limit_m_s).any()):
            continue
        at = int(np.nanargmax(rise))
        value = float(rise[at]) * 3600.0
        reason = (
            f"{minutes(window_s * US_PER_S)} of climbing at {value:.0f} m an hour, as by a lift or a motor; "
            f"the limit is {limit_m_s * 3600.0:.0f} m an hour."
        )
        return flag_of(
            "motor_assistance",
            reason,
            Evidence(*motion.span_us(at, at + window_s), value, limit_m_s * 3600, "m/h"),
        )
    return None if race == "foot" else (_climb_at_rest(case, motion) or _power_missing(case, motion))


def _climb_at_rest(case: Case, motion: Motion) -> Flag | None:
    needed = climbing_w_kg(1.0, case.athlete.mass_or_default()) * motion.rise_m_s(SLOPE_SPAN_S)
    resting = motion.heart_rate_bpm <= case.very_light_bpm
    found = stretch((needed >= AT_REST_W_KG) & resting, AT_REST_WINDOW_S)
    if found is None:
        return None
    value = float(np.nanmedian(needed[slice(*found)]))
    lifts = case.sport == "mountain_biking"
    reason = (
        f"A climb that takes at least {value:.1f} W/kg with a heart rate of at most {case.very_light_bpm:.0f} bpm, "
        f"which is very light; the limit at rest is {AT_REST_W_KG:.1f} W/kg."
        + (" A lift is part of this sport." if lifts else "")
    )
    evidence = Evidence(*motion.span_us(*found), value, AT_REST_W_KG, "W/kg")
    return flag_of("motor_assistance", reason, evidence, flagged=not lifts)


def _power_missing(case: Case, motion: Motion) -> Flag | None:
    window_s, mass_kg = POWER_WINDOW_S, case.athlete.mass_or_default()
    rise = motion.rise_m_s(window_s)
    turning = motion.power_w > 0  # a meter that died says 0 or nothing
    if len(rise) <= window_s or not turning.any():
        return None
    seconds, joules = np.cumsum(turning), np.cumsum(np.where(turning, motion.power_w, 0.0))
    measured = (joules[window_s:] - joules[:-window_s]) / window_s
    metered = seconds[window_s:] - seconds[:-window_s] >= SUSTAINED_SHARE * window_s
    needed = climbing_w_kg(1.0, mass_kg) * rise[:-window_s]
    wrong = metered & (needed >= AT_REST_W_KG / 2) & (needed * mass_kg > POWER_MISSING * measured)
    if not wrong.any():
        return None
    at = int(np.flatnonzero(wrong)[0])
    value, limit = float(needed[at] * mass_kg), POWER_MISSING * float(measured[at])
    reason = (
        f"A climb of {minutes(window_s * US_PER_S)} that takes at least {value:.0f} W; the power meter says "
        f"{measured[at]:.0f} W, and {POWER_MISSING:g} times that is the limit."
    )
    return flag_of("motor_assistance", reason, Evidence(*motion.span_us(at, at + window_s), value, limit, "W"))
