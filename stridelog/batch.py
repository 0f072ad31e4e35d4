"""The unit of work: one Kafka fetch of one partition, and what an agent wants written because of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from sinks.base import Document, RedisCommand, Rows, Span

M = TypeVar("M")


class Record(NamedTuple):
    """One valid record of a batch."""

    offset: int
    timestamp_ms: int  # when the broker took it in
    message: Any  # a struct of schemas.hot: which one depends on the topic; use Batch.of(Type)


@dataclass(frozen=True, slots=True)
class Batch:
    """The valid records of one fetch of one partition, in offset order."""

    span: Span
    records: Sequence[Record]

    def of(self, kind: type[M]) -> list[tuple[int, M]]:
        """The (offset, message) pairs of one message type."""
        return [(r.offset, r.message) for r in self.records if type(r.message) is kind]

    def logged(self, kind: type[M]) -> list[tuple[int, M]]:
        """The (broker's time in ms, message) pairs of one message type."""
        return [(r.timestamp_ms, r.message) for r in self.records if type(r.message) is kind]


@dataclass(frozen=True, slots=True)
class Writes:
    """What the stores shall hold after a batch. Every row is absolute: writing it twice changes nothing."""

    clickhouse: list[Rows] = field(default_factory=list)
    mongo: list[Document] = field(default_factory=list)
    redis: list[RedisCommand] = field(default_factory=list)
    delta: list[Rows] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)  # structs of schemas.hot; their topic is in topics.yaml
    elsewhere: list[Any] = field(default_factory=list)  # messages about users of any partition; may be sent twice
    dropped: Counter[str] = field(default_factory=Counter)  # records that needed no write, by reason
    flags: Counter[tuple[str, str]] = field(default_factory=Counter)  # new flags of integrity, by rule and decision
    timing: Counter[str] = field(default_factory=Counter)  # what was wrong with times, by case


def nothing_for(batch: Batch, reason: str) -> Writes:
    """Writes of a batch of which no record needs any."""
    return Writes(dropped=Counter({reason: len(batch.records)}))
