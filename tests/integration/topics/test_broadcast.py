"""A topic for everyone on a real broker: every partition has a copy of each record, once, whatever happens between."""

import uuid
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from schemas.decode import EVERYONE, encode
from stridelog.broadcast import Completed, complete
from stridelog.errors import UserError
from stridelog.producer import Producer
from stridelog.settings import Settings
from stridelog.topic_admin import TopicAdmin
from stridelog.topics import DEFAULT_PATH, Topic, Topics, load
from tests.messages import segment

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

TOWER, LAKE = segment("Up to the tower"), segment("Around the lake")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def own() -> Settings:
    """Settings with a topic prefix of this test's own."""
    return Settings(topic_prefix=f"t{uuid.uuid4().hex[:8]}-")


@pytest.fixture
async def topic(own: Settings, anyio_backend: str) -> AsyncIterator[Topic]:
    """The topic of segments; it goes afterwards."""
    found = load(prefix=own.topic_prefix).topic_of_message("SegmentDefined")
    only = Topics({"segments": found}, DEFAULT_PATH)
    async with TopicAdmin(own) as admin:
        await admin.apply(only, await admin.plan(only))
    yield found
    client = AIOKafkaAdminClient(bootstrap_servers=own.bootstrap)
    await client.start()
    await client.delete_topics([found.name])
    await client.close()


async def contents(settings: Settings, topic: Topic) -> list[list[tuple[bytes | None, bytes | None]]]:
    """Keys and values, partition by partition."""
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap) as producer:
        numbers = sorted(await producer.partitions_for(topic.name))
    async with AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest") as consumer:
        found = []
        for number in numbers:
            source = TopicPartition(topic.name, number)
            consumer.assign([source])
            end = (await consumer.end_offsets([source]))[source]
            records: list[tuple[bytes | None, bytes | None]] = []
            while await consumer.position(source) < end:
                for some in (await consumer.getmany(timeout_ms=500)).values():
                    records += [(record.key, record.value) for record in some]
            found.append(records)
        return found


async def test_what_concerns_everyone_reaches_every_partition_in_the_order_in_which_it_was_sent(
    own: Settings, topic: Topic
) -> None:
    async with await Producer(own).open(["SegmentDefined"]) as producer:
        await producer.send(TOWER)
        await producer.send(LAKE)
    assert await contents(own, topic) == [[(EVERYONE, encode(TOWER)), (EVERYONE, encode(LAKE))]] * topic.partitions
    assert await complete(topic, own) == Completed(topic.name, topic.partitions, 2, 0)


async def test_copies_that_a_dead_sender_left_out_are_sent_once(own: Settings, topic: Topic) -> None:
    async with AIOKafkaProducer(bootstrap_servers=own.bootstrap) as producer:
        for partition in (0, 1, 2):
            await producer.send_and_wait(topic.name, encode(TOWER), key=EVERYONE, partition=partition)
        await producer.send_and_wait(topic.name, b"nobody can read this", key=EVERYONE, partition=4)
    assert await complete(topic, own) == Completed(topic.name, topic.partitions, 1, topic.partitions - 3)
    assert await complete(topic, own) == Completed(topic.name, topic.partitions, 1, 0)
    copies = [[value for _, value in records if value == encode(TOWER)] for records in await contents(own, topic)]
    assert copies == [[encode(TOWER)]] * topic.partitions


async def test_partitions_that_are_added_get_their_copies(own: Settings, topic: Topic) -> None:
    async with await Producer(own).open(["SegmentDefined"]) as producer:
        await producer.send(TOWER)
    more = Topics({"segments": topic.model_copy(update={"partitions": topic.partitions + 2})}, DEFAULT_PATH)
    async with TopicAdmin(own) as admin:
        (change,) = await admin.plan(more)
        assert "run stridelog topics complete afterwards" in change.detail
        await admin.apply(more, [change])
    assert (await complete(topic, own)).sent == 2
    assert await contents(own, topic) == [[(EVERYONE, encode(TOWER))]] * (topic.partitions + 2)


async def test_a_topic_that_is_not_there_is_named_with_the_command_that_makes_it(own: Settings) -> None:
    with pytest.raises(UserError, match=rf"no topic {own.topic_prefix}segments: run 'stridelog topics apply'"):
        await complete(load(prefix=own.topic_prefix).topic_of_message("SegmentDefined"), own)
