"""Every kind of bad record is refused with its reason, and the rest of its batch is read."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from schemas import hot
from schemas.artifacts import EXAMPLES, ROOT
from schemas.decode import BadRecord, DeadReason, Decoder, decoder_for
from stridelog.topics import load

TOPICS = load(prefix="")
WORKOUTS = decoder_for(TOPICS.named("workout-events"))
USERS = decoder_for(TOPICS.named("user-events"))
FRAMES = decoder_for(TOPICS.named("sensor-frames"))
SUMMARIES = decoder_for(TOPICS.named("workout-summaries"))
Change = Callable[[dict[str, Any]], object]

COMPLETED = (ROOT / EXAMPLES / "WorkoutCompleted.v1.json").read_text(encoding="utf-8")
SUMMARISED = (ROOT / EXAMPLES / "WorkoutSummarised.v1.json").read_text(encoding="utf-8")
FRAME = (ROOT / EXAMPLES / "SensorFrame.v1.msgpack").read_bytes()


def reason(decoder: Decoder, value: bytes | None, key: bytes | None = b"ada") -> DeadReason:
    with pytest.raises(BadRecord) as refused:
        decoder.decode(key, value)
    assert refused.value.detail
    (outcome,) = decoder.decode_many([(key, value)])
    assert isinstance(outcome, BadRecord)
    assert (outcome.reason, outcome.detail) == (refused.value.reason, refused.value.detail)
    return refused.value.reason


def completed(change: Change) -> bytes:
    message = json.loads(COMPLETED)
    change(message)
    return json.dumps(message).encode()


def frame(change: Change) -> bytes:
    message = msgspec.msgpack.decode(FRAME)
    change(message)
    return msgspec.msgpack.encode(message)


def put(path: str, value: object) -> Change:
    def change(message: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            message = message[parent]
        message[last] = value

    return change


def test_the_unchanged_messages_are_good() -> None:
    assert WORKOUTS.decode(b"ada", completed(lambda _: None)).user == "ada"
    assert FRAMES.decode(b"ada", frame(lambda _: None)).user == "ada"


@pytest.mark.parametrize(
    "value", [b"", b"\xff\xfe", b"{", b"[]", b"null", b'"text"', b"{}", b'{"type": 5}', None, b"\x80abc"]
)
def test_bytes_that_are_no_message_are_undecodable(value: bytes | None) -> None:
    assert reason(WORKOUTS, value) is DeadReason.undecodable
    assert reason(FRAMES, value) is DeadReason.undecodable


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("type", "WorkoutDreamt", DeadReason.unknown_type),
        ("type", "UserRegistered", DeadReason.unknown_type),  # of another topic
        ("type", "", DeadReason.unknown_type),
        ("version", 99, DeadReason.unknown_version),
        ("version", 0, DeadReason.unknown_version),
        ("version", "1", DeadReason.undecodable),
        ("id", "17", DeadReason.undecodable),
        ("user", "no spaces", DeadReason.undecodable),
        ("zone", "Europe/Atlantis", DeadReason.out_of_range),
        ("zone", "../../etc/passwd", DeadReason.out_of_range),
        ("time", 0, DeadReason.time_out_of_range),  # 1970
        ("time", 4_102_444_800_000_000, DeadReason.time_out_of_range),  # 2100
        ("time", 1_700_000_000, DeadReason.time_out_of_range),  # seconds
        ("time", "2026-10-24", DeadReason.undecodable),
        ("data.start", 5, DeadReason.time_out_of_range),
        ("data.end", 1_000_000_000_000_000, DeadReason.out_of_range),  # before the start
        ("data.pauses", [[1_792_823_000_000_000, 1_792_823_500_000_000]], DeadReason.out_of_range),  # before the start
        ("data.pauses", [[1_792_826_000_000_000, 1_792_826_200_000_000]], DeadReason.out_of_range),  # past the end
        ("data.pauses", [[1_792_824_000_000_000, 1_792_823_900_000_000]], DeadReason.out_of_range),  # backwards
        ("data.pauses", [[1_792_824_000_000_000, 1_792_825_000_000_000]] * 2, DeadReason.out_of_range),  # twice
        ("data.rpe", 11, DeadReason.out_of_range),
        ("data.rpe", "5", DeadReason.undecodable),
        ("data.stated", {"distance_m": -1.0}, DeadReason.out_of_range),
        ("data.stated", {"distance_m": float("nan")}, DeadReason.not_a_number),
        ("data.stated", {"distance_m": float("inf")}, DeadReason.not_a_number),
        ("data.sport", None, DeadReason.undecodable),
    ],
)
def test_a_wrong_field_of_an_event_is_named(path: str, value: object, expected: DeadReason) -> None:
    assert reason(WORKOUTS, completed(put(path, value))) is expected


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("start", 0, DeadReason.time_out_of_range),
        ("version", 2, DeadReason.unknown_version),
        ("n", 61, DeadReason.ragged_frame),
        ("n", 0, DeadReason.out_of_range),
        ("channels.heart_rate", b"\x91" * 59, DeadReason.ragged_frame),
        ("channels.rr", b"\x01", DeadReason.ragged_frame),
        ("channels.acceleration", b"\x00" * 6 * 61, DeadReason.ragged_frame),
        ("channels.heart_rate", b"\x05" * 60, DeadReason.out_of_range),  # 5 bpm
        ("channels.latitude", (950_000_000).to_bytes(4, "little") * 60, DeadReason.out_of_range),  # 95°
        ("channels.hart_rate", b"\x91" * 60, DeadReason.undecodable),
        ("channels", {}, DeadReason.undecodable),
        ("time", b"\x00\x00\x00\x00" * 60, DeadReason.undecodable),  # and an interval
        ("interval_us", None, DeadReason.undecodable),  # no clock
    ],
)
def test_a_wrong_field_of_a_frame_is_named(path: str, value: object, expected: DeadReason) -> None:
    assert reason(FRAMES, frame(put(path, value))) is expected


def test_irregular_times_must_be_complete_and_must_not_fall() -> None:
    def irregular(time: bytes) -> bytes:
        return frame(lambda message: message.update(interval_us=None, time=time))

    rising = b"".join((1_000 * index).to_bytes(4, "little") for index in range(60))
    assert FRAMES.decode(b"ada", irregular(rising)).user == "ada"
    assert reason(FRAMES, irregular(rising[:-4])) is DeadReason.ragged_frame
    assert reason(FRAMES, irregular(rising[4:] + rising[:4])) is DeadReason.out_of_range


def test_times_of_one_frame_are_not_held_against_the_next() -> None:
    def at(ms: int) -> bytes:
        return frame(lambda message: message.update(interval_us=None, time=ms.to_bytes(4, "little") * 60))

    assert not [
        bad for bad in FRAMES.decode_many([(b"ada", at(900_000)), (b"ada", at(0))]) if isinstance(bad, BadRecord)
    ]


def test_another_users_key_is_a_mismatch() -> None:
    assert reason(WORKOUTS, COMPLETED.encode(), b"grace") is DeadReason.key_mismatch
    assert reason(WORKOUTS, COMPLETED.encode(), None) is DeadReason.key_mismatch


def test_a_two_megabyte_record_is_too_large() -> None:
    padded = completed(put("padding", "x" * (2 << 20)))
    assert reason(WORKOUTS, padded) is DeadReason.too_large


def test_unknown_fields_and_nulls_are_ignored() -> None:
    good = WORKOUTS.decode(b"ada", COMPLETED.encode())
    assert WORKOUTS.decode(b"ada", completed(put("data.mood", {"score": 3}))) == good
    assert WORKOUTS.decode(b"ada", completed(put("data.sub_sport", None))) != good


@pytest.mark.parametrize(
    ("path", "value"), [("data.status", "deleted"), ("data.status", "duplicate"), ("data.summary", None)]
)
def test_a_summary_must_fit_its_status(path: str, value: object) -> None:
    message = json.loads(SUMMARISED)
    put(path, value)(message)
    assert reason(SUMMARIES, json.dumps(message).encode()) is DeadReason.out_of_range


def test_bad_frames_do_not_spoil_their_batch() -> None:
    bad = {
        3: frame(put("channels.heart_rate", b"\x05" * 60)),
        4: frame(put("channels.heart_rate", b"\x91" * 59)),
        7: b"\xc1",
        9: frame(put("channels.power", b"\xfe\xff" * 60)),
    }
    batch = [(b"ada", bad.get(index, FRAME)) for index in range(10)]
    outcomes = FRAMES.decode_many(batch)
    assert {index for index, outcome in enumerate(outcomes) if isinstance(outcome, BadRecord)} == set(bad)
    assert [o.reason for o in outcomes if isinstance(o, BadRecord)] == [
        DeadReason.out_of_range,
        DeadReason.ragged_frame,
        DeadReason.undecodable,
        DeadReason.out_of_range,
    ]
    good = FRAMES.decode(b"ada", FRAME)
    assert [outcome for outcome in outcomes if not isinstance(outcome, BadRecord)] == [good] * 6


@pytest.mark.parametrize(
    ("basis", "bounds", "detail"),
    [
        ("heart_rate_threshold", [0.85, 0.85], "does not rise above 0.85"),
        ("heart_rate_threshold", [0.9, 0.8], "upper bound 0.8 does not rise"),
        ("heart_rate_threshold", [0.85, 1.31], "outside 0.3..1.3"),
        ("heart_rate_max", [0.6, 1.01], "outside 0.3..1 of heart_rate_max"),
        ("power", [55.0, 75.0], "0.85 is 85 %"),
        ("pace", [0.1], "outside 0.2..2"),
        ("power", [0.1 * i for i in range(1, 11)], "10 upper bounds; at most 9"),
    ],
)
def test_zones_whose_bounds_do_not_rise_or_cannot_be_are_refused(basis: str, bounds: list[float], detail: str) -> None:
    message = json.loads((ROOT / EXAMPLES / "ZonesSet.v1.json").read_text(encoding="utf-8"))
    message["data"] |= {"basis": basis, "upper_bounds": bounds}
    value = json.dumps(message).encode()
    assert reason(USERS, value) is DeadReason.out_of_range
    with pytest.raises(BadRecord, match=re.escape(detail)):
        USERS.decode(b"ada", value)


@pytest.mark.parametrize("bounds", [[], [0.3], [0.1 * i for i in range(3, 12)]])
def test_zones_may_be_one_to_ten(bounds: list[float]) -> None:
    message = json.loads((ROOT / EXAMPLES / "ZonesSet.v1.json").read_text(encoding="utf-8"))
    message["data"] |= {"basis": "power", "upper_bounds": bounds}
    decoded = USERS.decode(b"ada", json.dumps(message).encode())
    assert isinstance(decoded, hot.ZonesSet)
    assert decoded.data.upper_bounds == tuple(bounds)
