"""Every message type has an example file, and everything made from the models can read it."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import fastavro
import jsonschema
import msgspec
import pytest

from domain import efforts, summary
from schemas import hot
from schemas.artifacts import EXAMPLES, ROOT, json_schema, records
from schemas.build_avro import avro_schema
from schemas.decode import EVERYONE, decoder_for, encode, parse, time_of
from schemas.envelope import Event
from schemas.identity import event_id
from schemas.registry import MESSAGES, encoding_of, version_of
from stridelog.topics import load

TOPICS = load(prefix="")


def example(name: str) -> bytes:
    suffix = "msgpack" if encoding_of(MESSAGES[name]) == "msgpack" else "json"
    path: Path = ROOT / EXAMPLES / f"{name}.v{version_of(name)}.{suffix}"
    return path.read_bytes()


def key(name: str) -> bytes:
    return EVERYONE if MESSAGES[name].for_everyone else b"ada"


def untyped(name: str) -> dict[str, Any]:
    value = example(name)
    found: dict[str, Any] = json.loads(value) if value.lstrip().startswith(b"{") else msgspec.msgpack.decode(value)
    return found


@pytest.mark.parametrize("name", MESSAGES)
def test_the_example_is_read_by_the_decoder_of_its_topic(name: str) -> None:
    message = decoder_for(TOPICS.topic_of_message(name)).decode(key(name), example(name))
    assert type(message) is hot.BY_TYPE[name]
    assert time_of(message) > 0


@pytest.mark.parametrize("name", MESSAGES)
def test_model_and_struct_write_what_the_other_reads(name: str) -> None:
    decoder = decoder_for(TOPICS.topic_of_message(name))
    model = parse(example(name), [name], encoding_of(MESSAGES[name]))
    struct = decoder.decode(key(name), example(name))
    assert decoder.decode(key(name), encode(model)) == struct
    assert parse(encode(struct), [name], encoding_of(MESSAGES[name])) == model


@pytest.mark.parametrize("name", [name for name in MESSAGES if issubclass(MESSAGES[name], Event)])
def test_model_and_struct_give_the_same_fact_the_same_id(name: str) -> None:
    model: Any = parse(example(name), [name], encoding_of(MESSAGES[name]))
    struct: Any = decoder_for(TOPICS.topic_of_message(name)).decode(key(name), example(name))
    head = {field: getattr(model, field) for field in ("user", "time", "zone", "source", "producer")}
    assert type(model).of(data=model.data, **head).id == model.id
    assert type(struct).of(data=struct.data, **head).id == model.id
    assert type(model).of(data=model.data, **head | {"time": model.time + 1}).id != model.id


@pytest.mark.parametrize("name", [name for name in MESSAGES if issubclass(MESSAGES[name], Event)])
def test_the_example_keeps_to_the_json_schema(name: str) -> None:
    schema = json_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(untyped(name), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(untyped(name) | {"time": "yesterday"}, schema)


@pytest.mark.parametrize("name", MESSAGES)
def test_the_avro_schema_is_valid(name: str) -> None:
    fastavro.parse_schema(avro_schema(records()[name]))


def test_an_id_is_the_same_on_every_machine() -> None:
    assert event_id("UserErased", "ada", 1_700_000_000_000_000, "{}") == "a48e259a-5331-5c84-8181-efd9dab38893"


def test_the_summary_on_the_wire_has_the_fields_of_the_domains() -> None:
    assert set(hot.Summary.__struct_fields__) == {field.name for field in fields(summary.Summary)}
    assert set(hot.BestEffort.__struct_fields__) == {field.name for field in fields(efforts.BestEffort)}
    assert set(hot.Stated.__struct_fields__) == {field.name for field in fields(summary.Stated)}
