"""What MongoDB holds."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, NamedTuple

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from stridelog.errors import UserError
from stridelog.settings import Settings

TIMEOUT_MS: Final = 10_000
BATCH: Final = 500


class FeedDocument(NamedTuple):
    """One reader's feed of one week: items by workout id."""

    id: str
    items: dict[str, Any]


class Mongo:
    """The namespace's database."""

    def __init__(self, settings: Settings) -> None:
        self._place = settings.mongo
        self._client: MongoClient[dict[str, Any]] = MongoClient(
            settings.mongo, serverSelectionTimeoutMS=TIMEOUT_MS, appname="stridelog-verify", connect=False
        )
        self._database = self._client[settings.namespace]

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def ping(self) -> None:
        """Raises ``UserError`` if the server does not answer."""
        with self._mapped():
            self._client.admin.command("ping")

    def workouts(self, expected: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """All documents of the read model by workout id, without the id; those of ``expected`` ids first."""
        yield from self.plain("workouts", expected)

    def plain(self, collection: str, expected: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """All documents of a collection by id, without the id; those of ``expected`` ids first."""
        for document in self._documents(collection, expected):
            yield str(document.pop("_id")), document

    def feeds(self, expected: Collection[str]) -> Iterator[FeedDocument]:
        """All feed documents; those of ``expected`` ids first."""
        for document in self._documents("feeds", expected):
            yield FeedDocument(str(document["_id"]), dict(document.get("items", {})))

    def achievements(self, expected: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """All documents of achievements, with the awards by their ids; those of ``expected`` ids first."""
        for document in self._documents("achievements", expected):
            yield str(document["_id"]), dict(document.get("awards", {}))

    def _documents(self, name: str, expected: Collection[str]) -> Iterator[dict[str, Any]]:
        """By id, and all of the collection only if it has more: the stand-in holds the answer of a scan in memory."""
        collection = self._database[name]
        with self._mapped():
            found, ids = 0, iter(expected)
            while some := list(islice(ids, BATCH)):
                for document in collection.find({"_id": {"$in": some}}):
                    found += 1
                    yield document
            if found != collection.estimated_document_count():
                for document in collection.find(batch_size=BATCH):
                    if document["_id"] not in expected:
                        yield document

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except PyMongoError as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"MongoDB does not answer at {self._place} ({reason}): start the stack with 'make up', or set "
                "STRIDELOG_MONGO_URL"
            ) from error
