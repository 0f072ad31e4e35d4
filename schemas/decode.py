"""From bytes to messages and back: the hot path of every agent.

Good records cost one msgspec call and the rules between fields. A bad one takes a slow second look through the
pydantic models, which finds the reason that the dead letter will state. A property test holds that both ways accept the
same bytes.
"""

import json
import math
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas import hot
from schemas.build_hot import exact
from schemas.envelope import Message
from schemas.frame_rules import broken_frames
from schemas.reasons import DeadReason, RuleBroken
from schemas.registry import MESSAGES, PACKED, version_of
from schemas.rules import check, check_zone
from schemas.types import TIME_MAX_US, TIME_MIN_US, USER_PATTERN, UUID_PATTERN

if TYPE_CHECKING:
    from stridelog.topics import Topic

__all__ = ["EVERYONE", "BadRecord", "DeadReason", "Decoder", "decoder_for", "encode", "key_of", "parse", "time_of"]

_USER: Final = re.compile(exact(USER_PATTERN))
_UUID: Final = re.compile(exact(UUID_PATTERN))
_MOST_NAMES: Final = 200_000
EVERYONE: Final = b"*"  # the key of records that concern all users: no user's name is like it
_to_json = msgspec.json.Encoder().encode
_to_msgpack = msgspec.msgpack.Encoder().encode


class BadRecord(Exception):
    """A record that will never be readable: it becomes a dead letter with this reason."""

    def __init__(self, reason: DeadReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class _Nothing(msgspec.Struct, tag_field="type", tag=""):
    """Makes a union of a topic's only type, since msgspec asks for the tag only in unions; no message decodes as it."""

    impossible: Annotated[int, msgspec.Meta(ge=1, le=0)]


class _Names:
    """Zones and names of users and workouts that frames had and that are right: what is not here has to be checked."""

    def __init__(self) -> None:
        self.zones: set[str] = set()
        self.users: set[str] = set()
        self.workouts: set[str | None] = {None}

    def check(self, frame: Any) -> None:
        """Raises ``RuleBroken`` for a zone that does not exist, ``ValidationError`` for a name of a wrong form."""
        check_zone(frame)
        if not _USER.fullmatch(frame.user):
            raise msgspec.ValidationError(f"user {frame.user[:80]!r} does not match {USER_PATTERN}")
        if frame.workout_id is not None and not _UUID.fullmatch(frame.workout_id):
            raise msgspec.ValidationError(f"workout_id {frame.workout_id[:80]!r} does not match {UUID_PATTERN}")
        for known, name in ((self.zones, frame.zone), (self.users, frame.user), (self.workouts, frame.workout_id)):
            if len(known) >= _MOST_NAMES:
                known.clear()
            known.add(name)


class Decoder:
    """Reads the records of one topic. Made by ``decoder_for``; safe to share between tasks of one thread."""

    def __init__(self, types: Sequence[str], *, encoding: str, max_bytes: int, for_everyone: bool = False) -> None:
        self.types = tuple(types)
        self.for_everyone = for_everyone
        self.max_bytes = max_bytes
        self.encoding = encoding
        union: Any = _Nothing
        for name in types:
            union = union | hot.BY_TYPE[name]
        if encoding == "msgpack":
            self._decode: Any = msgspec.msgpack.Decoder(union).decode
            self._names = _Names()
        else:
            self._decode = msgspec.json.Decoder(union).decode

    def decode(self, key: bytes | None, value: bytes | None) -> hot.Message:
        """Read one record completely. Raises ``BadRecord``."""
        message = self._read(key, value)
        if isinstance(message, hot.SensorFrame):
            for broken in broken_frames([message]).values():
                raise BadRecord(broken.reason, broken.detail)
        return message

    def decode_many(self, records: Sequence[tuple[bytes | None, bytes | None]]) -> list[hot.Message | BadRecord]:
        """Read a batch of (key, value): for each record its message, or what is wrong with it.

        Same outcome as ``decode`` record by record; the columns of all frames are checked in one go.
        """
        if self.encoding == "msgpack":
            return self._frames(records)
        return [self._outcome(key, value) for key, value in records]

    def _frames(self, records: Sequence[tuple[bytes | None, bytes | None]]) -> list[hot.Message | BadRecord]:
        """Frames whose zone and names were seen before are read here; the others, and bad ones, take the long way."""
        outcomes: list[hot.Message | BadRecord] = []
        decode, most, names = self._decode, self.max_bytes, self._names
        for key, value in records:
            if value is not None and len(value) <= most:
                try:
                    frame = decode(value)
                except (msgspec.MsgspecError, RecursionError):
                    outcomes.append(self._outcome(key, value))
                    continue
                if (
                    type(frame) is hot.SensorFrame
                    and frame.user in names.users
                    and frame.workout_id in names.workouts
                    and frame.zone in names.zones
                    and frame.user.encode() == key
                ):
                    outcomes.append(frame)
                    continue
            outcomes.append(self._outcome(key, value))
        at = [index for index, outcome in enumerate(outcomes) if type(outcome) is hot.SensorFrame]
        frames = outcomes if len(at) == len(outcomes) else [outcomes[index] for index in at]
        for index, broken in broken_frames(frames).items():
            outcomes[at[index]] = BadRecord(broken.reason, broken.detail)
        return outcomes

    def _outcome(self, key: bytes | None, value: bytes | None) -> hot.Message | BadRecord:
        try:
            return self._read(key, value)
        except BadRecord as bad:
            return bad

    def _read(self, key: bytes | None, value: bytes | None) -> hot.Message:
        if value is None:
            raise BadRecord(DeadReason.undecodable, "the record has no value: facts are never tombstones")
        if len(value) > self.max_bytes:
            raise BadRecord(DeadReason.too_large, f"{len(value)} bytes, accepted are {self.max_bytes}")
        try:
            if self.encoding == "json" and not value.isascii():
                value.decode()  # msgspec does not look into fields that it skips
            message: hot.Message = self._decode(value)
            if isinstance(message, hot.SensorFrame):
                self._names.check(message)  # a frame's other rules are checked for a whole batch
            else:
                check(message)
        except RuleBroken as broken:
            raise BadRecord(broken.reason, broken.detail) from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._explain(value, str(error))
        if self.for_everyone:
            if key != EVERYONE:
                raise BadRecord(
                    DeadReason.key_mismatch,
                    f"key {_shown(key)}, but the message concerns everyone: send a copy with the key {EVERYONE!r} to "
                    "every partition, as stridelog.producer does",
                )
        elif key is None or key != message.user.encode():
            raise BadRecord(
                DeadReason.key_mismatch, f"key {_shown(key)}, but the message is about user {message.user!r}"
            )
        return message

    def _explain(self, value: bytes, otherwise: str) -> NoReturn:
        parse(value, self.types, self.encoding)
        raise BadRecord(DeadReason.undecodable, otherwise)


def decoder_for(topic: "Topic") -> Decoder:
    """The decoder of a topic of topics.yaml. Raises ``ValueError`` for a topic without messages (dead letters)."""
    if topic.encoding == "original":
        raise ValueError(f"topic {topic.name} keeps original bytes of any kind: it has no decoder")
    return Decoder(
        topic.messages,
        encoding=topic.encoding,
        max_bytes=topic.max_bytes,
        for_everyone=topic.key == "everyone",
    )


def encode(message: "hot.Message | Message") -> bytes:
    """The bytes of a message on its topic. NaN becomes null: unknown, which only optional fields may be."""
    if isinstance(message, Message):
        fields = message.model_dump(mode="python", exclude_none=True)
        return _to_msgpack(fields) if message.type in PACKED else _to_json(fields)
    return _to_msgpack(message) if message.type in PACKED else _to_json(message)


def key_of(message: "hot.Message | Message") -> bytes:
    """The key of a message on its topic."""
    return EVERYONE if MESSAGES[message.type].for_everyone else message.user.encode()


def time_of(message: hot.Message) -> int:
    """The event time of a message: when the fact holds, or the first sample of a frame; UTC µs."""
    return message.start if isinstance(message, hot.SensorFrame) else message.time


def parse(value: bytes, types: Collection[str] = MESSAGES.keys(), encoding: str = "json") -> Message:
    """Read a message as its pydantic model, at the edges. Raises ``BadRecord`` with the exact reason."""
    fields = _fields(value, encoding)
    if not isinstance(fields, dict):
        raise BadRecord(DeadReason.undecodable, f"a message is an object, not {type(fields).__name__}")
    name = fields.get("type")
    if not isinstance(name, str):
        raise BadRecord(DeadReason.undecodable, f"type must be the name of a message, not {name!r}")
    if name not in types:
        raise BadRecord(DeadReason.unknown_type, f"type {name[:64]!r}; this topic carries {', '.join(types)}")
    version = fields.get("version", 1)
    if type(version) is not int:
        raise BadRecord(DeadReason.undecodable, f"version must be a whole number, not {str(version)[:64]!r}")
    if not 1 <= version <= version_of(name):
        raise BadRecord(DeadReason.unknown_version, f"{name} version {version}; known are 1..{version_of(name)}")
    try:
        if encoding == "msgpack":
            return MESSAGES[name].model_validate(fields)
        return MESSAGES[name].model_validate_json(value)
    except ValidationError as error:
        reason, detail = _reason(error.errors(include_url=False)[0])
        raise BadRecord(reason, detail) from None


def _fields(value: bytes, encoding: str) -> Any:
    """The untyped content. Raises ``BadRecord``."""
    try:
        if encoding == "msgpack":
            return _with_tuples(msgspec.msgpack.decode(value))
        return json.loads(value.decode(), parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        raise BadRecord(DeadReason.undecodable, f"no {encoding}: {error}") from None


def _with_tuples(value: Any) -> Any:
    """Lists as the models want them, which are strict: from JSON pydantic makes tuples by itself."""
    if isinstance(value, list):
        return tuple(map(_with_tuples, value))
    return {name: _with_tuples(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _not_a_number(literal: str) -> NoReturn:
    raise BadRecord(DeadReason.not_a_number, f"{literal} is not a number")


_NUMBER_ERRORS: Final = {"greater_than_equal", "less_than_equal"}
_VALUE_ERRORS: Final = {"string_too_short", "string_too_long", "literal_error"}


def _reason(error: ErrorDetails) -> tuple[DeadReason, str]:
    kind, where, given = error["type"], ".".join(map(str, error["loc"])), error["input"]
    broken = error.get("ctx", {}).get("error")
    if isinstance(broken, RuleBroken):
        return broken.reason, broken.detail
    detail = f"{where}: {error['msg']}" + ("" if kind == "missing" else f", got {str(given)[:80]!r}")
    if kind == "finite_number" or (isinstance(given, float) and not math.isfinite(given)):
        return DeadReason.not_a_number, detail
    if kind in _NUMBER_ERRORS:
        bounds = set(error.get("ctx", {}).values())
        return (
            DeadReason.time_out_of_range if bounds & {TIME_MIN_US, TIME_MAX_US} else DeadReason.out_of_range
        ), detail
    return (DeadReason.out_of_range if kind in _VALUE_ERRORS else DeadReason.undecodable), detail


def _shown(key: bytes | None) -> str:
    return "is missing" if key is None else repr(key[:64])
