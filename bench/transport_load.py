"""The events that ``stridelog bench transport`` reads: seeded, once in a topic, and the sums they must give."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError, for_code

from bench.peers.tally import MINUTE_MS, Event, digest
from stridelog.errors import UserError

PARTITIONS: Final = 8
COMPRESSION: Final = "lz4"
KEPT: Final = {"retention.ms": "-1"}  # the events' times are in the past
BATCH_BYTES: Final = 256 << 10  # before compression, as the platform's own producer
USERS: Final = 1_000  # who send once a second each
SEED: Final = 20261124
START_MS: Final = 1_790_000_000_000
_BLOCK: Final = 50_000
_SPORTS: Final = ("running", "cycling", "rowing", "hiking")


@dataclass(frozen=True)
class Load:
    """A topic full of events: what is in it, and the digest of the right sums."""

    topic: str
    events: int
    bytes: int
    digest: str


def events(count: int, seed: int = SEED) -> Iterator[Event]:
    """``count`` events, one a second of each user in turn; the first n are the same whatever ``count`` is."""
    rng = np.random.default_rng(seed)
    for begin in range(0, count, _BLOCK):
        heart_rate = rng.integers(90, 190, _BLOCK).tolist()
        power = rng.integers(80, 420, _BLOCK).tolist()
        cadence = rng.integers(60, 100, _BLOCK).tolist()
        speed = rng.integers(200, 999, _BLOCK).tolist()
        distance = rng.integers(10_000, 99_999, _BLOCK).tolist()
        for i in range(min(_BLOCK, count - begin)):
            second, user = divmod(begin + i, USERS)
            yield Event(
                user=f"user-{user:06d}",
                time=START_MS + second * 1000 + user,
                sport=_SPORTS[user % len(_SPORTS)],
                heart_rate_bpm=heart_rate[i],
                power_w=power[i],
                cadence_rpm=cadence[i],
                speed_m_s=speed[i] / 100,
                distance_m=distance[i] / 10,
            )


async def write(bootstrap: str, topic: str, count: int) -> Load:
    """Make the topic and fill it. A user's events are in one partition, in order.

    Raises ``UserError`` where Kafka does not answer.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type=COMPRESSION, max_batch_size=BATCH_BYTES, linger_ms=0
    )
    try:
        await admin.start()
        made = await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=KEPT)])
        if code := made.topic_errors[0][1]:
            raise UserError(f"cannot create topic {topic}: {for_code(code).__name__}")
        await producer.start()
        return await _fill(producer, topic, count)
    except KafkaConnectionError as error:
        raise UserError(f"Kafka does not answer at {bootstrap}: start it with make up") from error
    finally:
        await producer.stop()
        await admin.close()


async def _fill(producer: AIOKafkaProducer, topic: str, count: int) -> Load:
    encode = msgspec.json.Encoder().encode
    sums: dict[tuple[str, int], int] = {}
    size = 0
    builders = {number: producer.create_batch() for number in range(PARTITIONS)}
    for event in events(count):
        value = encode(event)
        size += len(value)
        key = (event.user, event.time // MINUTE_MS)
        sums[key] = sums.get(key, 0) + event.power_w
        number = int(event.user[-6:]) % PARTITIONS
        user = event.user.encode()
        if builders[number].append(key=user, value=value, timestamp=event.time) is None:
            await _send(producer, builders[number], topic, number)
            builders[number] = producer.create_batch()
            builders[number].append(key=user, value=value, timestamp=event.time)
    for number, builder in builders.items():
        if builder.record_count():
            await _send(producer, builder, topic, number)
    await producer.flush()
    return Load(topic, count, size, digest(sums))


async def _send(producer: AIOKafkaProducer, builder: object, topic: str, number: int) -> None:
    sent = await producer.send_batch(builder, topic, partition=number)
    await sent


async def remove(bootstrap: str, topics: list[str]) -> None:
    """Delete the topics that are there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await asyncio.wait_for(admin.delete_topics(topics), 30)
    except UnknownTopicOrPartitionError:
        return
    finally:
        await admin.close()
