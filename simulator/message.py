"""A message on its way from the town to the log."""

from typing import Literal, NamedTuple

from schemas import hot
from schemas.decode import DeadReason, encode, key_of

Fault = Literal[
    "resend",
    "overlap",
    "clock_reset",
    "late_upload",
    "duplicate_device",
    "poison",
    "car",
    "copy",
    "upstream_delete",
    "upstream_edit",
]


class Dispatch(NamedTuple):
    """Bytes for the topic of a message type.

    ``fault`` is set on one message for each fault that is counted; ``dead`` is the reason of the dead letter that the
    record must become, if any.
    """

    at_us: int  # when it is sent, UTC microseconds; what it tells may be long ago
    type: str
    key: bytes
    value: bytes
    fault: Fault | None = None
    dead: DeadReason | None = None


def dispatch(at_us: int, message: hot.Message, fault: Fault | None = None) -> Dispatch:
    """A message that is as it should be."""
    return Dispatch(at_us, message.type, key_of(message), encode(message), fault)
