"""What users and devices report, from messages to facts."""

import msgspec

from domain.summary import Stated
from domain.workouts import Completion, Profile
from schemas import hot


def profile_of(message: hot.UserRegistered | hot.ProfileChanged) -> Profile:
    data = message.data
    said = {name: getattr(data, name) for name in Profile.__struct_fields__ if hasattr(data, name)}
    return Profile(message.id, message.time, isinstance(message, hot.UserRegistered), **said)


def completion_of(message: hot.WorkoutCompleted) -> Completion:
    data = message.data
    stated = {} if data.stated is None else msgspec.structs.asdict(data.stated)
    return Completion(
        event_id=message.id,
        time_us=message.time,
        zone=message.zone,
        sport=data.sport,
        device_id=data.device_id,
        start_us=data.start,
        end_us=data.end,
        pauses=tuple((begin, end) for begin, end in data.pauses),
        stated=Stated(**stated),
        rpe=data.rpe,
        title=data.title,
        source=message.source,
    )
