"""What is particular about documents: field sets by path, and their order within a span."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sinks.base import Document, Fenced, PoisonRows, Sink

from .store_mongo import Mongo

pytestmark = [pytest.mark.anyio, pytest.mark.stack]


@pytest.fixture
async def mongo(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Mongo]:
    store = Mongo(tmp_path)
    await store.create()
    yield store
    await store.drop()


@pytest.fixture
async def sink(mongo: Mongo) -> AsyncIterator[Sink[Any]]:
    sink = mongo.sink()
    await sink.open()
    await sink.claim([mongo.source])
    yield sink
    await sink.close()


async def test_fields_are_set_and_unset_by_path_and_others_stay(mongo: Mongo, sink: Sink[Any]) -> None:
    await sink.write([Document("feeds", "ann", {"items.a": 1, "items.b": 2, "name": "Ann"})], mongo.span(0, 1))
    await sink.write([Document("feeds", "ann", {"items.c": 3}, unset=["items.a"])], mongo.span(1, 2))
    assert await mongo.database["feeds"].find_one({"_id": "ann"}) == {
        "_id": "ann",
        "items": {"b": 2, "c": 3},
        "name": "Ann",
    }


async def test_a_document_without_fields_is_deleted_and_unset_alone_creates_none(mongo: Mongo, sink: Sink[Any]) -> None:
    await sink.write([Document("feeds", "ann", {"a": 1})], mongo.span(0, 1))
    await sink.write([Document("feeds", "ann"), Document("feeds", "bob", unset=["a"])], mongo.span(1, 2))
    assert await mongo.database["feeds"].count_documents({}) == 0


async def test_several_changes_of_one_document_apply_in_their_order(mongo: Mongo, sink: Sink[Any]) -> None:
    changes = [
        Document("feeds", "ann", {"a": 1, "b": 1}),
        Document("feeds", "bob", {"a": 1}),
        Document("feeds", "ann"),
        Document("feeds", "ann", {"a": 2}),
        Document("feeds", "ann", {"c": 3}, unset=["a"]),
    ]
    await sink.write(changes, mongo.span(0, 5))
    found = {document["_id"]: document async for document in mongo.database["feeds"].find()}
    assert found == {"ann": {"_id": "ann", "c": 3}, "bob": {"_id": "bob", "a": 1}}


async def test_a_value_that_bson_lacks_is_named(mongo: Mongo, sink: Sink[Any]) -> None:
    rows = [
        Document("feeds", "ann", {"a": 1}),
        Document("feeds", "bob", {"a": 2**70}),
        Document("feeds", "c", {"a": {1}}),
    ]
    with pytest.raises(PoisonRows) as refused:
        await sink.write(rows, mongo.span(0, 3))
    assert set(refused.value.rows) == {1, 2}


async def test_a_path_that_the_server_cannot_follow_is_named(mongo: Mongo, sink: Sink[Any]) -> None:
    await sink.write([Document("feeds", "ann", {"a": 1})], mongo.span(0, 1))
    with pytest.raises(PoisonRows) as refused:
        await sink.write([Document("feeds", "bob", {"a": 1}), Document("feeds", "ann", {"a.b": 1})], mongo.span(1, 3))
    assert set(refused.value.rows) == {1}
    assert await sink.watermarks() == {mongo.source: 1}


async def test_a_server_that_lost_its_last_writes_fences_so_that_they_are_written_again(
    mongo: Mongo, sink: Sink[Any]
) -> None:
    await sink.write([mongo.row(0, 0)], mongo.span(0, 1))
    await sink.write([mongo.row(1, 1)], mongo.span(1, 2))
    await mongo.database["watermarks"].update_many({}, {"$set": {"next_offset": 1}})
    with pytest.raises(Fenced):
        await sink.write([mongo.row(2, 2)], mongo.span(2, 3))
    assert await sink.claim([mongo.source]) == {mongo.source: 1}


async def test_a_watermark_whose_answer_was_lost_is_no_loss(mongo: Mongo, sink: Sink[Any]) -> None:
    await sink.write([mongo.row(0, 0)], mongo.span(0, 1))
    await mongo.database["watermarks"].update_many({}, {"$set": {"next_offset": 2}})
    await sink.write([mongo.row(1, 1)], mongo.span(1, 2))
    assert await sink.watermarks() == {mongo.source: 2}
