"""Deterministic ids: the same fact, sent again, has the same id (UUID version 5, RFC 9562, in our own namespace)."""

import uuid
from typing import Final

NAMESPACE: Final = uuid.UUID("5f1de106-5c5c-5d0b-9a53-7374726964eb")


def event_id(message_type: str, *parts: str | int) -> str:
    """The id of a message: its type and the parts that make it this fact and no other.

    Events take ``user``, ``time`` and their data as JSON, so a change of one field is another fact. Frames carry no
    id: user, device, sequence and start name one.
    """
    return str(uuid.uuid5(NAMESPACE, "\x1f".join((message_type, *map(str, parts)))))
