"""Segments on which every pass is timed, for all athletes: topic segments. The newest word about a segment counts."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.sports import Family
from schemas.envelope import Event, Part
from schemas.types import Name, Uuid

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
    """The user drew a segment, or drew it anew."""

    for_everyone: ClassVar[bool] = True

    type: Literal["SegmentDefined"] = "SegmentDefined"
    version: Literal[1] = 1


class SegmentRemovedData(Part):
    """The segment."""

    segment_id: Uuid
    """The segment."""


class SegmentRemoved(Event[SegmentRemovedData]):
    """The user removed a segment: its efforts go with it."""

    for_everyone: ClassVar[bool] = True

    type: Literal["SegmentRemoved"] = "SegmentRemoved"
    version: Literal[1] = 1
