"""How verify reads MongoDB: what should be there by its id, and the rest only where there is a rest."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient

from stridelog.settings import Settings
from verification.stores.mongo import BATCH, Mongo

pytestmark = pytest.mark.stack

IDS = [f"workout-{number:04}" for number in range(BATCH + 1)]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    settings = Settings(local=tmp_path, namespace=f"documents_{uuid4().hex[:12]}")
    client: MongoClient[dict[str, object]] = MongoClient(settings.mongo)
    client[settings.namespace]["workouts"].insert_many([{"_id": name, "sport": "running"} for name in IDS])
    yield settings
    client.drop_database(settings.namespace)
    client.close()


@pytest.mark.parametrize(
    "expected",
    [IDS, IDS[1:], [*IDS, "missing"], ["missing", *IDS[1:]], []],
    ids=["all", "one is extra", "one is missing", "one of each", "all are extra"],
)
def test_every_document_comes_once_whatever_is_expected(settings: Settings, expected: list[str]) -> None:
    mongo = Mongo(settings)
    try:
        found = [name for name, _ in mongo.workouts(expected)]
    finally:
        mongo.close()
    assert sorted(found) == IDS
