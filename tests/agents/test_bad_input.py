"""Each kind of bad record ends as a dead letter with reason and original bytes; the rest of its batch is written."""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from schemas import hot
from schemas.decode import encode
from schemas.frames import pack_frame
from stridelog.deadletters import AGENT, OFFSET, PARTITION, REASON, STAGE
from tests.platform import ROLES, Platform

pytestmark = pytest.mark.stack

USER = "ada"
START = 1_760_000_000_000_000
HOUR = 3_600_000_000
ENVELOPE: dict[str, Any] = {"user": USER, "zone": "Europe/Oslo", "source": "test", "producer": "test"}


def workout(number: int, **fields: Any) -> dict[str, Any]:
    """A good completed workout as JSON fields, with some replaced."""
    begin = START + number * 2 * HOUR
    data = hot.WorkoutCompletedData(
        workout_id=str(uuid.UUID(int=number)),
        sport="running",
        start=begin,
        end=begin + HOUR,
        pauses=(),
        stated=hot.Stated(distance_m=10_000.0),
    )
    message: dict[str, Any] = json.loads(encode(hot.WorkoutCompleted.of(time=begin + HOUR, data=data, **ENVELOPE)))
    return {**message, **fields}


def frame(sequence: int, **fields: Any) -> bytes:
    """A good frame of ten seconds, with some fields of the MessagePack map replaced."""
    packed = pack_frame(
        user=USER,
        device_id="watch",
        sequence=sequence,
        start_us=START + sequence * 10_000_000,
        zone="UTC",
        source="test",
        producer="test",
        columns={"heart_rate_bpm": [120.0] * 10},
        workout_id=str(uuid.UUID(int=1)),
        interval_us=1_000_000,
    )
    message = msgspec.msgpack.decode(packed)
    return msgspec.msgpack.encode({**message, **fields})


def as_json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


@dataclass
class Bad:
    """A bad record and what should become of it."""

    message_type: str
    value: bytes
    reason: str
    key: bytes | None = USER.encode()


BAD = {
    "undecodable bytes": Bad("WorkoutCompleted", b"\xff\xfe not json", "undecodable"),
    "an unknown type": Bad("WorkoutCompleted", as_json(workout(50, type="WorkoutImagined")), "unknown_type"),
    "an unknown version": Bad("WorkoutCompleted", as_json(workout(51, version=99)), "unknown_version"),
    "a value out of range": Bad(
        "WorkoutCompleted", as_json(workout(52) | {"data": workout(52)["data"] | {"rpe": 11}}), "out_of_range"
    ),
    "a key that does not match": Bad("WorkoutCompleted", as_json(workout(53)), "key_mismatch", key=b"somebody-else"),
    "a message of 2 MB": Bad("WorkoutCompleted", as_json(workout(54) | {"padding": "x" * 2_000_000}), "too_large"),
    "a time in 1970": Bad("WorkoutCompleted", as_json(workout(55, time=1_000_000)), "time_out_of_range"),
    "a time in 2100": Bad("WorkoutCompleted", as_json(workout(56, time=4_102_444_800_000_001)), "time_out_of_range"),
    "a NaN": Bad(
        "WorkoutCompleted",
        as_json(workout(57) | {"data": workout(57)["data"] | {"stated": {"distance_m": float("nan")}}}),
        "not_a_number",
    ),
    "a frame whose columns differ in length": Bad(
        "SensorFrame", frame(60, channels={"heart_rate": b"\x78" * 10, "cadence": b"\x50" * 9}), "ragged_frame"
    ),
    "an impossible heart rate": Bad("SensorFrame", frame(61, channels={"heart_rate": b"\x05" * 10}), "out_of_range"),
    "an unknown user": Bad(
        "WorkoutCompleted", as_json(workout(58, user="nobody-ever")), "unknown_user", key=b"nobody-ever"
    ),
    "a frame of an unknown user": Bad("SensorFrame", frame(62, user="nobody-ever"), "unknown_user", key=b"nobody-ever"),
}
GOOD_WORKOUTS = 20
GOOD_FRAMES = 20
LETTER_S = 60.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """All bad records between good ones, taken by real workers."""
    name = f"bad{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        data = hot.UserRegisteredData(name="Ada", sex="female")
        registered = encode(hot.UserRegistered.of(time=START - HOUR, data=data, **ENVELOPE))
        platform.send("UserRegistered", [(USER.encode(), registered)])
        workouts: list[tuple[bytes | None, bytes]] = [
            (USER.encode(), as_json(workout(number))) for number in range(1, 1 + GOOD_WORKOUTS)
        ]
        frames: list[tuple[bytes | None, bytes]] = [(USER.encode(), frame(sequence)) for sequence in range(GOOD_FRAMES)]
        for bad in BAD.values():
            (frames if bad.message_type == "SensorFrame" else workouts).insert(7, (bad.key, bad.value))
        platform.send("WorkoutCompleted", workouts)
        platform.send("SensorFrame", frames)
        platform.start(*ROLES)
        platform.verified = platform.verify()
        yield platform


@pytest.mark.parametrize("what", BAD)
def test_a_bad_record_is_a_dead_letter_with_its_reason_and_original_bytes(platform: Platform, what: str) -> None:
    bad = BAD[what]
    topic = platform.topics.topic_of_message(bad.message_type)
    letters = [r for r in platform.read(topic.dead_letter or "") if r.value == bad.value and r.key == bad.key]
    original = next(r for r in platform.read(topic.name) if r.value == bad.value)
    said = [{name: value.decode() for name, value in letter.headers} for letter in letters]
    assert sorted(headers[AGENT] for headers in said) == sorted(topic.consumers), f"{what}\n{platform.logs()}"
    for headers in said:
        assert headers[REASON] == bad.reason
        assert headers[STAGE] == "decode"
        assert (int(headers[PARTITION]), int(headers[OFFSET])) == (original.partition, original.offset)


def test_the_rest_of_the_batch_is_written(platform: Platform) -> None:
    sinks = platform.verified["sinks"]
    differing = {name for name, s in sinks.items() if s["missing"] or s["extra"] or s["different"]}
    assert not differing, platform.verified["shown"]
    assert platform.verified["dead"] == len(BAD)
    assert sinks["mongo.workouts"]["found"] == GOOD_WORKOUTS
    assert sinks["clickhouse.samples"]["found"] == 10 * GOOD_FRAMES


def test_a_record_of_an_unknown_user_does_not_wait_for_the_end_of_a_transaction(platform: Platform) -> None:
    """The marker at its end takes an offset and is no record."""
    data = hot.UserRegisteredData(name="Bea", sex="female")
    known = {**ENVELOPE, "user": "bea"}
    registered = encode(hot.UserRegistered.of(time=START - HOUR, data=data, **known))
    topic = platform.topics.topic_of_message("UserRegistered")
    asyncio.run(in_a_transaction(platform.settings.bootstrap, topic.name, b"bea", registered))
    number = next(r.partition for r in platform.read(topic.name) if r.key == b"bea")
    stranger = next(name for name in map(str, range(1_000)) if partition_of(name.encode(), topic.partitions) == number)
    late = as_json(workout(70, user=stranger))
    platform.send("WorkoutCompleted", [(stranger.encode(), late)])
    dead = platform.topics.topic_of_message("WorkoutCompleted").dead_letter or ""
    end = time.monotonic() + LETTER_S
    while late not in {record.value for record in platform.read(dead)}:
        assert time.monotonic() < end, f"no dead letter in {LETTER_S:g} s\n{platform.logs()}"


async def in_a_transaction(bootstrap: str, topic: str, key: bytes, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-test")
    async with producer, producer.transaction():
        await producer.send(topic, value, key=key)


def partition_of(key: bytes, partitions: int) -> int:
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
