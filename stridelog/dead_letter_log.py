"""Dead letters as operators look at them: read back from the dead-letter topics, original bytes and the reason."""

import heapq
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from stridelog import deadletters
from stridelog.errors import UserError
from stridelog.settings import Settings
from stridelog.topics import Topics

_FETCH_MS: Final = 5_000
_CHUNK: Final = 500  # records read at once, from a partition's end backwards
_OURS: Final = "sl-"  # all headers that the engine adds begin so


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: where it lies, what it was, and why no agent could take it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int  # when it became a dead letter
    source_topic: str
    source_partition: int
    source_offset: int
    source_timestamp_ms: int
    reason: str
    detail: str
    stage: str
    agent: str
    version: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]  # those that the record came with

    @property
    def place(self) -> str:
        """How ``show`` takes it: ``topic:partition:offset``."""
        return f"{self.topic}:{self.partition}:{self.offset}"


class DeadLetterLog:
    """The dead-letter topics, newest letters first. Use as an async context manager."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self._topics = topics
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap, enable_auto_commit=False, auto_offset_reset="none"
        )

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except KafkaConnectionError as error:
            await self._consumer.stop()
            raise UserError(f"Kafka does not answer at {self._settings.bootstrap}: is the stack up? make up") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    def dead_topics(self, of: str = "") -> list[str]:
        """Names of the dead-letter topics; of one topic (or itself) if ``of`` names one. Raises ``UserError``."""
        dead = {self._topics.dead_letter_of(topic.name).name: topic.name for topic in self._topics if topic.dead_letter}
        if not of:
            return list(dead)
        name = self._topics.named(of).name
        return [name] if name in dead else [self._topics.dead_letter_of(name).name]

    async def newest(self, topic: str = "", *, reason: str = "", agent: str = "", limit: int = 50) -> list[Letter]:
        """The newest letters that match, newest first, read from the ends of the partitions backwards."""
        found: list[Letter] = []
        for tp in await self._partitions(self.dead_topics(topic)):
            mine = 0
            async for letter in self._backwards(tp):
                if (not reason or letter.reason == reason) and (not agent or letter.agent == agent):
                    found.append(letter)
                    mine += 1
                if mine == limit:
                    break
        return heapq.nlargest(limit, found, key=lambda letter: (letter.timestamp_ms, letter.offset))

    async def at(self, topic: str, partition: int, offset: int) -> Letter:
        """One letter. Raises ``UserError`` if there is none."""
        name = self.dead_topics(topic)[0]
        tp = TopicPartition(name, partition)
        if tp not in await self._partitions([name]):
            raise UserError(f"{name} has no partition {partition}: see stridelog dlq list")
        begin, end = await self._bounds(tp)
        if not begin <= offset < end:
            raise UserError(
                f"no dead letter at {name}:{partition}:{offset}: the partition holds {begin} to {end - 1}"
                if end > begin
                else f"no dead letter at {name}:{partition}:{offset}: the partition is empty"
            )
        return (await self._read(tp, offset, offset + 1))[0]

    async def _partitions(self, names: list[str]) -> list[TopicPartition]:
        present = await self._consumer.topics()
        missing = [name for name in names if name not in present]
        if missing:
            raise UserError(
                f"Kafka at {self._settings.bootstrap} has no topic {', '.join(missing)}: run 'stridelog topics apply'"
            )
        return [TopicPartition(name, number) for name in names for number in range(self._topics.named(name).partitions)]

    async def _bounds(self, tp: TopicPartition) -> tuple[int, int]:
        begins, ends = await self._consumer.beginning_offsets([tp]), await self._consumer.end_offsets([tp])
        return begins[tp], ends[tp]

    async def _backwards(self, tp: TopicPartition) -> AsyncIterator[Letter]:
        begin, end = await self._bounds(tp)
        while end > begin:
            first = max(begin, end - _CHUNK)
            for letter in reversed(await self._read(tp, first, end)):
                yield letter
            end = first

    async def _read(self, tp: TopicPartition, first: int, end: int) -> list[Letter]:
        """The records from ``first`` up to, not including, ``end``."""
        self._consumer.assign([tp])
        self._consumer.seek(tp, first)
        letters: list[Letter] = []
        try:
            while await self._consumer.position(tp) < end:
                fetched = await self._consumer.getmany(tp, timeout_ms=_FETCH_MS, max_records=end - first)
                letters += [_letter(record) for record in fetched.get(tp, []) if record.offset < end]
        except KafkaError as error:
            raise UserError(f"cannot read {tp.topic} partition {tp.partition}: {error}") from error
        return letters


def _letter(record: Any) -> Letter:
    ours = {name: value.decode(errors="replace") for name, value in record.headers if name.startswith(_OURS)}

    def number(name: str) -> int:
        text = ours.get(name, "")
        return int(text) if text.lstrip("-").isdigit() else -1

    return Letter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        source_topic=ours.get(deadletters.TOPIC, ""),
        source_partition=number(deadletters.PARTITION),
        source_offset=number(deadletters.OFFSET),
        source_timestamp_ms=number(deadletters.TIMESTAMP),
        reason=ours.get(deadletters.REASON, ""),
        detail=ours.get(deadletters.DETAIL, ""),
        stage=ours.get(deadletters.STAGE, ""),
        agent=ours.get(deadletters.AGENT, ""),
        version=ours.get(deadletters.VERSION, ""),
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers if not name.startswith(_OURS)),
    )
