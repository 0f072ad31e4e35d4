"""Damaged stores are found by ``sink check`` and built anew by ``sink rebuild``, while workers and readers go on."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import clickhouse_connect
import psycopg
import pytest
import redis
from deltalake import DeltaTable
from pymongo import MongoClient

from schemas import hot
from schemas.decode import encode
from sinks.keys import Keys
from sinks.lake import Lake
from sinks.shadow import shadow_settings
from stridelog.rebuild import build
from stridelog.rebuild.projections import projections, rebuildable
from tests.integration.verify.conftest import Silent
from tests.noise_models import register_models
from tests.platform import ROLES, Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WAIT_S = 120.0
START = 1_760_000_000_000_000
ENVELOPE: dict[str, Any] = {"zone": "Europe/Oslo", "source": "test", "producer": "test"}
SIZES = ("--athletes", "6", "--days", "10", "--sampling-s", "30")


@dataclass
class Town:
    """A platform with a town that trains, its workers, and clients of its stores."""

    platform: Platform
    seed: int = 20

    def __post_init__(self) -> None:
        settings = self.platform.settings
        self.namespace = settings.namespace
        self.clickhouse = clickhouse_connect.get_client(
            host=settings.host, port=settings.clickhouse_port, database=self.namespace, autogenerate_session_id=False
        )
        self.mongo: Any = MongoClient(settings.mongo)[self.namespace]
        self.redis = redis.Redis.from_url(settings.redis, decode_responses=True)
        self.board = Keys(self.namespace).rank("workouts", "all", "all", "all")
        self.lake = Lake.of(settings)

    def simulate(self, *more: str) -> None:
        """Somebody trains."""
        self.seed += 1
        self.platform.command("simulate", *SIZES, "--seed", str(self.seed), "--json", *more)

    def check(self, name: str) -> tuple[int, dict[str, Any]]:
        """Exit code and what ``sink check`` says."""
        done = self.platform.command("sink", "check", name, "--settle", "120", "--show", "3", "--json", check=False)
        assert done.returncode in (0, 1), done.stderr + self.platform.logs()
        return done.returncode, json.loads(done.stdout)

    def rebuild(self, name: str) -> dict[str, Any]:
        """What ``sink rebuild`` says."""
        said: dict[str, Any] = json.loads(self.platform.command("sink", "rebuild", name, "--json").stdout)
        return said

    def rebuild_in_background(self, name: str) -> "subprocess.Popen[bytes]":
        """A rebuild that can be killed."""
        command = [sys.executable, "-m", "stridelog", "sink", "rebuild", name]
        return subprocess.Popen(command, env=self.platform.environment, stderr=subprocess.DEVNULL)

    def paused_by(self, agent: str) -> str:
        """Who holds an agent; empty: nobody."""
        with psycopg.connect(self.platform.settings.postgres) as connection:
            text = f"SELECT paused_by FROM {self.namespace}.agent_control WHERE agent = %s AND paused"  # noqa: S608
            row = connection.execute(text.encode(), (agent,)).fetchone()
        return row[0] if row else ""

    def left_behind(self, agent: str) -> list[str]:
        """What there is of shadows of an agent."""
        shadow = shadow_settings(agent, self.platform.settings).namespace
        found = [name for (name,) in self.clickhouse.query("SHOW DATABASES").result_rows if name == shadow]
        found += [name for name in self.mongo.list_collection_names() if name.endswith("__rebuild")]
        found += list(self.redis.scan_iter(match=f"{shadow}:*", count=1_000))
        with psycopg.connect(self.platform.settings.postgres) as connection:
            schemas = connection.execute("SELECT schema_name FROM information_schema.schemata").fetchall()
        found += [name for (name,) in schemas if name == shadow]
        if Path(Lake.of(shadow_settings(agent, self.platform.settings)).root).exists():
            found.append("lake")
        return found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    name = f"rb{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        register_models(platform.settings.local)
        platform.start(*ROLES)
        platform.command("simulate", *SIZES, "--seed", "20", "--json")
        platform.verify()
        town = Town(platform)
        town.simulate()  # scored from the first record on, now that all workers have the models
        verified = platform.verify()
        assert verified["ok"], verified["shown"]
        assert verified["sinks"]["clickhouse.recommendations"]["found"] > 0
        yield town


def wait_until(what: str, found: Callable[[], object]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + WAIT_S
    while not found():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


# -- damage, each with a count that readers see and that never falls from then on


Count = Callable[[Town], int]


def _rows(table: str) -> Count:
    return lambda town: int(town.clickhouse.query(f"SELECT count() FROM {table} FINAL").result_rows[0][0])  # noqa: S608


def _delta_rows(table: str) -> Count:
    return lambda town: int(DeltaTable(town.lake.uri(table)).to_pyarrow_table(columns=["user_id"]).num_rows)


def _delete_rows(town: Town, table: str, where: str) -> None:
    text = f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 1"
    town.clickhouse.command(text)


def _wrong_score(town: Town) -> None:
    """Somebody wrote another score over the oldest row."""
    town.clickhouse.command(
        "INSERT INTO board_scores SELECT * REPLACE (score + 1 AS score) FROM board_scores FINAL "
        "ORDER BY score DESC LIMIT 1"
    )


def _forget_half(town: Town) -> None:
    for document in list(town.mongo["workouts"].find({}, {"_id": 1}))[::2]:
        town.mongo["workouts"].delete_one({"_id": document["_id"]})


def _take_awards_away(town: Town) -> None:
    town.mongo["achievements"].update_many({}, {"$unset": {"awards": ""}})


def _forget_members(town: Town) -> None:
    members = town.redis.zrange(town.board, 0, -1)
    town.redis.zrem(town.board, *members[::2])


@dataclass
class Damage:
    """What is done to a projection, and the store of ``verify`` that must name it."""

    projection: str
    named: str
    do: Callable[[Town], object]
    count: Count


DAMAGES = [
    Damage(
        "sensors.clickhouse",
        "clickhouse.samples",
        lambda town: _delete_rows(town, "samples", "cityHash64(time) % 5 = 0"),
        _rows("samples"),
    ),
    Damage("leaderboards.clickhouse", "clickhouse.board_scores", _wrong_score, _rows("board_scores")),
    Damage("workouts.mongo", "mongo.workouts", _forget_half, lambda town: town.mongo["workouts"].count_documents({})),
    Damage(
        "feed.mongo",
        "mongo.feeds",
        lambda town: town.mongo["feeds"].drop(),
        lambda town: town.mongo["feeds"].count_documents({}),
    ),
    Damage(
        "achievements.mongo",
        "mongo.achievements",
        _take_awards_away,
        lambda town: town.mongo["achievements"].count_documents({}),
    ),
    Damage("rankings.redis", "redis.rankings", _forget_members, lambda town: town.redis.zcard(town.board)),
    Damage(
        "recommend.clickhouse",
        "clickhouse.recommendations",
        lambda town: _delete_rows(town, "recommendations", "rank = 2"),
        _rows("recommendations"),
    ),
    Damage(
        "lake.delta",
        "delta.training_features",
        lambda town: DeltaTable(town.lake.uri("training_features")).delete("source_offset % 3 = 1"),
        _delta_rows("training_features"),
    ),
]


@dataclass
class Reader:
    """Looks at a store all the time."""

    count: Callable[[], int]
    seen: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.005):
            try:
                self.seen.append(self.count())
            except Exception as error:
                self.errors.append(repr(error))


def _quickly(projection: str) -> list[pytest.MarkDecorator]:
    """One projection's tests run every time, all others' when they are asked for (marker ``long``)."""
    return [] if projection == "rankings.redis" else [pytest.mark.long]


@pytest.mark.parametrize(
    "damage", [pytest.param(each, id=each.projection, marks=_quickly(each.projection)) for each in DAMAGES]
)
def test_a_damaged_projection_is_named_and_built_anew_under_load(town: Town, damage: Damage) -> None:
    damage.do(town)
    code, said = town.check(damage.projection)
    assert code == 1
    wrong = {name for name, s in said["sinks"].items() if s["missing"] or s["extra"] or s["different"]}
    assert damage.named in wrong
    assert wrong <= set(projections(town.platform.topics)[damage.projection].checks)

    least = damage.count(town)
    load = threading.Thread(target=town.simulate)
    with Reader(lambda: damage.count(town)) as reader:
        load.start()
        rebuilt = town.rebuild(damage.projection)
        load.join()
    assert not reader.errors
    assert len(reader.seen) > 10
    assert min(reader.seen) >= least, "a reader saw less than the damaged one had: something half built"
    assert not rebuilt["is_paused"]
    assert town.check(damage.projection)[0] == 0
    assert not town.left_behind(damage.projection.partition(".")[0])
    assert not town.platform.dead_workers()


def _completed(user: str, number: int) -> tuple[bytes, bytes]:
    begin = START + number * 7_200_000_000
    data = hot.WorkoutCompletedData(
        workout_id=str(uuid.UUID(int=number)), sport="running", start=begin, end=begin + 3_600_000_000
    )
    return user.encode(), encode(hot.WorkoutCompleted.of(user=user, time=data.end, data=data, **ENVELOPE))


@pytest.mark.long
def test_a_record_that_was_refused_stays_refused_although_its_user_registered_since(town: Town) -> None:
    town.platform.send("WorkoutCompleted", [_completed("late", 1)])
    assert town.check("workouts.mongo")[0] == 0
    data = hot.UserRegisteredData(name="Late", sex="female")
    registered = hot.UserRegistered.of(user="late", time=START, data=data, **ENVELOPE)
    town.platform.send("UserRegistered", [(b"late", encode(registered))])
    assert town.check("workouts.mongo")[0] == 0
    town.platform.send("WorkoutCompleted", [_completed("late", 2)])
    assert town.check("workouts.mongo")[0] == 0
    town.rebuild("workouts.mongo")
    assert town.check("workouts.mongo")[0] == 0
    found = {document["_id"] for document in town.mongo["workouts"].find({"user": "late"})}
    assert found == {str(uuid.UUID(int=2))}


@pytest.mark.long
def test_facts_are_built_anew_and_everything_made_of_them_stays_right(town: Town) -> None:
    with psycopg.connect(town.platform.settings.postgres) as connection:
        facts = f"{town.namespace}.facts"
        before = connection.execute(f"SELECT count(*) FROM {facts} WHERE agent = 'leaderboards'".encode()).fetchone()  # noqa: S608
        connection.execute(f"DELETE FROM {facts} WHERE agent = 'leaderboards' AND source_offset % 2 = 0".encode())  # noqa: S608
    town.rebuild("leaderboards.facts")
    with psycopg.connect(town.platform.settings.postgres) as connection:
        after = connection.execute(f"SELECT count(*) FROM {facts} WHERE agent = 'leaderboards'".encode()).fetchone()  # noqa: S608
    assert before == after
    town.rebuild("workouts.facts")
    town.simulate()
    verified = town.platform.verify()
    assert verified["ok"], verified["shown"]


@pytest.mark.long
def test_a_rebuild_that_is_killed_while_it_builds_leaves_the_live_one_alone(town: Town) -> None:
    before = town.check("sensors.clickhouse")[1]["sinks"]["clickhouse.samples"]["found"]
    shadow = shadow_settings("sensors", town.platform.settings).namespace
    child = town.rebuild_in_background("sensors.clickhouse")
    rows = f"SELECT sum(rows) FROM system.parts WHERE database = '{shadow}' AND table = 'samples'"  # noqa: S608
    wait_until("the shadow has rows", lambda: town.clickhouse.query(rows).result_rows[0][0])
    child.send_signal(signal.SIGKILL)
    child.wait()
    code, said = town.check("sensors.clickhouse")
    assert (code, said["sinks"]["clickhouse.samples"]["found"]) == (0, before)
    assert town.left_behind("sensors")
    town.rebuild("sensors.clickhouse")
    assert town.check("sensors.clickhouse")[0] == 0
    assert not town.left_behind("sensors")


@pytest.mark.long
def test_a_rebuild_that_is_killed_while_the_agent_is_paused_resumes_it_the_next_time(town: Town) -> None:
    child = town.rebuild_in_background("rankings.redis")
    wait_until("rankings is paused", lambda: town.paused_by("rankings"))
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert town.paused_by("rankings") == build.BY
    town.rebuild("rankings.redis")
    assert not town.paused_by("rankings")
    assert town.check("rankings.redis")[0] == 0


@pytest.mark.long
def test_an_agent_that_was_paused_before_stays_paused(town: Town) -> None:
    town.platform.command("agents", "pause", "feed", "--reason", "test")
    assert town.rebuild("feed.mongo")["is_paused"]
    assert town.paused_by("feed") not in ("", build.BY)
    town.platform.command("agents", "resume", "feed")
    assert town.check("feed.mongo")[0] == 0


@pytest.mark.parametrize("name", ["leaderboards.clickhouse", "workouts.mongo", "rankings.redis", "lake.delta"])
@pytest.mark.long
def test_a_swap_whose_watermarks_were_never_written_is_no_harm(
    town: Town, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    async def killed(*_: object) -> None:
        raise KilledError

    monkeypatch.setattr(build, "set_watermarks", killed)
    topics = town.platform.topics
    load = threading.Thread(target=town.simulate)
    load.start()
    with pytest.raises(KilledError):
        asyncio.run(build.rebuild(town.platform.settings, topics, rebuildable(name, topics), Silent()))
    load.join()
    assert town.check(name)[0] == 0


@pytest.mark.long
def test_an_emptied_store_is_built_anew_without_workers(town: Town) -> None:
    town.platform.verify()
    town.platform.stop()
    for key in town.redis.scan_iter(match=f"{town.namespace}:*", count=1_000):
        town.redis.delete(key)
    town.clickhouse.command("DROP TABLE board_scores SYNC")
    town.rebuild("rankings.redis")
    town.rebuild("sensors.redis")
    town.rebuild("leaderboards.clickhouse")
    verified = town.platform.verify()
    assert verified["ok"], verified["shown"]
