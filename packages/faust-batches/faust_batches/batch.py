"""What an agent on a batch topic gets."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from faust import Schema
from faust.types.tuples import ConsumerMessage

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord
    from faust.types import TP, EventT

NO_GENERATION: Final = -1  # never an application's: Faust's streams skip messages of another generation than theirs


class FetchedBatch:
    """Records of one partition as they were fetched, undecoded and in offset order; never empty.

    A record has ``offset``, ``timestamp`` (ms), ``timestamp_type``, ``key``, ``value`` and ``headers``; topic and
    partition are those of the batch.
    """

    __slots__ = ("_acks", "_deliveries", "_endings", "_stale", "records", "tp")

    def __init__(self, tp: "TP", records: "Sequence[ConsumerRecord[bytes, bytes]]") -> None:
        self.tp = tp
        self.records = records
        self._deliveries = 0
        self._acks = 0
        self._stale = False
        self._endings: list[tuple[EventT[Any], Callable[[], None]]] = []

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return int(self.records[0].offset)

    @property
    def next_offset(self) -> int:
        """Offset after the last record: where the next batch may start."""
        return int(self.records[-1].offset) + 1

    @property
    def processed(self) -> bool:
        """Whether every agent that got the batch has acked it."""
        return 0 < self._deliveries <= self._acks

    @property
    def stale(self) -> bool:
        """Whether the batch no longer counts: its partition was restarted or revoked since, and its records come again
        to whoever has the partition. An agent may drop a stale batch; an ack of one changes nothing.
        """
        return self._stale

    def ack(self, event: "EventT[Any]") -> None:
        """Say that the agent is done with the whole batch; ``event`` is the event that brought it. Call it once."""
        self._acks += 1
        event.ack()
        for index, (watched, ending) in enumerate(self._endings):
            if watched is event:
                del self._endings[index]
                ending()
                break

    def when_acked(self, event: "EventT[Any]", ending: Callable[[], None]) -> None:
        """For sensors: call ``ending`` when the agent that got ``event`` is done with it."""
        self._endings.append((event, ending))

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<FetchedBatch {self.tp.topic}-{self.tp.partition} {self.first_offset}..{self.next_offset - 1}>"


class BatchMessage(ConsumerMessage):
    """Faust's message around a batch; its offset is that of the first record."""

    __slots__ = ("_refcount", "_release", "batch")

    def __init__(self, batch: FetchedBatch, generation_id: int, release: "Callable[[BatchMessage], bool]") -> None:
        first = batch.records[0]
        self.batch = batch
        super().__init__(
            batch.tp.topic,
            batch.tp.partition,
            first.offset,
            first.timestamp / 1000.0,
            first.timestamp_type,
            None,
            None,
            batch,  # type: ignore[arg-type] # Faust passes the value on to the schema as it is
            None,
            0,
            0,  # nothing of Faust reads it, and adding it up takes time for every record
            batch.tp,
            generation_id=generation_id,
        )
        self._release = release

    @property
    def refcount(self) -> int:
        """How many agents have yet to let go of the batch."""
        return self._refcount

    @refcount.setter
    def refcount(self, n: int) -> None:
        # Faust's compiled conductor counts deliveries by adding to this attribute, its pure one by a method that does.
        self.batch._deliveries = max(self.batch._deliveries, n)
        self._refcount: int = n

    def on_final_ack(self, consumer: Any) -> bool:
        """Give the batch back to the consumer: processed or, after a rebalance, just dropped."""
        self.acked = True
        return self._release(self)

    def forget(self) -> bool:
        """Make the batch stale: streams that have it in their queue skip it, and acks of it do nothing.

        Returns whether a stream had begun with it, so that sensors know of it.
        """
        begun = self.tracked
        self.batch._stale = self.acked = self.tracked = True
        self.generation_id = NO_GENERATION
        return begun


class BatchSchema(Schema):  # type: ignore[type-arg] # Faust's class is not generic when it runs
    """Marks a topic as one whose agents get a :class:`FetchedBatch`; keys and values stay bytes."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:
        """A batch has no key of its own."""

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> FetchedBatch:
        """The batch, as the consumer made it."""
        batch: FetchedBatch = message.value
        return batch
