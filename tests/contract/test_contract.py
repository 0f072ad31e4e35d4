"""The contract of ``sinks/base.py``, held against every store, which adds only what ``stores.py`` asks of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sinks.base import Fenced, PoisonRows, Sink, SinkUnavailable, Span, TopicPartition

from .proxy import proxy
from .stores import Store

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def worker(store: Store, *sources: TopicPartition, agent: str = "tester") -> AsyncIterator[Sink[Any]]:
    """A started worker that has claimed ``sources``."""
    sink = store.sink(agent)
    await sink.open()
    try:
        await sink.claim(sources)
        yield sink
    finally:
        await sink.close()


async def put(sink: Sink[Any], rows: Sequence[Any], where: Span) -> None:
    """Write and make durable, as the engine does before it relies on it."""
    await sink.write(rows, where)
    await sink.flush()


def rows(store: Store, first: int, end: int, factor: int = 10, at: int | None = None) -> list[Any]:
    """Rows ``first`` up to, without, ``end``, caused by the records from offset ``at`` (default: ``first``) on."""
    shift = 0 if at is None else at - first
    return [store.row(key, key * factor, offset=key + shift) for key in range(first, end)]


def numbers(first: int, end: int, factor: int = 10) -> dict[int, int]:
    return {key: key * factor for key in range(first, end)}


async def test_what_was_written_is_there_with_its_watermark(store: Store) -> None:
    async with worker(store, store.source) as sink:
        assert await sink.watermarks() == {}
        await put(sink, rows(store, 0, 5), store.span(0, 5))
        assert await store.read() == numbers(0, 5)
        assert await sink.watermarks() == {store.source: 5}


async def test_a_partition_that_nothing_was_written_for_has_no_watermark(store: Store) -> None:
    async with worker(store) as sink:
        assert await sink.claim([store.source, store.other]) == {store.source: None, store.other: None}


async def test_a_restarted_worker_finds_the_watermark(store: Store) -> None:
    async with worker(store, store.source, store.other) as sink:
        await put(sink, rows(store, 0, 3), store.span(0, 3))
        await put(sink, rows(store, 3, 5), store.span(3, 5))
    async with worker(store) as sink:
        assert await sink.claim([store.source, store.other]) == {store.source: 5, store.other: None}


async def test_each_partition_and_each_agent_has_its_own_watermark(store: Store) -> None:
    async with worker(store, store.source, store.other) as one, worker(store, store.source, agent="second") as two:
        await put(one, rows(store, 0, 3), store.span(0, 3))
        await put(one, rows(store, 3, 6, at=100), store.span(100, 106, store.other))
        await put(two, rows(store, 6, 9, at=40), store.span(40, 45))
        assert await one.watermarks() == {store.source: 3, store.other: 106}
        assert await two.watermarks() == {store.source: 45}


async def test_the_same_span_twice_changes_nothing(store: Store) -> None:
    async with worker(store, store.source) as sink:
        for _ in range(2):
            await put(sink, rows(store, 0, 5), store.span(0, 5))
        assert await store.read() == numbers(0, 5)
        assert await sink.watermarks() == {store.source: 5}


async def test_a_span_below_the_watermark_is_skipped(store: Store) -> None:
    async with worker(store, store.source) as sink:
        await put(sink, rows(store, 0, 6), store.span(0, 6))
        await put(sink, rows(store, 0, 3, factor=99), store.span(0, 3))
        assert await store.read() == numbers(0, 6)
        assert await sink.watermarks() == {store.source: 6}


async def test_rows_without_a_watermark_may_be_written_again_at_other_boundaries(store: Store) -> None:
    async with worker(store, store.source) as sink:
        await put(sink, rows(store, 0, 4), store.span(0, 4))
        await put(sink, rows(store, 4, 8), store.span(4, 8))
    await store.lose_watermarks()
    async with worker(store) as sink:
        await sink.claim([store.source])
        for first, end in ((0, 3), (3, 7), (7, 10)):
            await put(sink, rows(store, first, end), store.span(first, end))
        assert await store.read() == numbers(0, 10)
        assert await sink.watermarks() == {store.source: 10}


async def test_a_span_that_is_partly_there_is_completed(store: Store) -> None:
    async with worker(store, store.source) as sink:
        await put(sink, rows(store, 0, 5), store.span(0, 5))
    async with worker(store, store.source) as sink:
        await put(sink, rows(store, 3, 9), store.span(3, 9))
        assert await store.read() == numbers(0, 9)
        assert await sink.watermarks() == {store.source: 9}


async def test_a_span_without_rows_advances_the_watermark(store: Store) -> None:
    async with worker(store, store.source) as sink:
        await put(sink, [], store.span(0, 7))
        assert await sink.watermarks() == {store.source: 7}
    async with worker(store) as sink:
        assert await sink.claim([store.source]) == {store.source: 7}


async def test_the_watermark_never_goes_back(store: Store) -> None:
    async with worker(store, store.source) as sink:
        await put(sink, [], store.span(0, 9))
        await put(sink, [], store.span(0, 4))
        assert await sink.watermarks() == {store.source: 9}
    async with worker(store, store.source) as sink:
        await put(sink, [], store.span(2, 6))
        assert await sink.watermarks() == {store.source: 9}


async def test_a_rewound_partition_takes_its_spans_again(store: Store) -> None:
    async with worker(store, store.source, store.other) as sink:
        await put(sink, rows(store, 0, 4), store.span(0, 4))
        await put(sink, rows(store, 4, 8), store.span(4, 8))
        await put(sink, [], store.span(0, 3, store.other))
        await sink.rewind(store.source, 2)
        assert await sink.watermarks() == {store.source: 2, store.other: 3}
        await put(sink, rows(store, 2, 6), store.span(2, 6))
        assert await sink.watermarks() == {store.source: 6, store.other: 3}
    async with worker(store) as sink:
        assert await sink.claim([store.source]) == {store.source: 6}
        await put(sink, rows(store, 6, 10), store.span(6, 10))
        assert await store.read() == numbers(0, 10)
        await sink.rewind(store.source, 0)
    async with worker(store) as sink:
        assert await sink.claim([store.source]) == {store.source: 0}


async def test_a_partition_may_be_set_forwards(store: Store) -> None:
    async with worker(store, store.source, store.other) as sink:
        await put(sink, rows(store, 0, 2), store.span(0, 2))
        await sink.rewind(store.source, 100)
        await sink.rewind(store.other, 7)
        await put(sink, rows(store, 2, 4), store.span(2, 4))
        assert await store.read() == numbers(0, 2)
        assert await sink.watermarks() == {store.source: 100, store.other: 7}


async def test_only_the_owner_rewinds(store: Store) -> None:
    async with worker(store, store.source) as old, worker(store) as new:
        await put(old, rows(store, 0, 2), store.span(0, 2))
        with pytest.raises(Fenced):
            await new.rewind(store.source, 0)
        await new.claim([store.source])
        with pytest.raises(Fenced):
            await old.rewind(store.source, 1)
        await new.rewind(store.source, 1)
        with pytest.raises(Fenced):
            await put(old, rows(store, 1, 3), store.span(1, 3))
        assert await new.watermarks() == {store.source: 1}


async def test_poison_is_named_and_the_span_without_it_is_written(store: Store) -> None:
    async with worker(store, store.source) as sink:
        mixed = [store.row(0, 0), store.poison(1), store.row(2, 20), store.poison(3), store.row(4, 40)]
        with pytest.raises(PoisonRows) as refused:
            await put(sink, mixed, store.span(0, 5))
        assert set(refused.value.rows) == {1, 3}
        assert all(refused.value.rows.values())
        assert await sink.watermarks() == {}
        await put(sink, [row for index, row in enumerate(mixed) if index not in refused.value.rows], store.span(0, 5))
        assert await store.read() == {0: 0, 2: 20, 4: 40}
        assert await sink.watermarks() == {store.source: 5}


async def test_an_older_owner_is_fenced_and_does_not_move_the_watermark(store: Store) -> None:
    async with worker(store, store.source, store.other) as old:
        await put(old, rows(store, 0, 2), store.span(0, 2))
        async with worker(store) as new:
            assert await new.claim([store.source]) == {store.source: 2}
            with pytest.raises(Fenced):
                await put(old, rows(store, 2, 5), store.span(2, 5))
            assert await new.watermarks() == {store.source: 2}
            await put(new, rows(store, 2, 4), store.span(2, 4))
            with pytest.raises(Fenced):
                await put(old, rows(store, 2, 5), store.span(2, 5))
            await put(old, [], store.span(0, 1, store.other))  # what nobody took is still its own
            assert await new.watermarks() == {store.source: 4, store.other: 1}


async def test_a_released_or_never_claimed_partition_is_not_written(store: Store) -> None:
    async with worker(store, store.source) as sink:
        with pytest.raises(Fenced):
            await sink.write(rows(store, 0, 2), store.span(0, 2, store.other))
        sink.release([store.source])
        with pytest.raises(Fenced):
            await sink.write(rows(store, 0, 2), store.span(0, 2))
        await sink.flush()
        assert await sink.watermarks() == {}


async def test_a_claim_may_be_repeated_by_its_owner(store: Store) -> None:
    async with worker(store, store.source) as sink:
        await put(sink, rows(store, 0, 2), store.span(0, 2))
        assert await sink.claim([store.source]) == {store.source: 2}
        await put(sink, rows(store, 2, 4), store.span(2, 4))
        assert await sink.watermarks() == {store.source: 4}


async def test_several_workers_may_start_at_the_same_moment(store: Store) -> None:
    sinks = [store.sink(f"agent-{number}") for number in range(4)]
    try:
        await asyncio.gather(*(sink.open() for sink in sinks))
        await asyncio.gather(*(sink.claim([store.source]) for sink in sinks))
        await asyncio.gather(*(put(sink, rows(store, n, n + 1), store.span(n, n + 1)) for n, sink in enumerate(sinks)))
        assert await store.read() == numbers(0, 4)
    finally:
        await asyncio.gather(*(sink.close() for sink in sinks))


async def test_a_server_that_is_not_there_is_unavailable(store: Store) -> None:
    sink = store.sink(settings=store.unreachable())
    with pytest.raises(SinkUnavailable) as error:
        await sink.open()
    assert "\n" not in str(error.value)
    await sink.close()


async def test_partitions_may_be_written_at_the_same_time(store: Store) -> None:
    async with worker(store, store.source, store.other) as sink:

        async def feed(source: TopicPartition, first: int) -> None:
            for start in range(first, first + 20, 5):
                await sink.write(rows(store, start, start + 5), store.span(start, start + 5, source))

        await asyncio.gather(feed(store.source, 0), feed(store.other, 100))
        await sink.flush()
        assert await store.read() == numbers(0, 20) | numbers(100, 120)
        assert await sink.watermarks() == {store.source: 20, store.other: 120}


async def test_a_store_that_goes_away_and_comes_back_takes_the_same_span(store: Store) -> None:
    if not store.behind_proxy:
        pytest.skip(f"{store.name}: no server, or one that clients do not reach by the address that they are given")
    (port,) = store.ports
    async with proxy(store.settings.host, getattr(store.settings, port)) as between:
        sink = store.sink(settings=store.settings.model_copy(update={port: between.port}))
        await sink.open()
        try:
            await sink.claim([store.source])
            await put(sink, rows(store, 0, 3), store.span(0, 3))
            await between.cut()
            with pytest.raises(SinkUnavailable):
                await put(sink, rows(store, 3, 6), store.span(3, 6))
            with pytest.raises(SinkUnavailable):
                await sink.watermarks()
            await between.mend()
            await put(sink, rows(store, 3, 6), store.span(3, 6))
            assert await store.read() == numbers(0, 6)
            assert await sink.watermarks() == {store.source: 6}
        finally:
            await sink.close()


async def test_a_store_that_hangs_is_unavailable_in_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if not store.behind_proxy:
        pytest.skip(f"{store.name}: no server, or one that clients do not reach by the address that they are given")
    monkeypatch.setattr(store.patience, 2_000 if store.patience.endswith("_MS") else 2)
    (port,) = store.ports
    async with proxy(store.settings.host, getattr(store.settings, port)) as between:
        sink = store.sink(settings=store.settings.model_copy(update={port: between.port}))
        await sink.open()
        try:
            await sink.claim([store.source])
            between.freeze()
            async with asyncio.timeout(60):
                with pytest.raises(SinkUnavailable):
                    await put(sink, rows(store, 0, 3), store.span(0, 3))
            between.thaw()
            await put(sink, rows(store, 0, 3), store.span(0, 3))
            assert await store.read() == numbers(0, 3)
        finally:
            await sink.close()
