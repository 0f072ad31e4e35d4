"""What is particular about Delta tables: rows wait in memory, and one commit carries many spans."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sinks.base import Fenced, Rows, Sink, SinkUnavailable
from sinks.lake import WATERMARKS, Lake, Pending
from sinks.lake_tables import INJURIES, LAKE_TABLES

from .store_delta import DeltaFolder

pytestmark = pytest.mark.anyio

DEADLINE_S = 20.0


@pytest.fixture
async def delta(tmp_path: Path, anyio_backend: str) -> AsyncIterator[DeltaFolder]:
    store = DeltaFolder(tmp_path)
    await store.create()
    yield store
    await store.drop()


async def opened(store: DeltaFolder, **settings: Any) -> Sink[Any]:
    sink = store.sink(settings=store.settings.model_copy(update=settings))
    await sink.open()
    await sink.claim([store.source, store.other])
    return sink


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await holds():
            await asyncio.sleep(0.02)


def take_away(root: Path) -> Callable[[], None]:
    """Put a file in the place of a folder; the answer puts the folder back."""
    away = root.with_name("away")
    root.rename(away)
    root.write_text("no folder")

    def bring_back() -> None:
        root.unlink()
        away.rename(root)

    return bring_back


async def test_the_spans_of_all_partitions_go_into_one_commit(delta: DeltaFolder) -> None:
    sink = await opened(delta)
    before = delta.lake.table("training_features").version()
    for key in range(5):
        await sink.write([delta.row(key, key)], delta.span(key, key + 1))
        await sink.write([delta.row(100 + key, key)], delta.span(100 + key, 101 + key, delta.other))
    assert await delta.read() == {}
    await sink.flush()
    assert len(await delta.read()) == 10
    assert delta.lake.table("training_features").version() == before + 1
    assert await sink.watermarks() == {delta.source: 5, delta.other: 105}
    await sink.close()


async def test_rows_are_committed_by_themselves_after_the_interval(delta: DeltaFolder) -> None:
    sink = await opened(delta, lake_commit_interval_s=0.05)
    await sink.write([delta.row(0, 0)], delta.span(0, 1))

    async def committed() -> bool:
        return await sink.watermarks() == {delta.source: 1}

    await until(committed)
    assert await delta.read() == {0: 0}
    await sink.close()


async def test_many_rows_are_committed_before_the_interval(delta: DeltaFolder) -> None:
    sink = await opened(delta, lake_commit_rows=3)
    await sink.write([delta.row(key, key) for key in range(3)], delta.span(0, 3))

    async def committed() -> bool:
        return await sink.watermarks() == {delta.source: 3}

    await until(committed)
    await sink.close()


async def test_what_waits_in_a_dead_worker_is_below_no_watermark(delta: DeltaFolder) -> None:
    dead = await opened(delta)
    await dead.write([delta.row(0, 0)], delta.span(0, 1))
    await dead.flush()
    await dead.write([delta.row(1, 1)], delta.span(1, 2))
    heir = delta.sink()
    await heir.open()
    assert await heir.claim([delta.source]) == {delta.source: 1}
    await heir.write([delta.row(1, 1), delta.row(2, 2)], delta.span(1, 3))
    await heir.close()
    assert await delta.read() == {0: 0, 1: 1, 2: 2}
    dead.release([delta.source, delta.other])
    await dead.close()


async def test_a_crash_between_rows_and_watermark_leaves_no_row_twice(delta: DeltaFolder) -> None:
    sink = await opened(delta)
    table = LAKE_TABLES["training_features"]
    rows = [table.conform(delta.row(key, key).columns) for key in range(4)]
    delta.lake.append("tester", table.name, [Pending(delta.span(0, 4), {table.name: rows})])
    await sink.write([delta.row(key, key) for key in range(2)], delta.span(0, 2))
    await sink.write([delta.row(key, key) for key in range(2, 6)], delta.span(2, 6))
    await sink.close()
    assert await delta.read() == {key: key for key in range(6)}


async def test_a_table_without_rows_of_a_span_gets_no_commit(delta: DeltaFolder) -> None:
    sink = await opened(delta)
    injury = {
        "user_id": "ann",
        "onset": datetime(2026, 10, 31, 23, 30, tzinfo=UTC),
        "reported_at": datetime(2026, 11, 2, tzinfo=UTC),
        "body_part": "knee",
        "severity": "mild",
        "source_partition": 0,
        "source_offset": 0,
    }
    before = delta.lake.table("training_features").version()
    columns = pa.Table.from_pylist([injury])
    await sink.write([Rows("injuries", columns)], delta.span(0, 1))
    await sink.close()
    (row,) = delta.lake.table(INJURIES.name).to_pyarrow_table().to_pylist()
    assert (row["month"], row["days_lost"]) == ("2026-10", None)
    assert delta.lake.table("training_features").version() == before


async def test_writers_of_different_partitions_lose_nothing(delta: DeltaFolder) -> None:
    async def feed(number: int) -> None:
        sink = delta.sink(f"agent-{number}")
        await sink.open()
        await sink.claim([delta.source])
        for step in range(5):
            key = number * 10 + step
            await sink.write([delta.row(key, key, offset=step)], delta.span(step, step + 1))
            await sink.flush()
        await sink.close()

    await asyncio.gather(*(feed(number) for number in range(3)))
    assert await delta.read() == {n * 10 + step: n * 10 + step for n in range(3) for step in range(5)}


async def test_a_lake_that_is_away_stops_the_writer_before_its_memory_does(delta: DeltaFolder) -> None:
    sink = await opened(delta, lake_commit_rows=2)
    bring_back = take_away(Path(delta.settings.lake_url))
    await sink.write([delta.row(key, key) for key in range(4)], delta.span(0, 4))
    for _ in range(2):
        with pytest.raises(SinkUnavailable):
            await sink.write([delta.row(4, 4)], delta.span(4, 5))
    bring_back()
    await sink.write([delta.row(4, 4)], delta.span(4, 5))
    await sink.close()
    assert await delta.read() == {key: key for key in range(5)}


async def test_watermark_commits_keep_a_short_log(delta: DeltaFolder) -> None:
    await (await opened(delta)).close()
    settings = Lake.of(delta.settings).table(WATERMARKS).metadata().configuration
    assert settings["delta.logRetentionDuration"] == "interval 1 days"


async def test_the_month_is_that_of_utc(delta: DeltaFolder) -> None:
    row = delta.row(0, 0).columns.to_pylist()[0]
    row |= {"at": datetime(2026, 12, 1, 0, 30, tzinfo=UTC), "local_day": date(2026, 11, 30)}
    sink = await opened(delta)
    await sink.write([Rows("training_features", pa.Table.from_pylist([row]))], delta.span(0, 1))
    await sink.close()
    (stored,) = delta.lake.table("training_features").to_pyarrow_table().to_pylist()
    assert stored["month"] == "2026-12"


async def test_a_lake_restored_to_some_moments_ago_fences_so_that_they_are_written_again(delta: DeltaFolder) -> None:
    sink = await opened(delta)
    await sink.write([delta.row(0, 0)], delta.span(0, 1))
    await sink.flush()
    lake = Path(delta.settings.lake_url)
    shutil.copytree(lake, lake.with_name("backup"))
    await sink.write([delta.row(1, 1)], delta.span(1, 2))
    await sink.flush()
    shutil.rmtree(lake)
    lake.with_name("backup").rename(lake)
    await sink.write([delta.row(2, 2)], delta.span(2, 3))
    with pytest.raises(Fenced):
        await sink.flush()
    assert await sink.claim([delta.source]) == {delta.source: 1}
    assert await delta.read() == {0: 0}
    await sink.close()
