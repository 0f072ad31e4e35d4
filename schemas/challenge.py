"""Challenges, goals, and the targets that athletes reach: topics challenges, participation and targets."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Part
from schemas.types import Label, Sport, Time, Uuid

Heading = Annotated[str, Field(min_length=1, max_length=200)]
Metric = Literal["distance", "moving_time", "elevation", "load", "workouts"]
Amount = Annotated[
    float,
    Field(ge=0.01, le=1_000_000_000, json_schema_extra={"unit": "m, s, W, load points or a count"}),
]


class Wanted(Part):
    """What counts and how much of it is wanted: the fields of domain.targets.Measure."""

    metric: Metric | None = None
    """What workouts add up to; or else ``effort``."""
    effort: Label | None = None
    """The best effort that is to be equalled or bettered, for example 5 km or 20 min; or else ``metric``."""
    sports: tuple[Sport, ...] = ()
    """Families (running has trail runs in it) or sports that count; none: all."""
    target: Amount
    """Metres, seconds, metres climbed, load or a count; of an effort seconds at most, or watts at least."""


class ChallengeDefinedData(Wanted):
    """The challenge."""

    challenge_id: Uuid
    """The challenge; the same one again defines it anew."""
    title: Heading
    """What athletes read."""
    first_day: date
    """The first local day that counts."""
    last_day: date
    """The last local day that counts."""
    kind: Literal["individual", "team"]
    """Each for themselves, or all of a group together."""
    group_ids: tuple[Uuid, ...] = ()
    """The teams; of an individual challenge the groups whose members may take part, none: everybody."""


class ChallengeDefined(Event[ChallengeDefinedData]):
    """The user set a challenge for others, or defined their own anew."""

    for_everyone: ClassVar[bool] = True

    type: Literal["ChallengeDefined"] = "ChallengeDefined"
    version: Literal[1] = 1


class ChallengeRemovedData(Part):
    """The challenge."""

    challenge_id: Uuid
    """The challenge."""


class ChallengeRemoved(Event[ChallengeRemovedData]):
    """The user took their challenge back, as if it had never been."""

    for_everyone: ClassVar[bool] = True

    type: Literal["ChallengeRemoved"] = "ChallengeRemoved"
    version: Literal[1] = 1


class ChallengeJoinedData(Part):
    """The challenge."""

    challenge_id: Uuid
    """The challenge."""
    group_id: Uuid | None = None
    """For which team, in a team challenge."""


class ChallengeJoined(Event[ChallengeJoinedData]):
    """The user takes part in a challenge; joining again changes the team."""

    type: Literal["ChallengeJoined"] = "ChallengeJoined"
    version: Literal[1] = 1


class ChallengeLeftData(Part):
    """The challenge."""

    challenge_id: Uuid
    """The challenge."""


class ChallengeLeft(Event[ChallengeLeftData]):
    """The user no longer takes part in a challenge."""

    type: Literal["ChallengeLeft"] = "ChallengeLeft"
    version: Literal[1] = 1


class GoalSetData(Wanted):
    """The goal."""

    goal_id: Uuid
    """The goal; the same one again replaces it."""
    every: Literal["week", "month", "year"] | None = None
    """In each calendar period from this one on; or else from ``first_day`` to ``last_day``."""
    first_day: date | None = None
    """The first local day that counts."""
    last_day: date | None = None
    """The last local day that counts."""


class GoalSet(Event[GoalSetData]):
    """The user set themselves a goal."""

    type: Literal["GoalSet"] = "GoalSet"
    version: Literal[1] = 1


class GoalRemovedData(Part):
    """The goal."""

    goal_id: Uuid
    """The goal."""


class GoalRemoved(Event[GoalRemovedData]):
    """The user gave up a goal: what they reached before stays."""

    type: Literal["GoalRemoved"] = "GoalRemoved"
    version: Literal[1] = 1


class Target(Part):
    """A target of one user: of a challenge, or of one period of a goal."""

    target_id: Label
    """challenge/ID, or goal/ID:PERIOD: stays the same when late data move it to another workout."""
    deed: Literal["challenges", "goals"]
    """Of what it is the target."""
    at: Time
    """The end of the workout with which it was reached."""
    local_day: date
    """The local day of that workout."""
    workout_id: Uuid
    """The workout."""


class TargetReachedData(Target):
    """The target as it is now."""


class TargetReached(Event[TargetReachedData]):
    """A user reached a target, or late data moved it to this workout: topic targets."""

    type: Literal["TargetReached"] = "TargetReached"
    version: Literal[1] = 1


class TargetRevokedData(Target):
    """The target as it was reached."""


class TargetRevoked(Event[TargetRevokedData]):
    """A user has not reached a target any more: topic targets."""

    type: Literal["TargetRevoked"] = "TargetRevoked"
    version: Literal[1] = 1
