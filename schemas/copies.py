"""How copies of workouts are found among those of all athletes: marks of tracks, and what they have in common."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Part
from schemas.types import Label, Share, Time, User, Uuid

Mark = Annotated[int, Field(ge=0, le=2**63 - 1, json_schema_extra={"unit": "hash"})]


class TrackMarkedData(Part):
    """The marks: fields of domain.fingerprint.Fingerprint."""

    workout_id: Uuid
    """The workout."""
    accepted: Time
    """When the log took the workout in: of two that say the same, the earlier is the original."""
    start: Time
    """Start of the workout."""
    end: Time
    """End of the workout."""
    digest: Mark
    """Changes with all of this; 0: there are no marks, or no longer."""
    position: tuple[Mark, ...] = ()
    """Lowest hashes of what positions say, ascending."""
    heart_rate: tuple[Mark, ...] = ()
    """The same of the heart rate."""
    power: tuple[Mark, ...] = ()
    """The same of the power."""


class TrackMarked(Event[TrackMarkedData]):
    """Marks of a workout's track, by which copies are found; the last word counts: topic track-marks."""

    type: Literal["TrackMarked"] = "TrackMarked"
    version: Literal[1] = 1


class CopyCheckDueData(Part):
    """The workout, and why it is looked at."""

    workout_id: Uuid
    """The workout."""
    changed: bool
    """Its own marks have changed, so that others may have to be looked at too; false: those of another have."""


class CopyCheckDue(Event[CopyCheckDueData]):
    """It is to be seen anew what a workout has in common with others: topic copy-checks."""

    type: Literal["CopyCheckDue"] = "CopyCheckDue"
    version: Literal[1] = 1


class Lookalike(Part):
    """A workout that says the same: fields of domain.copies.Lookalike."""

    user: User
    """Its athlete."""
    workout_id: Uuid
    """The workout."""
    accepted_us: Time
    """When the log took it in."""
    start_us: Time
    """Its start."""
    end_us: Time
    """Its end."""
    digest: Mark
    """The digest of its marks."""
    share: Share
    """Share of the marks that both have."""
    channel: Label
    """The channel that agrees best."""


class LookalikeFoundData(Part):
    """The lookalike."""

    workout_id: Uuid
    """The workout of which this is said."""
    digest: Mark
    """The digest that its own marks had."""
    lookalike: Lookalike | None = None
    """Of those that say the same the one that was accepted first; none: no other says the same, or no longer."""


class LookalikeFound(Event[LookalikeFoundData]):
    """Which workout says the same as this one; the last word counts: topic lookalikes."""

    type: Literal["LookalikeFound"] = "LookalikeFound"
    version: Literal[1] = 1
