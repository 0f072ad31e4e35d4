"""The transport: Faust's aiokafka transport with a consumer that knows batch topics.

Faust's consumer asks ``_wait_next_records`` for what was fetched and turns each record into a message with
``_to_message``. For a batch topic the first returns messages already, one for each batch. What follows from that is
here too: acks are offset ranges, gaps inside a range are not Faust's business, and a partition with enough unfinished
batches is not fetched.
"""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from aiokafka.errors import IllegalStateError
from faust.exceptions import ImproperlyConfigured
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from faust_batches.batch import BatchMessage, BatchSchema, FetchedBatch
from faust_batches.fetching import ConsumerThread
from faust_batches.gathering import Bounds, Gathered

DEFAULT_IN_FLIGHT = 2  # one that is worked on and one that is ready when it is done
ROOM_POLL_S = 0.02  # how soon a partition is fetched again after it had too many batches in flight


class ReadOffsets(defaultdict[TP, int | None]):
    """Where Faust's fetch loop is. It drops messages before that and takes what it skips for compacted away; on batch
    topics both are ours to know, so for them it has never read anything.
    """

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.batch_topics: set[str] = set()

    def __getitem__(self, tp: TP) -> int | None:
        return None if tp.topic in self.batch_topics else super().__getitem__(tp)


class Consumer(driver.Consumer):
    """Faust's Kafka consumer, handing over whole fetches of batch topics."""

    _read_offset: ReadOffsets
    _in_flight: dict[TP, deque[BatchMessage]]
    _gathered: dict[TP, Gathered]
    _done: dict[TP, int]  # the next offset to commit
    _fetched: dict[TP, int]  # the next offset to fetch, as far as is known
    _epochs: Counter[TP]  # how often what was fetched of a partition was forgotten
    _era: int  # how often that of all was
    _placed: set[TP]  # partitions of batch topics that are where they go on: no others are fetched
    _restarting: asyncio.Lock
    _idle: asyncio.Event  # no fetch is under way
    _room: asyncio.Event

    def _reset_state(self) -> None:
        super()._reset_state()
        self._read_offset = ReadOffsets()
        self._in_flight = {}
        self._gathered = {}
        self._done = {}
        self._fetched = {}
        self._epochs = Counter()
        self._era = 0
        self._placed = set()
        self._restarting = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._room = asyncio.Event()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def fetched_in_batches(self) -> set[str]:
        """``batch_topics`` as of the last fetch, for the consumer's thread."""
        return self._read_offset.batch_topics

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
        batched = self._read_offset.batch_topics = self.batch_topics
        bounds = Bounds.of(self.app)
        active = {tp for tp in self._get_active_partitions() if tp in self._placed or tp.topic not in batched}
        if due := self._take_due(active, bounds):
            return due, active
        full = {tp for tp in active if not self._has_room(tp)}
        ready = active - full
        if not ready:
            await self._wait_for_room(timeout)
            return {}, active
        # asyncio cannot wait for a fetch and for room at once without risking the fetch: while something is full,
        # fetches are short.
        before = {tp: self._epoch(tp) for tp in ready}
        patience = min(timeout, ROOM_POLL_S) if full else timeout
        fetched = await self._getmany(active_partitions=ready, timeout=min(patience, self._next_due(ready, bounds)))
        records: dict[TP, list[Any]] = {}
        for partition, rows in fetched.items():
            tp = TP(*partition)
            if tp.topic not in batched:
                records[tp] = rows
            elif rows and self._epoch(tp) == before[tp]:
                self._gather(tp, rows, bounds)
        records.update(self._take_due(active, bounds))
        return records, active

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:
        self._idle.clear()
        try:
            fetched: Mapping[TP, list[Any]] = await super()._getmany(active_partitions, timeout)
            return fetched
        finally:
            self._idle.set()

    def _has_room(self, tp: TP) -> bool:
        limit: int = getattr(self.app, "batches_in_flight", DEFAULT_IN_FLIGHT)
        return len(self._in_flight.get(tp, ())) < limit

    async def _wait_for_room(self, timeout: float) -> None:
        self._room.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._room.wait(), timeout)

    def _gather(self, tp: TP, rows: list[Any], bounds: Bounds) -> None:
        expected = self._fetched.get(tp, 0)
        if rows[0].offset < expected:
            self.log.warning(
                "Topic %s partition %d goes on at offset %d where %d was expected: the topic was made anew. "
                "Its batches from before count no longer",
                *(tp.topic, tp.partition, rows[0].offset, expected),
            )
            self._forget(tp)
            self._committed_offset[tp] = None
        self._fetched[tp] = rows[-1].offset + 1
        self._gathered.setdefault(tp, Gathered()).add(rows, bounds, time.monotonic())

    def _take_due(self, active: set[TP], bounds: Bounds) -> dict[TP, list[Any]]:
        """Messages of the batches that are to be handed over now, as many as there is room for."""
        messages: dict[TP, list[Any]] = {}
        now_s = time.monotonic()
        for tp in self._gathered.keys() & active:
            gathered = self._gathered[tp]
            while self._has_room(tp) and (rows := gathered.take(bounds, now_s)):
                message = BatchMessage(FetchedBatch(tp, rows), self.app.consumer_generation_id, self._release)
                self._in_flight.setdefault(tp, deque()).append(message)
                messages.setdefault(tp, []).append(message)
            if not gathered:
                del self._gathered[tp]
        return messages

    def _next_due(self, ready: set[TP], bounds: Bounds) -> float:
        """Seconds until gathered records of one of the partitions have waited long enough."""
        due_s = min((self._gathered[tp].due_s(bounds) for tp in self._gathered.keys() & ready), default=float("inf"))
        return max(0.0, due_s - time.monotonic())

    def _to_message(self, tp: TP, record: Any) -> Any:
        return record if isinstance(record, BatchMessage) else super()._to_message(tp, record)

    def coordination_lost(self, error: BaseException) -> None:
        """aiokafka has given up its place in the group: this worker gets no partitions and fetches nothing any more.

        ``app.batch_coordination_lost`` is called with the error; without it the worker crashes, as Faust calls it.
        """
        handler = getattr(self.app, "batch_coordination_lost", None)
        if handler is not None:
            handler(error)
        else:
            self.add_future(self.crash(error))

    # -- acks

    def _release(self, message: BatchMessage) -> bool:
        """Called when the last agent has let go of a batch."""
        self._unacked_messages.discard(message)
        messages = self._in_flight.get(message.tp)
        if message.generation_id != self.app.consumer_generation_id or not messages or message not in messages:
            return False  # of an assignment that is over: whoever has the partition now reads it again
        if not message.batch.processed:
            return False  # skipped: it stays in flight, and so uncommitted, until the next assignment
        while messages and messages[0].batch.processed:
            self._done[message.tp] = messages.popleft().batch.next_offset
            self._n_acked += 1
        self._room.set()
        self.app.sensors.on_message_out(message.tp, message.offset, message)
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        yield from (tp for tp in self._done if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic in self._read_offset.batch_topics:
            return self._done.get(tp)
        offset: int | None = super()._new_offset(tp)
        return offset

    # -- where to start

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the application finish, then forget the batches of every partition: an eager rebalance takes all."""
        self._era += 1
        await super().on_partitions_revoked(revoked)
        self._forget_all()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to the committed offsets or, for batch topics, to where ``app.batch_start_offsets`` says."""
        if self._reassigning or self.app.should_stop:
            return {}  # the next assignment begins with its own positions, and a seek could come too late into it
        async with self._restarting:
            self._forget_all()
            mine = {tp for tp in self.assignment() if tp.topic in self.batch_topics}
            await self._idle.wait()
            if not self.assignment():  # the next rebalance has left nothing, and aiokafka would raise
                return {}
            offsets = await self._go_to_committed()
            if not self._reassigning:
                starts = await self._committed_or_first(mine, offsets) | await self._ask_for_starts(mine)
                await self._start_at(starts)
                offsets.update(starts)
                self._placed |= mine
                self._room.set()
            return offsets

    async def _go_to_committed(self) -> dict[TP, int]:
        """As aiokafka does it, partition after partition. Its thread goes on with that when the next rebalance cancels
        the recovery that waits here, so this does not end before: its last seek could come after those of the next.
        """
        going = asyncio.ensure_future(super().seek_to_committed())
        try:
            return {TP(*tp): offset for tp, offset in (await asyncio.shield(going)).items()}
        except asyncio.CancelledError:
            await asyncio.gather(going, return_exceptions=True)
            raise

    async def _committed_or_first(self, mine: set[TP], committed: Mapping[TP, int]) -> dict[TP, int]:
        """Where batch topics go on by themselves: aiokafka leaves a partition of which nothing is committed where it
        is, which is behind what was fetched already and is forgotten now.
        """
        starts = {tp: committed[tp] for tp in mine if committed.get(tp)}
        fresh, reset = mine - starts.keys(), self.app.conf.consumer_auto_offset_reset
        if fresh and reset == "earliest":
            starts.update({TP(*tp): offset for tp, offset in (await self.earliest_offsets(*fresh)).items()})
        elif fresh and reset == "latest":
            starts.update({TP(*tp): offset for tp, offset in (await self.highwaters(*fresh)).items()})
        return starts

    async def restart_batches(self, tps: Iterable[TP]) -> None:
        """Start partitions of batch topics anew, without a rebalance, while the others go on.

        Their batches become stale and are never committed, and ``app.batch_start_offsets`` is asked where to go on. A
        partition of which it says nothing, or that it cannot answer for because it raises (so does this, then), is not
        fetched until it is restarted or assigned again. Partitions that this worker does not have are left out.

        Raises ``ValueError`` for other topics and ``ImproperlyConfigured`` where the app has no
        ``batch_start_offsets``.
        """
        async with self._restarting:
            wanted = {TP(*tp) for tp in tps}
            if other := {tp.topic for tp in wanted} - self.batch_topics:
                raise ValueError(f"not a batch topic: {', '.join(sorted(other))}")
            if getattr(self.app, "batch_start_offsets", None) is None:
                raise ImproperlyConfigured("restart_batches needs app.batch_start_offsets to say where to go on")
            if self._reassigning:
                return  # asks for all starts when it is over
            mine = wanted & self.assignment()
            generation = self.app.consumer_generation_id
            self._placed -= mine
            for tp in mine:
                self._forget(tp)
            starts = await self._ask_for_starts(mine)
            # A fetch that began before may end after a seek, with records from before it or from after it: we could not
            # tell which to drop.
            await self._idle.wait()
            if self._reassigning or self.app.consumer_generation_id != generation:
                return
            await self._start_at(starts)
            self._committed_offset.update({tp: offset or None for tp, offset in starts.items()})
            self._placed |= starts.keys()
            self._room.set()

    async def _ask_for_starts(self, mine: set[TP]) -> dict[TP, int]:
        provider = getattr(self.app, "batch_start_offsets", None)
        answer: Mapping[TP, int | None] = {} if provider is None or not mine else await provider(mine)
        starts = {TP(*tp): offset for tp, offset in answer.items()}
        if unknown := {tp for tp, offset in starts.items() if offset is None}:
            starts.update({TP(*tp): offset for tp, offset in (await self.earliest_offsets(*unknown)).items()})
        return {tp: offset for tp, offset in starts.items() if offset is not None}

    async def _start_at(self, starts: Mapping[TP, int]) -> None:
        for tp, offset in starts.items():
            self._forget(tp)
            with contextlib.suppress(IllegalStateError):  # revoked in this moment: its new owner asks
                await self.seek(tp, offset)
                self._fetched[tp] = offset

    async def _seek(self, partition: TP, offset: int) -> None:
        async def seek() -> None:
            self._thread.seek(partition, offset)

        await self._thread.call_thread(seek)  # aiokafka's consumer lives there

    @property
    def _reassigning(self) -> bool:
        """Whether a rebalance is under way: the assignment is still the old one, and asked again when it is over."""
        return bool(self._thread._ensure_consumer()._subscription.reassignment_in_progress)

    # -- forgetting

    def _epoch(self, tp: TP) -> tuple[int, int]:
        """Changes when what is being fetched of the partition shall not count."""
        return self._era, self._epochs[tp]

    def _forget_all(self) -> None:
        self._era += 1
        self._placed.clear()  # Faust resumes the flow when it has recovered the assignment before this one as well
        for tp in {*self._in_flight, *self._gathered, *self._done, *self._fetched}:
            self._forget(tp)

    def _forget(self, tp: TP) -> None:
        self._epochs[tp] += 1
        for state in (self._gathered, self._done, self._fetched):
            state.pop(tp, None)
        for message in self._in_flight.pop(tp, ()):
            self._unacked_messages.discard(message)
            if message.forget() and not message.batch.processed:
                self.app.sensors.on_message_out(tp, message.offset, message)
        self._room.set()


class Transport(driver.Transport):
    """Faust's Kafka transport, scheme ``batches://``."""

    Consumer: ClassVar[type[Consumer]] = Consumer
