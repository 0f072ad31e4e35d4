"""The transport: Faust's aiokafka transport with a consumer that knows batch topics.

Faust's consumer asks ``_wait_next_records`` for what was fetched and turns each record into a message with
``_to_message``. For a batch topic the first returns all records of a partition as one, and the second makes one message
of it. What follows from that is here too: acks are offset ranges, gaps inside a range are not Faust's business, and a
partition with enough unfinished batches is not fetched.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, MutableSequence
from typing import Any, ClassVar

from faust.exceptions import ImproperlyConfigured
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from faust_batches.batch import BatchMessage, BatchSchema, FetchedBatch

DEFAULT_IN_FLIGHT = 2  # one that is worked on and one that is ready when it is done
ROOM_POLL_S = 0.02  # how soon a partition is fetched again after it had too many batches in flight


class Consumer(driver.Consumer):
    """Faust's Kafka consumer, handing over whole fetches of batch topics."""

    _in_flight: dict[TP, deque[FetchedBatch]]
    _done: dict[TP, int]  # the next offset to commit
    _room: asyncio.Event

    def _reset_state(self) -> None:
        super()._reset_state()
        self._in_flight = {}
        self._done = {}
        self._room = asyncio.Event()

    @property
    def batch_topics(self) -> set[str]:
        """Names of the topics that are handed over in batches.

        Raises ``ImproperlyConfigured`` if one is declared both ways.
        """
        batched: set[str] = set()
        single: set[str] = set()
        for channel in self.app.topics:
            (batched if isinstance(channel.schema, BatchSchema) else single).update(channel.topics)
        if both := batched & single:
            raise ImproperlyConfigured(
                f"topic {', '.join(sorted(both))} is declared with BatchSchema and without it: choose one per app"
            )
        return batched

    # -- fetching

    async def _wait_next_records(self, timeout: float) -> tuple[Mapping[TP, list[Any]] | None, set[TP] | None]:
        if self.app.client_only:
            result: tuple[Mapping[TP, list[Any]] | None, set[TP] | None] = await super()._wait_next_records(timeout)
            return result
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        active: set[TP] = self._get_active_partitions()
        limit: int = getattr(self.app, "batches_in_flight", DEFAULT_IN_FLIGHT)
        full = {tp for tp, batches in self._in_flight.items() if len(batches) >= limit}
        ready = active - full
        if not ready:
            await self._wait_for_room(timeout)
            return {}, ready
        # asyncio cannot wait for a fetch and for room at once without risking the fetch: while something is full,
        # fetches are short.
        records = await self._getmany(active_partitions=ready, timeout=ROOM_POLL_S if full else timeout)
        batched = self.batch_topics
        return {tp: [rows] if tp.topic in batched else rows for tp, rows in records.items() if rows}, ready

    async def _wait_for_room(self, timeout: float) -> None:
        self._room.clear()
        try:
            await asyncio.wait_for(self._room.wait(), timeout)
        except TimeoutError:
            return

    def _to_message(self, tp: TP, record: Any) -> Any:
        if not isinstance(record, MutableSequence):
            return super()._to_message(tp, record)
        batch = FetchedBatch(tp, record)
        self._in_flight.setdefault(tp, deque()).append(batch)
        return BatchMessage(batch, self.app.consumer_generation_id, self._release)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Offsets inside and between batches that were compacted away or hold transaction markers belong to the range of
        # a batch.
        if tp.topic not in self.batch_topics:
            await super()._add_gap(tp, offset_from, offset_to)

    # -- acks

    def _release(self, message: BatchMessage) -> bool:
        """Called when the last agent has let go of a batch."""
        self._unacked_messages.discard(message)
        batches = self._in_flight.get(message.tp)
        if message.generation_id != self.app.consumer_generation_id or not batches or message.batch not in batches:
            return False  # of an assignment that is over: whoever has the partition now reads it again
        if not message.batch.processed:
            return False  # skipped: it stays in flight, and so uncommitted, until the next assignment
        while batches and batches[0].processed:
            self._done[message.tp] = batches.popleft().next_offset
            self._n_acked += 1
        self._room.set()
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        yield from (tp for tp in self._done if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic in self.batch_topics:
            return self._done.get(tp)
        offset: int | None = super()._new_offset(tp)
        return offset

    # -- assignment

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the batches of every partition: an eager rebalance takes all of them."""
        self._forget_batches()
        await super().on_partitions_revoked(revoked)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to the committed offsets or, for batch topics, to where ``app.batch_start_offsets`` says."""
        self._forget_batches()
        offsets: dict[TP, int] = {TP(*tp): offset for tp, offset in (await super().seek_to_committed()).items()}
        provider = getattr(self.app, "batch_start_offsets", None)
        mine = {tp for tp in self.assignment() if tp.topic in self.batch_topics}
        if provider is None or not mine or self._reassigning:
            return offsets
        starts: Mapping[TP, int | None] = await provider(mine)
        if unknown := {tp for tp, offset in starts.items() if offset is None}:
            starts = {**starts, **{TP(*tp): o for tp, o in (await self.earliest_offsets(*unknown)).items()}}
        for tp, offset in starts.items():
            if offset is not None:
                await self.seek(tp, offset)
                offsets[tp] = offset
        return offsets

    @property
    def _reassigning(self) -> bool:
        """Whether a rebalance is under way: the assignment is still the old one, and asked again when it is over."""
        return bool(self._thread._ensure_consumer()._subscription.reassignment_in_progress)

    def _forget_batches(self) -> None:
        self._in_flight.clear()
        self._done.clear()
        self._room.set()


class Transport(driver.Transport):
    """Faust's Kafka transport, scheme ``batches://``."""

    Consumer: ClassVar[type[Consumer]] = Consumer
