"""Workers that crash, come back, fall behind and are fenced, at random: the store ends up as if nothing had happened.

A log of records is worked off by a row of workers. Each starts at the watermark that its claim returned, or below it as
it does when another sink of its agent is behind, and cuts the log as it likes. A worker may be left as it stands, and
write once more when another has taken over; or the watermarks are lost. Rows that are upserted have few keys, so that
every key is written many times and an old value must not come back.
"""

import random
from typing import Any

import pytest

from sinks.base import Fenced, Sink

from .stores import Store

pytestmark = pytest.mark.anyio

RECORDS = 80
KEYS = 7


def row(store: Store, offset: int) -> Any:
    return store.row(offset if store.appends else offset % KEYS, 1000 + offset, offset=offset)


def expected(store: Store, end: int) -> dict[int, int]:
    return {offset if store.appends else offset % KEYS: 1000 + offset for offset in range(end)}


async def work(sink: Sink[Any], store: Store, first: int, end: int) -> None:
    await sink.write([row(store, offset) for offset in range(first, end)], store.span(first, end))


async def write_late(sink: Sink[Any], store: Store) -> None:
    """What a worker does that does not know yet that its partition has gone."""
    await sink.write([row(store, RECORDS - 1)], store.span(RECORDS - 1, RECORDS + 1))
    await sink.flush()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_random_history_of_workers_ends_with_every_record_once(store: Store, seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)
    workers: list[Sink[Any]] = []
    position = RECORDS
    try:
        while not workers or position < RECORDS:
            sink = store.sink()
            await sink.open()
            held = (await sink.claim([store.source]))[store.source]
            position = max(0, (held or 0) - chance.choice([0, 0, 3, 10]))
            if workers:
                with pytest.raises(Fenced):
                    await write_late(workers[-1], store)
            workers.append(sink)
            for _ in range(chance.randrange(1, 6)):
                end = min(RECORDS, position + chance.randrange(1, 16))
                await work(sink, store, position, end)
                position = end
                if chance.random() < 0.7:
                    await sink.flush()
            if chance.random() < 0.25:
                await sink.flush()
                await store.lose_watermarks()
                position = 0
        await workers[-1].flush()
        assert await store.read() == expected(store, RECORDS)
        assert await workers[-1].watermarks() == {store.source: RECORDS}
    finally:
        for sink in workers:
            sink.release([store.source])
            await sink.close()
