"""How far a workout's data can be trusted: a report on its sensors, and a score that says what cost most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.channel_faults import SAMPLE_S, Channel, Rule
from domain.cleaning import Cleaned
from domain.column_runs import Mask
from domain.timeline import Timeline
from domain.track import FloatColumn


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
    clock_was_reset: bool  # and times were corrected: domain.clock
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
CLOCK_POINTS: Final = 5.0
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


def quality_of(found: Cleaned, timeline: Timeline, *, clock_was_reset: bool) -> QualityReport:
    """The report on a cleaned track. Score = 100, less

    - 100 × the share of timer time that no sample stands for (one stands for at most 30 s);
    - for each recorded channel its weight × the share of recorded time that is missing or faulty: heart rate, power,
      position 30, speed, altitude, cadence 10;
    - 5 if the clock was reset: where its samples belong is a guess (:mod:`domain.clock`);

    and not below 0. A channel that was not recorded costs nothing: this is the quality of what is there. Without
    samples, or without any sensor, the score is 0.

    Criticism: weights and limits are choices, not measured against anything; what no rule finds costs nothing.
    """
    recorded_s = np.minimum(timeline.held_s, SAMPLE_S)
    total_s = float(recorded_s.sum())
    channels = tuple(_channel_quality(channel, rules, recorded_s, total_s) for channel, rules in found.faults.items())
    before_s = max(0.0, float(timeline.offset_s[0])) if len(timeline.offset_s) else timeline.timer_time_s
    after_s = timeline.timer_time_s - before_s - float(timeline.step_s.sum())
    between_s = np.concatenate(([before_s], timeline.step_s, [after_s]))
    gaps_s = between_s[between_s > SAMPLE_S]
    unrecorded_s = max(0.0, timeline.timer_time_s - total_s)

    costs: list[tuple[float, str]] = []
    if timeline.timer_time_s > 0:
        costs.append((100.0 * unrecorded_s / timeline.timer_time_s, f"nothing was recorded for {_words(unrecorded_s)}"))
    for one in channels if total_s > 0 else ():  # without time that samples stand for, all was said above
        name = one.channel.replace("_", " ")
        costs += [
            (WEIGHTS[one.channel] * seconds / total_s, _WORDS[rule].format(name, _words(seconds)))
            for rule, seconds in one.faults_s
        ]
    costs.append((CLOCK_POINTS * clock_was_reset, "the clock was reset on the way"))
    if not channels:
        costs = [(100.0, "no sensor was recorded")]
    costs.sort(key=lambda cost: -cost[0])
    return QualityReport(
        channels=channels,
        timer_time_s=round(timeline.timer_time_s, 1),
        unrecorded_s=round(unrecorded_s, 1),
        gaps=len(gaps_s),
        longest_gap_s=round(float(gaps_s.max()), 1) if len(gaps_s) else 0.0,
        clock_was_reset=clock_was_reset,
        score=round(max(0.0, 100.0 - sum(points for points, _ in costs)), 1),
        reasons=tuple(f"{text} (-{points:.0f})" for points, text in costs[:MOST_REASONS] if points >= 0.5),
    )


def _channel_quality(
    channel: Channel, rules: Mapping[Rule, Mask], recorded_s: FloatColumn, total_s: float
) -> ChannelQuality:
    under_s = ((rule, float(recorded_s @ mask)) for rule, mask in rules.items() if np.count_nonzero(mask))
    faults_s = tuple((rule, seconds) for rule, seconds in under_s if seconds > 0)
    return ChannelQuality(channel, total_s, max(0.0, total_s - sum(s for _, s in faults_s)), faults_s)


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
