"""A small town in a namespace of its own, seen through by real agents, which then stop."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import clickhouse_connect
import msgspec
import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from psycopg import sql
from pymongo import MongoClient
from redis import Redis

from schemas import hot
from stridelog import topics as topic_table
from stridelog.producer import Producer
from stridelog.settings import Settings
from tests.noise_models import register_models
from verification.report import Report
from verification.run import verify

SEED: Final = 5
SETTLE_S: Final = 300.0
ROOT: Final = Path(__file__).resolve().parents[3]
NOBODY: Final = "33333333-3333-4333-8333-333333333333"
ERASED: Final = "66666666-6666-4666-8666-666666666666"


class Silent:
    """Progress that nobody watches."""

    def say(self, text: str) -> None:
        """Nothing."""

    def step(self, done: int, total: int) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Place:
    """The namespace: its settings, and clients of its stores."""

    settings: Settings
    clickhouse: Any
    mongo: Any
    redis: Any

    def verify(self, *, settle_s: float = 0.0, show: int = 3) -> Report:
        """Verify now."""
        report = asyncio.run(verify(self.settings, Silent(), show=show, settle_s=settle_s))
        for name, tally in report.sinks.items():
            for one in tally.examples:
                print(name, one)
        print(report.notes)
        return report

    def send(self, *messages: Any) -> None:
        """Put messages into the log."""

        async def send() -> None:
            known = topic_table.load(prefix=self.settings.topic_prefix)
            async with await Producer(self.settings, known).open({type(m).__name__ for m in messages}) as producer:
                for message in messages:
                    await producer.send(message)

        asyncio.run(send())


def _environment(settings: Settings) -> dict[str, str]:
    names = ("namespace", "topic_prefix", "local", "clickhouse_port")
    return {**os.environ, **{f"STRIDELOG_{name.upper()}": str(getattr(settings, name)) for name in names}}


def _stridelog(settings: Settings, *arguments: str) -> None:
    command = [sys.executable, "-m", "stridelog", *arguments]
    done = subprocess.run(command, env=_environment(settings), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _simulate(settings: Settings, seed: int) -> None:
    sizes = ("--athletes", "6", "--days", "12", "--sampling-s", "30")
    _stridelog(settings, "simulate", *sizes, "--seed", str(seed))


def _what_the_simulator_does_not_send() -> list[Any]:
    now_us = time.time_ns() // 1000 - 3_600_000_000
    head = {"zone": "UTC", "source": "test", "producer": "test"}
    injury = hot.InjuryReportedData(onset_time=now_us, body_part="knee", severity="mild")
    ended = hot.WorkoutCompletedData(workout_id=NOBODY, sport="running", start=now_us, end=now_us + 60_000_000)
    own = msgspec.structs.replace(ended, workout_id=ERASED)
    return [
        hot.UserRegistered.of(
            user="hand", time=now_us, data=hot.UserRegisteredData(name="Hand", sex="unspecified"), **head
        ),
        hot.InjuryReported.of(user="hand", time=now_us, data=injury, **head),
        hot.UserRegistered.of(
            user="gone", time=now_us, data=hot.UserRegisteredData(name="Gone", sex="male", ftp_w=240.0), **head
        ),
        hot.WorkoutCompleted.of(user="gone", time=now_us, data=own, **head),
        hot.UserErased.of(user="gone", time=now_us + 120_000_000, data=hot.UserErasedData(), **head),
        hot.WorkoutCompleted.of(user="nobody", time=now_us, data=ended, **head),
    ]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The town after its agents caught up and stopped."""
    name = f"v{uuid4().hex[:12]}"
    settings = Settings(namespace=name, topic_prefix=f"{name}-", local=tmp_path_factory.mktemp("local"))
    print(f"seed {SEED}, namespace {name}")
    place = Place(
        settings,
        clickhouse_connect.get_client(host=settings.host, port=settings.clickhouse_port, autogenerate_session_id=False),
        MongoClient(settings.mongo)[name],
        Redis.from_url(settings.redis, decode_responses=True),
    )
    try:
        register_models(settings.local, SEED)
        _stridelog(settings, "topics", "apply")
        log = (settings.local / "workers.log").open("w")
        workers = subprocess.Popen(
            [sys.executable, "-m", "stridelog", "worker", "all"],
            env=_environment(settings),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            _simulate(settings, SEED)
            place.send(*_what_the_simulator_does_not_send())
            report = place.verify(settle_s=SETTLE_S)
            if not report.sinks["topic.injury-risk"].expected or not report.sinks["delta.predictions"].expected:
                # The agents were through before they found the models: on a busy machine MLflow takes long to import.
                _simulate(settings, SEED + 1)
                report = place.verify(settle_s=SETTLE_S)
            assert workers.poll() is None, Path(log.name).read_text()
            print(Path(log.name).read_text())
            assert report.ok, report.as_json()
        finally:
            workers.terminate()
            workers.wait(30)
            log.close()
        yield place
    finally:
        _forget(place)


def _forget(place: Place) -> None:
    name = place.settings.namespace
    place.clickhouse.command(f"DROP DATABASE IF EXISTS `{name}`")
    place.mongo.client.drop_database(name)
    for key in place.redis.scan_iter(match=f"{name}:*", count=1_000):
        place.redis.delete(key)
    with psycopg.connect(place.settings.postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
    asyncio.run(_drop_topics(place.settings))


async def _drop_topics(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        await admin.delete_topics([t.name for t in topic_table.load(prefix=settings.topic_prefix) if t.name in there])
    finally:
        await admin.close()


Corrupt = Callable[[Place], Callable[[], object]]
"""Damages a store, and returns what makes it good again."""
