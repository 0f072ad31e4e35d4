"""What MongoDB holds."""

from collections.abc import Iterator
from contextlib import contextmanager
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

    def workouts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All documents of the read model by workout id, without the id."""
        with self._mapped():
            for document in self._database["workouts"].find(batch_size=BATCH):
                yield str(document.pop("_id")), document

    def feeds(self) -> Iterator[FeedDocument]:
        """All feed documents."""
        with self._mapped():
            for document in self._database["feeds"].find(batch_size=BATCH):
                yield FeedDocument(str(document["_id"]), dict(document.get("items", {})))

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
