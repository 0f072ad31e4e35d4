"""Documents in MongoDB."""

from typing import Any

from pymongo import AsyncMongoClient

from sinks.base import Document, Sink
from sinks.mongo import MongoSink
from stridelog.settings import Settings

from .stores import Store


class Mongo(Store):
    name = "mongo"
    patience = "sinks.mongo.ANSWER_TIMEOUT_MS"
    ports = ("mongo_port",)

    async def create(self) -> None:
        self.client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self.settings.mongo)
        self.database = self.client[self.settings.namespace]

    def sink(self, agent: str = "tester", settings: Settings | None = None) -> Sink[Any]:
        return MongoSink(agent, settings or self.settings)

    def row(self, key: int, value: int, *, offset: int | None = None) -> Any:
        return Document("numbers", str(key), {"value": value})

    def poison(self, key: int) -> Any:
        return Document("numbers", str(key), {"value": "x" * (17 * 1024 * 1024)})

    async def read(self) -> dict[int, int]:
        return {int(doc["_id"]): doc["value"] async for doc in self.database["numbers"].find()}

    async def lose_watermarks(self) -> None:
        await self.database["watermarks"].delete_many({})

    async def drop(self) -> None:
        await self.client.drop_database(self.settings.namespace)
        await self.client.close()
