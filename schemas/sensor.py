"""Sensor frames, packed, and what is deleted of them: topic sensor-frames. ``schemas.frames`` packs and unpacks."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model

from schemas.channels import CHANNELS
from schemas.envelope import Event, Message, Part
from schemas.types import Label, Time, Token, Uuid

Revision = Annotated[int, Field(ge=0, le=65_535, json_schema_extra={"unit": "count"})]


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

    User, device, sequence, start and revision name a frame: it needs no id.
    """

    type: Literal["SensorFrame"] = "SensorFrame"
    version: Literal[1, 2] = 2
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
    revision: Revision = 0
    """How often the device or provider has changed its mind: the frame replaces what the same device said in lower
    revisions from its first sample to its last."""


class ReadingsDeletedData(Part):
    """The readings that go."""

    device_id: Label | None = None
    """The device; none: all of the user's devices."""
    start: Time
    """Readings from then on …"""
    end: Time
    """… and before then; after start."""
    channels: tuple[Token, ...] = ()
    """Names of the channels that go; none: all, and with them the time points."""
    revision: Revision = 0
    """Readings of frames of this revision and of lower ones go, whenever they come."""
    reason: Token | None = None
    """Why, for example by-athlete or by-provider."""


class ReadingsDeleted(Event[ReadingsDeletedData]):
    """Readings are void, and stay so when they are sent again (MessagePack, as the frames beside it)."""

    type: Literal["ReadingsDeleted"] = "ReadingsDeleted"
    version: Literal[1] = 1
