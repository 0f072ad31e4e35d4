"""Events as the facts of the ``workouts`` agent."""

import msgspec

from domain.summary import Stated
from domain.workouts import Appeal, Completion, Correction, Profile, Review
from schemas import hot

_US_PER_MS = 1000


def profile_of(message: hot.UserRegistered | hot.ProfileChanged) -> Profile:
    """What a user says of themselves."""
    data = message.data
    said = {name: getattr(data, name) for name in Profile.__struct_fields__ if hasattr(data, name)}
    return Profile(message.id, message.time, isinstance(message, hot.UserRegistered), **said)


def completion_of(message: hot.WorkoutCompleted, logged_ms: int) -> Completion:
    """A report of a workout, and when the log took it in."""
    data = message.data
    stated = {} if data.stated is None else msgspec.structs.asdict(data.stated)
    return Completion(
        event_id=message.id,
        time_us=message.time,
        accepted_us=logged_ms * _US_PER_MS,
        zone=message.zone,
        sport=data.sport,
        device_id=data.device_id,
        start_us=data.start,
        end_us=data.end,
        pauses=tuple((begin, end) for begin, end in data.pauses),
        stated=Stated(**stated),
        rpe=data.rpe,
        title=data.title,
    )


def added_to(
    message: hot.WorkoutEdited | hot.WorkoutAppealed | hot.WorkoutReviewed,
) -> Correction | Appeal | Review:
    """What somebody says of a workout; each event is a fact of its own."""
    match message:
        case hot.WorkoutEdited(data=data):
            return Correction(message.id, message.time, data.title, data.sport, data.rpe)
        case hot.WorkoutAppealed(data=data):
            return Appeal(message.id, message.time, data.text)
        case hot.WorkoutReviewed(data=data):
            rules = tuple((judged.rule, judged.rule_version) for judged in data.rules)
            return Review(message.id, message.time, data.reviewer, data.verdict, data.why, rules)
