"""Fetched records as aiokafka's parser makes them.

aiokafka's consumer makes a ``ConsumerRecord``, in Python, of each record that its compiled parser has made already.
That takes more than half of the time of a fetch, and all that it adds are sizes, and the names of topic and partition,
which a batch has once. Records of batch topics stay what the parser made.
"""

import asyncio
import inspect
import time
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from faust.transport.drivers import aiokafka as driver
from faust.types import TP


class ParsedRecords(PartitionRecords):  # type: ignore[misc] # aiokafka's class has no types
    """What was fetched of a partition, as its parent gives it out: checked, without aborted transactions and control
    records, from the offset that was asked for. Only what a record is differs.
    """

    @classmethod
    def of(cls, fetched: PartitionRecords) -> "ParsedRecords | None":
        """The same records; None where some were taken already."""
        if inspect.getgeneratorstate(fetched._records_iterator) != inspect.GEN_CREATED:
            return None
        return cls(
            fetched._tp,
            fetched._records,
            fetched._aborted_transactions,
            fetched.next_fetch_offset,
            None,
            None,
            fetched._check_crcs,
            fetched._isolation_level,
        )

    def __iter__(self) -> Iterator[Any]:
        records: Iterator[Any] = self._records_iterator  # without the detour over a call of __next__ for each record
        return records

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        return record


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread around aiokafka's consumer, with parsed records for batch topics, that says when the consumer has
    dropped out of its group: Faust never asks aiokafka, and would wait for ever.
    """

    async def on_start(self) -> None:
        """Start the consumer, and watch its membership."""
        await super().on_start()
        coordination = getattr(self._ensure_consumer()._coordinator, "_coordination_task", None)
        if coordination is not None:  # a consumer without a group has none
            coordination.add_done_callback(self._coordination_ended)

    def _coordination_ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            ours: Any = self.consumer
            self.parent_loop.call_soon_threadsafe(ours.coordination_lost, error)

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        # aiokafka waits and takes in one call. Here it is asked for what it has, so that this can be changed before.
        deadline_s = time.monotonic() + (timeout or 0.0)
        while self.consumer.flow_active:
            self._keep_parsed(consumer._fetcher)
            records = await super()._fetch_records(consumer, active_partitions, timeout=0, max_records=max_records)
            patience_s = deadline_s - time.monotonic()
            if records or patience_s <= 0:
                return records
            await self._wait_for_fetch(consumer._fetcher, patience_s)
        return {}

    def _keep_parsed(self, fetcher: Any) -> None:
        ours: Any = self.consumer  # the transport's Consumer, which Faust's types do not know
        batched = ours.fetched_in_batches
        for tp, result in fetcher._records.items():
            if tp.topic in batched and type(result) is FetchResult:
                fetched = result._partition_records
                if type(fetched) is PartitionRecords and (parsed := ParsedRecords.of(fetched)) is not None:
                    result._partition_records = parsed

    async def _wait_for_fetch(self, fetcher: Any, patience_s: float) -> None:
        with fetcher._subscriptions.fetch_context():  # waiting is not idling: see max_poll_interval_ms
            waiter = fetcher._create_fetch_waiter()
            try:
                await asyncio.wait([waiter], timeout=patience_s)
            finally:
                waiter.cancel()
        if not waiter.cancelled():
            waiter.result()  # raises what the coordinator cannot go on after
