"""What the ``workouts`` agent gives the rules of integrity: a workout's context, and whether its athlete was elsewhere.

The other rules look at one workout. Whether the athlete was in two places is seen from all that overlap in time, once
it is known which of them are copies; of these only positions are kept meanwhile.
"""

from collections.abc import Mapping

import numpy as np

from domain import integrity_place_rules
from domain.integrity_flags import Context, Elsewhere, Flag
from domain.track import CHANNELS, Track
from domain.workouts import Completion

_POSITIONS = ("latitude_deg", "longitude_deg")


def context_of(user: str, workout_id: str, completion: Completion, elsewhere: tuple[Elsewhere, ...] = ()) -> Context:
    """What rules need besides samples and summary."""
    return Context(
        user=user,
        workout_id=workout_id,
        accepted_us=completion.accepted_us,
        start_us=completion.start_us,
        end_us=completion.end_us,
        pauses=completion.pauses,
        elsewhere=elsewhere,
    )


def positions_of(track: Track) -> Track:
    """The positions of a track, in memory of their own: what it was cut from can go."""
    unknown = np.broadcast_to(np.nan, len(track))
    others = {name: unknown for name in CHANNELS if name not in _POSITIONS}
    kept = {name: getattr(track, name).copy() for name in _POSITIONS}
    return Track(time_us=track.time_us.copy(), **kept, **others)


def in_two_places(
    user: str,
    workouts: Mapping[str, Completion],
    leaders: Mapping[str, str],
    places: Mapping[tuple[str, str], Track],
) -> dict[str, Flag]:
    """The flags, by workout, of those of a user's ``workouts`` that were elsewhere than another one which is no copy.

    ``leaders`` gives to each the workout that counts of its copies; ``places`` to (user, workout) the positions.
    """
    placed = [wid for wid in sorted(workouts) if (user, wid) in places]
    flags: dict[str, Flag] = {}
    for wid in placed:
        elsewhere = tuple(
            Elsewhere(other, workouts[other].accepted_us, places[user, other])
            for other in placed
            if leaders[other] != leaders[wid] and _meet(workouts[other], workouts[wid])
        )
        context = context_of(user, wid, workouts[wid], elsewhere)
        flag = integrity_place_rules.in_two_places(places[user, wid], context)
        if flag is not None:
            flags[wid] = flag
    return flags


def _meet(one: Completion, other: Completion) -> bool:
    return one.start_us < other.end_us and other.start_us < one.end_us
