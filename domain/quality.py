"""Sensor faults by stated rules, a track without them, and a score of how far a workout's data can be trusted.

What is dropped becomes unknown (NaN); nothing is invented in its place. Limits without a source are conventions of this
project, set so that they leave alone what is plausible in the real recordings (``docs/quality.md``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from domain.distance import distance_series, plausible_fixes, reachable_fixes
from domain.elevation import jumps, plausible_altitudes
from domain.moving import moving_time_s
from domain.power import clean_power_w
from domain.sports import rule_of
from domain.timeline import Timeline
from domain.track import FloatColumn, Track
from domain.trimp import clean_heart_rate_bpm

Channel = Literal["heart_rate", "cadence", "power", "speed", "position", "altitude"]
Rule = Literal["missing", "out_of_range", "spike", "stuck", "dropout", "cadence_lock", "jump"]
Mask = NDArray[np.bool_]

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
POWER_NEIGHBOURS_S: Final = 5.0
PEDALLING_RPM: Final = 40.0
PUSHING_W: Final = 100.0
SPEED_M_S2: Final = 5.0
SPEED_ROUGH_M_S: Final = 2.0
SPEED_SPIKE_S: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """A track without its faults, and where these were.

    ``faults`` has every channel with at least one plausible value (without one there is no sensor behind it; altitude
    only where the sport climbs), and for each rule the rows (n,) that it caught. No row is under two rules of one
    channel. Rows of the rules in :data:`KEPT` still have their values.
    """

    track: Track
    faults: Mapping[Channel, Mapping[Rule, Mask]]
    stopped_s: float | None  # timer time without movement, no fault; ``None`` where neither distance nor speed tells


def cleaned(track: Track, timeline: Timeline, sport: str) -> Cleaned:
    """Find the faults of each channel and make them unknown.

    The first rule that catches a value names it. ``docs/quality.md`` has the rules in a table. Distance and temperature
    pass as they are: the distance counter is cleaned where it is read (:mod:`domain.distance`).

    Criticism: the limits are conventions. Heart rate that rests on the step rate of an athlete who really has that
    heart rate is called locked, and a sensor that is wrong steadily is not found at all.
    """
    if len(track) == 0:
        return Cleaned(track, {}, None)
    metres = distance_series(track, timeline, sport).cumulative_m
    found: dict[Channel, dict[Rule, Mask]] = {
        "heart_rate": _heart_rate_faults(track, timeline, sport, metres),
        "cadence": _range_faults(track.cadence_rpm, (track.cadence_rpm >= 0) & (track.cadence_rpm <= MAX_CADENCE_RPM)),
        "power": _power_faults(track, timeline),
        "speed": _speed_faults(track, timeline, sport),
        "position": _position_faults(track, timeline, sport),
        "altitude": _altitude_faults(track, timeline),
    }
    columns: dict[str, FloatColumn] = {}
    faults: dict[Channel, dict[Rule, Mask]] = {}
    for channel, rules in found.items():
        taken = np.zeros(len(track), dtype=bool)
        dropped = np.zeros(len(track), dtype=bool)
        for rule, mask in rules.items():
            rules[rule] = mask & ~taken
            taken |= mask
            if rule not in KEPT:
                dropped |= mask
        judged = channel != "altitude" or rule_of(sport).climbs
        if judged and not (rules["missing"] | rules["out_of_range"]).all():
            faults[channel] = rules
        for name in COLUMNS[channel]:
            column = getattr(track, name)
            columns[name] = np.where(dropped, np.nan, column) if dropped.any() else column
    moving_s = moving_time_s(metres, columns["speed_m_s"], timeline, sport)
    stopped_s = None if moving_s is None else max(0.0, timeline.timer_time_s - moving_s)
    return Cleaned(replace(track, time_us=track.time_us, **columns), faults, stopped_s)


def _range_faults(values: FloatColumn, plausible: Mask) -> dict[Rule, Mask]:
    missing = np.isnan(values)
    return {"missing": missing, "out_of_range": ~plausible & ~missing}


def _heart_rate_faults(track: Track, timeline: Timeline, sport: str, metres: FloatColumn) -> dict[Rule, Mask]:
    heart_rate = clean_heart_rate_bpm(track.heart_rate_bpm)
    rules = _range_faults(track.heart_rate_bpm, np.isfinite(heart_rate))
    rules["spike"], jump = _leaps(heart_rate, timeline.offset_s, HR_BPM_PER_S, HR_ROUGH_BPM, HR_SPIKE_S)
    clock_s = _clock_s(timeline)
    rows = np.flatnonzero(np.isfinite(heart_rate))
    first, last = _runs(heart_rate[rows])
    first, last = rows[first], rows[last]
    stuck = clock_s[last] - clock_s[first] >= HR_STUCK_S
    moving = metres[last] - metres[first] >= rule_of(sport).moving_speed_m_s * (clock_s[last] - clock_s[first])
    stuck &= moving | (metres[-1] == 0)
    rules["stuck"] = _spans(len(track), first[stuck], last[stuck])
    if rule_of(sport).body_group == "foot":
        rows = np.flatnonzero(np.isfinite(heart_rate) & (track.cadence_rpm > 0))
        equal = np.abs(heart_rate[rows] - 2 * track.cadence_rpm[rows]) <= LOCK_BPM
        first, last = _runs(equal)
        locked = equal[first] & (clock_s[rows[last]] - clock_s[rows[first]] >= LOCK_S)
        rules["cadence_lock"] = _spans(len(track), rows[first[locked]], rows[last[locked]])
    rules["jump"] = jump
    return rules


def _power_faults(track: Track, timeline: Timeline) -> dict[Rule, Mask]:
    power = clean_power_w(track.power_w)
    rules = _range_faults(track.power_w, np.isfinite(power))
    rows = np.flatnonzero(np.isfinite(power))
    rules["spike"], rules["dropout"] = np.zeros((2, len(track)), dtype=bool)
    if len(rows) < 3:
        return rules
    watts, time_s = power[rows], timeline.offset_s[rows]
    above_w = watts[1:-1] - np.maximum(watts[:-2], watts[2:])
    near = time_s[2:] - time_s[:-2] <= POWER_NEIGHBOURS_S
    rules["spike"][rows[1:-1]] = (above_w > POWER_SPIKE_W) & near
    # Zeros while the cranks turn, short and with real power on both sides.
    first, last = _runs((watts == 0) & (track.cadence_rpm[rows] >= PEDALLING_RPM))
    inner = slice(1, -1)
    first, last = first[inner], last[inner]
    out = (watts[first] == 0) & (track.cadence_rpm[rows[first]] >= PEDALLING_RPM)
    out &= (watts[first - 1] > PUSHING_W) & (watts[last + 1] > PUSHING_W)
    out &= time_s[last + 1] - time_s[first - 1] <= POWER_NEIGHBOURS_S
    rules["dropout"] = _spans(len(track), rows[first[out]], rows[last[out]])
    return rules


def _speed_faults(track: Track, timeline: Timeline, sport: str) -> dict[Rule, Mask]:
    speed = track.speed_m_s
    plausible = (speed >= 0) & (speed <= rule_of(sport).max_speed_m_s)
    rules = _range_faults(speed, plausible)
    usable = np.where(plausible, speed, np.nan)
    rules["spike"], rules["jump"] = _leaps(usable, timeline.offset_s, SPEED_M_S2, SPEED_ROUGH_M_S, SPEED_SPIKE_S)
    return rules


def _position_faults(track: Track, timeline: Timeline, sport: str) -> dict[Rule, Mask]:
    plausible = plausible_fixes(track.latitude_deg, track.longitude_deg)
    either_unknown = np.where(np.isnan(track.latitude_deg), np.nan, track.longitude_deg)
    rules = _range_faults(either_unknown, plausible)
    rows = np.flatnonzero(plausible)
    rules["spike"], rules["jump"] = np.zeros((2, len(track)), dtype=bool)
    if len(rows) > 1:
        kept, _, too_fast = reachable_fixes(
            rows, track.latitude_deg, track.longitude_deg, timeline.offset_s, rule_of(sport).max_speed_m_s
        )
        rules["spike"][np.setdiff1d(rows, kept, assume_unique=True)] = True
        rules["jump"][kept[1:][too_fast]] = True
    return rules


def _altitude_faults(track: Track, timeline: Timeline) -> dict[Rule, Mask]:
    plausible = plausible_altitudes(track.altitude_m)
    rules = _range_faults(track.altitude_m, plausible)
    rows = np.flatnonzero(plausible)
    rules["spike"], rules["jump"] = np.zeros((2, len(track)), dtype=bool)
    if len(rows) > 1:
        step_m = np.diff(track.altitude_m[rows])
        jump = jumps(step_m, np.diff(timeline.offset_s[rows]))
        there_and_back = jump[:-1] & jump[1:] & (step_m[:-1] * step_m[1:] < 0)
        rules["spike"][rows[1:-1][there_and_back]] = True
        # The step back from a spike is no jump of its own.
        jump[1:] &= ~there_and_back
        rules["jump"][rows[1:][jump]] = True
    return rules


def _clock_s(timeline: Timeline) -> FloatColumn:
    """Seconds at each row that the rows before it stand for: gaps and pauses do not run."""
    clock_s = np.zeros(len(timeline.held_s))
    np.cumsum(np.minimum(timeline.held_s[:-1], SAMPLE_S), out=clock_s[1:])
    return clock_s


def _runs(values: NDArray[np.float64] | Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last row of each run of equal values."""
    if len(values) == 0:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    change = np.flatnonzero(values[1:] != values[:-1])
    return np.concatenate(([0], change + 1)), np.concatenate((change, [len(values) - 1]))


def _spans(n: int, first: NDArray[np.intp], last: NDArray[np.intp]) -> Mask:
    """The rows (n,) from each first to its last, both included; the spans do not overlap."""
    edge = np.zeros(n + 1, dtype=np.int64)
    edge[first] += 1
    edge[last + 1] -= 1
    return np.cumsum(edge[:-1]) > 0


def _leaps(values: FloatColumn, time_s: FloatColumn, per_s: float, slack: float, longest_s: float) -> tuple[Mask, Mask]:
    """Spikes and jumps (n,). A spike lies between a step that is too fast and one back that is too, at most
    ``longest_s`` apart. A jump is the row after a too fast step that does not come back. Steps in a row in one
    direction are one step.
    """
    rows = np.flatnonzero(np.isfinite(values))
    step, time_s = np.diff(values[rows]), time_s[rows]
    fast = np.flatnonzero(np.abs(step) > np.diff(time_s) * per_s + slack)
    rising = step[fast] > 0
    # The fast steps, those in a row as one: the first and the last of each.
    apart = (np.diff(fast) > 1) | (rising[1:] != rising[:-1])
    first, last = fast[np.append(True, apart)[: len(fast)]], fast[np.append(apart, True)[: len(fast)]]
    up = (step[first] > 0).tolist()
    spikes: list[tuple[int, int]] = []
    jumped: list[int] = []
    i = 0
    while i < len(up):  # over the fast steps, few: whether one begins a spike hangs on whether it ended one
        back = i + 1 < len(up) and up[i] != up[i + 1] and time_s[first[i + 1]] - time_s[last[i] + 1] <= longest_s
        if back:
            spikes.append((first[i] + 1, last[i + 1]))
        else:
            jumped.append(last[i] + 1)
        i += 2 if back else 1
    begin, end = np.array(spikes, dtype=np.intp).reshape(-1, 2).T
    spike, jump = np.zeros((2, len(values)), dtype=bool)
    spike[rows] = _spans(len(rows), begin, end)
    jump[rows[jumped]] = True
    return spike, jump


@dataclass(frozen=True, slots=True)
class ClockFaults:
    """What was wrong with the times as they were recorded; a track, being sorted, no longer shows it."""

    steps_back: int = 0
    doubled: int = 0


def clock_faults(time_us: NDArray[np.int64]) -> ClockFaults:
    """Samples whose time (n,), in the order of recording, is before or the same as that of the sample before them."""
    step_us = np.diff(time_us)
    return ClockFaults(int(np.count_nonzero(step_us < 0)), int(np.count_nonzero(step_us == 0)))


@dataclass(frozen=True, slots=True)
class ChannelQuality:
    """Recorded seconds of one channel: ``known_s`` and those under each rule that caught something add up to them."""

    channel: Channel
    recorded_s: float
    known_s: float
    faults_s: tuple[tuple[Rule, float], ...]

    @property
    def known_share(self) -> float:
        """Share of recorded time with a value that no rule caught, 0 to 1."""
        return self.known_s / self.recorded_s if self.recorded_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """How far a workout's data can be trusted; seconds are of timer time."""

    channels: tuple[ChannelQuality, ...]
    timer_time_s: float
    unrecorded_s: float  # that no sample stands for
    gaps: int  # stretches of more than 30 s between samples, or before the first and after the last
    longest_gap_s: float
    stopped_s: float | None  # as in :class:`Cleaned`
    clock: ClockFaults
    score: float  # 0 to 100
    reasons: tuple[str, ...]  # what cost most, most first, for the athlete


# Points that a channel costs when it is faulty all the time. Heart rate and power make the load, position the map and
# often the distance.
WEIGHTS: Final[dict[Channel, float]] = {
    "heart_rate": 30.0,
    "power": 30.0,
    "position": 30.0,
    "speed": 10.0,
    "altitude": 10.0,
    "cadence": 10.0,
}
CLOCK_POINTS: Final = 2.0
MOST_CLOCK_POINTS: Final = 10.0
MOST_REASONS: Final = 3
_WORDS: Final[dict[Rule, str]] = {
    "missing": "{} is missing for {}",
    "out_of_range": "{} cannot be true for {}",
    "spike": "{} leaps faster than it can for {}",
    "stuck": "{} stands still on one value for {}",
    "dropout": "{} falls to 0 while you pedal for {}",
    "cadence_lock": "{} is the same as your step rate for {}: the sensor may have counted steps",
    "jump": "{} jumps for {}",
}


def quality_of(found: Cleaned, timeline: Timeline, clock: ClockFaults) -> QualityReport:
    """The report on a cleaned track. Score = 100, less

    - 100 × the share of timer time that no sample stands for (one stands for at most 30 s);
    - for each recorded channel its weight × the share of recorded time that is missing or faulty: heart rate, power,
      position 30, speed, altitude, cadence 10;
    - 2 for each time that steps back or is doubled, at most 10;

    and not below 0. A channel that was not recorded costs nothing: this is the quality of what is there. Without
    samples, or without any sensor, the score is 0.

    Criticism: weights and limits are choices, not measured against anything; what no rule finds costs nothing.
    """
    recorded_s = np.minimum(timeline.held_s, SAMPLE_S)
    total_s = float(recorded_s.sum())
    channels = tuple(_channel_quality(channel, rules, recorded_s) for channel, rules in found.faults.items())
    before_s = max(0.0, float(timeline.offset_s[0])) if len(timeline.offset_s) else timeline.timer_time_s
    after_s = timeline.timer_time_s - before_s - float(timeline.step_s.sum())
    between_s = np.concatenate(([before_s], timeline.step_s, [after_s]))
    gaps_s = between_s[between_s > SAMPLE_S]
    unrecorded_s = max(0.0, timeline.timer_time_s - total_s)

    costs: list[tuple[float, str]] = []
    if timeline.timer_time_s > 0:
        costs.append((100.0 * unrecorded_s / timeline.timer_time_s, f"nothing was recorded for {_words(unrecorded_s)}"))
    for one in channels:
        name = one.channel.replace("_", " ")
        costs += [
            (WEIGHTS[one.channel] * seconds / total_s, _WORDS[rule].format(name, _words(seconds)))
            for rule, seconds in one.faults_s
        ]
    wrong_times = clock.steps_back + clock.doubled
    costs.append((min(CLOCK_POINTS * wrong_times, MOST_CLOCK_POINTS), f"the clock was wrong {wrong_times} times"))
    if not channels:
        costs = [(100.0, "no sensor was recorded")]
    costs.sort(key=lambda cost: -cost[0])
    return QualityReport(
        channels=channels,
        timer_time_s=round(timeline.timer_time_s, 1),
        unrecorded_s=round(unrecorded_s, 1),
        gaps=len(gaps_s),
        longest_gap_s=round(float(gaps_s.max()), 1) if len(gaps_s) else 0.0,
        stopped_s=None if found.stopped_s is None else round(found.stopped_s, 1),
        clock=clock,
        score=round(max(0.0, 100.0 - sum(points for points, _ in costs)), 1),
        reasons=tuple(f"{text} (-{points:.0f})" for points, text in costs[:MOST_REASONS] if points >= 0.5),
    )


def _channel_quality(channel: Channel, rules: Mapping[Rule, Mask], recorded_s: FloatColumn) -> ChannelQuality:
    under_s = {rule: float(recorded_s @ mask) for rule, mask in rules.items()}
    faults_s = tuple((rule, seconds) for rule, seconds in under_s.items() if seconds > 0)
    total_s = float(recorded_s.sum())
    return ChannelQuality(channel, total_s, max(0.0, total_s - sum(s for _, s in faults_s)), faults_s)


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
