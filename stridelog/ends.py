"""Where partitions of the log end."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition as KafkaPartition

from sinks.base import TopicPartition
from sinks.kafka import Consumer, answering
from stridelog.metadata import follow_all_topics


class Ends:
    """Asks with a client of its own, which is made when it is needed first: a broker answers one that fetches only
    after its fetch, which may wait for records for more than a second.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: Any = None
        self._connecting = asyncio.Lock()

    async def of(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset after the last record of each partition. Raises ``SinkUnavailable``."""
        async with answering("kafka: ends of partitions"):
            consumer = await self._connected()
            found = await consumer.end_offsets([KafkaPartition(*source) for source in sources])
        return {TopicPartition(*tp): int(end) for tp, end in found.items()}

    async def close(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._consumer is None:
                consumer: Any = Consumer(bootstrap_servers=self._bootstrap)
                try:
                    await consumer.start()
                except BaseException:
                    await consumer.stop()
                    raise
                follow_all_topics(consumer)
                self._consumer = consumer
            return self._consumer
