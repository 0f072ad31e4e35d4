"""A real application on a real broker: what an agent gets, what is committed, and where it starts."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from faust.exceptions import ImproperlyConfigured
from faust.types import TP
from faust_batches import BatchSchema
from kafka_app import BROKER, DEADLINE_S, committed, hold, new_app, running, send, until, until_committed

pytestmark = pytest.mark.stack


@pytest.mark.anyio
@pytest.mark.parametrize("compression", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_an_agent_gets_every_record_once_and_in_order(
    topic: str, tmp_path: Path, compression: str | None
) -> None:
    sent = [b"%d" % i for i in range(2_000)]
    await send(topic, sent, compression=compression)
    got: list[bytes] = []
    app = new_app(topic, tmp_path)

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def collect(stream: Any) -> None:
        async for event in stream.noack().events():
            got.extend(record.value for record in event.value.records)
            event.value.ack(event)

    async with running(app):
        await until(lambda: len(got) >= len(sent))
        await until_committed(topic, len(sent))
    assert got == sent


@pytest.mark.anyio
async def test_batch_topics_and_ordinary_topics_live_in_one_app(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"a"] * 10)
    await send(f"{topic}-single", [b'"b"'] * 10)
    batched: list[int] = []
    single: list[str] = []
    app = new_app(topic, tmp_path)

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def batches(stream: Any) -> None:
        async for event in stream.noack().events():
            batched.append(len(event.value))
            event.value.ack(event)

    @app.agent(app.topic(f"{topic}-single", value_type=str))
    async def singles(stream: Any) -> None:
        async for value in stream:
            single.append(value)

    async with running(app):
        await until(lambda: sum(batched) == 10 and len(single) == 10)
    assert single == ["b"] * 10


@pytest.mark.anyio
async def test_a_batch_without_an_ack_is_never_committed_and_comes_again(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"1", b"2", b"3"])
    seen: list[int] = []
    app = new_app(topic, tmp_path)

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def forget(stream: Any) -> None:
        async for event in stream.noack().events():
            seen.append(event.value.first_offset)

    async with running(app):
        await until(lambda: len(seen) == 1)
        await app.consumer.commit()
    assert await committed(topic) is None

    again = new_app(topic, tmp_path)
    got: list[bytes] = []

    @again.agent(again.topic(topic, schema=BatchSchema()))
    async def collect(stream: Any) -> None:
        async for event in stream.noack().events():
            got.extend(record.value for record in event.value.records)
            event.value.ack(event)

    async with running(again):
        await until(lambda: len(got) == 3)
        await until_committed(topic, 3)


@pytest.mark.anyio
async def test_batches_acked_out_of_order_commit_only_what_is_done_from_the_start(topic: str, tmp_path: Path) -> None:
    held: list[Any] = []
    app = new_app(topic, tmp_path)

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def hold(stream: Any) -> None:
        async for event in stream.noack().events():
            held.append(event)

    async with running(app):
        await send(topic, [b"first"])
        await until(lambda: len(held) == 1)
        await send(topic, [b"second"])
        await until(lambda: len(held) == 2)
        held[1].value.ack(held[1])
        await app.consumer.commit()
        assert await committed(topic) is None
        held[0].value.ack(held[0])
        await until_committed(topic, 2)


@pytest.mark.anyio
async def test_a_partition_with_enough_unfinished_batches_is_not_fetched_and_others_go_on(
    topic: str, tmp_path: Path
) -> None:
    held: list[Any] = []
    other: list[bytes] = []
    app = new_app(topic, tmp_path)

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def hold(stream: Any) -> None:
        async for event in stream.noack().events():
            if event.value.tp.partition == 0:
                held.append(event)
            else:
                other.extend(record.value for record in event.value.records)
                event.value.ack(event)

    async with running(app):
        for number in range(4):
            await send(topic, [b"%d" % number])
            await until(lambda n=number: len(held) >= min(n + 1, 2))
        await send(topic, [b"x"] * 100, partition=1)
        await until(lambda: len(other) == 100)
        assert len(held) == 2
        held[0].value.ack(held[0])
        await until(lambda: len(held) == 3)
        assert held[2].value.records[0].value == b"2"


@pytest.mark.anyio
async def test_the_application_says_where_a_partition_starts(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"%d" % i for i in range(10)])
    await send(topic, [b"x"], partition=1)
    got: list[bytes] = []
    app = new_app(topic, tmp_path)

    async def starts(partitions: set[TP]) -> dict[TP, int | None]:
        return {tp: 7 if tp.partition == 0 else None for tp in partitions}

    app.batch_start_offsets = starts

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def collect(stream: Any) -> None:
        async for event in stream.noack().events():
            got.extend(record.value for record in event.value.records)
            event.value.ack(event)

    async with running(app):
        await until(lambda: len(got) == 4)
    assert sorted(got) == [b"7", b"8", b"9", b"x"]


@pytest.mark.anyio
async def test_two_agents_must_both_ack(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"1"])
    held: list[Any] = []
    quick: list[Any] = []
    app = new_app(topic, tmp_path)

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def slow(stream: Any) -> None:
        async for event in stream.noack().events():
            held.append(event)

    @app.agent(app.topic(topic, schema=BatchSchema()))
    async def fast(stream: Any) -> None:
        async for event in stream.noack().events():
            quick.append(event)
            event.value.ack(event)

    async with running(app):
        await until(lambda: bool(held and quick))
        await app.consumer.commit()
        assert await committed(topic) is None
        held[0].value.ack(held[0])
        await until_committed(topic, 1)


@contextmanager
def member(topic: str, out: Path) -> Iterator[Callable[[], list[tuple[int, int]]]]:
    """A worker in a process of its own; yields what it has acked so far as (partition, offset)."""
    command = [sys.executable, str(Path(__file__).with_name("member.py")), BROKER, topic, str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def acked() -> list[tuple[int, int]]:
        lines = out.read_text().splitlines() if out.exists() else []
        return [(int(line.split()[0]), int(line.split()[1])) for line in lines]

    try:
        yield acked
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


@pytest.mark.anyio
async def test_members_that_come_and_go_leave_no_record_out(topic: str, tmp_path: Path) -> None:
    sent = 0

    async def send_until(true: Callable[[], bool]) -> None:
        nonlocal sent
        async with asyncio.timeout(DEADLINE_S):
            while not true():
                await send(topic, [b"x"])
                await send(topic, [b"x"], partition=1)
                sent += 1
                await asyncio.sleep(0.1)

    with member(topic, tmp_path / "one") as one:
        await send_until(lambda: {partition for partition, _ in one()} == {0, 1})
        with member(topic, tmp_path / "two") as two:
            await send_until(lambda: bool(two()))
            taken = {partition for partition, _ in two()}
            before = len(one())
            await send_until(lambda: len(one()) > before)
            assert len(taken) == 1, "two members share two partitions"
        last = sent + 1
        await send_until(lambda: taken <= {p for p, offset in one() if offset >= last})
        await until(lambda: {(p, n) for p in (0, 1) for n in range(sent)} <= {*one(), *two()})
    assert sorted(set(one() + two())) == [(p, n) for p in (0, 1) for n in range(sent)]


@pytest.mark.anyio
async def test_batches_that_are_open_in_a_rebalance_are_stale_and_all_of_their_records_come_again(
    topic: str, tmp_path: Path
) -> None:
    await send(topic, [b"x"] * 5)
    await send(topic, [b"x"] * 5, partition=1)
    app = new_app(topic, tmp_path)
    held = hold(app, topic)
    async with running(app):
        await until(lambda: len(held) == 2)
        first = list(held)
        with member(topic, tmp_path / "other") as acked:
            await until(lambda: all(event.value.stale for event in first))
            for event in first:
                event.value.ack(event)  # too late: it counts no longer
            await until(lambda: len(acked()) == 5 and len(held) > 2)
            kept = held[-1].value
            assert {kept.tp.partition} | {partition for partition, _ in acked()} == {0, 1}
            assert (kept.first_offset, kept.next_offset) == (0, 5)
            assert not kept.stale
            held[-1].value.ack(held[-1])


@pytest.mark.anyio
async def test_a_topic_declared_both_ways_is_refused(topic: str, tmp_path: Path) -> None:
    app = new_app(topic, tmp_path)
    app.topics.add(app.topic(topic, schema=BatchSchema()))
    app.topics.add(app.topic(topic, value_type=str))
    app.finalize()
    with pytest.raises(ImproperlyConfigured, match="with BatchSchema and without"):
        _ = app.consumer.batch_topics
