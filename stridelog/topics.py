"""topics.yaml as objects: the one place where topic names, partitions and who reads what are declared."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from schemas.registry import MESSAGES, encoding_of, key_of_topic
from stridelog.errors import UserError
from stridelog.settings import settings
from stridelog.yaml_file import read_yaml

DEFAULT_PATH: Final = Path(__file__).resolve().parent.parent / "topics.yaml"
FOREVER: Final = -1
_SIZES: Final = {"KiB": 1 << 10, "MiB": 1 << 20}
_CONCERNS: Final = {"user": "one user", "everyone": "everyone"}
_TIMES_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def _quantity(units: Mapping[str, int], example: str) -> BeforeValidator:
    def read(value: Any) -> Any:
        match = re.fullmatch(r"(\d+) ?([A-Za-z]+)", value) if isinstance(value, str) else None
        if match and match[2] in units:
            return int(match[1]) * units[match[2]]
        if isinstance(value, str):
            raise ValueError(f"write a number with one of the units {', '.join(units)}, for example {example}")
        return value

    return BeforeValidator(read)


def _retention(value: Any) -> Any:
    return FOREVER if value == "forever" else value


Size = Annotated[int, _quantity(_SIZES, "1MiB"), Field(ge=1_024, le=64 << 20)]
Retention = Annotated[int, _quantity(_TIMES_MS, "30d or forever"), BeforeValidator(_retention), Field(ge=FOREVER)]
Model = TypeVar("Model", bound=BaseModel)
TopicName = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{1,80}$")]
Party = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")]


class Topic(BaseModel):
    """One topic. ``name`` is the broker's: with the prefix of the settings, if there is one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    doc: Annotated[str, Field(min_length=10)]
    owner: Party
    messages: tuple[str, ...]
    producers: tuple[Party, ...]
    consumers: tuple[Party, ...]
    key: Literal["user", "everyone", "letter"]
    encoding: Literal["json", "msgpack", "original"]
    partitions: Annotated[int, Field(ge=1, le=10_000)]
    replication: Annotated[int, Field(ge=1, le=9)]
    retention: Retention  # ms, or FOREVER
    cleanup: Literal["delete", "compact"]
    max_bytes: Size
    broker_max_bytes: Size
    compression: Literal["none", "lz4", "zstd", "snappy", "gzip"]
    dead_letter: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    defaults: dict[str, Any]
    topics: dict[TopicName, dict[str, Any]]


class Topics:
    """All topics of a topics.yaml."""

    def __init__(self, topics: Mapping[str, Topic], path: Path) -> None:
        self.path = path
        self._topics = dict(topics)
        self._by_broker_name = {topic.name: topic for topic in topics.values()}
        self._by_message = {message: topic for topic in topics.values() for message in topic.messages}

    def __iter__(self) -> Iterator[Topic]:
        return iter(self._topics.values())

    def __len__(self) -> int:
        return len(self._topics)

    def named(self, name: str) -> Topic:
        """A topic by its name in the file or on the broker. Raises ``UserError``."""
        topic = self._topics.get(name) or self._by_broker_name.get(name)
        if topic is None:
            raise UserError(f"no topic {name!r} in {self.path.name}{_did_you_mean(name, self._topics)}")
        return topic

    @property
    def dead_letters(self) -> dict[str, Topic]:
        """The dead-letter topics by the broker's name, each with the topic whose dead letters it holds."""
        return {self.dead_letter_of(topic.name).name: topic for topic in self if topic.dead_letter is not None}

    @property
    def for_everyone(self) -> list[Topic]:
        """The topics whose records concern all users: every partition has a copy of each."""
        return [topic for topic in self if topic.key == "everyone"]

    @property
    def handled_letters(self) -> Topic:
        """Where it says which dead letters were replayed or dropped."""
        return self.named("dead-letters-handled")

    def inputs_of(self, agent: str) -> list[Topic]:
        """The topics that an agent reads."""
        return [topic for topic in self if agent in topic.consumers]

    def outputs_of(self, agent: str) -> list[Topic]:
        """The topics that an agent writes messages to; dead letters not counted."""
        return [topic for topic in self if agent in topic.producers and topic.messages]

    def topic_of_message(self, message_type: str) -> Topic:
        """The topic that carries a message type. Raises ``UserError``."""
        topic = self._by_message.get(message_type)
        if topic is None:
            raise UserError(
                f"no topic in {self.path.name} carries {message_type!r}{_did_you_mean(message_type, MESSAGES)}"
            )
        return topic

    def dead_letter_of(self, topic: str) -> Topic:
        """Where the dead letters of a topic go. Raises ``UserError`` if it has no such place."""
        name = self.named(topic).dead_letter
        if name is None:
            raise UserError(f"topic {topic} has no dead_letter in {self.path.name}, but an agent reads it: add one")
        return self.named(name)


def load(path: Path | None = None, *, prefix: str | None = None) -> Topics:
    """Read and check a topics.yaml; the project's own, the settings' prefix and the settings' replication by default.

    Raises ``UserError`` that names the file, the topic, the key and the way out.
    """
    return _load(path or DEFAULT_PATH, settings().topic_prefix if prefix is None else prefix, settings().replication)


@lru_cache(maxsize=32)
def _load(path: Path, prefix: str, replication: int) -> Topics:
    file = read_yaml(path, lambda content: _checked(_File, content, path, "the file"))
    topics = {}
    for name, fields in file.topics.items():
        merged = {"name": prefix + name, **file.defaults, **fields}
        if replication:
            merged["replication"] = replication
        topics[name] = _checked(Topic, merged, path, f"topic {name}")
    _check_references(topics, path)
    _check_partitions(topics, path)
    return Topics(topics, path)


def _checked(model: type[Model], fields: Any, path: Path, where: str) -> Model:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise UserError(
                f"{path.name}: unknown key {key!r} in {where}{_did_you_mean(key, model.model_fields)}"
            ) from None
        if first["type"] == "missing":
            raise UserError(f"{path.name}: {where} has no {key!r}: add it there or to defaults") from None
        raise UserError(f"{path.name}: {key} of {where} is {first['input']!r}: {first['msg']}") from None


def _check_references(topics: Mapping[str, Topic], path: Path) -> None:
    carried: dict[str, str] = {}
    for name, topic in topics.items():
        for fault in _faults(topic, carried, topics):
            raise UserError(f"{path.name}: topic {name} {fault}")
        carried |= dict.fromkeys(topic.messages, name)


def _faults(topic: Topic, carried: Mapping[str, str], topics: Mapping[str, Topic]) -> Iterator[str]:
    for message in topic.messages:
        if message not in MESSAGES:
            yield f"carries {message!r}, which schemas/ does not have{_did_you_mean(message, MESSAGES)}"
        elif message in carried:
            yield f"carries {message}, and so does {carried[message]}: a message has one topic"
        elif (encoding := encoding_of(MESSAGES[message])) != topic.encoding:
            yield f"is {topic.encoding}, but {message} is encoded as {encoding}: change the encoding"
        elif (key := key_of_topic(MESSAGES[message])) != topic.key:
            yield f"has the key {topic.key}, but {message} concerns {_CONCERNS[key]}: write key: {key}"
    if topic.key == "everyone" and (agents := set(topic.producers) & _agents(topics)):
        yield f"is for everyone, but {', '.join(sorted(agents))} writes it: an agent reaches its own partition only"
    if (topic.encoding == "original") != (not topic.messages):
        yield "must have either messages or the encoding 'original'"
    if topic.max_bytes > topic.broker_max_bytes:
        yield "accepts more max_bytes than its broker_max_bytes: such records would never arrive"
    if topic.consumers and topic.dead_letter is None:
        yield "has consumers but no dead_letter: bad records need a place to go"
    if topic.dead_letter is not None and topic.dead_letter not in topics:
        yield f"has the dead_letter {topic.dead_letter!r}, which is no topic{_did_you_mean(topic.dead_letter, topics)}"


def _check_partitions(topics: Mapping[str, Topic], path: Path) -> None:
    """What an agent reads and writes is co-partitioned: a user's state is in one place, outputs carry input offsets."""
    for agent in sorted(_agents(topics)):
        counts: dict[int, str] = {}
        for name, topic in topics.items():
            if agent in topic.consumers or agent in topic.producers:
                counts.setdefault(topic.partitions, name)
        if len(counts) > 1:
            listed = " and ".join(f"{name} has {count}" for count, name in counts.items())
            raise UserError(
                f"{path.name}: agent {agent} needs topics of the same partitions, but {listed}: make them equal"
            )


def _agents(topics: Mapping[str, Topic]) -> set[str]:
    return {agent for topic in topics.values() for agent in topic.consumers}


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"
