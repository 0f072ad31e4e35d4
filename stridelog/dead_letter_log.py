"""Dead letters as operators look at them: read back from the dead-letter topics, original bytes and the reason.

What operators did about a letter is a record of the topic ``dead-letters-handled``; letters themselves stay.
"""

import heapq
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Literal, Self

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from sinks.kafka import Consumer
from stridelog import deadletters
from stridelog.errors import UserError
from stridelog.metadata import follow_all_topics
from stridelog.settings import Settings
from stridelog.topics import Topics

_FETCH_MS: Final = 5_000
_CHUNK: Final = 500  # records read at once
_OURS: Final = "sl-"  # all headers that the engine adds begin so

Deed = Literal["replayed", "dropped"]
Original = tuple[str, int, int]
"""Topic, partition and offset of the record that a letter is about."""


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
    handled: Deed | None = None

    @property
    def place(self) -> str:
        """How ``show`` takes it: ``topic:partition:offset``."""
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def original(self) -> Original:
        """The record that it is about."""
        return self.source_topic, self.source_partition, self.source_offset


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters: empty fields are about all. Times are those at which records became dead letters."""

    topic: str = ""
    reason: str = ""
    agent: str = ""
    since_ms: int = 0
    until_ms: int | None = None
    handled_too: bool = False

    def has(self, letter: Letter) -> bool:
        """Whether the letter is among them; its topic is not looked at."""
        return (
            (not self.reason or letter.reason == self.reason)
            and (not self.agent or letter.agent == self.agent)
            and letter.timestamp_ms >= self.since_ms
            and (self.until_ms is None or letter.timestamp_ms < self.until_ms)
            and (self.handled_too or letter.handled is None)
        )


class Handled(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done about a letter. A replay is about all letters of the record, whichever agent's."""

    deed: Deed
    topic: str
    partition: int
    offset: int  # of the original record
    letter: str  # the place of the letter
    by: str
    agent: str = ""  # of a dropped letter

    @property
    def key(self) -> tuple[Original, str]:
        """What it is about."""
        return (self.topic, self.partition, self.offset), self.agent


class DeadLetterLog:
    """The dead-letter topics. Use as an async context manager."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self._topics = topics
        self._handled: dict[tuple[Original, str], Deed] = {}
        self._consumer = Consumer(
            bootstrap_servers=settings.bootstrap, enable_auto_commit=False, auto_offset_reset="none"
        )

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
            follow_all_topics(self._consumer)
        except KafkaConnectionError as error:
            await self._consumer.stop()
            raise UserError(f"Kafka does not answer at {self._settings.bootstrap}: is the stack up? make up") from error
        try:
            await self._read_handled()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    def dead_topics(self, of: str = "") -> list[str]:
        """Names of the dead-letter topics; of one topic (or itself) if ``of`` names one. Raises ``UserError``."""
        dead = self._topics.dead_letters
        if not of:
            return list(dead)
        name = self._topics.named(of).name
        return [name] if name in dead else [self._topics.dead_letter_of(name).name]

    async def newest(self, wanted: Wanted, limit: int) -> list[Letter]:
        """The newest letters, newest first, read from the ends of the partitions backwards."""
        found: list[Letter] = []
        for tp in await self._partitions(self.dead_topics(wanted.topic)):
            mine = 0
            async for letter in self._backwards(tp):
                if wanted.has(letter):
                    found.append(letter)
                    mine += 1
                if mine == limit:
                    break
        return heapq.nlargest(limit, found, key=lambda letter: (letter.timestamp_ms, letter.offset))

    async def oldest(self, wanted: Wanted) -> AsyncIterator[list[Letter]]:
        """All letters, some hundreds at a time, each partition's in order, as far as it goes when it is asked."""
        for tp in await self._partitions(self.dead_topics(wanted.topic)):
            begin, end = await self._bounds(tp)
            for first in range(begin, end, _CHUNK):
                letters = await self._read(tp, first, min(end, first + _CHUNK))
                if some := [letter for letter in letters if wanted.has(letter)]:
                    yield some

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

    async def _read_handled(self) -> None:
        for tp in await self._partitions([self._topics.handled_letters.name]):
            begin, end = await self._bounds(tp)
            async for record in self._records(tp, begin, end):
                handled = msgspec.json.decode(record.value, type=Handled)
                self._handled[handled.key] = handled.deed

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
        return [self._marked(_letter(record)) async for record in self._records(tp, first, end)]

    async def _records(self, tp: TopicPartition, first: int, end: int) -> AsyncIterator[Any]:
        """The records from ``first`` up to, not including, ``end``."""
        if first >= end:
            return
        self._consumer.assign([tp])
        self._consumer.seek(tp, first)
        try:
            while await self._consumer.position(tp) < end:
                fetched = await self._consumer.getmany(tp, timeout_ms=_FETCH_MS, max_records=end - first)
                for record in fetched.get(tp, []):
                    if record.offset < end:
                        yield record
        except KafkaError as error:
            raise UserError(f"cannot read {tp.topic} partition {tp.partition}: {error}") from error

    def _marked(self, letter: Letter) -> Letter:
        deed = self._handled.get((letter.original, "")) or self._handled.get((letter.original, letter.agent))
        return replace(letter, handled=deed) if deed else letter


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
