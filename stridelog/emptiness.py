"""Whether a range of offsets holds records: the end of a transaction takes an offset and is none."""

import asyncio
from typing import Any, Final

from aiokafka import TopicPartition as KafkaPartition

from sinks.base import TopicPartition
from sinks.kafka import Consumer, answering

FETCH_MS: Final = 500


class Reader:
    """Looks at ranges with a consumer of its own, which is made when it is needed first."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: Any = None
        self._one_at_a_time = asyncio.Lock()

    async def is_empty(self, source: TopicPartition, first: int, end: int) -> bool:
        """Whether no record has an offset from ``first`` up to, without, ``end``. Raises ``SinkUnavailable``."""
        async with answering("kafka"), self._one_at_a_time:
            return await self._is_empty(KafkaPartition(*source), first, end)

    async def close(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _is_empty(self, partition: KafkaPartition, first: int, end: int) -> bool:
        if self._consumer is None:
            consumer: Any = Consumer(bootstrap_servers=self._bootstrap, auto_offset_reset="earliest")
            await consumer.start()
            self._consumer = consumer
        self._consumer.assign([partition])
        self._consumer.seek(partition, first)
        try:
            while await self._consumer.position(partition) < end:
                fetched = await self._consumer.getmany(partition, timeout_ms=FETCH_MS, max_records=1)
                if any(record.offset < end for record in fetched.get(partition, [])):
                    return False
            return True
        finally:
            self._consumer.assign([])
