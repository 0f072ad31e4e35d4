"""Whether a workout may be ranked: rules that flag what no athlete did, before any board counts it.

A rule answers yes or no and says why, with the figures and the limit; there is no score. The limits and their sources
are in :mod:`domain.integrity_limits`; what is not a record is a convention of this project and is named beside the
rule. What an organiser does with a flag is in docs/integrity.md.
"""

from collections.abc import Callable
from typing import Final

from domain.athlete import Athlete
from domain.integrity_first_look import FIRST_LOOKS
from domain.integrity_flags import Case, Context, Flag, RuleName
from domain.integrity_limits import race_of
from domain.integrity_motion import motion_of
from domain.integrity_motion_rules import motor_assistance, vehicle
from domain.integrity_place_rules import copied_track, position_jumps, two_places
from domain.integrity_record_rules import beyond_record, impossible_total
from domain.summary import WINDOW_SLACK_US, Summary
from domain.track import Track

RULES: Final[dict[RuleName, Callable[[Case], Flag | None]]] = {
    "vehicle": vehicle,
    "motor_assistance": motor_assistance,
    "beyond_record": beyond_record,
    "position_jumps": position_jumps,
    "copied_track": copied_track,
    "impossible_total": impossible_total,
    "two_places": two_places,
}


def check(track: Track, summary: Summary, sport: str, athlete: Athlete, context: Context) -> tuple[Flag, ...]:
    """What the rules say against a workout, at most one flag a rule; nothing for a sound one.

    ``sport`` is a name of :mod:`domain.sports`; sports without human limits here (skiing, whatever is ``"other"``) are
    only compared with other workouts and, as entries by hand, with a day. Samples outside of the workout, of a clock
    that was wrong, say nothing. Equal input gives equal flags.

    Criticism: it finds the impossible, not the unfair. A car in town is as fast as a cyclist, an e-bike below 25 km/h
    as a racer; with a heart rate they are seen, without one they are not. A river, a following wind, fins and a
    wrong strap can flag an honest workout: hence a review.
    """
    track = within(track, context)
    case = Case(track, summary, sport, race_of(sport), athlete, context, motion_of(track))
    looked = (rule(case) for name, rule in RULES.items() if name not in FIRST_LOOKS or FIRST_LOOKS[name](case))
    return tuple(flag for flag in looked if flag is not None)


def within(track: Track, context: Context) -> Track:
    """The samples of a track that are of the workout, as its summary counts them."""
    return track.between(context.start_us - WINDOW_SLACK_US, context.end_us + WINDOW_SLACK_US)
