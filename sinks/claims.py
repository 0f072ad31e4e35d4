"""What a sink remembers of the partitions that it has claimed."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from sinks.base import Fenced, Span, TopicPartition


@dataclass(slots=True)
class Claim:
    """One claimed partition: the owner's token as the store has it, and the watermark as this worker knows it."""

    owner: str
    watermark: int | None

    def covers(self, span: Span) -> bool:
        """Whether the store already holds the whole span."""
        return self.watermark is not None and span.next <= self.watermark


class Claims:
    """The claimed partitions of one sink."""

    def __init__(self, sink: str, agent: str) -> None:
        self._sink = sink
        self._agent = agent
        self._claims: dict[TopicPartition, Claim] = {}

    def take(self, source: TopicPartition, owner: str, watermark: int | None) -> None:
        """Remember a partition that the store has given us."""
        self._claims[source] = Claim(owner, watermark)

    def get(self, source: TopicPartition) -> Claim | None:
        """The claim of a partition, if there is one."""
        return self._claims.get(source)

    def of(self, where: Span | TopicPartition) -> Claim:
        """The claim that a write needs. Raises ``Fenced`` where there is none, as after ``release``."""
        source = where.source if isinstance(where, Span) else where
        claim = self._claims.get(source)
        if claim is None:
            raise self.fenced(source)
        return claim

    def lost(self, source: TopicPartition) -> Fenced:
        """Forget a partition that another worker took; the error to raise."""
        self._claims.pop(source, None)
        return self.fenced(source)

    def fenced(self, source: TopicPartition) -> Fenced:
        """The error of a write without a valid claim."""
        return Fenced(
            f"{self._sink} of agent {self._agent}: partition {source.topic}/{source.partition} is not claimed by this "
            "worker (another one has it now, or it was released); claim it again before writing"
        )

    def release(self, sources: Iterable[TopicPartition]) -> None:
        """Forget partitions."""
        for source in sources:
            self._claims.pop(source, None)


def new_owner() -> str:
    """A token that no other claim has. It is compared for equality only: a store that lost it fences everybody."""
    return uuid4().hex
