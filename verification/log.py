"""Reading the log: all records of a partition, from the beginning to where it ended when verification began."""

import contextlib
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from sinks.kafka import Consumer
from stridelog.errors import UserError
from stridelog.metadata import follow_all_topics

FETCH_BYTES: Final = 8 << 20
SILENCE_MS: Final = 30_000


class LogRecord(NamedTuple):
    """One record as the broker keeps it."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Log:
    """The topics of a broker. Use as an async context manager."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: Any = Consumer(
            bootstrap_servers=bootstrap,
            client_id="stridelog-verify",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_bytes=4 * FETCH_BYTES,
            check_crcs=False,
        )
        self._admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="stridelog-verify")

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
            await self._admin.start()
            follow_all_topics(self._consumer)
        except (KafkaError, OSError) as error:
            await self._stop()
            raise UserError(
                f"Kafka does not answer at {self._bootstrap} ({error}): start the stack with 'make up', "
                "or set STRIDELOG_KAFKA"
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._consumer.stop()
        with contextlib.suppress(KafkaError, OSError):
            await self._admin.close()

    async def ends(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """(topic, partition) → offset after the last record, now. Raises ``UserError`` for a topic that is missing."""
        try:
            described = {each["topic"]: each for each in await self._admin.describe_topics(sorted(topics))}
            if missing := [topic for topic, each in described.items() if each["error_code"]]:
                raise UserError(
                    f"Kafka at {self._bootstrap} has no topic {', '.join(missing)}: run 'stridelog topics apply'"
                )
            partitions = [
                KafkaPartition(topic, each["partition"])
                for topic, found in described.items()
                for each in found["partitions"]
            ]
            ends = await self._consumer.end_offsets(partitions)
        except KafkaError as error:
            raise UserError(f"Kafka at {self._bootstrap}: {error}") from error
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def read(self, topic: str, partition: int, end: int) -> Sequence[LogRecord]:
        """All records before offset ``end``, in order. Raises ``UserError`` if the broker falls silent."""
        if end <= 0:
            return []
        source = KafkaPartition(topic, partition)
        self._consumer.assign([source])
        records: list[LogRecord] = []
        try:
            await self._consumer.seek_to_beginning(source)
            while await self._consumer.position(source) < end:
                fetched = await self._consumer.getmany(source, timeout_ms=SILENCE_MS)
                if not fetched and await self._consumer.position(source) < end:
                    raise UserError(f"Kafka at {self._bootstrap} says nothing more of {topic}-{partition}: try again")
                for batch in fetched.values():
                    records += [
                        LogRecord(r.offset, r.timestamp, r.key, r.value, tuple(r.headers))
                        for r in batch
                        if r.offset < end
                    ]
        except KafkaError as error:
            raise UserError(f"Kafka at {self._bootstrap}: {topic}-{partition}: {error}") from error
        finally:
            self._consumer.unsubscribe()
        return records
