"""How large a batch gets."""

from pathlib import Path

import pytest
from faust.exceptions import ImproperlyConfigured
from faust.types import TP
from faust_batches.gathering import Bounds
from kafka_app import collect, hold, new_app, running, send, until, until_committed, values

pytestmark = pytest.mark.stack


@pytest.mark.anyio
async def test_a_larger_fetch_is_cut_into_batches_of_at_most_so_many_records(topic: str, tmp_path: Path) -> None:
    sent = [b"%d" % i for i in range(25)]
    await send(topic, sent)
    app = new_app(topic, tmp_path)
    app.batch_max_records = 10
    got = collect(app, topic)
    async with running(app):
        await until_committed(topic, 25)
    assert [len(batch) for batch in got] == [10, 10, 5]
    assert values(got) == sent


@pytest.mark.anyio
async def test_a_batch_has_at_most_so_many_bytes_unless_one_record_has_more(topic: str, tmp_path: Path) -> None:
    sizes = [400, 400, 400, 5_000, 1, 900, 99]
    await send(topic, [b"x" * size for size in sizes])
    app = new_app(topic, tmp_path)
    app.batch_max_bytes = 1_000
    got = collect(app, topic)
    async with running(app):
        await until_committed(topic, len(sizes))
    assert [[len(record.value) for record in batch.records] for batch in got] == [
        [400, 400],
        [400],
        [5_000],
        [1, 900, 99],
    ]


@pytest.mark.anyio
async def test_what_is_cut_off_waits_for_room_and_is_not_fetched_meanwhile(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"x"] * 100)
    app = new_app(topic, tmp_path)
    app.batch_max_records = 10
    held = hold(app, topic)
    async with running(app):
        await until(lambda: len(held) == 2)
        await send(topic, [b"y"] * 100)
        await send(topic, [b"other"], partition=1)
        await until(lambda: len(held) == 3)
        assert [event.value.tp.partition for event in held].count(0) == 2
        assert len(app.consumer._gathered[TP(topic, 0)]) <= 80
        for _ in range(18):
            event = next(e for e in held if e.value.tp.partition == 0 and not e.value.processed)
            before = len(held)
            event.value.ack(event)
            await until(lambda n=before: len(held) > n)
    assert values([event.value for event in held]) == [b"x"] * 100 + [b"y"] * 100


@pytest.mark.anyio
async def test_records_that_come_one_by_one_are_gathered_until_they_are_enough(topic: str, tmp_path: Path) -> None:
    app = new_app(topic, tmp_path)
    app.batch_max_records, app.batch_max_wait = 5, 3_600.0
    got = collect(app, topic)
    async with running(app):
        for number in range(12):
            await send(topic, [b"%d" % number])
        await until(lambda: len(got) == 2)
        await until(lambda: len(app.consumer._gathered.get(TP(topic, 0), ())) == 2)
        assert [len(batch) for batch in got] == [5, 5]


@pytest.mark.anyio
async def test_what_has_waited_long_enough_is_handed_over_as_one_batch(topic: str, tmp_path: Path) -> None:
    app = new_app(topic, tmp_path)
    app.batch_max_wait = 2.0
    got = collect(app, topic)
    async with running(app):
        await send(topic, [b"first"])
        await until(lambda: len(values(got)) == 1)
        for number in range(5):
            await send(topic, [b"%d" % number])
        await until(lambda: len(values(got)) == 6)
    assert len(got) < 6


@pytest.mark.parametrize("setting", ["max_records", "max_bytes"])
def test_a_bound_that_no_batch_can_keep_is_refused(setting: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"batch_{setting} is 0: give at least 1"):
        Bounds(**{setting: 0})


def test_a_wait_must_end() -> None:
    with pytest.raises(ImproperlyConfigured, match="batch_max_wait is inf"):
        Bounds(max_wait_s=float("inf"))
