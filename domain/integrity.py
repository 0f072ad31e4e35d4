"""Whether a workout may be ranked: rules that flag what no athlete did, before any board counts it.

A rule answers yes or no and says why, with the figures and the limit; there is no score. The limits and their sources
are in :mod:`domain.integrity_rules`; what is not a record is a convention of this project and is named here. What an
organiser does with a flag is in docs/integrity.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from domain.athlete import Athlete
from domain.distance import CATCH_UP_M, distance_series, haversine_m
from domain.efforts import MAX_SPAN_S, BestEffort
from domain.integrity_rules import (
    MARGIN,
    SAME_SHARE,
    SLOPE_SPAN_S,
    SUSTAINED_SHARE,
    Fingerprint,
    Motion,
    Race,
    apart_m,
    climb_limit_m_s,
    climbing_w_kg,
    fingerprint_of,
    motion_of,
    on_seconds,
    power_limit_w_kg,
    race_of,
    record_over,
    record_within,
    same_share,
    stretch,
)
from domain.sports import family_of, rule_of
from domain.summary import Summary
from domain.timeline import MAX_HELD_S, timeline_of
from domain.track import US_PER_S, FloatColumn, Track
from domain.trimp import clean_heart_rate_bpm

RuleName = Literal[
    "vehicle",
    "motor_assistance",
    "beyond_record",
    "position_jumps",
    "copied_track",
    "impossible_total",
    "two_places",
]
Decision = Literal["flagged", "noted"]

# A changed rule or limit gets the next number: history can then be judged again, and old flags keep their reason.
VERSIONS: Final[dict[RuleName, int]] = {
    "vehicle": 1,
    "motor_assistance": 1,
    "beyond_record": 1,
    "position_jumps": 1,
    "copied_track": 1,
    "impossible_total": 1,
    "two_places": 1,
}

# Conventions of this project.
WINDOWS_S: Final = (60, 300, 1200)
AT_REST_WINDOW_S: Final = 300
DESCENT_M_S: Final = 28.0  # 100 km/h: racers touch it in a descent and do not hold it for a minute
AT_REST_M_S: Final[dict[Race, float]] = {"foot": 5.0, "wheel": 12.5}
# Below 30 % of the heart-rate reserve exercise is "very light" (Garber et al. 2011, Med Sci Sports Exerc 43,
# 1334-1359).
VERY_LIGHT_RESERVE: Final = 0.30
AT_REST_W_KG: Final = 3.0
CLIMB_WINDOWS_S: Final = (300, 1200, 3600)
POWER_WINDOW_S: Final = 1200
POWER_MISSING: Final = 1.5  # times the recorded power: more than a wrong mass explains
NET_DROP: Final = 0.01  # of the distance: a course for records may drop a tenth of that (World Athletics)
JUMP_SHARE: Final = 0.10
JUMPS_M: Final = 500.0
LONGEST_ENTRY_S: Final = 86_400.0
APART_M: Final = 1000.0
APART_FOR_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where in the workout (UTC, microseconds), the figure found and the limit it passed, both in ``unit``."""

    start_us: int
    end_us: int
    value: float
    limit: float
    unit: str


@dataclass(frozen=True, slots=True)
class Flag:
    """What one rule says against a workout.

    ``"flagged"`` keeps it off the boards until it is reviewed. ``"noted"`` tells the organiser and changes nothing: the
    original that others copied, jumps that the distance leaves out.
    """

    rule: RuleName
    version: int
    decision: Decision
    reason: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A workout that shares marks of the fingerprint, of the same user or of another."""

    user: str
    workout_id: str
    accepted_us: int
    start_us: int
    end_us: int
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another workout of the same user that overlaps in time and is no copy (:mod:`domain.duplicates`)."""

    workout_id: str
    accepted_us: int
    track: Track


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule needs besides the workout's own samples. ``accepted_us`` is when the log took the workout."""

    user: str
    workout_id: str
    accepted_us: int
    start_us: int
    end_us: int
    pauses: tuple[tuple[int, int], ...] = ()
    lookalikes: tuple[Lookalike, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    track: Track
    summary: Summary
    sport: str
    race: Race | None
    athlete: Athlete
    context: Context
    motion: Motion | None

    @property
    def very_light_bpm(self) -> float:
        year = datetime.fromtimestamp(self.context.start_us // US_PER_S, UTC).year
        rest, most = self.athlete.hr_rest_or_default(), self.athlete.hr_max_or_default(year)
        return rest + VERY_LIGHT_RESERVE * max(0.0, most - rest)

    def whole(self, value: float, limit: float, unit: str) -> Evidence:
        return Evidence(self.context.start_us, self.context.end_us, value, limit, unit)


def check(track: Track, summary: Summary, sport: str, athlete: Athlete, context: Context) -> tuple[Flag, ...]:
    """What the rules say against a workout, at most one flag a rule; nothing for a sound one.

    ``sport`` is a name of :mod:`domain.sports`; sports without human limits here (skiing, whatever is ``"other"``) are
    only compared with other workouts and, as entries by hand, with a day. Equal input gives equal flags.

    Criticism: it finds the impossible, not the unfair. A car in town is as fast as a cyclist, an e-bike below 25 km/h
    as a racer; with a heart rate they are seen, without one they are not. A river, a following wind, fins and a
    wrong strap can flag an honest workout: hence a review.
    """
    case = _Case(track, summary, sport, race_of(sport), athlete, context, motion_of(track))
    return tuple(flag for rule in _RULES if (flag := rule(case)) is not None)


def _flag(rule: RuleName, reason: str, evidence: Evidence, *, flagged: bool = True) -> Flag:
    return Flag(rule, VERSIONS[rule], "flagged" if flagged else "noted", reason, evidence)


def _vehicle(case: _Case) -> Flag | None:
    if case.race is None or case.motion is None:
        return None
    race, motion = case.race, case.motion
    for window_s in WINDOWS_S:
        record = record_within(race, case.athlete.sex, window_s)
        if record is None:
            continue
        limit_m_s = record.speed_m_s * MARGIN[race]
        why = f"{_kmh(limit_m_s)}, the speed of {record.holder}'s record of {record.day.year} and a margin"
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
            why = f"{_kmh(slowest)} with a heart rate of at most {case.very_light_bpm:.0f} bpm, which is very light"
            return _vehicle_flag(case, motion, found, speed, slowest, why)
    return None


def _may_be_judged(motion: Motion, race: Race, speed_m_s: float) -> NDArray[np.bool_]:
    """Where a speed says something: everywhere on foot and on water, else where the road is known not to fall."""
    if race in ("wheel", "skate"):
        return motion.level(speed_m_s)
    return np.ones(len(motion.altitude_m), dtype=np.bool_)


def _vehicle_flag(
    case: _Case, motion: Motion, found: tuple[int, int], speed: FloatColumn, limit_m_s: float, why: str
) -> Flag:
    start_us, end_us = motion.span_us(*found)
    typical_m_s = float(np.nanmedian(speed[slice(*found)]))
    reason = (
        f"{_minutes(end_us - start_us)} of {case.sport} at {_kmh(typical_m_s)}; the limit is {why}. "
        f"Meanwhile {_body(case.track.between(start_us, end_us), case.very_light_bpm)}."
    )
    return _flag("vehicle", reason, Evidence(start_us, end_us, typical_m_s, limit_m_s, "m/s"))


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


def _motor_assistance(case: _Case) -> Flag | None:
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
            f"{_minutes(window_s * US_PER_S)} of climbing at {value:.0f} m an hour, as by a lift or a motor; "
            f"the limit is {limit_m_s * 3600.0:.0f} m an hour."
        )
        return _flag(
            "motor_assistance",
            reason,
            Evidence(*motion.span_us(at, at + window_s), value, limit_m_s * 3600, "m/h"),
        )
    return None if race == "foot" else (_climb_at_rest(case, motion) or _power_missing(case, motion))


def _climb_at_rest(case: _Case, motion: Motion) -> Flag | None:
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
    return _flag("motor_assistance", reason, evidence, flagged=not lifts)


def _power_missing(case: _Case, motion: Motion) -> Flag | None:
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
        f"A climb of {_minutes(window_s * US_PER_S)} that takes at least {value:.0f} W; the power meter says "
        f"{measured[at]:.0f} W, and {POWER_MISSING:g} times that is the limit."
    )
    return _flag("motor_assistance", reason, Evidence(*motion.span_us(at, at + window_s), value, limit, "W"))


def _beyond_record(case: _Case) -> Flag | None:
    worst: tuple[float, Flag] | None = None
    for effort in case.summary.best_efforts:
        judged = _power_judged(case, effort) if effort.kind == "power" else _pace_judged(case, effort)
        if judged is not None and (worst is None or judged[0] > worst[0]):
            worst = judged
    return worst[1] if worst else None


def _pace_judged(case: _Case, effort: BestEffort) -> tuple[float, Flag] | None:
    """How many times faster than the limit, and the flag; ``None`` within it, and where the course falls too much."""
    if case.race is None or effort.distance_m is None or effort.duration_s <= 0:
        return None
    record = record_over(case.race, case.athlete.sex, effort.distance_m)
    if record is None:
        return None
    least_s = effort.distance_m / (record.speed_m_s * MARGIN[case.race])
    if effort.duration_s >= least_s:
        return None
    end_us = effort.start_us + round(effort.duration_s * US_PER_S)
    drop_m = case.motion.drop_m(effort.start_us, end_us) if case.motion else np.nan
    unknown_is_level = case.race not in ("wheel", "skate")
    if drop_m > NET_DROP * effort.distance_m or (np.isnan(drop_m) and not unknown_is_level):
        return None
    reason = (
        f"{effort.name} in {_clock(effort.duration_s)}; the limit is {_clock(least_s)}, from {record.holder}'s "
        f"{record.distance_m:g} m in {_clock(record.duration_s)} on {record.day} ({record.authority}) and a margin."
    )
    evidence = Evidence(effort.start_us, end_us, effort.duration_s, least_s, "s")
    return least_s / effort.duration_s, _flag("beyond_record", reason, evidence)


def _power_judged(case: _Case, effort: BestEffort) -> tuple[float, Flag] | None:
    mass_kg, most = case.athlete.mass_kg, power_limit_w_kg(case.athlete.sex, effort.duration_s)
    if case.race != "wheel" or not mass_kg or most is None or effort.power_w is None:
        return None
    value = effort.power_w / mass_kg
    if value <= most:
        return None
    reason = f"{value:.1f} W/kg for {effort.name}; the limit is {most:.1f} W/kg, the best known and a margin."
    end_us = effort.start_us + round(effort.duration_s * US_PER_S)
    return value / most, _flag("beyond_record", reason, Evidence(effort.start_us, end_us, value, most, "W/kg"))


def _position_jumps(case: _Case) -> Flag | None:
    if case.race is None:
        return None
    track, context = case.track, case.context
    rows = np.flatnonzero(np.isfinite(track.latitude_deg) & np.isfinite(track.longitude_deg))
    for _ in range(3):  # a lone fix that is off is a fault of GPS and comes back: no jump
        if len(rows) < 2:
            return None
        _, jump = _jumps(case, rows)
        lone = np.zeros(len(rows), dtype=np.bool_)
        lone[1:-1] = jump[1:] & jump[:-1]
        if not lone.any():
            break
        rows = rows[~lone]
    step_m, jump = _jumps(case, rows)
    jumped_m = float(step_m[jump].sum())
    if jumped_m < JUMPS_M or jumped_m < JUMP_SHARE * float(step_m.sum()):
        return None
    timeline = timeline_of(track, context.start_us, context.end_us, context.pauses)
    counted = distance_series(track, timeline, case.sport).cumulative_m[rows]
    counted_m = jumped_m if case.summary.distance_source == "stated" else float(np.diff(counted)[jump].sum())
    limit_m = max(JUMPS_M, JUMP_SHARE * case.summary.distance_m)
    where = np.flatnonzero(jump)
    start_us, end_us = int(track.time_us[rows[where[0]]]), int(track.time_us[rows[where[-1] + 1]])
    reason = (
        f"The position jumps {len(where)} times, {jumped_m / 1000:.1f} km in all, faster than anyone moves; "
        f"{counted_m / 1000:.1f} of the {case.summary.distance_m / 1000:.1f} km that count come from jumps, "
        f"and {limit_m / 1000:.1f} km is the limit."
    )
    return _flag(
        "position_jumps", reason, Evidence(start_us, end_us, counted_m, limit_m, "m"), flagged=counted_m >= limit_m
    )


def _jumps(case: _Case, rows: NDArray[np.intp]) -> tuple[FloatColumn, NDArray[np.bool_]]:
    """The steps between fixes, and which of them nobody could make in the time."""
    race, sex, track = case.race, case.athlete.sex, case.track
    step_m = haversine_m(track.latitude_deg[rows], track.longitude_deg[rows])
    step_s = np.diff(track.time_us[rows]) / US_PER_S
    jump = step_m > rule_of(case.sport).max_speed_m_s * step_s + CATCH_UP_M
    for at in np.flatnonzero((step_s > MAX_HELD_S) & ~jump):
        record = record_over(race, sex, float(step_m[at])) if race else None
        if race and record and step_m[at] > record.speed_m_s * MARGIN[race] * step_s[at] + CATCH_UP_M:
            jump[at] = True
    return step_m, jump


def _copied_track(case: _Case) -> Flag | None:
    """The original is what the log accepted first; on the same instant, the smaller user and workout id."""
    context = case.context
    if not context.lookalikes:
        return None
    own = fingerprint_of(case.track)
    mine = (context.accepted_us, context.user, context.workout_id)
    copies: list[tuple[tuple[int, str, str], float, str, Lookalike]] = []
    for other in context.lookalikes:
        share, channel = same_share(own, other.fingerprint)
        same_user = other.user == context.user
        overlaps = other.start_us < context.end_us and context.start_us < other.end_us
        if share >= SAME_SHARE and not (same_user and (overlaps or other.workout_id == context.workout_id)):
            copies.append(((other.accepted_us, other.user, other.workout_id), share, channel, other))
    if not copies:
        return None
    first, share, channel, other = min(copies, key=lambda copy: copy[0])
    whose = "another workout of this athlete" if other.user == context.user else "another athlete's workout"
    shift_h = (context.start_us - other.start_us) / US_PER_S / 3600.0
    ratio = (other.end_us - other.start_us) / max(1, context.end_us - context.start_us)
    came = "was accepted first" if first < mine else "was accepted later: this one is the original"
    reason = (
        f"{share:.0%} of the marks of the {channel} are those of {whose} {other.workout_id}, {shift_h:+.1f} h "
        f"apart. That one lasted {ratio:.2f} times as long and {came}. The limit is {SAME_SHARE:.0%}."
    )
    return _flag("copied_track", reason, case.whole(share, SAME_SHARE, "share"), flagged=first < mine)


def _impossible_total(case: _Case) -> Flag | None:
    summary, sex = case.summary, case.athlete.sex
    if summary.sample_count > 0 and summary.distance_source != "stated":
        return None
    timer_s, distance_m, gain_m = summary.timer_time_s, summary.distance_m, summary.elevation_gain_m or 0.0
    if summary.sample_count == 0 and timer_s > LONGEST_ENTRY_S:
        reason = f"An entry by hand of {timer_s / 3600:.1f} h; the limit is {LONGEST_ENTRY_S / 3600:.0f} h."
        return _flag("impossible_total", reason, case.whole(timer_s, LONGEST_ENTRY_S, "s"))
    if case.race is None:
        return None
    record = record_over(case.race, sex, distance_m)
    if record is not None and distance_m > record.speed_m_s * MARGIN[case.race] * timer_s:
        most_m = record.speed_m_s * MARGIN[case.race] * timer_s
        reason = (
            f"{distance_m / 1000:.1f} km stated in {_clock(timer_s)}; at the speed of {record.holder}'s record of "
            f"{record.day.year} and a margin it is {most_m / 1000:.1f} km."
        )
        return _flag("impossible_total", reason, case.whole(distance_m, most_m, "m"))
    rise = climb_limit_m_s(case.race, sex, case.athlete.mass_or_default(), timer_s)
    if rise is not None and gain_m > rise * timer_s:
        reason = f"{gain_m:.0f} m of climbing stated in {_clock(timer_s)}; the limit is {rise * timer_s:.0f} m."
        return _flag("impossible_total", reason, case.whole(gain_m, rise * timer_s, "m"))
    return None


def _two_places(case: _Case) -> Flag | None:
    mine = (case.context.accepted_us, case.context.workout_id)
    for other in sorted(case.context.elsewhere, key=lambda other: (other.accepted_us, other.workout_id)):
        together = _together(case.track, other.track)
        if together is None:
            continue
        first_us, last_us, value = together
        theirs = (other.accepted_us, other.workout_id)
        came = "was accepted first" if theirs < mine else "was accepted later"
        reason = (
            f"{_minutes(last_us - first_us)} at the same time as workout {other.workout_id} of this athlete, "
            f"{value / 1000:.1f} km away, which {came}. The limit is {APART_M / 1000:.0f} km."
        )
        return _flag("two_places", reason, Evidence(first_us, last_us, value, APART_M, "m"), flagged=theirs < mine)
    return None


def _together(track: Track, other: Track) -> tuple[int, int, float] | None:
    """From when to when two tracks ran at the same time, and the median metres between them; ``None`` when that is
    under five minutes with places, or within a kilometre.
    """
    if len(track) == 0 or len(other) == 0:
        return None
    first_us = int(max(track.time_us[0], other.time_us[0]))
    last_us = int(min(track.time_us[-1], other.time_us[-1]))
    if not APART_FOR_S <= (last_us - first_us) / US_PER_S <= MAX_SPAN_S:
        return None
    seconds = np.arange((last_us - first_us) // US_PER_S + 1, dtype=np.float64)
    places = (
        on_seconds(which, column, first_us, seconds)
        for which in (track, other)
        for column in (which.latitude_deg, which.longitude_deg)
    )
    apart = apart_m(*places)
    apart = apart[np.isfinite(apart)]
    if len(apart) < APART_FOR_S or float(np.median(apart)) <= APART_M:
        return None
    return first_us, last_us, float(np.median(apart))


def _kmh(speed_m_s: float) -> str:
    return f"{speed_m_s * 3.6:.1f} km/h"


def _minutes(span_us: int) -> str:
    return f"{span_us / US_PER_S / 60.0:.0f} min"


def _clock(duration_s: float) -> str:
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


_RULES: Final[tuple[Callable[[_Case], Flag | None], ...]] = (
    _vehicle,
    _motor_assistance,
    _beyond_record,
    _position_jumps,
    _copied_track,
    _impossible_total,
    _two_places,
)
