"""Partitions are started anew while the application runs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from faust.exceptions import ImproperlyConfigured
from faust.types import TP
from faust_batches import BatchSchema
from kafka_app import collect, committed, hold, new_app, running, send, until, until_committed, values

pytestmark = [pytest.mark.stack, pytest.mark.anyio]


def starts_of(app: Any) -> dict[int, int | None]:
    """Where the application wants its partitions to start; the test changes it."""
    starts: dict[int, int | None] = {0: 0, 1: 0}

    async def provide(partitions: set[TP]) -> dict[TP, int | None]:
        return {tp: starts[tp.partition] for tp in partitions}

    app.batch_start_offsets = provide
    return starts


async def test_a_restarted_partition_goes_on_where_the_application_says_and_its_old_batch_is_never_committed(
    topic: str, tmp_path: Path
) -> None:
    await send(topic, [b"%d" % i for i in range(10)])
    app = new_app(topic, tmp_path)
    starts, held = starts_of(app), hold(app, topic)
    async with running(app):
        await until(lambda: len(held) == 1)
        assert not held[0].value.stale
        starts[0] = 7
        await app.consumer.restart_batches([TP(topic, 0)])
        await until(lambda: len(held) == 2)
        old, new = held
        assert old.value.stale
        assert not new.value.stale
        assert new.value.first_offset == 7
        old.value.ack(old)
        await app.consumer.commit()
        assert await committed(topic) is None
        new.value.ack(new)
        await until_committed(topic, 10)


async def test_the_commit_goes_back_with_a_partition_that_is_set_back(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"x"] * 10)
    app = new_app(topic, tmp_path)
    starts, held = starts_of(app), hold(app, topic)
    async with running(app):
        await until(lambda: len(held) == 1)
        held[0].value.ack(held[0])
        await until_committed(topic, 10)
        app.batch_max_records, starts[0] = 4, None
        await app.consumer.restart_batches([TP(topic, 0)])
        await until(lambda: len(held) == 3)
        held[1].value.ack(held[1])
        await until_committed(topic, 4)


async def test_what_was_fetched_before_the_committed_offsets_were_gone_to_is_fetched_again(
    topic: str, tmp_path: Path
) -> None:
    await send(topic, [b"%d" % i for i in range(3)])
    app = new_app(topic, tmp_path)
    held = hold(app, topic)
    async with running(app):
        await until(lambda: len(held) == 1)
        await app.consumer.seek_to_committed()  # as Faust does at the end of a rebalance; nothing is committed
        await until(lambda: len(held) == 2)
        assert [event.value.stale for event in held] == [True, False]
        assert values([held[1].value]) == [b"0", b"1", b"2"]
        held[1].value.ack(held[1])
        await until_committed(topic, 3)
        await app.consumer.seek_to_committed()
        await send(topic, [b"3"])
        await until(lambda: len(held) == 3)
        assert values([held[2].value]) == [b"3"]


async def test_no_record_is_lost_to_a_fetch_that_waits_while_its_partition_is_restarted(
    topic: str, tmp_path: Path
) -> None:
    app = new_app(topic, tmp_path)
    starts, got = starts_of(app), collect(app, topic)
    async with running(app):
        await send(topic, [b"0"])
        await until(lambda: len(values(got)) == 1)
        for number in range(1, 8):
            starts[0] = number
            await app.consumer.restart_batches([TP(topic, 0)])
            await send(topic, [b"%d" % number])
            await until(lambda n=number: got[-1].next_offset == n + 1)
    assert values(got) == [b"%d" % number for number in range(8)]


async def test_other_partitions_go_on_while_one_waits_for_its_start(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"x"])
    await send(topic, [b"y"], partition=1)
    app = new_app(topic, tmp_path)
    starts, got = starts_of(app), collect(app, topic)
    answered = app.batch_start_offsets
    async with running(app):
        await until(lambda: len(values(got)) == 1 and len(values(got, 1)) == 1)

        async def broken(partitions: set[TP]) -> dict[TP, int | None]:
            raise ConnectionError("the store is away")

        app.batch_start_offsets = broken
        with pytest.raises(ConnectionError):
            await app.consumer.restart_batches([TP(topic, 0)])
        await send(topic, [b"later"])
        await send(topic, [b"later"], partition=1)
        await until(lambda: len(values(got, 1)) == 2)
        assert values(got) == [b"x"], "where to go on is not known: the partition waits"
        app.batch_start_offsets, starts[0] = answered, 1
        await app.consumer.restart_batches([TP(topic, 0)])
        await until(lambda: values(got) == [b"x", b"later"])


async def test_a_batch_that_waits_in_the_stream_is_not_handed_over_once_it_is_stale(topic: str, tmp_path: Path) -> None:
    app = new_app(topic, tmp_path, stream_wait_empty=True)
    starts = starts_of(app)
    free = asyncio.Event()
    firsts: list[int] = []

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def slow(stream: Any) -> None:
        async for event in stream.noack().events():
            firsts.append(event.value.first_offset)
            await free.wait()
            event.value.ack(event)

    async with running(app):
        await send(topic, [b"0"])
        await until(lambda: firsts == [0])
        await send(topic, [b"1"])
        await until(lambda: len(app.consumer._in_flight[TP(topic, 0)]) == 2)
        starts[0] = 2
        await app.consumer.restart_batches([TP(topic, 0)])
        free.set()
        await send(topic, [b"2"])
        await until(lambda: firsts[-1] == 2)
    assert firsts == [0, 2]


async def test_only_batch_topics_whose_starts_are_known_can_be_restarted(topic: str, tmp_path: Path) -> None:
    app = new_app(topic, tmp_path)
    got = collect(app, topic)
    async with running(app):
        await send(topic, [b"x"])
        await until(lambda: len(got) == 1)
        with pytest.raises(ValueError, match="not a batch topic: other"):
            await app.consumer.restart_batches([TP("other", 0)])
        with pytest.raises(ImproperlyConfigured, match="batch_start_offsets"):
            await app.consumer.restart_batches([TP(topic, 0)])
