"""What is particular about ClickHouse: rows are there before their watermark, which follows by itself."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import sinks.clickhouse
from sinks.base import Fenced, Sink, SinkUnavailable
from stridelog.readers import SamplesReader

from .proxy import proxy
from .store_clickhouse import ClickHouse

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

DEADLINE_S = 30.0


@pytest.fixture
async def clickhouse(tmp_path: Path, anyio_backend: str) -> AsyncIterator[ClickHouse]:
    store = ClickHouse(tmp_path)
    await store.create()
    yield store
    await store.drop()


@asynccontextmanager
async def claiming(store: ClickHouse) -> AsyncIterator[Sink[Any]]:
    sink = store.sink()
    await sink.open()
    await sink.claim([store.source])
    try:
        yield sink
    finally:
        await sink.close()


async def write_on(store: ClickHouse, sink: Sink[Any]) -> None:
    for offset in itertools.count():
        await sink.write([store.row(offset, 0)], store.span(offset, offset + 1))


async def test_the_watermark_follows_by_itself(clickhouse: ClickHouse) -> None:
    async with claiming(clickhouse) as sink:
        for first in range(0, 20, 5):
            await sink.write([clickhouse.row(first, first)], clickhouse.span(first, first + 5))
        async with asyncio.timeout(DEADLINE_S):
            while await sink.watermarks() != {clickhouse.source: 20}:
                await asyncio.sleep(0.05)
        ((marks,),) = await clickhouse.query("SELECT count() FROM {db}.watermarks WHERE held")
        assert marks < 4  # some went together


async def test_the_rows_of_a_worker_that_died_before_its_watermark_are_written_again(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks.clickhouse, "MARK_EVERY_S", 600.0)  # only when this test says so
    dead = clickhouse.sink()
    await dead.open()
    await dead.claim([clickhouse.source])
    await dead.write([clickhouse.row(1, 10)], clickhouse.span(0, 2))
    async with claiming(clickhouse) as heir:
        assert await clickhouse.read() == {1: 10}
        await heir.write([clickhouse.row(1, 10), clickhouse.row(2, 20)], clickhouse.span(0, 3))
        await heir.flush()
        assert await clickhouse.read() == {1: 10, 2: 20}
        with pytest.raises(Fenced):
            await dead.flush()
        assert await heir.watermarks() == {clickhouse.source: 3}
    await dead.close()


async def test_an_older_owner_is_told_after_its_next_watermark(clickhouse: ClickHouse) -> None:
    async with claiming(clickhouse) as old, claiming(clickhouse) as new:
        with pytest.raises(Fenced):
            await asyncio.wait_for(write_on(clickhouse, old), DEADLINE_S)
        await new.flush()
        assert await new.watermarks() == {}


async def test_rows_are_taken_no_longer_where_watermarks_cannot_be_written(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks.clickhouse, "LATE_MARKS_S", 0.0)
    database = clickhouse.settings.namespace
    async with claiming(clickhouse) as sink:
        await clickhouse.client.command(f"RENAME TABLE `{database}`.watermarks TO `{database}`.away")
        await sink.write([clickhouse.row(0, 0)], clickhouse.span(0, 1))
        with pytest.raises(SinkUnavailable, match="watermarks"):
            await sink.write([clickhouse.row(1, 1)], clickhouse.span(1, 2))
        await clickhouse.client.command(f"RENAME TABLE `{database}`.away TO `{database}`.watermarks")
        await sink.write([clickhouse.row(1, 1)], clickhouse.span(1, 2))
        await sink.flush()
        assert await sink.watermarks() == {clickhouse.source: 2}
        assert await clickhouse.read() == {0: 0, 1: 1}


async def test_a_server_that_lost_its_last_writes_fences_so_that_they_are_written_again(
    clickhouse: ClickHouse,
) -> None:
    async with claiming(clickhouse) as sink:
        for offset in range(2):
            await sink.write([clickhouse.row(offset, 0)], clickhouse.span(offset, offset + 1))
            await sink.flush()
        table = f"`{clickhouse.settings.namespace}`.watermarks"
        await clickhouse.client.command(f"ALTER TABLE {table} DELETE WHERE next_offset = 2 SETTINGS mutations_sync = 1")
        await clickhouse.client.command(
            f"INSERT INTO {table} (agent, topic, `partition`, epoch, next_offset, held) "  # noqa: S608 - our own table
            f"SELECT agent, topic, `partition`, max(epoch), 1, 1 FROM {table} GROUP BY ALL"
        )
        await sink.write([clickhouse.row(2, 2)], clickhouse.span(2, 3))
        with pytest.raises(Fenced):
            await sink.flush()
        assert await sink.claim([clickhouse.source]) == {clickhouse.source: 1}


async def test_samples_whose_answer_is_torn_are_there_when_asked_for_again(clickhouse: ClickHouse) -> None:
    async with claiming(clickhouse), proxy(clickhouse.settings.host, clickhouse.settings.clickhouse_port) as between:
        reader = SamplesReader(clickhouse.settings.model_copy(update={"clickhouse_port": between.port}))
        await reader.open()

        async def read() -> list[Any]:
            return [key async for given in reader.tracks([("ann", "workout")]) for key in given]

        try:
            assert await read() == [("ann", "workout")]
            between.tear(after_bytes=1_000)  # in the body: the head of an answer has a few hundred
            with pytest.raises(SinkUnavailable, match="reading samples"):
                await read()
            assert await read() == [("ann", "workout")]
        finally:
            await reader.close()
