"""Moving time: timer time less standing still."""

import numpy as np

from domain.sports import rule_of
from domain.timeline import Timeline
from domain.track import FloatColumn


def moving_time_s(cumulative_m: FloatColumn, speed_m_s: FloatColumn, timeline: Timeline, sport: str) -> float | None:
    """Timer seconds between samples in which the athlete moved; ``None`` where neither distance nor speed
    tells.

    A step from one sample to the next is moving when its mean speed reaches the sport's threshold
    (:data:`domain.sports.SportRule.moving_speed_m_s`): by the speed channel (not one that is 0 throughout), else by
    distance over about five seconds, since counters move in whole metres.

    The thresholds are conventions of this project. Criticism: they are not those of a device's own pauses, so the two
    differ; who walks up a steep climb, or rests on a moving chairlift, may be on the wrong side.
    """
    threshold = rule_of(sport).moving_speed_m_s
    step_s = timeline.step_s
    if len(step_s) == 0:
        return None
    known = np.isfinite(speed_m_s)
    if known.all() and speed_m_s.any():
        moving = (speed_m_s[1:] + speed_m_s[:-1]) >= 2 * threshold
        return float(step_s @ moving)
    if cumulative_m[-1] <= 0:
        if not known.any():
            return None
        speed = np.interp(timeline.offset_s, timeline.offset_s[known], speed_m_s[known])
        return float(step_s @ ((speed[1:] + speed[:-1]) >= 2 * threshold))
    typical_s = float(np.median(step_s[step_s > 0])) if (step_s > 0).any() else 1.0
    reach = max(0, round(2.0 / max(typical_s, 0.1)))
    left = np.maximum(np.arange(len(step_s)) - reach, 0)
    right = np.minimum(np.arange(len(step_s)) + 1 + reach, len(step_s))
    metres = cumulative_m[right] - cumulative_m[left]
    timer_s = np.concatenate(([0.0], np.cumsum(step_s)))
    return float(step_s @ (metres >= threshold * (timer_s[right] - timer_s[left])))
