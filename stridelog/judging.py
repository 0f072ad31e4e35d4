"""What the ``workouts`` agent gives the rules of integrity: a workout's context, and whether its athlete was elsewhere.

The other rules look at one workout. Whether the athlete was in two places is seen from all that overlap in time, once
it is known which of them are copies.
"""

from collections.abc import Mapping

from domain import integrity_place_rules
from domain.copies import Lookalike
from domain.integrity_flags import Context, Elsewhere, Flag
from domain.track import Track
from domain.workouts import Completion


def context_of(
    user: str,
    workout_id: str,
    completion: Completion,
    *,
    elsewhere: tuple[Elsewhere, ...] = (),
    lookalike: Lookalike | None = None,
) -> Context:
    """What rules need besides samples and summary."""
    return Context(
        user=user,
        workout_id=workout_id,
        accepted_us=completion.accepted_us,
        start_us=completion.start_us,
        end_us=completion.end_us,
        pauses=completion.pauses,
        elsewhere=elsewhere,
        lookalike=lookalike,
    )


def in_two_places(
    user: str,
    workouts: Mapping[str, Completion],
    leaders: Mapping[str, str],
    places: Mapping[str, Track],
) -> dict[str, Flag]:
    """The flags, by workout, of those of a user's ``workouts`` that were elsewhere than another one which is no copy.

    ``leaders`` gives to each the workout that counts of its copies; ``places`` to each its samples.
    """
    placed = [wid for wid in sorted(workouts) if len(places[wid])]
    flags: dict[str, Flag] = {}
    for wid in placed:
        elsewhere = tuple(
            Elsewhere(other, workouts[other].accepted_us, places[other])
            for other in placed
            if leaders[other] != leaders[wid] and _meet(workouts[other], workouts[wid])
        )
        context = context_of(user, wid, workouts[wid], elsewhere=elsewhere)
        flag = integrity_place_rules.in_two_places(places[wid], context)
        if flag is not None:
            flags[wid] = flag
    return flags


def _meet(one: Completion, other: Completion) -> bool:
    return one.start_us < other.end_us and other.start_us < one.end_us
