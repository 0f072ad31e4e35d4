"""What all messages have in common: who, where, from whom; and events: when, and an id that a fact keeps."""

from typing import Any, ClassVar, Generic, Self, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, model_validator

from schemas.identity import event_id
from schemas.rules import check
from schemas.types import Label, Time, User, Uuid, Zone


class Part(BaseModel):
    """A part of a message. Types are exact (no text for a number); unknown fields are ignored: some may be added."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        ser_json_inf_nan="null",
    )


class Message(Part):
    """A message, event or frame: the head that is the same in all of them."""

    for_everyone: ClassVar[bool] = False  # whether it concerns all users: then the key is schemas.decode.EVERYONE

    type: str
    """The message type: the class name."""
    version: int
    """Version of the type's schema."""
    user: User
    """The user whom the fact is about; also the record's key."""
    zone: Zone
    """Where the user was: an IANA name or a fixed offset like +02:00. Days are local days."""
    source: Label
    """Where the fact comes from: a device, an app, a file, an agent."""
    producer: Label
    """The program that wrote the message, for example stridelog-replay."""

    @model_validator(mode="after")
    def _rules(self) -> Self:
        check(self)
        return self


DataT = TypeVar("DataT", bound=Part)


class Event(Message, Generic[DataT]):
    """A fact at an instant."""

    id: Uuid
    """The same fact has the same id, however often it is sent."""
    time: Time
    """When the fact holds, not when it was sent."""
    data: DataT
    """The fact."""

    @classmethod
    def of(cls, *, user: str, time: int, zone: str, source: str, producer: str, data: DataT) -> Self:
        """A checked event with its deterministic id. Raises ``pydantic.ValidationError``."""
        fields: dict[str, Any] = {"user": user, "time": time, "zone": zone, "source": source, "producer": producer}
        return cls(id=event_id(cls.__name__, user, time, data_json(data)), data=data, **fields)


def data_json(data: Part) -> str:
    """The data as they are hashed into the id: JSON without the fields that were left out."""
    return msgspec.json.encode(data.model_dump(mode="json", exclude_defaults=True)).decode()
