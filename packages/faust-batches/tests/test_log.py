"""What else a log may hold: holes, markers, aborted records, nothing; and what happens when it is cut or made anew."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.types import TP
from kafka_app import (
    BROKER,
    admin_client,
    collect,
    hold,
    new_app,
    running,
    send,
    until,
    until_async,
    until_committed,
    values,
)

pytestmark = [pytest.mark.stack, pytest.mark.anyio]


async def test_a_batch_reaches_over_what_was_compacted_away(topic: str, tmp_path: Path) -> None:
    name = f"{topic}-compact"
    config = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "100",
    }
    async with admin_client() as admin:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=config)])
        for _ in range(3):
            await send(name, [b"old"] * 20, key=b"same")
            await asyncio.sleep(0.2)  # rolls a segment: the broker compacts none that it still writes
        await send(name, [b"last"], key=b"other")

        async def compacted() -> bool:
            async with AIOKafkaConsumer(bootstrap_servers=BROKER, auto_offset_reset="earliest") as reader:
                reader.assign([TopicPartition(name, 0)])
                seen: list[int] = []
                while not seen or seen[-1] != 60:
                    for rows in (await reader.getmany(timeout_ms=500)).values():
                        seen += [row.offset for row in rows]
                return len(seen) < 40

        await until_async(compacted)
        app = new_app(name, tmp_path)
        got = collect(app, name)
        async with running(app):
            await until_committed(name, 61)
        assert values(got)[-1] == b"last"
        assert len(values(got)) < 61
        await admin.delete_topics([name])


async def test_markers_of_transactions_are_skipped_and_aborted_records_come_as_faust_reads_uncommitted(
    topic: str, tmp_path: Path
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=BROKER, transactional_id=f"{topic}-producer") as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"done", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", partition=0)
        await producer.abort_transaction()
    await send(topic, [b"plain"])
    app = new_app(topic, tmp_path)
    got = collect(app, topic)
    async with running(app):
        await until_committed(topic, 5)  # three records and two markers
    assert values(got) == [b"done", b"aborted", b"plain"]


async def test_an_empty_partition_holds_nobody_up(topic: str, tmp_path: Path) -> None:
    app = new_app(topic, tmp_path)
    got = collect(app, topic)
    async with running(app):
        for number in range(5):
            await send(topic, [b"%d" % number])
        await until_committed(topic, 5)
    assert {batch.tp.partition for batch in got} == {0}


async def test_a_partition_that_was_cut_beyond_our_position_goes_on_at_its_new_beginning(
    topic: str, tmp_path: Path
) -> None:
    await send(topic, [b"%d" % i for i in range(10)])
    app = new_app(topic, tmp_path)
    app.batches_in_flight = 1
    held = hold(app, topic)
    async with running(app):
        await until(lambda: len(held) == 1)
        app.consumer.pause_partitions([TP(topic, 0)])
        await send(topic, [b"%d" % i for i in range(10, 30)])
        async with admin_client() as admin:
            await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=25)})
        held[0].value.ack(held[0])
        app.consumer.resume_partitions([TP(topic, 0)])
        while held[-1].value.next_offset < 30:
            seen = len(held)
            await until(lambda n=seen: len(held) > n)
            held[-1].value.ack(held[-1])
        await until_committed(topic, 30)
    got = values([event.value for event in held])
    assert got[:10] == [b"%d" % i for i in range(10)]
    assert got[-5:] == [b"%d" % i for i in range(25, 30)], "what is left is not lost, even if more was fetched before"


async def test_a_topic_that_is_made_anew_is_read_from_its_beginning(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"old"] * 10)
    app = new_app(topic, tmp_path, consumer_metadata_max_age_ms=1_000)
    got = collect(app, topic)
    async with running(app):
        await until_committed(topic, 10)
        async with admin_client() as admin:
            await admin.delete_topics([topic])

            async def made() -> bool:
                try:
                    await admin.create_topics([NewTopic(topic, 2, 1)])
                except KafkaError:
                    return False
                return True

            await until_async(made)
        await send(topic, [b"new"] * 3)
        await until(lambda: values(got).count(b"new") >= 3)
        await until_committed(topic, 3)
    assert values(got)[:10] == [b"old"] * 10


async def test_a_paused_partition_is_left_alone_and_loses_nothing(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"before"])
    app = new_app(topic, tmp_path)
    got = collect(app, topic)
    async with running(app):
        await until(lambda: len(values(got)) == 1)
        app.consumer.pause_partitions([TP(topic, 0)])
        # A fetch that was under way may bring what was sent just after; later ones bring nothing.
        await send(topic, [b"other"], partition=1)
        await until(lambda: len(values(got, 1)) == 1)
        await send(topic, [b"paused"])
        await send(topic, [b"other"], partition=1)
        await until(lambda: len(values(got, 1)) == 2)
        assert values(got) == [b"before"]
        app.consumer.resume_partitions([TP(topic, 0)])
        await until(lambda: values(got) == [b"before", b"paused"])


async def test_a_batch_that_is_finished_while_the_worker_stops_is_committed(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"x"] * 3)
    app = new_app(topic, tmp_path, stream_wait_empty=True)
    held = hold(app, topic)
    async with running(app):
        await until(lambda: len(held) == 1)
        stopping = asyncio.create_task(app.stop())
        await until(lambda: app.should_stop)
        held[0].value.ack(held[0])
        await stopping
    await until_committed(topic, 3)
