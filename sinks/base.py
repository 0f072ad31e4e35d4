"""The contract of every sink.

A sink belongs to one agent. It keeps, next to its data, the watermark of each source partition: the next offset that
it needs. It MUST

* ``claim`` a partition before the first ``write`` to it: that returns the watermark (``None``: it holds nothing) and
  fences whoever claimed the partition earlier, so that a worker that was paused and comes back is refused with
  ``Fenced``; so is a write to a partition that was never claimed or was released;
* ``write`` the rows of a span and then (or in the same transaction) advance the watermark to ``span.next``; when
  ``write`` returns, both are durable as far as the store promises; in a sink that ``buffers``, after ``flush``;
* skip a span that ends at or before its watermark, and hold the same rows after a span was written twice, in part, or
  cut at other boundaries;
* never advance the watermark past rows that it did not write, and never backwards, except by ``rewind``;
* allow writes of different partitions at the same time; those of one partition come one after the other, in order.

It raises ``SinkUnavailable`` for what a retry may mend, ``PoisonRows`` for rows that the store will never take, with
the others written or not (the engine writes the span again without the named ones), and ``Fenced``. Nothing else
leaves it. What each store adds to or lacks of this is in docs/sinks.md.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import pyarrow as pa


class TopicPartition(NamedTuple):
    """A source partition."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Span:
    """A range of offsets of one source partition: ``first <= offset < next``."""

    topic: str
    partition: int
    first: int
    next: int

    @property
    def source(self) -> TopicPartition:
        """The partition that the span is of."""
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table (ClickHouse, Delta) as Arrow columns; the table's key columns make them idempotent.

    Columns that the table has and ``columns`` lacks are empty. ``source_offset`` is the offset, within the span that is
    written, of the record that caused the row.
    """

    table: str
    columns: pa.Table


@dataclass(frozen=True, slots=True)
class Document:
    """Fields of one document by ``_id`` (Mongo), set and unset by dotted path; no fields at all deletes it."""

    collection: str
    id: str
    set: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()


RedisCommand = tuple[str | bytes | int | float, ...]
"""One Redis command with its arguments, such as ``("ZADD", key, score, member)``; idempotent by itself."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known about a user (PostgreSQL): the last one of a (user, kind, id) counts."""

    user: str
    kind: str
    id: str
    payload: bytes
    offset: int  # of the source record that brought it first


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record for a topic; it goes to the partition of the span that caused it, or to the one that it names. What is
    sent to another partition may be there twice after a crash: readers MUST NOT mind.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


class SinkError(Exception):
    """What a sink may raise."""


class SinkUnavailable(SinkError):
    """The store did not take the rows now; the same write may succeed later."""


class Fenced(SinkError):
    """Another worker has claimed the partition: this one must stop writing to it."""


class PoisonRows(SinkError):
    """Rows that the store will never take.

    ``rows`` maps the row's index in the sequence given to ``write`` to the store's reason.
    """

    def __init__(self, rows: Mapping[int, str]) -> None:
        super().__init__(f"{len(rows)} rows refused: {next(iter(rows.values()), '')}")
        self.rows = dict(rows)


Row = TypeVar("Row")


class Sink(ABC, Generic[Row]):
    """One store as one agent sees it; see the module's text for what an implementation must hold."""

    name: ClassVar[str]
    buffers: ClassVar[bool] = False  # write() may return before rows or watermark are durable; flush() makes them so

    def __init__(self, agent: str) -> None:
        self.agent = agent

    @abstractmethod
    async def open(self) -> None:
        """Connect and create what is missing. Raises ``SinkUnavailable``."""

    @abstractmethod
    async def close(self) -> None:
        """Flush and disconnect."""

    @abstractmethod
    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        """Take over partitions; their watermarks. Earlier owners are fenced."""

    @abstractmethod
    async def watermarks(self) -> dict[TopicPartition, int]:
        """All watermarks of this agent in this store, without claiming anything (for operators)."""

    @abstractmethod
    async def write(self, rows: Sequence[Row], span: Span) -> None:
        """Make the store hold ``rows`` and the watermark ``span.next``."""

    @abstractmethod
    async def rewind(self, source: TopicPartition, offset: int) -> None:
        """Set the watermark of a claimed partition, forwards or backwards, and durably: spans from ``offset`` on are
        taken again. Rows stay as they are.
        """

    async def send_ahead(self, rows: Sequence[Row], span: Span) -> None:
        """Make rows durable without the watermark, before another sink may go past them; the ``write`` of the span has
        them once more. Only the topic sink has something to do: a dead letter must outlive a crash.
        """

    async def flush(self) -> None:
        """Make everything written durable; only sinks that buffer have something to do."""

    def release(self, sources: Iterable[TopicPartition]) -> None:
        """Forget partitions that went to another worker."""
