"""Dead letters in operators' hands: what was mended is replayed and counts, what needs nothing is dropped."""

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from schemas import hot
from schemas.decode import encode
from tests.platform import ROLES, Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WAIT_S = 240.0
START = 1_760_000_000_000_000
HOUR = 3_600_000_000
NEARLY_8_MIB = (8 << 20) - 700  # what the broker takes, less what compression adds to noise and the header of a batch
ENVELOPE: dict[str, Any] = {"zone": "Europe/Oslo", "source": "test", "producer": "test"}


def registered(user: str) -> tuple[bytes, bytes]:
    data = hot.UserRegisteredData(name="Ada", sex="female")
    message = hot.UserRegistered.of(user=user, time=START - HOUR, data=data, **ENVELOPE)
    return user.encode(), encode(message)


def workout(user: str, number: int) -> tuple[bytes, bytes]:
    begin = START + number * 2 * HOUR
    data = hot.WorkoutCompletedData(
        workout_id=str(uuid.UUID(int=number)), sport="running", start=begin, end=begin + HOUR, pauses=()
    )
    return user.encode(), encode(hot.WorkoutCompleted.of(user=user, time=begin + HOUR, data=data, **ENVELOPE))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"dlq{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        platform.send("UserRegistered", [registered("ada")])
        platform.start(*ROLES)
        yield platform


def listed(platform: Platform, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(platform.command("dlq", "list", "--json", *arguments).stdout)
    return found


def letters_of(platform: Platform, count: int, *arguments: str) -> list[dict[str, Any]]:
    """Wait until so many letters are listed."""
    end = time.monotonic() + WAIT_S
    while len(found := listed(platform, *arguments)) != count:
        assert time.monotonic() < end, f"{len(found)} letters, not {count}: {found}\n{platform.logs()}"
    return found


def asked(platform: Platform, *arguments: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(platform.command("dlq", *arguments, "--json").stdout)
    return said


def test_records_of_a_user_who_registers_later_are_replayed_and_written(platform: Platform) -> None:
    platform.send("WorkoutCompleted", [workout("late", number) for number in range(1, 4)])
    readers = len(platform.topics.topic_of_message("WorkoutCompleted").consumers)
    letters_of(platform, 3 * readers, "--reason", "unknown_user")
    refused = platform.command("dlq", "replay", "--reason", "unknown_user", check=False)
    assert refused.returncode == 2
    assert f"{3 * readers} letters would be replayed ({3 * readers} unknown_user): add --yes" in refused.stderr
    platform.send("UserRegistered", [registered("late")])
    assert platform.verify()["ok"]
    assert asked(platform, "replay", "--reason", "unknown_user", "--dry-run")["letters"] == 3 * readers
    done = asked(platform, "replay", "--reason", "unknown_user", "--since", "1h", "--yes")
    assert done == {"letters": 3 * readers, "records": 3, "not_original": 0, "too_large": 0}
    verified = platform.verify()
    assert verified["ok"], verified["shown"]
    assert verified["sinks"]["mongo.workouts"]["found"] == 3
    assert listed(platform, "--reason", "unknown_user") == []
    assert {letter["handled"] for letter in listed(platform, "--reason", "unknown_user", "--all")} == {"replayed"}
    assert asked(platform, "replay", "--reason", "unknown_user", "--yes")["letters"] == 0


def test_a_record_that_is_dead_for_several_agents_is_sent_once_and_dies_again_if_nothing_was_mended(
    platform: Platform,
) -> None:
    topic = platform.topics.topic_of_message("UserRegistered")
    platform.send("UserRegistered", [(b"ada", b"no user")])
    letters = letters_of(platform, len(topic.consumers), "--topic", topic.name)
    assert len({letter["source_offset"] for letter in letters}) == 1
    done = asked(platform, "replay", letters[0]["place"])
    assert (done["letters"], done["records"]) == (1, 1)
    again = letters_of(platform, len(topic.consumers), "--topic", topic.name)
    assert {letter["source_offset"] for letter in again}.isdisjoint({letters[0]["source_offset"]})
    replayed = next(r for r in platform.read(topic.name) if r.offset == again[0]["source_offset"])
    assert (replayed.key, replayed.value) == (b"ada", b"no user")
    assert dict(replayed.headers)["sl-replayed-from"].decode() == letters[0]["place"]
    done = asked(platform, "drop", "--topic", topic.name, "--yes")
    assert done["letters"] == len(topic.consumers)
    assert listed(platform, "--topic", topic.name) == []
    assert platform.verify()["ok"], "letters stay, and are counted"


def test_a_letter_that_was_handled_is_not_handled_again(platform: Platform) -> None:
    platform.send("SensorFrame", [(b"ada", b"nothing")])
    (letter,) = letters_of(platform, 1, "--topic", "sensor-frames", "--reason", "undecodable")
    asked(platform, "drop", letter["place"])
    for deed in ("drop", "replay"):
        refused = platform.command("dlq", deed, letter["place"], check=False)
        assert refused.returncode == 2
        assert "was dropped already" in refused.stderr


def test_a_record_as_large_as_the_broker_takes_becomes_a_letter_with_all_its_bytes(platform: Platform) -> None:
    value = os.urandom(NEARLY_8_MIB)
    platform.send("SensorFrame", [(b"ada", value)])
    (letter,) = letters_of(platform, 1, "--topic", "sensor-frames")
    assert letter["reason"] == "too_large"
    topic = platform.topics.dead_letter_of("sensor-frames").name
    assert [r.value == value for r in platform.read(topic) if r.offset == letter["offset"]].count(True) == 1
    done = asked(platform, "replay", letter["place"])
    assert (done["letters"], done["too_large"]) == (0, 1), "one header more than its topic takes"
    asked(platform, "drop", letter["place"])
    assert listed(platform, "--topic", "sensor-frames") == []


def test_nonsense_is_refused_in_a_line(platform: Platform) -> None:
    for arguments in (
        ["replay", "nowhere"],
        ["drop", "--since", "yesterday", "--yes"],
        ["replay", "workout-events-dead:0:0", "--reason", "undecodable"],
    ):
        refused = platform.command("dlq", *arguments, check=False)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
