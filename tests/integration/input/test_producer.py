"""The producer against a real broker: topics it needs, order per user, a large record, all of it acknowledged."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.decode import EVERYONE
from simulator.town import MESSAGE_TYPES, Town, TownConfig
from stridelog.cli.simulate import send_town
from stridelog.errors import UserError
from stridelog.pace import AsFastAsPossible
from stridelog.producer import Producer
from stridelog.settings import Settings
from stridelog.topic_admin import TopicAdmin
from stridelog.topics import Topics, load

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

TOWN = TownConfig(seed=2, athletes=8, first_day=date(2026, 11, 1), until_us=None, sampling_s=60)
PARTITIONS = 2
TWO_WEEKS_US = 14 * 86_400_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def own() -> Settings:
    """Settings with a topic prefix of this test's own."""
    return Settings(topic_prefix=f"t{uuid.uuid4().hex[:8]}-")


@pytest.fixture
async def applied(own: Settings, anyio_backend: str) -> AsyncIterator[Topics]:
    """The project's topics under the test's prefix; they go afterwards."""
    known = load(prefix=own.topic_prefix)
    needed = {known.topic_of_message(kind).name: known.topic_of_message(kind) for kind in MESSAGE_TYPES}
    admin = AIOKafkaAdminClient(bootstrap_servers=own.bootstrap)
    await admin.start()
    await admin.create_topics(
        [
            NewTopic(name, PARTITIONS, 1, topic_configs={"max.message.bytes": str(topic.broker_max_bytes)})
            for name, topic in needed.items()
        ]
    )
    async with TopicAdmin(own) as broker, asyncio.timeout(30):
        while await broker.missing(needed.values()):  # made, but not yet shown
            await asyncio.sleep(0.1)
    yield known
    await admin.delete_topics(list(needed))
    await admin.close()


async def read_all(settings: Settings, names: list[str], expected: int) -> list[tuple[str, bytes | None, bytes]]:
    consumer = AIOKafkaConsumer(
        *names, bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    records: list[tuple[str, bytes | None, bytes]] = []
    async with asyncio.timeout(30):
        while len(records) < expected:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += [(record.topic, record.key, record.value) for record in batch]
    await consumer.stop()
    return records


async def test_missing_topics_are_named_with_the_command_that_makes_them(own: Settings) -> None:
    with pytest.raises(UserError, match=rf"no topic {own.topic_prefix}sensor-frames.*topics apply"):
        await Producer(own).open(["SensorFrame"])


async def test_a_town_arrives_whole_and_in_order_for_each_user(own: Settings, applied: Topics) -> None:
    sent: list[tuple[str, bytes, bytes]] = []
    producer = await Producer(own).open(MESSAGE_TYPES)
    async with producer:
        await send_town(
            Town(replace(TOWN, until_us=TOWN.start_us + TWO_WEEKS_US)),
            producer,
            AsFastAsPossible(),
            lambda m: sent.append((applied.topic_of_message(m.type).name, m.key, m.value)),
            TOWN.start_us,
        )
        await producer.send_encoded("WorkoutCompleted", b"big", b"x" * (2 << 20))
    sent.append((applied.topic_of_message("WorkoutCompleted").name, b"big", b"x" * (2 << 20)))
    sent = [one for one in sent for _ in range(PARTITIONS if one[1] == EVERYONE else 1)]
    arrived = await read_all(own, sorted({topic for topic, *_ in sent}), len(sent))
    assert len(arrived) == len(sent)
    for topic, key in {(topic, key) for topic, key, _ in sent}:
        mine = [value for t, k, value in arrived if (t, k) == (topic, key)]
        theirs = [value for t, k, value in sent if (t, k) == (topic, key)]
        assert mine == theirs if key != EVERYONE else sorted(mine) == sorted(theirs)


async def test_a_record_that_the_broker_refuses_is_an_error_and_not_lost_silently(
    own: Settings, applied: Topics
) -> None:
    producer = await Producer(own).open(["WorkoutCompleted"])
    with pytest.raises(UserError, match="refused a record"):
        async with producer:
            await producer.send_encoded("WorkoutCompleted", b"big", bytes(9 << 20))
