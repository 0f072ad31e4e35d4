"""The pydantic models and the hot decoders derived from them accept and refuse the same bytes."""

import json
import math
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schemas import hot
from schemas.artifacts import records
from schemas.channels import CHANNELS
from schemas.decode import BadRecord, DeadReason, Decoder, encode, parse
from schemas.registry import MESSAGES, PACKED, encoding_of
from schemas.rules import LONGEST_WORKOUT_US
from schemas.shapes import Choice, Fixed, Many, Member, Nullable, Record, Scalar, Shape
from schemas.types import TIME_MAX_US, TIME_MIN_US, USER_PATTERN

EVENTS = [name for name in MESSAGES if name not in PACKED]
ZONES = st.sampled_from(["UTC", "Europe/Oslo", "America/Argentina/Ushuaia", "+02:00", "-09:30"])
USERS = st.from_regex(USER_PATTERN, fullmatch=True)
DRAWS = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
STRANGE: list[Any] = [
    *(None, True, False, [], [1], [None], [[1, 2]], [[1, 2, 3]], {}, {"a": 1}),
    *(0, 1, -1, 2, 0.0, 1.0, 1.5, -0.0, 5e-324, 1e308, 1e30, 10**18, 10**19, -(10**19), 10**30),
    *(TIME_MIN_US - 1, TIME_MAX_US + 1, float(TIME_MIN_US), 19_000, 1_700_000_000),
    *("", "a", "1", "1.0", "true", "NaN", "\n", "\x00", "é", "🏃", "x" * 65, "x" * 2001),
    *("2026-10-24", "2026-10-24\n", "2026-1-1", "2026-13-01", "20261024", "1700000000", " 2026-10-24", "+2026-10-24"),
    *("2026-10-24T00:00:00", "2026-10-24T00:00:00Z", "0001-01-01", "10000-01-01"),
    *("Europe", "Europe/Nix", "../etc", "+99:00", "+2:00", "Z", "z", "posixrules", "SensorFrame", "WorkoutCompleted"),
    *(f"00000000-0000-0000-0000-00000000000{end}" for end in ("0", "0\n", "G")),
]


@cache
def record(name: str) -> Record:
    return records()[name]


@cache
def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that the shape allows, as JSON or MessagePack hold them."""
    match shape:
        case Record():
            required = {member.name: field(member) for member in shape.members if member.required}
            optional = {member.name: field(member) for member in shape.members if not member.required}
            return st.fixed_dictionaries(required, optional=optional)
        case Choice(values=some):
            return st.sampled_from(some)
        case Nullable():
            return st.none() | values(shape.shape)
        case Many():
            return st.lists(values(shape.item), max_size=3)
        case Fixed():
            return st.tuples(*map(values, shape.items)).map(list)
        case Scalar():
            return scalars(shape)


def field(member: Member) -> st.SearchStrategy[Any]:
    if member.name == "zone":
        return ZONES
    return values(member.shape) | st.none() if member.nullable else values(member.shape)


def scalars(shape: Scalar) -> st.SearchStrategy[Any]:
    match shape.kind:
        case "int":
            return st.integers(int(shape.ge or 0), int(shape.le or 0))
        case "float":
            real = st.floats(shape.ge, shape.le, allow_nan=False, allow_infinity=False)
            return real | st.integers(math.ceil(shape.ge or 0), int(shape.le or 9))
        case "bool":
            return st.booleans()
        case "date":
            return st.dates().map(str)
        case "bytes":
            return st.binary(max_size=12)
        case _ if shape.pattern:
            return st.from_regex(shape.pattern, fullmatch=True)
        case _:
            letters = st.characters(exclude_categories=["Cs"])
            return st.text(letters, min_size=shape.min_length or 0, max_size=min(shape.max_length or 50, 50))


@cache
def decoder_of(name: str) -> Decoder:
    return Decoder([name], encoding=encoding_of(MESSAGES[name]), max_bytes=1 << 20)


@st.composite
def messages(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A message that both ways accept."""
    message: dict[str, Any] = draw(values(record(name))) | {"type": name, "version": 1}
    if name == "SensorFrame":
        return draw(frames(message))
    data = message["data"]
    for first, last in (("start", "end"), ("first_time", "last_time")):
        if first in data and last in data:
            data[first], data[last] = sorted((data[first], data[last]))
    if "end" in data:
        data["end"] = min(data["end"], data["start"] + LONGEST_WORKOUT_US)
    if "pauses" in data:
        inside = st.integers(data["start"], data["end"])
        edges = sorted(draw(st.lists(inside, min_size=4, max_size=4)))
        data["pauses"] = draw(st.sampled_from([[], [edges[:2]], [edges[:2], edges[2:]]]))
    if name == "ZonesSet":
        shares = st.lists(st.floats(0.3, 1.0), max_size=9, unique=True).map(sorted)
        data["upper_bounds"] = draw(shares)
    if name in ("Blocked", "Unblocked"):
        other = draw(USERS.filter(lambda user: user != message["user"]))
        data["blocker"], data["blocked"] = draw(st.permutations([message["user"], other]))
    if name == "WorkoutSummarised":
        summary = values(next(member.shape for member in member_of(name, "data").members if member.name == "summary"))
        data["summary"] = None if data["status"] == "deleted" else draw(summary)
        data["duplicate_of"] = data["workout_id"] if data["status"] == "duplicate" else None
    if name == "ReadingsDeleted":
        data["end"] = max(data["end"], min(data["start"] + 1, TIME_MAX_US))
        data["start"] = min(data["start"], data["end"] - 1)
        data["channels"] = draw(st.lists(st.sampled_from([channel.name for channel in CHANNELS]), unique=True))
    if name == "SegmentDefined":
        data["points"] = draw(lines())
    if name in ("ChallengeDefined", "GoalSet"):
        draw_target(draw, name, data)
    return message


def draw_target(draw: st.DrawFn, name: str, data: dict[str, Any]) -> None:
    """What is wanted of whom, in which days."""
    data["effort"] = None if name == "ChallengeDefined" or draw(st.booleans()) else "5 km"
    data["metric"] = "distance" if data["effort"] is None else None
    data["sports"] = ["running"]
    days: list[str | None] = [*sorted(draw(st.lists(st.dates().map(str), min_size=2, max_size=2)))]
    if name == "GoalSet":
        data["every"] = draw(st.sampled_from([None, "week"]))
        days = days if data["every"] is None else [None, None]
    else:
        data["group_ids"] = draw(st.lists(st.uuids().map(str), min_size=1, max_size=3, unique=True))
    data["first_day"], data["last_day"] = days


@st.composite
def lines(draw: st.DrawFn) -> list[list[float]]:
    """Points that make a segment: to the north, a tenth of a degree at the most, in steps of half a kilometre."""
    latitude, longitude = draw(st.floats(-80, 80)), draw(st.floats(-180, 180))
    return [[latitude + 0.004 * step, longitude] for step in range(draw(st.integers(2, 20)))]


def member_of(name: str, field_name: str) -> Record:
    shape = next(member.shape for member in record(name).members if member.name == field_name)
    assert isinstance(shape, Record)
    return shape


@st.composite
def frames(draw: st.DrawFn, message: dict[str, Any]) -> dict[str, Any]:
    n = draw(st.integers(1, 5))
    start = draw(st.integers(TIME_MIN_US, TIME_MAX_US - 10**12))
    regular = draw(st.booleans())
    times = sorted(draw(st.lists(st.integers(0, 10**6), min_size=n, max_size=n)))
    message |= {"n": n, "start": start, "interval_us": draw(st.integers(1, 10**9)) if regular else None}
    message["time"] = None if regular else b"".join(time.to_bytes(4, "little") for time in times)
    chosen = draw(st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True))
    message["channels"] = {}
    for channel in chosen:
        count = n * channel.components if channel.layout != "list" else draw(st.integers(1, 4))
        raw = st.integers(channel.raw_low, channel.raw_high) | st.just(channel.missing)
        size = channel.wire.itemsize
        column = draw(st.lists(raw, min_size=count, max_size=count))
        packed = b"".join(value.to_bytes(size, "little", signed=channel.wire.kind == "i") for value in column)
        message["channels"][channel.name] = packed
    return message


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a message."""
    found = []
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in items:
        found.append((node, key))
        found += places(inner)
    return found


@st.composite
def broken(draw: st.DrawFn, name: str, strange: list[Any]) -> dict[str, Any]:
    """A message with one or two places changed, removed or added: maybe still good."""
    message = draw(messages(name))
    for _ in range(draw(st.integers(1, 2))):
        spots = places(message)
        if not spots:
            break
        container, key = draw(st.sampled_from(spots))
        old = container[key]
        match draw(st.sampled_from(["replace", "replace", "nudge", "remove", "add"])):
            case "replace":
                container[key] = deepcopy(draw(st.sampled_from(strange)))
            case "nudge":
                container[key] = draw(st.sampled_from(nudged(old)))
            case "remove":
                del container[key]
            case "add" if isinstance(container, dict):
                container[draw(st.sampled_from(["extra", "Type", "nope"]))] = deepcopy(draw(st.sampled_from(strange)))
    return message


def nudged(value: Any) -> list[Any]:
    match value:
        case bool():
            return [int(value), str(value), None]
        case int() | float():
            return [-value, value + 1, float(value), str(value), [value], value * 1e6]
        case str():
            return [value + "\n", " " + value, value.upper(), value * 70, value[:-1], value.encode().hex()]
        case bytes():
            return [value + b"\0", value[:-1], value * 2, b"", b"\xfe" * len(value), b"\x00" * len(value)]
        case list():
            return [value * 2, value[::-1], [*value, None], dict.fromkeys(map(str, value))]
        case _:
            return [None, [], {}, 0]


def outcome(read: Callable[[], Any]) -> Any:
    """What reading gives: a message, or the reason why not."""
    try:
        return read()
    except BadRecord as bad:
        return bad.reason


def assert_agreement(name: str, value: bytes) -> None:
    encoding = encoding_of(MESSAGES[name])
    key = user_of(value, encoding)
    decoder = decoder_of(name)
    slow = outcome(lambda: parse(value, [name], encoding))
    fast = outcome(lambda: decoder.decode(key, value))
    (batch,) = decoder.decode_many([(key, value)])
    assert fast == (batch.reason if isinstance(batch, BadRecord) else batch)
    if isinstance(slow, DeadReason):
        assert fast == slow
    else:
        assert decoder.decode(key, encode(slow)) == fast
        assert decoder.decode(key, encode(fast)) == fast


def user_of(value: bytes, encoding: str) -> bytes | None:
    """The right key of a record, as far as it has one: here keys shall not be what fails."""
    try:
        fields = msgspec.msgpack.decode(value) if encoding == "msgpack" else json.loads(value)
        return str(fields["user"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
        return None


@pytest.mark.parametrize("name", EVENTS)
@DRAWS
@given(st.data())
def test_both_ways_accept_the_same_good_events(name: str, data: st.DataObject) -> None:
    message = data.draw(messages(name))
    value = json.dumps(message, ensure_ascii=data.draw(st.booleans())).encode()
    assert isinstance(decoder_of(name).decode(message["user"].encode(), value), hot.BY_TYPE[name])
    assert_agreement(name, value)


@pytest.mark.parametrize("name", EVENTS)
@DRAWS
@given(st.data())
def test_both_ways_judge_changed_events_alike(name: str, data: st.DataObject) -> None:
    message = data.draw(broken(name, [*STRANGE, float("nan"), float("inf"), -float("inf")]))
    assert_agreement(name, json.dumps(message, ensure_ascii=False).encode())


@pytest.mark.parametrize("name", EVENTS)
@settings(DRAWS, max_examples=25)
@given(st.data())
def test_both_ways_judge_damaged_bytes_alike(name: str, data: st.DataObject) -> None:
    value = bytearray(json.dumps(data.draw(messages(name)), ensure_ascii=False).encode())
    at = data.draw(st.integers(0, len(value) - 1))
    match data.draw(st.sampled_from(["byte", "cut", "insert", "repeat", "bom", "exponent"])):
        case "byte":
            value[at] = data.draw(st.integers(0, 255))
        case "cut":
            del value[at:]
        case "insert":
            value[at:at] = data.draw(
                st.sampled_from([b" ", b"NaN", b",", b"\xff", b'"', b"1e999", b"\\ud800", b"0", b"[" * 50])
            )
        case "repeat":
            value = value + value
        case "bom":
            value[:0] = b"\xef\xbb\xbf"
        case "exponent":
            value = bytearray(bytes(value).replace(b".0", b"e999", 1))
    assert_agreement(name, bytes(value))


@pytest.mark.parametrize("name", sorted(PACKED))
@DRAWS
@given(st.data())
def test_both_ways_accept_the_same_good_packed_messages(name: str, data: st.DataObject) -> None:
    message = data.draw(messages(name))
    value = msgspec.msgpack.encode(message)
    decoder_of(name).decode(message["user"].encode(), value)
    assert_agreement(name, value)


@pytest.mark.parametrize("name", sorted(PACKED))
@settings(DRAWS, max_examples=300)
@given(st.data())
def test_both_ways_judge_changed_packed_messages_alike(name: str, data: st.DataObject) -> None:
    strange = [item for item in STRANGE if not isinstance(item, int) or -(2**63) <= item < 2**64]
    message = data.draw(broken(name, [*strange, b"", b"\x00", b"\xff" * 4, float("nan")]))
    assert_agreement(name, msgspec.msgpack.encode(message))


@pytest.mark.parametrize("name", sorted(PACKED))
@settings(DRAWS, max_examples=100)
@given(st.data())
def test_both_ways_judge_damaged_packed_messages_alike(name: str, data: st.DataObject) -> None:
    value = bytearray(msgspec.msgpack.encode(data.draw(messages(name))))
    at = data.draw(st.integers(0, len(value) - 1))
    if data.draw(st.booleans()):
        value[at] = data.draw(st.integers(0, 255))
    else:
        del value[at:]
    try:
        msgspec.msgpack.decode(bytes(value))
    except UnicodeDecodeError:
        assume(False)  # a name that is no text is that of a field we do not know, which the fast way skips unread
    except msgspec.MsgspecError:
        pass
    assert_agreement(name, bytes(value))
