"""Segments on which every pass is timed, and the efforts on them. The newest word about a segment or workout counts."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.sports import Family
from schemas.envelope import Event, Part
from schemas.types import Count, Name, Share, Time, Uuid

Latitude = Annotated[float, Field(ge=-90, le=90, json_schema_extra={"unit": "°"})]
Longitude = Annotated[float, Field(ge=-180, le=180, json_schema_extra={"unit": "°"})]


class SegmentDefinedData(Part):
    """The segment: fields of domain.segments.Segment."""

    segment_id: Uuid
    """The segment."""
    name: Name
    """Its name."""
    family: Family
    """The family of sports that are timed on it, as domain.sports groups them."""
    points: tuple[tuple[Latitude, Longitude], ...]
    """Latitude and longitude of the line, in the order in which it is passed; docs/segments.md says which lines do."""


class SegmentDefined(Event[SegmentDefinedData]):
    """The user drew a segment, or drew it anew: topic segments."""

    for_everyone: ClassVar[bool] = True

    type: Literal["SegmentDefined"] = "SegmentDefined"
    version: Literal[1] = 1


class SegmentRemovedData(Part):
    """The segment."""

    segment_id: Uuid
    """The segment."""


class SegmentRemoved(Event[SegmentRemovedData]):
    """The user removed a segment, and its efforts go with it: topic segments."""

    for_everyone: ClassVar[bool] = True

    type: Literal["SegmentRemoved"] = "SegmentRemoved"
    version: Literal[1] = 1


class SegmentEffort(Part):
    """One pass of a segment: domain.segments.Effort."""

    segment_id: Uuid
    """The segment."""
    start: Time
    """When the workout crossed the start, between two samples."""
    end: Time
    """When it crossed the finish; elapsed time counts, with stops."""
    covered: Share
    """Share of the segment that the pass came within the corridor of."""
    hidden: bool = False
    """For the athlete alone, and not ranked: a privacy zone of theirs hides some of the segment's line."""


class SegmentEffortsFoundData(Part):
    """All efforts of one workout."""

    workout_id: Uuid
    """The workout."""
    efforts: tuple[SegmentEffort, ...]
    """Every pass of every segment, by start; none any more where the workout or the segment went."""


class SegmentEffortsFound(Event[SegmentEffortsFoundData]):
    """The efforts of a workout on segments, all of them: topic segment-efforts."""

    type: Literal["SegmentEffortsFound"] = "SegmentEffortsFound"
    version: Literal[1, 2] = 2


class SegmentCheckDueData(Part):
    """Which segments have changed, and which workouts are still to be looked at."""

    first: Count
    """Offset of the first record on topic segments that changed them, in the partition of this message."""
    next: Count
    """Offset after the last one."""
    after: Uuid | None = None
    """Only the workouts whose id sorts after this one; null: all."""
    workout_id: Uuid | None = None
    """Only this workout, and by all segments: more was said of it than is kept."""


class SegmentCheckDue(Event[SegmentCheckDueData]):
    """The user was near a segment that has changed, so workouts are to be looked at again: topic segment-checks."""

    type: Literal["SegmentCheckDue"] = "SegmentCheckDue"
    version: Literal[1] = 1
