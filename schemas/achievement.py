"""What athletes have earned, as the rules of achievements.yaml give it. The newest word about an award counts."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Part
from schemas.types import Label, Time, Uuid


class Award(Part):
    """One award: the fields of domain.achievements.Award."""

    award_id: Uuid
    """The award; stays the same when late data move it to another day, value or evidence."""
    achievement: Annotated[str, Field(pattern="^[a-z0-9-]{1,60}$")]
    """Name of the rule in achievements.yaml."""
    rule_version: Annotated[int, Field(ge=1, le=1_000_000, json_schema_extra={"unit": "version"})]
    """Version of the rule."""
    level: Annotated[str, Field(max_length=60)] = ""
    """The level that was reached; empty for rules without levels."""
    occasion: Annotated[str, Field(max_length=64)] = ""
    """Which of several: the workout of a personal best, the period of a challenge, the sport of a first."""
    at: Time
    """When it was earned: the end of the workout that earned it."""
    value: Annotated[
        float, Field(ge=0, le=1_000_000_000_000, json_schema_extra={"unit": "s, W, m, load points or a count"})
    ]
    """The best, the first workout's figure, or the level that was reached; the rule says in what unit."""
    evidence: tuple[Label, ...]
    """Ids of the workout that earned it and, for a personal best, of the one that it beat."""


class AchievementEarnedData(Award):
    """The award as it is now."""


class AchievementEarned(Event[AchievementEarnedData]):
    """A user has earned an award, or late data moved one to this day, value or evidence: topic achievements."""

    type: Literal["AchievementEarned"] = "AchievementEarned"
    version: Literal[1] = 1


class AchievementRevokedData(Award):
    """The award as it was."""


class AchievementRevoked(Event[AchievementRevokedData]):
    """A user does not have an award any more: topic achievements."""

    type: Literal["AchievementRevoked"] = "AchievementRevoked"
    version: Literal[1] = 1
