"""Where partitions end, from the real broker."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from sinks.base import SinkUnavailable, TopicPartition
from stridelog.ends import Ends
from stridelog.settings import Settings

from .stores import CLOSED_PORT

pytestmark = [pytest.mark.anyio, pytest.mark.stack]


async def test_ends_are_those_of_now_also_of_topics_that_were_made_since() -> None:
    bootstrap = Settings().bootstrap
    names = [f"ends-{uuid4().hex[:8]}" for _ in range(2)]
    admin, ends = AIOKafkaAdminClient(bootstrap_servers=bootstrap), Ends(bootstrap)
    await admin.start()
    try:
        for name in names:
            await admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
            places = [TopicPartition(name, number) for number in range(2)]
            assert await ends.of(places) == dict.fromkeys(places, 0)
            async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
                for _ in range(3):
                    await producer.send_and_wait(name, b"value", partition=1)
            assert await ends.of(places) == {places[0]: 0, places[1]: 3}
    finally:
        await ends.close()
        await admin.delete_topics(names)
        await admin.close()


async def test_a_broker_that_is_away_is_unavailable() -> None:
    ends = Ends(f"127.0.0.1:{CLOSED_PORT}")
    with pytest.raises(SinkUnavailable, match="ends of partitions"):
        await ends.of([TopicPartition("t", 0)])
    await ends.close()
