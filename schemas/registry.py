"""Every message type, by name."""

from typing import Final, Literal

from pydantic import BaseModel

from schemas import (
    achievement,
    challenge,
    copies,
    derived,
    group,
    physiology,
    ranking,
    segment,
    sensor,
    social,
    user,
    workout,
)
from schemas.envelope import Message

SUBJECTS: Final = (
    user,
    workout,
    social,
    group,
    challenge,
    sensor,
    derived,
    achievement,
    segment,
    physiology,
    ranking,
    copies,
)


def _messages() -> dict[str, type[Message]]:
    return {
        name: thing
        for module in SUBJECTS
        for name, thing in vars(module).items()
        if isinstance(thing, type) and issubclass(thing, Message) and thing.model_fields["type"].default == name
    }


MESSAGES: Final = _messages()


def version_of(message_type: str) -> int:
    """The newest version of a message type."""
    return int(MESSAGES[message_type].model_fields["version"].default)


PACKED: Final = frozenset({"SensorFrame", "ReadingsDeleted"})
"""Types that are encoded in MessagePack: frames, and what must be in one order with them."""


def encoding_of(model: type[BaseModel]) -> str:
    """How the type is encoded: frames and what is beside them in MessagePack, other events in JSON."""
    return "msgpack" if model.__name__ in PACKED else "json"


def key_of_topic(model: type[Message]) -> Literal["user", "everyone"]:
    """How the records of the type are keyed, as topics.yaml says it."""
    return "everyone" if model.for_everyone else "user"
