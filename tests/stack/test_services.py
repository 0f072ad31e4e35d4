"""What each of the other services must do for the project, on a private one of each."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from deltalake import DeltaTable, write_deltalake
from pymongo import MongoClient

from compose.services.kafka import MAX_MESSAGE_BYTES
from compose.services.s3 import BUCKET
from compose.supervisor import Supervisor
from stridelog.errors import UserError

MakeStack = Callable[..., Supervisor]

pytestmark = pytest.mark.stack


def test_mongo_keeps_documents_over_a_restart(make_stack: MakeStack) -> None:
    stack = make_stack("mongo")
    for number in (1, 2):
        stack.up()
        client: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1", stack.settings.ports["mongo"])
        client.stridelog.workouts.replace_one({"_id": number}, {"distance_m": 5_000.0}, upsert=True)
        assert client.stridelog.workouts.count_documents({}) == number
        client.close()
        assert len(stack.down()) == 1


def test_mongo_keeps_over_a_kill_what_it_has_answered(make_stack: MakeStack) -> None:
    stack = make_stack("mongo")
    stack.up()
    client: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1", stack.settings.ports["mongo"])
    for number in range(20):
        client.stridelog.workouts.update_one({"_id": "a"}, {"$set": {"number": number}}, upsert=True)
    running = stack.pids.read("mongo")
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    stack.down()
    stack.up()
    assert client.stridelog.workouts.find_one({"_id": "a"}) == {"_id": "a", "number": 19}
    client.close()


def test_mongo_keeps_a_renamed_collection_over_a_restart(make_stack: MakeStack) -> None:
    stack = make_stack("mongo")
    stack.up()
    client: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1", stack.settings.ports["mongo"])
    client.stridelog.workouts.insert_one({"_id": "old"})
    for number in (1, 2):
        client.stridelog.workouts__rebuild.insert_many([{"_id": "a", "number": number}, {"_id": "b"}])
        client.admin.command(
            {"renameCollection": "stridelog.workouts__rebuild", "to": "stridelog.workouts", "dropTarget": True}
        )
    client.close()
    stack.down()
    stack.up()
    client = MongoClient("127.0.0.1", stack.settings.ports["mongo"])
    assert client.stridelog.list_collection_names() == ["workouts"]
    assert client.stridelog.workouts.find_one({"_id": "a"}) == {"_id": "a", "number": 2}
    client.stridelog.workouts.replace_one({"_id": "b"}, {"b": 1}, upsert=True)
    assert client.stridelog.workouts.count_documents({}) == 2
    client.close()


def test_postgres_has_user_and_database_and_keeps_rows_over_a_kill(make_stack: MakeStack) -> None:
    stack = make_stack("postgres")
    url = f"postgresql://stridelog@127.0.0.1:{stack.settings.ports['postgres']}/stridelog"
    stack.up()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE facts AS SELECT 1 AS one")
    running = stack.pids.read("postgres")
    assert running is not None
    os.killpg(running.pid, signal.SIGKILL)
    stack.down()
    stack.up()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM facts").fetchall() == [(1,)]


async def _round_trip(ports: list[int], copies: int) -> tuple[int, set[str], int]:
    """Make a topic, send it a message of nearly the greatest size, and read it back."""
    servers = ",".join(f"127.0.0.1:{port}" for port in ports)
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic("frames", 1, copies)])
    brokers = len((await admin.describe_cluster())["brokers"])
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", max_request_size=MAX_MESSAGE_BYTES)
    await producer.start()
    await producer.send_and_wait("frames", os.urandom(MAX_MESSAGE_BYTES - 10_000))
    # Asking for a topic that nobody has declared must not make it.
    await producer.client.fetch_all_metadata()
    await producer.client.add_topic("not-declared")
    await producer.stop()
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, max_partition_fetch_bytes=MAX_MESSAGE_BYTES)
    await consumer.start()
    consumer.assign([TopicPartition("frames", 0)])
    await consumer.seek_to_beginning()
    message = await asyncio.wait_for(consumer.getone(), 30)
    await consumer.stop()
    topics = set(await admin.list_topics())
    await admin.close()
    return brokers, topics, len(message.value)


@pytest.mark.slow
@pytest.mark.parametrize("brokers", [1, 3])
def test_kafka_takes_large_messages_and_makes_no_topic_by_itself(make_stack: MakeStack, brokers: int) -> None:
    stack = make_stack("kafka", brokers=brokers)
    stack.up()
    rows = stack.status()
    assert [row.state for row in rows] == ["up"] * brokers
    seen, topics, size = asyncio.run(_round_trip([row.port for row in rows], brokers))
    assert (seen, size) == (brokers, MAX_MESSAGE_BYTES - 10_000)
    assert "frames" in topics
    assert "not-declared" not in topics
    assert len(stack.down()) == brokers


@pytest.mark.slow
def test_up_starts_the_broker_that_died_and_leaves_the_others_alone(make_stack: MakeStack) -> None:
    stack = make_stack("kafka", brokers=3)
    stack.up()
    before = {row.name: row.pid for row in stack.status()}
    killed = stack.pids.read("kafka-2")
    assert killed is not None
    os.kill(killed.pid, signal.SIGKILL)
    end_s = time.monotonic() + 10
    while killed.alive():
        assert time.monotonic() < end_s
    stack.up()
    after = {row.name: row.pid for row in stack.status()}
    assert {name for name in before if before[name] != after[name]} == {"kafka-2"}
    assert asyncio.run(_round_trip([row.port for row in stack.status()], 3))[0] == 3


def test_kafka_data_of_one_broker_are_not_used_by_three(make_stack: MakeStack) -> None:
    stack = make_stack("kafka", brokers=3)
    stack.settings.data("kafka").mkdir(parents=True)
    (stack.settings.data("kafka") / "brokers").write_text("1")
    with pytest.raises(UserError, match="was made for 1 Kafka broker"):
        stack.up()


@pytest.mark.slow
def test_writers_of_one_delta_table_on_s3_lose_nothing(make_stack: MakeStack) -> None:
    stack = make_stack("s3")
    if stack.services[0].missing():
        pytest.skip("versitygw is not built: python -m compose install --services s3")
    stack.up()
    settings = stack.settings
    options = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{settings.ports['s3']}",
        "AWS_ACCESS_KEY_ID": settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    table = f"s3://{BUCKET}/features"
    write_deltalake(table, pa.table({"writer": [-1]}), storage_options=options)

    async def write(writer: int) -> None:
        for _ in range(5):
            data = pa.table({"writer": [writer]})
            await asyncio.to_thread(write_deltalake, table, data, mode="append", storage_options=options)

    async def write_all() -> None:
        await asyncio.gather(*(write(writer) for writer in range(3)))

    asyncio.run(write_all())
    assert DeltaTable(table, storage_options=options).to_pyarrow_table().num_rows == 16
