"""Messages in Kafka topics."""

from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from sinks.base import Outgoing, Sink
from sinks.base import TopicPartition as SourcePartition
from sinks.topic import MAX_REQUEST_BYTES, TopicSink
from stridelog.settings import Settings

from .stores import Store


class Topic(Store):
    name = "topic"
    behind_proxy = False
    appends = True
    ports = ("kafka_port",)

    @property
    def topic(self) -> str:
        return f"{self.settings.namespace}-out"

    @property
    def unmatched(self) -> SourcePartition:
        """A source partition whose number the output topic lacks."""
        return SourcePartition(self.source.topic, 2)

    async def create(self) -> None:
        self.admin: Any = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap)
        await self.admin.start()
        await self.admin.create_topics([NewTopic(self.topic, 2, 1), NewTopic(self.source.topic, 3, 1)])

    def sink(self, agent: str = "tester", settings: Settings | None = None) -> Sink[Any]:
        return TopicSink(agent, settings or self.settings)

    def row(self, key: int, value: int, *, offset: int | None = None) -> Any:
        return Outgoing(self.topic, str(key).encode(), str(value).encode())

    def poison(self, key: int) -> Any:
        return Outgoing(self.topic, str(key).encode(), bytes(MAX_REQUEST_BYTES + 1))

    async def read(self) -> dict[int, int]:
        messages = await self.messages()
        held = {int(message.key): int(message.value) for message in messages}
        assert len(held) == len(messages), "a message is there twice"
        return held

    async def messages(self) -> list[Any]:
        consumer: Any = AIOKafkaConsumer(
            self.topic, bootstrap_servers=self.settings.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[Any] = []
            for source, end in ends.items():
                while await consumer.position(source) < end:
                    found += (await consumer.getmany(source, timeout_ms=200)).get(source, [])
            return found
        finally:
            await consumer.stop()

    async def lose_watermarks(self) -> None:
        await self.set_watermark(None)

    async def set_watermark(self, watermark: int | None) -> None:
        """As after a crash between the messages and the commit."""
        consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap,
            group_id=f"{self.settings.namespace}.sink.tester.topic",
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            source = TopicPartition(*self.source)
            consumer.assign([source])
            await consumer.commit({source: OffsetAndMetadata(watermark or 0, "" if watermark is None else "1 1")})
        finally:
            await consumer.stop()

    async def drop(self) -> None:
        await self.admin.delete_topics([self.topic, self.source.topic])
        await self.admin.close()
