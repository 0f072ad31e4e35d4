"""Sensor frames, packed: topic sensor-frames. ``schemas.frames`` packs and unpacks their columns."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model

from schemas.channels import CHANNELS
from schemas.envelope import Message, Part
from schemas.types import Label, Time, Uuid


class _Closed(Part):
    """Columns by channel name. Unlike elsewhere an unknown name is refused: no samples vanish over a misspelling."""

    model_config = ConfigDict(extra="forbid")


def _column(index: int) -> Any:
    channel = CHANNELS[index]
    doc = f"{channel.doc[0].upper()}{channel.doc[1:]}: {channel.dtype}, {channel.low:g}..{channel.high:g}."
    scale = "" if channel.scale == 1 else f" × {channel.scale:g}"
    return (bytes | None, Field(None, description=doc, json_schema_extra={"unit": channel.unit + scale}))


if TYPE_CHECKING:
    Channels = _Closed
else:
    Channels = create_model(
        "Channels",
        __base__=_Closed,
        __module__=__name__,
        __doc__="Columns by channel name: little-endian integers, the largest one means missing (schemas.channels).",
        **{channel.name: _column(index) for index, channel in enumerate(CHANNELS)},
    )


class SensorFrame(Message):
    """Samples of one device over a span of time, one column of bytes a channel (MessagePack).

    User, device, sequence and start name a frame: it needs no id.
    """

    type: Literal["SensorFrame"] = "SensorFrame"
    version: Literal[1] = 1
    workout_id: Uuid | None = None
    """The workout; none when the device is worn all day."""
    device_id: Label
    """The device."""
    sequence: Annotated[int, Field(ge=0, le=2**53, json_schema_extra={"unit": "count"})]
    """Counts the device's frames; a frame sent again has the same number."""
    start: Time
    """Time of the first sample."""
    n: Annotated[int, Field(ge=1, le=65_535, json_schema_extra={"unit": "count"})]
    """Time points in the frame."""
    interval_us: Annotated[int, Field(ge=1, le=86_400_000_000, json_schema_extra={"unit": "µs"})] | None = None
    """Time from sample to sample, when it is regular."""
    time: Annotated[bytes, Field(json_schema_extra={"unit": "ms since start, uint32 little endian"})] | None = None
    """Times of the samples since start, never falling, when they are irregular."""
    channels: Channels
    """The columns."""
