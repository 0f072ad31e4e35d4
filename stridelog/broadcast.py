"""Topics for everyone: every partition has a copy of each record. Which copies are missing, and sending them.

A copy is missing when its sender died between two of them, and when partitions were added. Records are told apart by
the event's id, so that one that was sent again whole is still one record.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.decode import EVERYONE, BadRecord, decoder_for
from sinks.kafka import Consumer
from stridelog.errors import UserError
from stridelog.settings import Settings
from stridelog.topics import Topic

FETCH_MS: Final = 5_000
MAX_REQUEST_BYTES: Final = 64 << 20  # before compression; what the broker takes is a setting of each topic


@dataclass(frozen=True, slots=True)
class Copy:
    """A record that a partition lacks."""

    partition: int
    event_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Completed:
    """What a topic for everyone holds, and what was sent to complete it."""

    topic: str
    partitions: int
    records: int  # different ones
    sent: int  # copies


def missing_copies(found: Iterable[tuple[int, str, bytes]], partitions: int) -> list[Copy]:
    """The copies that partitions lack, of records that are somewhere, in the order in which these were found.

    ``found`` are the partition, event id and value of all that there is.
    """
    values: dict[str, bytes] = {}
    where: dict[str, set[int]] = {}
    for partition, event_id, value in found:
        values.setdefault(event_id, value)
        where.setdefault(event_id, set()).add(partition)
    return [
        Copy(partition, event_id, values[event_id])
        for event_id, held in where.items()
        for partition in sorted(set(range(partitions)) - held)
    ]


async def complete(topic: Topic, settings: Settings) -> Completed:
    """Send to each partition of a topic for everyone the copies that it lacks; records that nobody can read are left.

    Raises ``UserError`` if Kafka does not answer, lacks the topic, or refuses a copy.
    """
    consumer = Consumer(bootstrap_servers=settings.bootstrap, enable_auto_commit=False, auto_offset_reset="none")
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        acks="all",
        enable_idempotence=True,
        max_request_size=MAX_REQUEST_BYTES,
        compression_type=None if topic.compression == "none" else topic.compression,
    )
    try:
        await consumer.start()
        await producer.start()
        if topic.name not in await consumer.topics():
            raise UserError(f"Kafka at {settings.bootstrap} has no topic {topic.name}: run 'stridelog topics apply'")
        partitions = sorted(await producer.partitions_for(topic.name))
        found = await _read(consumer, topic, partitions)
        copies = missing_copies(found, len(partitions))
        sent = [await producer.send(topic.name, one.value, key=EVERYONE, partition=one.partition) for one in copies]
        await asyncio.gather(*sent)
    except KafkaError as error:
        raise UserError(f"Kafka at {settings.bootstrap}: {topic.name}: {error}") from error
    finally:
        await producer.stop()
        await consumer.stop()
    return Completed(topic.name, len(partitions), len({event_id for _, event_id, _ in found}), len(copies))


async def _read(consumer: Any, topic: Topic, partitions: Iterable[int]) -> list[tuple[int, str, bytes]]:
    """Partition, event id and value of every readable record."""
    decoder = decoder_for(topic)
    found: list[tuple[int, str, bytes]] = []
    for source in (TopicPartition(topic.name, partition) for partition in partitions):
        begin, end = (
            (await consumer.beginning_offsets([source]))[source],
            (await consumer.end_offsets([source]))[source],
        )
        consumer.assign([source])
        consumer.seek(source, begin)
        while await consumer.position(source) < end:
            for record in (await consumer.getmany(source, timeout_ms=FETCH_MS)).get(source, []):
                try:
                    message: Any = decoder.decode(record.key, record.value)
                except BadRecord:
                    continue
                found.append((source.partition, message.id, record.value))
    return found
