"""topics.yaml is a closed schema: what is wrong in it is named, with the way out."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.registry import MESSAGES
from stridelog.errors import UserError
from stridelog.settings import settings
from stridelog.topics import DEFAULT_PATH, FOREVER, Topics, load

OURS = load(prefix="")


@pytest.fixture
def content() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DEFAULT_PATH.read_text(encoding="utf-8"))
    return found


def loaded(content: Any, folder: Path) -> Topics:
    path = folder / "topics.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load(path, prefix="")


def test_every_message_has_a_topic() -> None:
    assert {message for topic in OURS for message in topic.messages} == set(MESSAGES)


def test_every_topic_that_an_agent_reads_has_a_dead_letter_topic_that_its_readers_write() -> None:
    for topic in OURS:
        if topic.consumers:
            dead = OURS.dead_letter_of(topic.name)
            assert (dead.messages, dead.encoding) == ((), "original")
            assert set(dead.producers) == set(topic.consumers)


def test_facts_are_kept_for_ever() -> None:
    assert {topic.retention for topic in OURS} == {FOREVER}
    assert {topic.cleanup for topic in OURS} == {"delete"}


def test_agents_find_their_topics() -> None:
    inputs, outputs = OURS.inputs_of("workouts"), OURS.outputs_of("workouts")
    assert [topic.name for topic in inputs] == ["samples-stored", "user-events", "workout-events", "lookalikes"]
    assert [topic.name for topic in outputs] == ["workout-summaries", "track-marks", "training-features"]
    assert OURS.topic_of_message("WorkoutCompleted").name == "workout-events"
    assert OURS.inputs_of("nobody") == []


def test_a_prefix_is_put_before_every_name_on_the_broker() -> None:
    topics = load(prefix="t1-")
    assert {topic.name.removeprefix("t1-") for topic in topics} == {topic.name for topic in OURS}
    assert topics.named("sensor-frames") is topics.named("t1-sensor-frames")
    assert topics.dead_letter_of("t1-sensor-frames").name == "t1-sensor-frames-dead"


def test_the_prefix_is_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIDELOG_TOPIC_PREFIX", "night-")
    settings.cache_clear()
    try:
        assert load().named("user-events").name == "night-user-events"
    finally:
        settings.cache_clear()


def test_the_settings_may_ask_for_more_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIDELOG_REPLICATION", "3")
    settings.cache_clear()
    try:
        assert {topic.replication for topic in load()} == {3}
    finally:
        settings.cache_clear()


def test_a_misspelt_key_fails_with_the_right_one(content: dict[str, Any], tmp_path: Path) -> None:
    content["topics"]["sensor-frames"]["retntion"] = "30d"
    with pytest.raises(
        UserError,
        match=re.escape("topics.yaml: unknown key 'retntion' in topic sensor-frames; did you mean retention?"),
    ):
        loaded(content, tmp_path)


def test_units_are_read(content: dict[str, Any], tmp_path: Path) -> None:
    content["topics"]["sensor-frames"] |= {"retention": "30d", "max_bytes": "512KiB"}
    topic = loaded(content, tmp_path).named("sensor-frames")
    assert (topic.retention, topic.max_bytes) == (30 * 86_400_000, 512 * 1024)


@pytest.mark.parametrize(
    ("topic", "fields", "message"),
    [
        (
            "sensor-frames",
            {"partitions": 4},
            "agent sensors needs topics of the same partitions, but sensor-frames has 4 and",
        ),
        ("sensor-frames", {"messages": ["SensorFlame"]}, "did you mean SensorFrame?"),
        ("sensor-frames", {"encoding": "json"}, "SensorFrame is encoded as msgpack"),
        ("user-events", {"messages": ["WorkoutStarted"]}, "a message has one topic"),
        ("sensor-frames", {"dead_letter": "sensor-frame-dead"}, "did you mean sensor-frames-dead?"),
        ("sensor-frames", {"dead_letter": None}, "has consumers but no dead_letter"),
        ("sensor-frames", {"max_bytes": "16MiB"}, "would never arrive"),
        ("sensor-frames", {"retention": "a while"}, "retention of topic sensor-frames is 'a while'"),
        ("sensor-frames", {"cleanup": "shred"}, "cleanup of topic sensor-frames is 'shred'"),
        ("sensor-frames", {"partitions": 0}, "partitions of topic sensor-frames is 0"),
        ("segments", {"key": "user"}, "has the key user, but SegmentDefined concerns everyone: write key: everyone"),
        ("user-events", {"key": "everyone"}, "UserRegistered concerns one user: write key: user"),
        ("segments", {"producers": ["gateway", "feed"]}, "is for everyone, but feed writes it"),
        ("sensor-frames", {"messages": []}, "must have either messages or the encoding 'original'"),
    ],
)
def test_what_cannot_work_is_named(
    topic: str, fields: dict[str, Any], message: str, content: dict[str, Any], tmp_path: Path
) -> None:
    content["topics"][topic] |= fields
    with pytest.raises(UserError) as refused:
        loaded(content, tmp_path)
    assert str(refused.value).startswith("topics.yaml: ")
    assert message in str(refused.value)


def test_what_is_missing_is_named(content: dict[str, Any], tmp_path: Path) -> None:
    del content["topics"]["sensor-frames"]["owner"]
    with pytest.raises(UserError, match="topic sensor-frames has no 'owner'"):
        loaded(content, tmp_path)


@pytest.mark.parametrize("text", ["", "topics: [", "[]", "topics: {}\ntopcs: {}\ndefaults: {}"])
def test_a_file_that_is_no_table_of_topics_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"topics\.yaml"):
        loaded(text, tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*none.yaml: No such file"):
        load(tmp_path / "none.yaml", prefix="")


def test_an_unknown_topic_or_message_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean sensor-frames"):
        OURS.named("sensor-frame")
    with pytest.raises(UserError, match="did you mean WorkoutEdited"):
        OURS.topic_of_message("WorkoutEditd")


def test_partitions_of_what_an_agent_writes_count_too(content: dict[str, Any], tmp_path: Path) -> None:
    content["topics"]["injury-risk"]["partitions"] = 16
    content["topics"]["injury-risk-dead"]["partitions"] = 16
    with pytest.raises(UserError, match="injury-risk has 16"):
        loaded(content, tmp_path)


def test_a_topic_that_is_declared_twice_is_refused_rather_than_taken_from_the_last_place(tmp_path: Path) -> None:
    text = DEFAULT_PATH.read_text(encoding="utf-8")
    with pytest.raises(UserError, match=r"topics.yaml: line \d+ has the key 'segments' a second time"):
        loaded(text.replace("  segment-checks:\n", "  segments:\n", 1), tmp_path)
