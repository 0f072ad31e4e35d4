"""Scores are not computed again: a projection of them is what the models of their time said, and the log has it.

An agent that scores announces each score in a topic, with the end of the span that caused it (``sl-source``), in the
order of the spans. So the rows of a span are those of the announcements that were caused up to its end.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from schemas import hot
from schemas.decode import BadRecord, decoder_for
from sinks.base import Rows
from sinks.columns import Table
from sinks.tables import INJURY_SCORES, RECOMMENDATIONS
from sinks.tail import SOURCE_HEADER
from stridelog.agent import Context
from stridelog.batch import Batch, Writes
from stridelog.topics import Topics

FETCH_MS: Final = 500
FETCH_RECORDS: Final = 500

Row = dict[str, Any]


class Said:
    """What one agent announced, partition by partition, in order.

    ``starts``: by partition the offset of the source up to which announcements are left out.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, message: str, topics: Topics, starts: Mapping[int, int] | None = None
    ) -> None:
        topic = topics.topic_of_message(message)
        self._consumer = consumer
        self._decoder = decoder_for(topic)
        self._partitions = [KafkaPartition(topic.name, number) for number in range(topic.partitions)]
        self._waiting: dict[int, deque[tuple[int, Any]]] = {tp.partition: deque() for tp in self._partitions}
        self._newest = dict.fromkeys(self._waiting, 0)
        self._starts = starts or {}
        self._ends = dict.fromkeys(self._waiting, 0)
        self._reading = asyncio.Lock()
        self._begun = False
        consumer.assign(self._partitions)

    async def refresh(self) -> None:
        """Look up to where announcements go now. Raises ``KafkaError``."""
        if not self._begun:
            await self._consumer.seek_to_beginning(*self._partitions)
            self._begun = True
        ends = await self._consumer.end_offsets(self._partitions)
        self._ends = {tp.partition: end for tp, end in ends.items()}

    async def up_to(self, partition: int, end: int) -> list[tuple[int, Any]]:
        """The messages that spans up to ``end`` caused and that were not asked for yet, each with the end of its span.

        Where a crash made an agent say something again, ends would go back: then the message has the one before it.
        """
        waiting = self._waiting[partition]
        async with self._reading:
            while (not waiting or waiting[-1][0] <= end) and await self._read(partition):
                pass
        found = []
        while waiting and waiting[0][0] <= end:
            found.append(waiting.popleft())
        return found

    async def _read(self, partition: int) -> bool:
        """Fetch some messages; whether there may be more."""
        tp = KafkaPartition(self._partitions[0].topic, partition)
        if await self._consumer.position(tp) >= self._ends[partition]:
            return False
        fetched = await self._consumer.getmany(tp, timeout_ms=FETCH_MS, max_records=FETCH_RECORDS)
        records = fetched.get(tp, [])
        messages = self._decoder.decode_many([(record.key, record.value) for record in records])
        for record, message in zip(records, messages, strict=True):
            caused = dict(record.headers).get(SOURCE_HEADER, b"").rpartition(b":")[2]
            self._newest[partition] = max(self._newest[partition], int(caused) if caused.isdigit() else 0)
            is_wanted = self._newest[partition] > self._starts.get(partition, 0)
            if is_wanted and not isinstance(message, BadRecord):
                self._waiting[partition].append((self._newest[partition], message))
        return True

    def process(self, table: Table, rows_of: Callable[[Any], Sequence[Row]]) -> Any:
        """The agent's function for a rebuild: rows of ``table`` as they were announced."""

        async def process(batch: Batch, context: Context) -> Writes:
            partition = batch.span.partition
            last: dict[tuple[str, str], tuple[int, Any]] = {}  # of a workout's announcements the last one counts
            for end, message in await self.up_to(partition, batch.span.next):
                last[message.user, message.data.workout_id] = (end, message)
            rows = [
                {**row, "user_id": m.user, "source_partition": partition, "source_offset": max(0, end - 1)}
                for end, m in last.values()
                for row in rows_of(m.data)
            ]
            return Writes(
                clickhouse=[Rows(table.name, pa.Table.from_pylist(rows, schema=table.schema))] if rows else []
            )

        return process


def injury_rows(data: hot.InjuryRiskScoredData) -> list[Row]:
    """The row of an announced risk."""
    return [{"workout_id": data.workout_id, "at": data.at, "model_version": data.model_version, "risk": data.risk}]


def recommendation_rows(data: hot.RecommendationsReadyData) -> list[Row]:
    """The rows of an announced list."""
    of_list = {"workout_id": data.workout_id, "at": data.at, "model_version": data.model_version}
    return [
        {**of_list, "rank": rank, "workout_kind": item.workout_kind, "sport": item.sport, "score": item.score}
        for rank, item in enumerate(data.items, start=1)
    ]


SCORES: Final[dict[str, tuple[str, Table, Callable[[Any], Sequence[Row]]]]] = {
    "injury": ("InjuryRiskScored", INJURY_SCORES, injury_rows),
    "recommend": ("RecommendationsReady", RECOMMENDATIONS, recommendation_rows),
}
"""Agents that score: the message by which they announce, the table, and its rows of a message."""
