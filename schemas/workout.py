"""Facts about workouts, from devices and apps: topic workout-events."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Part
from schemas.types import (
    Audience,
    Climb,
    Count,
    Energy,
    HeartRate,
    Interval,
    Label,
    Metres,
    Name,
    Rpe,
    Seconds,
    Sport,
    Text,
    Time,
    Title,
    Token,
    Uuid,
    Verdict,
)


class WorkoutStartedData(Part):
    """The workout that begins."""

    workout_id: Uuid
    """The workout."""
    sport: Sport
    """Sport, as in domain.sports."""
    device_id: Label | None = None
    """The recording device."""


class WorkoutStarted(Event[WorkoutStartedData]):
    """An athlete pressed start."""

    type: Literal["WorkoutStarted"] = "WorkoutStarted"
    version: Literal[1] = 1


class Stated(Part):
    """Totals as the device or app states them; they are compared with, and stand in for, what samples say."""

    distance_m: Metres | None = None
    """Distance."""
    timer_time_s: Seconds | None = None
    """Time with the timer running: elapsed less pauses."""
    moving_time_s: Seconds | None = None
    """Time in motion."""
    elapsed_s: Seconds | None = None
    """Time from start to end."""
    ascent_m: Climb | None = None
    """Height climbed."""
    descent_m: Climb | None = None
    """Height descended."""
    energy_kcal: Energy | None = None
    """Energy used."""
    mean_heart_rate_bpm: HeartRate | None = None
    """Mean heart rate."""
    max_heart_rate_bpm: HeartRate | None = None
    """Highest heart rate."""


class WorkoutVisibility(Part):
    """What one workout says otherwise than its athlete's profile; a layer that is left out goes by the profile."""

    workout: Audience | None = None
    """Who sees the workout."""
    map: Audience | None = None
    """Who of these sees its map."""
    heart_rate: Audience | None = None
    """Who of these sees its heart rate."""


class WorkoutCompletedData(Part):
    """The workout as a whole."""

    workout_id: Uuid
    """The workout."""
    sport: Sport
    """Sport, as in domain.sports."""
    sub_sport: Sport | None = None
    """Kind within the sport, for example track."""
    device_id: Label | None = None
    """The recording device; none for an entry by hand."""
    start: Time
    """Start of the workout."""
    end: Time
    """End of the workout, not before its start."""
    pauses: tuple[Interval, ...] = ()
    """Spans with the timer stopped: sorted, apart, within the workout."""
    stated: Stated = Stated()
    """Totals as stated."""
    rpe: Rpe | None = None
    """Perceived exertion of the session, Borg CR-10."""
    title: Title | None = None
    """Title that the athlete gave."""
    channels: tuple[Label, ...] = ()
    """Sensor channels that the device recorded."""
    samples: Count | None = None
    """Time points that the device says it sent."""
    visibility: WorkoutVisibility = WorkoutVisibility()
    """Who sees it, where that is not what the profile says."""


class WorkoutCompleted(Event[WorkoutCompletedData]):
    """A workout is over. Its samples may be there already, come later, or never (entry by hand)."""

    type: Literal["WorkoutCompleted"] = "WorkoutCompleted"
    version: Literal[1, 2] = 2


class WorkoutEditedData(Part):
    """What the athlete changed. What is left out stays as it was."""

    workout_id: Uuid
    """The workout."""
    title: Title | None = None
    """New title."""
    sport: Sport | None = None
    """New sport."""
    rpe: Rpe | None = None
    """New perceived exertion."""
    visibility: WorkoutVisibility | None = None
    """New visibility, all three layers of it."""


class WorkoutEdited(Event[WorkoutEditedData]):
    """The athlete corrected a workout; the latest event time wins."""

    type: Literal["WorkoutEdited"] = "WorkoutEdited"
    version: Literal[1, 2] = 2


class WorkoutDeletedData(Part):
    """The workout that goes."""

    workout_id: Uuid
    """The workout."""
    reason: Token | None = None
    """Why, for example by-athlete."""


class WorkoutDeleted(Event[WorkoutDeletedData]):
    """A workout is void: boards, feeds and features forget it."""

    type: Literal["WorkoutDeleted"] = "WorkoutDeleted"
    version: Literal[1] = 1


class WorkoutAppealedData(Part):
    """What the athlete says against the flags."""

    workout_id: Uuid
    """The workout."""
    text: Text
    """Why it is sound, in the athlete's words."""


class WorkoutAppealed(Event[WorkoutAppealedData]):
    """An athlete wants the flags of a workout reviewed; the latest event time counts."""

    type: Literal["WorkoutAppealed"] = "WorkoutAppealed"
    version: Literal[1] = 1


class JudgedRule(Part):
    """A rule of integrity, as it was when a person judged."""

    rule: Token
    """Name of the rule: domain.integrity_flags."""
    rule_version: Annotated[int, Field(ge=1, le=1_000_000, json_schema_extra={"unit": "version"})]
    """Version of the rule."""


class WorkoutReviewedData(Part):
    """A person's verdict on the flags of a workout."""

    workout_id: Uuid
    """The workout."""
    reviewer: Name
    """Who judged."""
    verdict: Verdict
    """Upheld: it stays off the boards. Reinstated: it ranks as if these rules had never flagged it."""
    why: Text
    """Why, for the athlete and for whoever looks later."""
    rules: tuple[JudgedRule, ...]
    """The rules that the verdict speaks of: others, and their later versions, it says nothing about."""


class WorkoutReviewed(Event[WorkoutReviewedData]):
    """The flags of a workout were reviewed; of each rule the latest event time counts."""

    type: Literal["WorkoutReviewed"] = "WorkoutReviewed"
    version: Literal[1] = 1
