"""Where each projection stands: its watermark, what it has yet to take, and for how long that has been waiting."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from sinks.kafka import Consumer
from stridelog.errors import UserError
from stridelog.lag import Lag, LagReader
from stridelog.rebuild.projections import Projection
from stridelog.settings import Settings

CONNECT_S: Final = 15.0
FETCH_MS: Final = 2_000

Place = tuple[str, int, int]
"""topic, partition, offset"""


@dataclass(frozen=True, slots=True)
class Standing:
    """One projection on one topic, summed over partitions or (``partition`` from 0) on one of them.

    ``age_s``: how long the oldest record that it has yet to take has been in the log; 0 if there is none.
    """

    projection: str
    parts: tuple[str, ...]
    topic: str
    partition: int
    watermark: int
    behind: int
    age_s: float


async def standings(settings: Settings, known: Mapping[str, Projection], *, by_partition: bool) -> list[Standing]:
    """All projections as they stand now. Raises ``UserError`` if Kafka or a store does not answer."""
    agents = {one.agent.name: one.agent for one in known.values()}
    async with LagReader(settings, agents.values()) as reader:
        rows = await reader.read()
    waiting = {(row.topic, row.partition, row.watermark) for row in rows if row.behind}
    logged = await _logged_ms(settings, sorted(waiting))
    now_ms = time.time() * 1000
    found = []
    for one in known.values():
        mine = [row for row in rows if row.agent == one.agent.name and row.sink == one.sink]
        for some in _groups(mine, by_partition):
            ages = [now_ms - logged.get(_place(row), now_ms) for row in some if row.behind]
            found.append(
                Standing(
                    one.name,
                    one.parts,
                    some[0].topic,
                    some[0].partition if by_partition else -1,
                    sum(row.watermark for row in some),
                    sum(row.behind for row in some),
                    max(0.0, round(max(ages, default=0.0) / 1000, 3)),
                )
            )
    return found


def _groups(rows: Iterable[Lag], by_partition: bool) -> list[list[Lag]]:
    groups: dict[tuple[str, int], list[Lag]] = {}
    for row in rows:
        groups.setdefault((row.topic, row.partition if by_partition else -1), []).append(row)
    return list(groups.values())


def _place(row: Lag) -> Place:
    return row.topic, row.partition, row.watermark


async def _logged_ms(settings: Settings, places: Sequence[Place]) -> dict[Place, float]:
    """When the first record at or after each place was logged."""
    if not places:
        return {}
    consumer: Any = Consumer(
        bootstrap_servers=settings.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await asyncio.wait_for(consumer.start(), CONNECT_S)
        found: dict[Place, float] = {}
        left = list(places)
        while left:  # one place of each partition at a time
            now = {(topic, partition): (topic, partition, offset) for topic, partition, offset in left}
            left = [place for place in left if place not in now.values()]
            found |= await _read_each(consumer, list(now.values()))
        return found
    except (KafkaError, TimeoutError) as error:
        raise UserError(f"Kafka at {settings.bootstrap} does not answer ({error}): is the stack up?") from error
    finally:
        await consumer.stop()


async def _read_each(consumer: Any, places: Sequence[Place]) -> dict[Place, float]:
    asked = {KafkaPartition(topic, partition): (topic, partition, offset) for topic, partition, offset in places}
    consumer.assign(list(asked))
    for tp, (_, _, offset) in asked.items():
        consumer.seek(tp, offset)
    found: dict[Place, float] = {}
    while asked:
        fetched = await consumer.getmany(*asked, timeout_ms=FETCH_MS)
        if not fetched:
            break  # no record there: the end of a transaction
        for tp, records in fetched.items():
            found[asked.pop(tp)] = float(records[0].timestamp)
    return found
