"""topics.yaml against a real broker: plan, apply, table."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stridelog.settings import Settings
from stridelog.topic_admin import Change, TopicAdmin
from stridelog.topics import Topics, load

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

FILE = """
defaults: {key: user, encoding: json, partitions: 2, replication: 1, retention: forever, cleanup: delete,
           max_bytes: 1MiB, broker_max_bytes: 2MiB, compression: lz4}
topics:
  workout-events: {doc: Workouts of a test., owner: tests, messages: [WorkoutDeleted], producers: [tests],
                   consumers: [readers], dead_letter: workout-events-dead}
  workout-events-dead: {doc: Dead workouts of a test., owner: tests, messages: [], encoding: original,
                        producers: [readers], consumers: []}
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def own(anyio_backend: str) -> AsyncIterator[Settings]:
    """Settings with names of this test's own; its topics go afterwards."""
    name = f"t{uuid.uuid4().hex[:8]}"
    settings = Settings(namespace=name, topic_prefix=f"{name}-")
    yield settings
    await _drop(settings)


async def _drop(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    mine = [name for name in await admin.list_topics() if name.startswith(settings.topic_prefix)]
    await admin.delete_topics(mine)
    await admin.close()


def topics(folder: Path, settings: Settings, **fields: Any) -> Topics:
    content = yaml.safe_load(FILE)
    content["defaults"] |= fields
    path = folder / f"{uuid.uuid4().hex}.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load(path, prefix=settings.topic_prefix)


async def apply(table: Topics, settings: Settings, *, lose_data: bool = False) -> list[Change]:
    async with TopicAdmin(settings) as admin:
        return await admin.apply(table, await admin.plan(table), lose_data=lose_data)


async def plan(table: Topics, settings: Settings) -> list[tuple[str, bool]]:
    async with TopicAdmin(settings) as admin:
        return sorted({(change.action, change.loses_data) for change in await admin.plan(table)})


async def test_topics_are_created_grown_and_configured_and_then_nothing_is_left_to_do(
    own: Settings, tmp_path: Path
) -> None:
    small = topics(tmp_path, own)
    assert await plan(small, own) == [("create", False)]
    assert len(await apply(small, own)) == 2
    assert await plan(small, own) == []
    large = topics(tmp_path, own, partitions=4, compression="zstd")
    assert await plan(large, own) == [("add partitions", False), ("configure", False)]
    await apply(large, own)
    assert await plan(large, own) == []


async def test_what_loses_records_is_done_only_when_meant(own: Settings, tmp_path: Path) -> None:
    await apply(topics(tmp_path, own), own)
    for change, action in (({"retention": "1d"}, "configure"), ({"partitions": 1}, "recreate")):
        risky = topics(tmp_path, own, **change)
        assert await plan(risky, own) == [(action, True)]
        assert await apply(risky, own) == []
        assert await plan(risky, own) == [(action, True)]
        assert len(await apply(risky, own, lose_data=True)) == 2
        assert await plan(risky, own) == []
        await apply(topics(tmp_path, own), own, lose_data=True)


async def test_the_table_counts_records_lag_dead_letters_and_bytes(own: Settings, tmp_path: Path) -> None:
    table = topics(tmp_path, own)
    await apply(table, own)
    events, dead = table.named("workout-events").name, table.named("workout-events-dead").name
    async with AIOKafkaProducer(bootstrap_servers=own.bootstrap) as producer:
        for number in range(10):
            await producer.send_and_wait(events, b"x" * 100, partition=number % 2)
        await producer.send_and_wait(dead, b"bad", partition=0)
    async with AIOKafkaConsumer(
        bootstrap_servers=own.bootstrap, group_id=f"{own.namespace}-social", enable_auto_commit=False
    ) as consumer:
        consumer.assign([TopicPartition(events, 0)])
        await consumer.commit({TopicPartition(events, 0): OffsetAndMetadata(3, "")})
    async with TopicAdmin(own) as admin:
        row = {row.topic: row for row in await admin.table(table, sample_s=0.0)}[events]
    assert (row.partitions, row.messages, row.dead) == (2, 10, 1)
    assert row.lag == {"social": 7}
    assert row.size_bytes is not None
    assert row.size_bytes > 100
