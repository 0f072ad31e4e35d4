"""Rules for the faults of each channel.

Limits without a source are conventions of this project, set so that they leave alone what is plausible in the real
recordings (``docs/quality.md``).

Most workouts have no fault, and the rules run for each of them: a rule first asks whether it can apply at all, by
extremes of the whole column, and looks at single rows only when it can.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from domain.column_runs import Mask, Rows, leaps, runs, spans
from domain.distance import EARTH_RADIUS_M, GPS_NOISE_M, plausible_fixes, reachable_fixes
from domain.elevation import DOWN_M_S, JUMP_M, UP_M_S, jumps, plausible_altitudes
from domain.power import clean_power_w
from domain.sports import SportRule, rule_of
from domain.timeline import Timeline
from domain.track import FloatColumn, Track
from domain.trimp import clean_heart_rate_bpm

Channel = Literal["heart_rate", "cadence", "power", "speed", "position", "altitude"]
Rule = Literal["missing", "out_of_range", "spike", "stuck", "dropout", "cadence_lock", "jump"]

SAMPLE_S: Final = 30.0  # a sample stands for no more than this: smart recording seldom leaves more between two
# Sensors average over several beats, so a sound one shows no faster change; the roughness is for rounding.
HR_BPM_PER_S: Final = 10.0
HR_ROUGH_BPM: Final = 3.0
HR_SPIKE_S: Final = 30.0
HR_STUCK_S: Final = 120.0
LOCK_BPM: Final = 3.0
LOCK_S: Final = 120.0
MAX_CADENCE_RPM: Final = 250.0
POWER_SPIKE_W: Final = 600.0  # in one sample above both of its neighbours
# Both neighbours of a spike, with samples a second apart. One of two or three seconds may be all there is of a kick.
POWER_SPIKE_SPAN_S: Final = 2.5
DROPOUT_SPAN_S: Final = 5.0
PEDALLING_RPM: Final = 40.0
PUSHING_W: Final = 100.0
SPEED_M_S2: Final = 5.0
SPEED_ROUGH_M_S: Final = 2.0
SPEED_SPIKE_S: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What the rules of every channel look at."""

    track: Track
    timeline: Timeline
    rule: SportRule
    metres: FloatColumn
    none: Mask  # the rows of a rule that caught nothing
    shortest_s: float  # the least time from a row to the next
    longest_s: float  # the most that passes on the clock from a row to the next

    def out(self, values: FloatColumn, usable: FloatColumn) -> dict[Rule, Mask]:
        """What is missing and what is out of range; ``usable`` are the ``values`` themselves where neither is."""
        if usable is values:
            return {"missing": self.none, "out_of_range": self.none}
        missing = np.isnan(values)
        return {"missing": missing, "out_of_range": np.isnan(usable) & ~missing}

    def may_last(self, first: Rows, last: Rows, least_s: float) -> bool:
        """Whether ``least_s`` can pass on the clock from a first row to its last, with a second to spare."""
        return len(first) > 0 and float(np.maximum.reduce(last - first)) * self.longest_s >= least_s - 1.0


def case_of(track: Track, timeline: Timeline, sport: str, metres: FloatColumn) -> Case:
    """What the rules look at, of a track of at least one sample with its distance (n,) by :mod:`domain.distance`."""
    none = np.zeros(len(track), dtype=bool)
    none.flags.writeable = False  # shared by all rules that caught nothing
    offset_s = timeline.offset_s
    shortest_s = float(np.minimum.reduce(offset_s[1:] - offset_s[:-1], initial=np.inf))
    longest_s = min(SAMPLE_S, float(np.maximum.reduce(timeline.held_s[:-1], initial=0.0)))
    return Case(track, timeline, rule_of(sport), metres, none, shortest_s, longest_s)


def _heart_rate_faults(case: Case) -> dict[Rule, Mask]:
    heart_rate = clean_heart_rate_bpm(case.track.heart_rate_bpm)
    rules = case.out(case.track.heart_rate_bpm, heart_rate)
    rules["spike"], jump = _leaps(case, heart_rate, per_s=HR_BPM_PER_S, slack=HR_ROUGH_BPM, longest_s=HR_SPIKE_S)
    rules["stuck"] = _stuck(case, heart_rate)
    if case.rule.body_group == "foot":
        rules["cadence_lock"] = _cadence_lock(case, heart_rate)
    rules["jump"] = jump
    return rules


def _stuck(case: Case, heart_rate: FloatColumn) -> Mask:
    """One value for long while moving, or where movement is unknown."""
    known = _known(heart_rate)
    first, last = runs(known)
    if len(known) < len(heart_rate):
        rows = np.flatnonzero(np.isfinite(heart_rate))
        first, last = rows[first], rows[last]
    if not case.may_last(first, last, HR_STUCK_S):
        return case.none
    metres, clock_s = case.metres, _clock_s(case.timeline)
    stuck = clock_s[last] - clock_s[first] >= HR_STUCK_S
    moving = metres[last] - metres[first] >= case.rule.moving_speed_m_s * (clock_s[last] - clock_s[first])
    stuck &= moving | (metres[-1] == 0)
    return spans(len(case.track), first[stuck], last[stuck])


def _cadence_lock(case: Case, heart_rate: FloatColumn) -> Mask:
    """The heart rate is the step rate for long: the sensor may count steps."""
    cadence = case.track.cadence_rpm
    equal = (np.abs(heart_rate - 2 * cadence) <= LOCK_BPM) & (cadence > 0)
    if not np.count_nonzero(equal):
        return case.none
    rows = np.flatnonzero(np.isfinite(heart_rate) & (cadence > 0))
    equal = equal[rows]
    first, last = runs(equal)
    locked = equal[first]
    first, last = rows[first[locked]], rows[last[locked]]
    if not case.may_last(first, last, LOCK_S):
        return case.none
    clock_s = _clock_s(case.timeline)
    locked = clock_s[last] - clock_s[first] >= LOCK_S
    return spans(len(case.track), first[locked], last[locked])


def _cadence_faults(case: Case) -> dict[Rule, Mask]:
    cadence = case.track.cadence_rpm
    return case.out(cadence, _up_to(cadence, MAX_CADENCE_RPM))


def _power_faults(case: Case) -> dict[Rule, Mask]:
    power = clean_power_w(case.track.power_w)
    rules = case.out(case.track.power_w, power)
    rules["spike"] = rules["dropout"] = case.none
    if np.fmax.reduce(power) > POWER_SPIKE_W:
        rules["spike"] = _power_spikes(case, power)
    idle = (power == 0) & (case.track.cadence_rpm >= PEDALLING_RPM)
    if np.count_nonzero(idle):
        rules["dropout"] = _dropouts(case, power, idle)
    return rules


def _power_spikes(case: Case, power: FloatColumn) -> Mask:
    rows = np.flatnonzero(np.isfinite(power))
    watts, time_s = power[rows], case.timeline.offset_s[rows]
    spike = np.zeros(len(power), dtype=bool)
    if len(rows) >= 3:
        above_w = watts[1:-1] - np.maximum(watts[:-2], watts[2:])
        spike[rows[1:-1]] = (above_w > POWER_SPIKE_W) & (time_s[2:] - time_s[:-2] <= POWER_SPIKE_SPAN_S)
    return spike


def _dropouts(case: Case, power: FloatColumn, idle: Mask) -> Mask:
    """Zeros while the cranks turn, short and with real power on both sides."""
    rows = np.flatnonzero(np.isfinite(power))
    watts, time_s, idle = power[rows], case.timeline.offset_s[rows], idle[rows]
    first, last = runs(idle)
    first, last = first[1:-1], last[1:-1]
    out = idle[first] & (watts[first - 1] > PUSHING_W) & (watts[last + 1] > PUSHING_W)
    out &= time_s[last + 1] - time_s[first - 1] <= DROPOUT_SPAN_S
    return spans(len(power), rows[first[out]], rows[last[out]])


def _speed_faults(case: Case) -> dict[Rule, Mask]:
    speed = case.track.speed_m_s
    usable = _up_to(speed, case.rule.max_speed_m_s)
    rules = case.out(speed, usable)
    rules["spike"], rules["jump"] = _leaps(
        case, usable, per_s=SPEED_M_S2, slack=SPEED_ROUGH_M_S, longest_s=SPEED_SPIKE_S
    )
    return rules


def _position_faults(case: Case) -> dict[Rule, Mask]:
    latitude, longitude = case.track.latitude_deg, case.track.longitude_deg
    plausible = plausible_fixes(latitude, longitude)
    every = np.count_nonzero(plausible) == len(plausible)
    rules: dict[Rule, Mask] = dict.fromkeys(("missing", "out_of_range", "spike", "jump"), case.none)
    if not every:
        rules["missing"] = np.isnan(latitude) | np.isnan(longitude)
        rules["out_of_range"] = ~plausible & ~rules["missing"]
    limit_m_s = case.rule.max_speed_m_s
    here = (latitude, longitude) if every else (latitude[plausible], longitude[plausible])
    if _longest_step_m(*here) <= case.shortest_s * limit_m_s + GPS_NOISE_M:
        return rules
    rows = np.flatnonzero(plausible)
    kept, _, too_fast = reachable_fixes(rows, latitude, longitude, case.timeline.offset_s, limit_m_s)
    rules["spike"], rules["jump"] = plausible.copy(), np.zeros(len(plausible), dtype=bool)
    rules["spike"][kept] = False
    rules["jump"][kept[1:][too_fast]] = True
    return rules


def _longest_step_m(latitude_deg: FloatColumn, longitude_deg: FloatColumn) -> float:
    """A bound on the metres from one fix to the next, without a sine for each; 0 for fewer than two.

    No way is longer than the one that is straight on the map, whose degrees of longitude are at most as long as those
    at the latitude nearest to the equator.
    """
    if len(latitude_deg) < 2:
        return 0.0
    south, north = float(np.minimum.reduce(latitude_deg)), float(np.maximum.reduce(latitude_deg))
    narrowing = float(np.cos(np.radians(max(0.0, south, -north))))
    bound_deg = np.hypot(_most(latitude_deg), _most(longitude_deg) * narrowing)
    return 1.001 * EARTH_RADIUS_M * float(np.radians(bound_deg))  # so that rounding cannot break it


def _altitude_faults(case: Case) -> dict[Rule, Mask]:
    altitude = case.track.altitude_m
    plausible = plausible_altitudes(altitude)
    usable = altitude if np.count_nonzero(plausible) == len(plausible) else np.where(plausible, altitude, np.nan)
    rules = case.out(altitude, usable)
    rules["spike"] = rules["jump"] = case.none
    known = usable if usable is altitude else altitude[plausible]
    step_m = known[1:] - known[:-1]
    up_m, down_m = (max(JUMP_M, speed * case.shortest_s) for speed in (UP_M_S, DOWN_M_S))
    if _within(step_m, -down_m, up_m):
        return rules
    rows = np.flatnonzero(plausible)
    jump = jumps(step_m, np.diff(case.timeline.offset_s[rows]))
    there_and_back = jump[:-1] & jump[1:] & (step_m[:-1] * step_m[1:] < 0)
    rules["spike"], rules["jump"] = np.zeros((2, len(altitude)), dtype=bool)
    rules["spike"][rows[1:-1][there_and_back]] = True
    # The step back from a spike is no jump of its own.
    jump[1:] &= ~there_and_back
    rules["jump"][rows[1:][jump]] = True
    return rules


def _leaps(case: Case, values: FloatColumn, *, per_s: float, slack: float, longest_s: float) -> tuple[Mask, Mask]:
    known = _known(values)
    limit = case.shortest_s * per_s + slack
    if _within(known[1:] - known[:-1], -limit, limit):
        return case.none, case.none
    return leaps(values, case.timeline.offset_s, per_s=per_s, slack=slack, longest_s=longest_s)


def _known(values: FloatColumn) -> FloatColumn:
    finite = np.isfinite(values)
    return values if np.count_nonzero(finite) == len(values) else values[finite]


def _up_to(values: FloatColumn, highest: float) -> FloatColumn:
    """Values from 0 to the highest, others as NaN; the same array when there are no others."""
    good = (values >= 0) & (values <= highest)
    return values if np.count_nonzero(good) == len(values) else np.where(good, values, np.nan)


def _within(steps: FloatColumn, lowest: float, highest: float) -> bool:
    """Whether no step is below the lowest, which is not above 0, or above the highest, which is not below."""
    least, most = np.minimum.reduce(steps, initial=0.0), np.maximum.reduce(steps, initial=0.0)
    return bool(least >= lowest and most <= highest)


def _most(values: FloatColumn) -> float:
    """The greatest step of two or more values, up or down."""
    step = values[1:] - values[:-1]
    return float(max(np.maximum.reduce(step), -np.minimum.reduce(step)))


def _clock_s(timeline: Timeline) -> FloatColumn:
    """Seconds at each row that the rows before it stand for: gaps and pauses do not run."""
    clock_s = np.zeros(len(timeline.held_s))
    np.cumsum(np.minimum(timeline.held_s[:-1], SAMPLE_S), out=clock_s[1:])
    return clock_s


# For each channel the rows that each rule catches, in the order in which the rules name them.
FAULTS: Final[dict[Channel, Callable[[Case], dict[Rule, Mask]]]] = {
    "heart_rate": _heart_rate_faults,
    "cadence": _cadence_faults,
    "power": _power_faults,
    "speed": _speed_faults,
    "position": _position_faults,
    "altitude": _altitude_faults,
}
