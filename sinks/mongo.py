"""MongoDB: field sets by ``_id`` in unordered bulk writes, then the watermark.

Nothing here needs transactions or pipeline updates, so a single server and the local stand-in do. The owner is checked
before the documents and again by the update that advances the watermark; between the two, a worker that was paused for
longer than a rebalance could still set fields to what they were some seconds ago. So the check is repeated before each
bulk write, which leaves a window of one request.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient, DeleteOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from sinks.base import Document, PoisonRows, Sink, SinkUnavailable, Span, TopicPartition
from sinks.claims import Claim, Claims, new_owner
from stridelog.settings import Settings

CONNECT_TIMEOUT_MS: Final = 3_000
ANSWER_TIMEOUT_MS: Final = 30_000
MAX_SET_BYTES: Final = 16 * 1024 * 1024 - 4096  # MongoDB's limit of a document, less room for its _id
DUPLICATE_KEY: Final = 11000  # two upserts of one new _id at the same moment: the same write succeeds next time

Operation = UpdateOne | DeleteOne
Round = dict[str, list[tuple[int, Operation]]]
"""Operations of one bulk write by collection, each with its row's index."""


class MongoSink(Sink[Document]):
    """Sets, unsets and deletes documents."""

    name = "mongo"

    def __init__(self, agent: str, settings: Settings) -> None:
        super().__init__(agent)
        self._claims = Claims(self.name, agent)
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            settings.mongo,
            serverSelectionTimeoutMS=CONNECT_TIMEOUT_MS,
            connectTimeoutMS=CONNECT_TIMEOUT_MS,
            socketTimeoutMS=ANSWER_TIMEOUT_MS,
            retryWrites=False,  # every write is idempotent and the engine retries
            appname=f"stridelog-{agent}",
            tz_aware=True,
            connect=False,
        )
        self._database = self._client[settings.namespace]
        self._marks = self._database["watermarks"]

    async def open(self) -> None:
        async with mapped():
            await self._client.admin.command("ping")

    async def close(self) -> None:
        await self._client.close()

    async def claim(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        held: dict[TopicPartition, int | None] = {}
        for source in sources:
            owner = new_owner()
            async with mapped():
                mark = await self._marks.find_one_and_update(
                    {"_id": self._mark_id(source)},
                    {"$set": {"agent": self.agent, **source._asdict(), "owner": owner}},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            held[source] = mark.get("next_offset") if mark else None
            self._claims.take(source, owner, held[source])
        return held

    async def watermarks(self) -> dict[TopicPartition, int]:
        async with mapped():
            marks = await self._marks.find({"agent": self.agent}).to_list()
        return {
            TopicPartition(mark["topic"], mark["partition"]): mark["next_offset"]
            for mark in marks
            if mark.get("next_offset") is not None
        }

    async def write(self, rows: Sequence[Document], span: Span) -> None:
        claim = self._claims.of(span)
        if claim.covers(span):
            return
        refused: dict[int, str] = {}
        for operations in _rounds(_operations(rows)):
            await self._check_owner(span, claim)
            answers = await asyncio.gather(
                *(self._bulk(name, ops) for name, ops in operations.items()), return_exceptions=True
            )
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
                refused.update(answer)
        if refused:
            raise PoisonRows(refused)
        async with mapped():
            result = await self._marks.update_one(
                {
                    "_id": self._mark_id(span.source),
                    "owner": claim.owner,
                    "next_offset": {"$in": [claim.watermark, span.next]},
                },
                {"$set": {"next_offset": span.next}},
            )
        if not result.matched_count:
            raise self._claims.lost(span.source)
        claim.watermark = span.next

    async def rewind(self, source: TopicPartition, offset: int) -> None:
        claim = self._claims.of(source)
        async with mapped():
            result = await self._marks.update_one(
                {"_id": self._mark_id(source), "owner": claim.owner}, {"$set": {"next_offset": offset}}
            )
        if not result.matched_count:
            raise self._claims.lost(source)
        claim.watermark = offset

    def release(self, sources: Iterable[TopicPartition]) -> None:
        self._claims.release(sources)

    async def _check_owner(self, span: Span, claim: Claim) -> None:
        """The claim must stand, and the watermark where this worker left it (after an answer that was lost: where it
        wanted it). A server that is further back has lost what was written, and whoever claims anew begins there.
        """
        async with mapped():
            mark = await self._marks.find_one({"_id": self._mark_id(span.source)})
        expected = (claim.watermark, span.next)
        if mark is None or mark["owner"] != claim.owner or mark.get("next_offset") not in expected:
            raise self._claims.lost(span.source)

    async def _bulk(self, collection: str, operations: Sequence[tuple[int, Operation]]) -> Mapping[int, str]:
        """Apply one round to one collection; the refused rows' indexes and reasons."""
        try:
            async with mapped():
                await self._database[collection].bulk_write([op for _, op in operations], ordered=False)
        except BulkWriteError as error:
            failed = error.details.get("writeErrors", [])
            if not failed or any(one["code"] == DUPLICATE_KEY for one in failed):
                raise SinkUnavailable(f"mongo: {_one_line(error)}") from error
            return {operations[one["index"]][0]: _one_line(one["errmsg"]) for one in failed}
        return {}

    def _mark_id(self, source: TopicPartition) -> str:
        return f"{self.agent}/{source.topic}/{source.partition}"


def _operations(rows: Sequence[Document]) -> list[tuple[str, str, Operation]]:
    """(collection, id, operation) of each row, encoded once. Raises ``PoisonRows`` for what BSON does not take."""
    operations: list[tuple[str, str, Operation]] = []
    refused: dict[int, str] = {}
    for index, row in enumerate(rows):
        try:
            operations.append((row.collection, row.id, _operation(row)))
        except (BSONError, OverflowError, TypeError, ValueError) as error:
            refused[index] = _one_line(error)
    if refused:
        raise PoisonRows(refused)
    return operations


def _operation(row: Document) -> Operation:
    update: dict[str, Any] = {}
    if row.set:
        encoded = bson.encode(row.set)
        if len(encoded) > MAX_SET_BYTES:
            raise ValueError(f"{len(encoded)} bytes of BSON, a document takes {MAX_SET_BYTES}")
        update["$set"] = RawBSONDocument(encoded)
    if row.unset:
        update["$unset"] = dict.fromkeys(row.unset, "")
    if not update:
        return DeleteOne({"_id": row.id})
    return UpdateOne({"_id": row.id}, update, upsert=bool(row.set))


def _rounds(operations: Sequence[tuple[str, str, Operation]]) -> list[Round]:
    """An unordered bulk write may apply its operations in any order, so a document is in each round once at most."""
    rounds: list[Round] = []
    seen: dict[tuple[str, str], int] = {}
    for index, (collection, document, operation) in enumerate(operations):
        number = seen[collection, document] = seen.get((collection, document), -1) + 1
        if number == len(rounds):
            rounds.append({})
        rounds[number].setdefault(collection, []).append((index, operation))
    return rounds


@asynccontextmanager
async def mapped() -> AsyncIterator[None]:
    """Turns the driver's errors into the contract's; those that name rows pass."""
    try:
        yield
    except BulkWriteError:
        raise
    except PyMongoError as error:
        raise SinkUnavailable(f"mongo: {_one_line(error)}") from error


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300]
