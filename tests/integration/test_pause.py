"""What operators can do to agents while they run: pause, resume, seek; and what a flood of dead letters does."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest
import redis
from pymongo import MongoClient

from schemas import hot
from schemas.decode import encode
from tests.platform import ROLES, Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WAIT_S = 240.0
FLOOD = 2_000
START = 1_760_000_000_000_000
HOUR = 3_600_000_000
USERS = [f"user-{number}" for number in range(12)]
ENVELOPE: dict[str, Any] = {"zone": "Europe/Oslo", "source": "test", "producer": "test"}


class Town:
    """A platform with a few users who train."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.trained = 0
        data = hot.UserRegisteredData(name="Ada", sex="female")
        platform.send(
            "UserRegistered",
            [
                (user.encode(), encode(hot.UserRegistered.of(user=user, time=START - HOUR, data=data, **ENVELOPE)))
                for user in USERS
            ],
        )

    def train(self, rounds: int = 3) -> None:
        """Every user completes some more workouts."""
        records: list[tuple[bytes | None, bytes]] = []
        for _ in range(rounds):
            for user in USERS:
                self.trained += 1
                begin = START + self.trained * 2 * HOUR
                workout = hot.WorkoutCompletedData(
                    workout_id=str(uuid.UUID(int=self.trained)),
                    sport="running",
                    start=begin,
                    end=begin + HOUR,
                    pauses=(),
                    stated=hot.Stated(distance_m=10_000.0),
                )
                message = hot.WorkoutCompleted.of(user=user, time=begin + HOUR, data=workout, **ENVELOPE)
                records.append((user.encode(), encode(message)))
        self.platform.send("WorkoutCompleted", records)

    def lag(self, *agents: str) -> dict[str, int]:
        """Records that the sinks of agents have yet to take, at most, by agent."""
        rows = json.loads(self.platform.command("agents", "lag", "--json").stdout)
        return {name: max(row["behind"] for row in rows if row["agent"] == name) for name in agents}

    def marks(self, agent: str) -> dict[tuple[str, str], int]:
        """Watermarks of an agent's sinks, summed over partitions."""
        rows = json.loads(self.platform.command("agents", "lag", "--agent", agent, "--json").stdout)
        return {(row["sink"], row["topic"]): row["watermark"] for row in rows}

    def caught_up(self, *agents: str) -> None:
        """Wait until nothing is behind for these agents."""
        end = time.monotonic() + WAIT_S
        while any((behind := self.lag(*agents)).values()):
            assert time.monotonic() < end, f"still behind: {behind}\n{self.platform.logs()}"

    def paused(self) -> dict[str, Any]:
        """What ``agents list`` says of paused agents."""
        agents = json.loads(self.platform.command("agents", "list", "--json").stdout)
        return {agent["agent"]: agent["paused"] for agent in agents if agent["paused"]}

    def verified(self) -> None:
        """All stores hold what the log says."""
        found = self.platform.verify()
        assert found["ok"], found["shown"] + self.platform.logs()


def fresh(folders: pytest.TempPathFactory) -> Iterator[Town]:
    name = f"hand{uuid.uuid4().hex[:10]}"
    with Platform(name, folders.mktemp(name)) as platform:
        yield Town(platform)


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One without workers."""
    yield from fresh(tmp_path_factory)


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One with workers, for tests that leave nothing paused: their start takes longer than a test."""
    for town in fresh(tmp_path_factory):
        town.platform.start(*ROLES)
        yield town


def test_a_paused_agent_stands_still_while_others_of_its_topics_go_on_and_catches_up_when_resumed(
    working: Town,
) -> None:
    working.train()
    working.caught_up("workouts", "feed", "leaderboards", "rankings")
    working.platform.command("agents", "pause", "leaderboards", "--reason", "ClickHouse moves")
    working.platform.wait_for_log("social", "leaderboards is paused")
    before = working.marks("leaderboards")
    working.train(10)
    working.caught_up("workouts", "feed", "rankings")
    assert working.marks("leaderboards") == before
    assert working.lag("leaderboards")["leaderboards"] >= 10 * len(USERS)
    assert working.paused()["leaderboards"]["reason"] == "ClickHouse moves"
    working.platform.command("agents", "resume", "leaderboards")
    working.caught_up("leaderboards")
    assert working.paused() == {}
    working.verified()


@pytest.mark.long
def test_an_agent_that_was_paused_before_its_worker_starts_does_not_begin(town: Town) -> None:
    town.platform.command("agents", "pause", "feed", "--reason", "not yet")
    town.train()
    town.platform.start(*ROLES)
    town.caught_up("workouts", "leaderboards", "rankings")
    assert set(town.marks("feed").values()) == {0}
    town.platform.start("social-2")  # the rebalance must not wake it either
    town.train()
    town.caught_up("workouts", "leaderboards", "rankings")
    assert set(town.marks("feed").values()) == {0}
    town.platform.command("agents", "resume", "feed")
    town.caught_up("feed")
    town.verified()


def damage(platform: Platform) -> None:
    """Lose all boards, feeds and rankings, and the read model; watermarks stay."""
    settings = platform.settings
    client = clickhouse_connect.get_client(host=settings.host, port=settings.clickhouse_port)
    client.command(f"TRUNCATE TABLE {settings.namespace}.board_scores")
    mongo: MongoClient[dict[str, Any]] = MongoClient(settings.mongo)
    mongo[settings.namespace]["feeds"].delete_many({})
    mongo[settings.namespace]["workouts"].delete_many({})
    store = redis.Redis.from_url(settings.redis)
    for key in store.scan_iter(f"{settings.namespace}:rank:*"):
        store.delete(key)


@pytest.mark.long
def test_agents_that_are_set_back_write_everything_again_and_it_comes_out_equal(town: Town) -> None:
    town.platform.start(*ROLES)
    town.train(5)
    town.caught_up("workouts", "feed", "leaderboards", "rankings", "lake")
    damage(town.platform)
    assert not town.platform.verify()["ok"]
    for agent in ("workouts", "feed", "leaderboards", "rankings", "lake"):
        said = json.loads(town.platform.command("agents", "seek", agent, "--to", "earliest", "--json").stdout)
        assert said["resumed"]
        assert said["skipped"] == 0
        assert {move["to"] for move in said["moves"]} == {0}
    town.caught_up("workouts", "feed", "leaderboards", "rankings", "lake")
    assert town.paused() == {}
    town.verified()


def test_going_forward_says_what_is_lost_and_needs_a_yes(town: Town) -> None:
    town.train(2)
    town.platform.command("agents", "pause", "workouts", "--reason", "test")
    refused = town.platform.command("agents", "seek", "workouts", "--to", "2099-01-01", check=False)
    assert refused.returncode == 2
    assert f"would skip {2 * len(USERS) + len(USERS)} records" in refused.stderr
    assert set(town.marks("workouts").values()) == {0}
    ahead = ("agents", "seek", "workouts", "--to", "2099-01-01", "--topic", "workout-events", "--yes")
    assert "still paused" in town.platform.command(*ahead).stdout
    assert town.marks("workouts")["mongo", town.platform.topics.named("workout-events").name] == 2 * len(USERS)
    assert town.marks("workouts")["mongo", town.platform.topics.named("user-events").name] == 0
    for wrong in (["--to", "7"], ["--to", "whenever"], ["--to", "earliest", "--sink", "redis"]):
        assert town.platform.command("agents", "seek", "workouts", *wrong, check=False).returncode == 2


def test_a_flood_of_dead_letters_pauses_its_agent_before_it_is_written_and_a_resume_lets_it_through(
    working: Town,
) -> None:
    working.train()
    working.caught_up("workouts", "feed", "leaderboards", "rankings")
    letters = working.platform.topics.topic_of_message("SensorFrame").dead_letter or ""
    working.platform.send("SensorFrame", [(None, b"\xff no frame") for _ in range(FLOOD)])
    working.platform.wait_for_log("sensors", "sensors pauses: ")
    working.platform.wait_for_log("sensors", "sensors is paused by its worker")
    assert "in a row would be dead letters" in working.paused()["sensors"]["reason"]
    written = len(working.platform.read(letters))
    assert written < 1_000
    assert working.lag("sensors")["sensors"] >= FLOOD - 1_000
    assert working.lag("leaderboards", "feed") == {"leaderboards": 0, "feed": 0}
    working.platform.command("agents", "resume", "sensors")
    working.caught_up("sensors")
    assert len(working.platform.read(letters)) == FLOOD
    working.train()
    working.verified()
    assert working.paused() == {}
