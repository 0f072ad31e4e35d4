"""Rules on where a workout was: places that jump, another's track, two places at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.apart import APART_M, together_apart
from domain.distance import CATCH_UP_M, distance_series, haversine_m
from domain.fingerprint import SAME_SHARE
from domain.integrity_flags import Case, Context, Evidence, Flag, flag_of, minutes
from domain.integrity_limits import MARGIN, record_over
from domain.sports import rule_of
from domain.timeline import MAX_HELD_S, timeline_of
from domain.track import US_PER_S, FloatColumn, Track

# Conventions of this project.
JUMP_SHARE: Final = 0.10
JUMPS_M: Final = 500.0


def position_jumps(case: Case) -> Flag | None:
    """Places that nobody gets to in the time; flagged where the distance counts them."""
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
    return flag_of(
        "position_jumps", reason, Evidence(start_us, end_us, counted_m, limit_m, "m"), flagged=counted_m >= limit_m
    )


def _jumps(case: Case, rows: NDArray[np.intp]) -> tuple[FloatColumn, NDArray[np.bool_]]:
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


def copied_track(case: Case) -> Flag | None:
    """The original is what the log accepted first; on the same instant, the smaller user and workout id."""
    context, other = case.context, case.context.lookalike
    if other is None:
        return None
    is_copy = other.order < (context.accepted_us, context.user, context.workout_id)
    came = "was accepted first" if is_copy else "was accepted later: this one is the original"
    if other.user == context.user:
        shift_h = (context.start_us - other.start_us) / US_PER_S / 3600.0
        ratio = (other.end_us - other.start_us) / max(1, context.end_us - context.start_us)
        what = f"another workout of this athlete, {other.workout_id}, {shift_h:+.1f} h apart, which lasted {ratio:.2f} "
        what += f"times as long and {came}"
    else:  # when that began and how long it took is for its own athlete to show
        what = f"another athlete's workout {other.workout_id}, which {came}"
    reason = (
        f"{other.share:.0%} of the marks of the {other.channel} are those of {what}. The limit is {SAME_SHARE:.0%}."
    )
    return flag_of("copied_track", reason, case.whole(other.share, SAME_SHARE, "share"), flagged=is_copy)


def two_places(case: Case) -> Flag | None:
    """Another workout of the athlete at the same time, far away."""
    return in_two_places(case.track, case.context)


def in_two_places(track: Track, context: Context) -> Flag | None:
    """The rule ``two_places``, which needs of a track only the positions."""
    mine = (context.accepted_us, context.workout_id)
    for other in sorted(context.elsewhere, key=lambda other: (other.accepted_us, other.workout_id)):
        together = together_apart(track, other.track)
        if together is None:
            continue
        first_us, last_us, value = together
        theirs = (other.accepted_us, other.workout_id)
        came = "was accepted first" if theirs < mine else "was accepted later"
        reason = (
            f"{minutes(last_us - first_us)} at the same time as workout {other.workout_id} of this athlete, "
            f"{value / 1000:.1f} km away, which {came}. The limit is {APART_M / 1000:.0f} km."
        )
        return flag_of("two_places", reason, Evidence(first_us, last_us, value, APART_M, "m"), flagged=theirs < mine)
    return None
