"""MongoDB: collections of another name in the same database, which then take the live ones' names.

A rename that drops what had the name is one step within a database, and copies between two, so the shadow is not in a
database of its own. A cursor that is open on the live collection at that moment ends with an error: ask again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pymongo import AsyncMongoClient

from sinks.base import Document, Span, TopicPartition
from sinks.mongo import ANSWER_TIMEOUT_MS, CONNECT_TIMEOUT_MS, MongoSink, mapped
from sinks.shadow.base import Shadow
from stridelog.settings import Settings

SUFFIX: Final = "__rebuild"


class _Beside(MongoSink):
    """Writes each document to the shadow of its collection."""

    async def write(self, rows: Sequence[Document], span: Span) -> None:
        await super().write([replace(row, collection=row.collection + SUFFIX) for row in rows], span)


class MongoShadow(Shadow[Document]):
    """Collections with a suffix; the watermarks are those of an agent with the same suffix."""

    def __init__(self, agent: str, settings: Settings, parts: tuple[str, ...]) -> None:
        self._agent = agent + SUFFIX
        self._collections = parts
        self.sink = _Beside(self._agent, settings)
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            settings.mongo,
            serverSelectionTimeoutMS=CONNECT_TIMEOUT_MS,
            connectTimeoutMS=CONNECT_TIMEOUT_MS,
            socketTimeoutMS=ANSWER_TIMEOUT_MS,
            connect=False,
        )
        self._database = self._client[settings.namespace]

    async def open(self) -> None:
        async with mapped():
            await self._client.admin.command("ping")

    async def close(self) -> None:
        await self._client.close()

    async def clear(self) -> None:
        async with mapped():
            for name in self._collections:
                await self._database.drop_collection(name + SUFFIX)
            await self._database["watermarks"].delete_many({"agent": self._agent})

    async def swap(self, marks: Mapping[TopicPartition, int]) -> None:
        async with mapped():
            there = set(await self._database.list_collection_names())
            for name in self._collections:
                if name + SUFFIX in there:
                    await self._database[name + SUFFIX].rename(name, dropTarget=True)
                else:
                    await self._database.drop_collection(name)  # nothing in the log leads to a document
