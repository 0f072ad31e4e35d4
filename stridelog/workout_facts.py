"""Events as the facts of the ``workouts`` agent."""

from typing import Final

import msgspec

from domain.copies import Lookalike, SaidLookalike
from domain.feeds import ChosenAudiences
from domain.privacy_zones import PrivacyZone
from domain.shown import ZoneChange
from domain.summary import Stated
from domain.visibility import Override
from domain.workouts import Appeal, Completion, Correction, Profile, Review
from schemas import hot

CHOSEN: Final = "chosen"
"""The id of the fact that says who sees a user's workouts."""
_US_PER_MS = 1000


def profile_of(message: hot.UserRegistered | hot.ProfileChanged) -> Profile:
    """What a user says of themselves."""
    data = message.data
    said = {name: getattr(data, name) for name in Profile.__struct_fields__ if hasattr(data, name)}
    return Profile(message.id, message.time, isinstance(message, hot.UserRegistered), **said)


def zone_change_of(message: hot.PrivacyZoneSet | hot.PrivacyZoneRemoved) -> ZoneChange:
    """A place that is hidden from now on, or no longer."""
    zone = None
    if isinstance(message, hot.PrivacyZoneSet):
        data = message.data
        zone = PrivacyZone(data.zone_id, data.latitude_deg, data.longitude_deg, data.radius_m)
    return ZoneChange(message.id, message.time, message.data.zone_id, zone)


def chosen_of(message: hot.VisibilityChanged) -> ChosenAudiences:
    """Who sees the workouts of an athlete that say nothing themselves; kept under ``CHOSEN``."""
    data = message.data
    return ChosenAudiences(message.time, message.id, data.workout, data.map, data.heart_rate)


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
        visibility=_override_of(data.visibility),
        source=message.source,
    )


def added_to(
    message: hot.WorkoutEdited | hot.WorkoutAppealed | hot.WorkoutReviewed,
) -> Correction | Appeal | Review:
    """What somebody says of a workout; each event is a fact of its own."""
    match message:
        case hot.WorkoutEdited(data=data):
            said = None if data.visibility is None else _override_of(data.visibility)
            return Correction(message.id, message.time, data.title, data.sport, data.rpe, said)
        case hot.WorkoutAppealed(data=data):
            return Appeal(message.id, message.time, data.text)
        case hot.WorkoutReviewed(data=data):
            rules = tuple((judged.rule, judged.rule_version) for judged in data.rules)
            return Review(message.id, message.time, data.reviewer, data.verdict, data.why, rules)


def said_lookalike(message: hot.LookalikeFound) -> SaidLookalike:
    """Which other workout says the same as one. Rules do not read its digest: another one alone changes nothing."""
    part = message.data.lookalike
    return SaidLookalike(None if part is None else Lookalike(**{**msgspec.structs.asdict(part), "digest": 0}))


def _override_of(said: hot.WorkoutVisibility) -> Override:
    return Override(said.workout, said.map, said.heart_rate)
