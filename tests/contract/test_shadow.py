"""What a projection is built anew in, of every store that has one: it takes the live place whole and leaves nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sinks.base import Sink
from sinks.shadow import Shadow, make_shadow, shadow_settings
from stridelog.seek import set_watermarks

from .conftest import ANYWHERE, ON_THE_STACK
from .store_memory import Memory
from .store_topic import Topic
from .stores import Store

PARTS = {
    "clickhouse": ("board_scores",),
    "mongo": ("numbers",),
    "redis": ("rank:*",),
    "postgres": (),
    "delta": ("training_features", "injuries"),
}
WITH_SHADOW = [
    *(kind for kind in ANYWHERE if kind is not Memory),
    *(pytest.param(kind, marks=pytest.mark.stack) for kind in ON_THE_STACK if kind is not Topic),
]
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("store", WITH_SHADOW, indirect=True, ids=lambda kind: kind.name),
]


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[tuple[Sink[Any], Shadow[Any]]]:
    """The live sink and the shadow, both claimed."""
    live = store.sink()
    shadow = make_shadow(live.name, "tester", store.settings, PARTS[live.name])
    await shadow.open()
    await shadow.clear()
    for sink in (live, shadow.sink):
        await sink.open()
        await sink.claim([store.source])
    try:
        yield live, shadow
    finally:
        await live.close()
        await shadow.sink.close()
        await shadow.clear()
        await shadow.close()


def beside(store: Store, key: int, value: int, offset: int) -> Any:
    """A row as the agent makes it for the shadow: Redis commands name their keys."""
    row = store.row(key, value, offset=offset)
    if isinstance(row, tuple):
        name = row[1].replace(store.settings.namespace, shadow_settings("tester", store.settings).namespace)
        return (row[0], name, *row[2:])
    return row


async def build(store: Store, shadow: Shadow[Any], end: int, value: int) -> None:
    await shadow.sink.write([beside(store, key, value, key) for key in range(end)], store.span(0, end))
    await shadow.sink.flush()


async def test_what_was_built_takes_the_place_of_all_that_was_live(store: Store) -> None:
    async with opened(store) as (live, shadow):
        await live.write([store.row(key, 1) for key in (0, 1, 77)], store.span(0, 78))
        await live.flush()
        await build(store, shadow, 3, value=2)
        assert await store.read() == {0: 1, 1: 1, 77: 1}, "the live one is as it was until the swap"
        await shadow.swap({store.source: 3})
        await set_watermarks(live, {store.source: 3})
        assert await store.read() == {0: 2, 1: 2, 2: 2}
        assert await live.watermarks() == {store.source: 3}


async def test_after_a_swap_the_live_sink_goes_on_from_what_was_built(store: Store) -> None:
    async with opened(store) as (live, shadow):
        await live.write([store.row(0, 1)], store.span(0, 9))
        await live.flush()
        await build(store, shadow, 3, value=2)
        await shadow.swap({store.source: 3})
        await set_watermarks(live, {store.source: 3})
        await live.write([store.row(5, 6)], store.span(3, 6))
        await live.flush()
        assert await store.read() == {0: 2, 1: 2, 2: 2, 5: 6}
        assert await live.watermarks() == {store.source: 6}


async def test_a_swap_without_its_watermark_is_mended_by_writing_on_from_the_old_one(store: Store) -> None:
    async with opened(store) as (live, shadow):
        await live.write([store.row(0, 2)], store.span(0, 1))
        await live.flush()
        await build(store, shadow, 3, value=2)
        await shadow.swap({store.source: 3})
        assert await live.claim([store.source]) == {store.source: 1}
        await live.write([store.row(key, 2) for key in (1, 2, 3)], store.span(1, 4))
        await live.flush()
        assert await store.read() == {0: 2, 1: 2, 2: 2, 3: 2}


async def test_what_an_attempt_left_behind_is_removed(store: Store) -> None:
    async with opened(store) as (live, shadow):
        await build(store, shadow, 5, value=9)
        await shadow.sink.close()
        again = make_shadow(live.name, "tester", store.settings, PARTS[live.name])
        await again.open()
        await again.clear()
        await again.clear()
        await again.sink.open()
        try:
            assert await again.sink.watermarks() == {}
            await again.sink.claim([store.source])
            await build(store, again, 1, value=2)
            await again.swap({store.source: 1})
            assert await store.read() == {0: 2}
        finally:
            await again.sink.close()
            await again.close()


async def test_nothing_built_leaves_nothing_live(store: Store) -> None:
    async with opened(store) as (live, shadow):
        await live.write([store.row(0, 1)], store.span(0, 1))
        await live.flush()
        await shadow.swap({store.source: 0})
        assert await store.read() == {}
