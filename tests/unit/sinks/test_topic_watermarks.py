"""Where a topic sink's watermarks are read: a broker that is no longer asked must not be believed."""

from typing import Any

import pytest
from aiokafka.errors import NotCoordinatorForGroupError
from aiokafka.protocol.commit import OffsetFetchResponse_v3

from sinks.base import SinkUnavailable, TopicPartition
from sinks.topic import TopicSink
from stridelog.settings import Settings

pytestmark = pytest.mark.anyio


class Cluster:
    """Two brokers' answers about one group, of which one coordinates it."""

    def __init__(self) -> None:
        self.coordinator = 1

    async def find_coordinator(self, group: str) -> int:
        return self.coordinator

    async def _send_request(self, request: Any, broker: int) -> OffsetFetchResponse_v3:
        if broker != self.coordinator:
            return OffsetFetchResponse_v3(0, [], NotCoordinatorForGroupError.errno)
        return OffsetFetchResponse_v3(0, [("workouts", [(3, 42, "7 1", 0)])], 0)


async def test_a_broker_that_lost_the_group_does_not_seem_to_say_that_nothing_was_written() -> None:
    cluster = Cluster()
    sink = TopicSink("tester", Settings())
    sink._admin = cluster
    assert await sink.watermarks() == {TopicPartition("workouts", 3): 42}
    cluster.coordinator = 2
    with pytest.raises(SinkUnavailable):
        await sink.watermarks()
    assert await sink.watermarks() == {TopicPartition("workouts", 3): 42}
