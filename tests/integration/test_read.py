"""What people read back is what happened: a few athletes on an instance of their own, read by the real commands."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

import numpy as np
import pytest

from bench.load import WORKOUT_S, workout
from domain.days import local_day, period_key
from schemas import hot
from schemas.decode import encode
from schemas.frames import pack_frame
from stridelog.lag import LagReader, caught_up
from tests.platform import ROLES, Platform

pytestmark = pytest.mark.stack

DEADLINE_S: Final = 300.0
_S_US: Final = 1_000_000
ATHLETES: Final = ("ada", "bob", "cid")
NAMES: Final = {"ada": "Ada [Smit]", "bob": "Bob", "cid": "Cid"}
HEAD: Final[dict[str, Any]] = {"zone": "UTC", "source": "test", "producer": "test"}
NOW_US: Final = time.time_ns() // 1000 // _S_US * _S_US - 3_600 * _S_US
STATED_US: Final = NOW_US - 86_400 * _S_US * 3
STATED: Final = hot.ProfileChangedData(ftp_w=255.0)
NIGHT_US: Final = NOW_US // (86_400 * _S_US) * 86_400 * _S_US - 86_400 * _S_US  # yesterday
WORKOUTS: Final = {"ada": 5, "bob": 3, "cid": 1}


def workout_id(user: str, number: int) -> str:
    return f"{ATHLETES.index(user)}{number}000000-0000-4000-8000-000000000000"


def completed(user: str, number: int) -> hot.WorkoutCompleted:
    """Ten kilometres by hand; each an hour before the last one."""
    end_us = NOW_US - number * 2 * 3_600 * _S_US - ATHLETES.index(user) * 60 * _S_US
    data = hot.WorkoutCompletedData(
        workout_id=workout_id(user, number),
        sport="running",
        start=end_us - 3_000 * _S_US,
        end=end_us,
        stated=hot.Stated(distance_m=10_000.0, timer_time_s=3_000.0),
        title=f"{user} {number}",
    )
    return hot.WorkoutCompleted.of(user=user, time=end_us, data=data, **HEAD)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"read{uuid4().hex[:8]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        people: list[Any] = [
            hot.UserRegistered.of(
                user=user,
                time=NOW_US - 86_400 * _S_US * 30,
                data=hot.UserRegisteredData(name=name, sex="female"),
                **HEAD,
            )
            for user, name in NAMES.items()
        ]
        send(platform, *people)
        follow_us = NOW_US - 86_400 * _S_US * 20
        send(
            platform,
            hot.Followed.of(user="bob", time=follow_us, data=hot.FollowedData(follower="ada"), **HEAD),
            hot.KudosGiven.of(
                user="bob", time=NOW_US, data=hot.KudosGivenData(workout_id=workout_id("bob", 0), actor="ada"), **HEAD
            ),
            *(completed(user, number) for user, count in WORKOUTS.items() for number in range(count)),
        )
        sampled = workout("cid", 7, NOW_US - 600 * _S_US, sampled=True)
        registered = hot.UserRegistered.of(
            user=sampled.user, time=NOW_US, data=hot.UserRegisteredData(name="Sampled", sex="male"), **HEAD
        )
        send(platform, registered)
        for kind, value in (*sampled.before, ("WorkoutCompleted", sampled.completion)):
            platform.send(kind, [(sampled.user.encode(), value)])
        send(platform, hot.ProfileChanged.of(user="bob", time=STATED_US, data=STATED, **HEAD))
        platform.send("SensorFrame", [(b"bob", frame) for frame in night()])
        platform.send("WorkoutStarted", [(b"ada", b"\xff\xfenot JSON")])
        platform.start(*ROLES)
        asyncio.run(written(platform))
        yield platform


def night() -> Iterator[bytes]:
    """Twelve hours of a band in frames of an hour, the last first and one of them twice; at four it is lowest."""
    rng = np.random.default_rng(7)
    for hour in (*range(11, -1, -1), 4):
        swing = 1_250 + 45 * np.sin(np.arange(2_800) * 1.5) + rng.normal(0, 8, 2_800)
        yield pack_frame(
            user="bob",
            device_id="band",
            sequence=hour,
            start_us=NIGHT_US + hour * 3_600 * _S_US,
            columns={"heart_rate_bpm": np.full(120, 48.0 if hour == 4 else 55.0), "rr_ms": np.rint(swing)},
            interval_us=30 * _S_US,
            **HEAD,
        )


def send(platform: Platform, *messages: Any) -> None:
    for message in messages:
        platform.send(message.type, [(message.user.encode(), encode(message))])


def read(platform: Platform, *arguments: str) -> Any:
    return json.loads(platform.command(*arguments, "--json").stdout)


async def written(platform: Platform) -> None:
    """All agents have written all of it."""
    async with LagReader(platform.settings, known=platform.topics) as reader:
        await caught_up(reader, timeout_s=DEADLINE_S)


def test_a_board_ranks_whole_scores_with_names(platform: Platform) -> None:
    board = read(platform, "board", "distance", "--period", "all")
    found = [(row["rank"], row["user"], row["score"]) for row in board["rows"]]
    assert found[:3] == [(1, "ada", 50_000), (2, "bob", 30_000), (3, "cid", 10_000)]
    assert board["rows"][0]["name"] == "Ada [Smit]"
    assert board["users"] == 4
    assert "Ada [Smit]" in platform.command("board", "distance", "--period", "all").stdout


def test_a_board_shows_an_athletes_place_and_ranks_some_only(platform: Platform) -> None:
    board = read(platform, "board", "distance", "--period", "all", "--top", "1", "--user", "bob", "--neighbours", "1")
    assert board["rank"] == 2
    assert [(row["rank"], row["user"]) for row in board["around"]] == [(1, "ada"), (2, "bob"), (3, "cid")]
    only = read(platform, "board", "distance", "--period", "all", "--only", "bob", "--only", "cid", "--user", "bob")
    assert (only["users"], only["rank"], [row["user"] for row in only["rows"]]) == (2, 1, ["bob", "cid"])


def test_an_empty_board_says_which_have_somebody(platform: Platform) -> None:
    said = platform.command("board", "distance", "--period", "year", "--key", "2001").stdout
    assert str(local_day(NOW_US, "UTC").year) in said


def test_a_rank_is_that_of_the_board_with_neighbours(platform: Platform) -> None:
    page = read(platform, "rank", "bob", "distance", "--period", "all", "--neighbours", "1")
    assert page["rank"] == 2
    assert [row["user"] for row in page["rows"]] == ["ada", "bob", "cid"]
    assert [row["rank"] for row in page["rows"]] == [1, 2, 3]


def test_a_feed_has_own_and_followed_workouts_newest_first(platform: Platform) -> None:
    feed = read(platform, "feed", "ada", "--limit", "100")
    found = [(item["athlete"], item["end_us"]) for item in feed["items"]]
    assert len(found) == WORKOUTS["ada"] + WORKOUTS["bob"]
    assert found == sorted(found, key=lambda item: -item[1])
    kudos = {item["workout_id"]: item["kudos"] for item in feed["items"]}
    assert kudos[workout_id("bob", 0)] == ["ada"]
    assert {item["athlete"] for item in read(platform, "feed", "bob")["items"]} == {"bob"}


def test_pages_of_a_feed_join_without_gap_or_repeat(platform: Platform) -> None:
    whole = [item["workout_id"] for item in read(platform, "feed", "ada", "--limit", "100")["items"]]
    pages: list[str] = []
    cursor: list[str] = []
    while True:
        page = read(platform, "feed", "ada", "--limit", "3", *cursor)
        pages += [item["workout_id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = ["--before", page["next"]]
    assert pages == whole


def test_a_workout_joins_its_samples(platform: Platform) -> None:
    user = "cid-00007"
    item = read(platform, "feed", user)["items"][0]
    document = read(platform, "workout", item["workout_id"])
    assert document["user"] == user
    assert document["summary"]["sample_count"] == WORKOUT_S
    assert document["summary"]["distance_source"] == "device"
    assert document["summary"]["best_efforts"]
    shown = platform.command("workout", item["workout_id"]).stdout
    assert "best efforts" in shown
    assert f"{WORKOUT_S} samples" in shown


def test_training_adds_up_by_day_and_goes_on_with_rest_to_the_day_that_is_asked(platform: Platform) -> None:
    until = local_day(NOW_US + 3 * 86_400 * _S_US, "UTC").isoformat()
    days = read(platform, "load", "ada", "--until", until)["days"]
    # five times 50 min of which only the time is known, at 49 an hour
    assert sum(day["load"] for day in days) == pytest.approx(5 * 40.83)
    assert sum(day["workouts"] for day in days) == 5
    assert [(day["local_day"], day["load"]) for day in days[-1:]] == [(until, 0.0)]
    assert days[-1]["fitness_ctl"] < days[-2]["fitness_ctl"]
    assert days[0]["acwr_uncoupled"] is None
    assert "Training of Ada [Smit]" in platform.command("load", "ada").stdout
    assert read(platform, "load", "ada", "--until", "2001-01-01")["days"] == []
    refused = platform.command("load", "ada", "--until", "yesterday", check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_what_an_athlete_stated_is_a_threshold_with_the_event_as_evidence(platform: Platform) -> None:
    (entry,) = read(platform, "thresholds", "bob")["thresholds"]
    assert (entry["kind"], entry["estimated"]) == ("ftp_w", None)
    stated = entry["stated"]
    assert (stated["value"], stated["method"], stated["changed_at"]) == (255.0, "stated", STATED_US)
    event = hot.ProfileChanged.of(user="bob", time=STATED_US, data=STATED, **HEAD)
    assert stated["evidence"] == [{"id": event.id, "name": "stated"}]
    assert read(platform, "thresholds", "bob", "--at", "2001-01-01")["thresholds"] == []
    assert "255 W" in platform.command("thresholds", "bob").stdout


def test_a_night_gives_resting_heart_rate_and_variability(platform: Platform) -> None:
    day = local_day(NIGHT_US, "UTC").isoformat()
    (row,) = read(platform, "wellness", "bob", "--until", day, "--days", "2")["days"]
    assert (row["local_day"], row["zone"], row["resting_heart_rate_bpm"]) == (day, "UTC", 48.0)
    assert (row["worn_minutes"], row["resting_from_minute"], row["hrv_fault"]) == (720, 240.0, "")
    assert 3.5 < row["ln_rmssd"] < 4.5
    assert row["ln_rmssd_7d"] is None, "a day is no week"
    assert f"{day} 12:00 48 4:00" in " ".join(platform.command("wellness", "bob").stdout.split())


def test_a_first_workout_is_an_achievement(platform: Platform) -> None:
    earned = read(platform, "achievements", "cid")["achievements"]
    assert {award["evidence"][0] for award in earned} == {workout_id("cid", 0)}


def test_scores_before_there_is_a_model_are_empty_and_say_why(platform: Platform) -> None:
    assert read(platform, "scores", "ada") == {"user": "ada", "injury": [], "recommendations": []}
    assert "stridelog models train" in " ".join(platform.command("scores", "ada").stdout.split())


@pytest.mark.parametrize("arguments", [("feed", "zoe"), ("rank", "zoe"), ("scores", "zoe"), ("workout", "zoe")])
def test_whom_nobody_knows_is_a_mistake_of_one_line(platform: Platform, arguments: tuple[str, ...]) -> None:
    done = platform.command(*arguments, check=False)
    assert done.returncode == 2
    assert "'zoe'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_ranking_without_the_user_says_so(platform: Platform) -> None:
    done = platform.command("rank", "ada", "--sport", "cycling", "--period", "all", check=False)
    assert done.returncode == 2
    assert "no ranking" in done.stderr


@pytest.mark.parametrize(
    ("variable", "arguments", "store"),
    [
        ("STRIDELOG_REDIS_PORT", ("feed", "ada"), "Redis"),
        ("STRIDELOG_CLICKHOUSE_PORT", ("board",), "ClickHouse"),
        ("STRIDELOG_MONGO_PORT", ("workout", "x"), "MongoDB"),
        ("STRIDELOG_KAFKA_PORT", ("dlq", "list"), "Kafka"),
        ("STRIDELOG_KAFKA_PORT", ("agents", "lag"), "Kafka"),
    ],
)
def test_a_store_that_is_away_is_named_with_what_to_do(
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    arguments: tuple[str, ...],
    store: str,
) -> None:
    monkeypatch.setitem(platform.environment, variable, "1")
    done = platform.command(*arguments, check=False)
    assert done.returncode == 2
    assert store in done.stderr
    assert "make up" in done.stderr
    assert done.stderr.count("\n") == 1


def test_lag_is_zero_for_each_sink_when_all_is_written(platform: Platform) -> None:
    rows = read(platform, "agents", "lag", "--partitions")
    assert {row["agent"] for row in rows} == {row["agent"] for row in read(platform, "agents", "list")}
    assert all(row["watermark"] == row["end"] for row in rows)
    sinks = {row["sink"] for row in rows if row["agent"] == "workouts"}
    assert sinks == {"mongo", "postgres", "topic"}


def test_dead_letters_are_listed_and_shown_with_their_bytes(platform: Platform) -> None:
    letters = read(platform, "dlq", "list", "--topic", "workout-events")
    assert {letter["agent"]: letter["key"]["text"] for letter in letters} == {"sensors": "ada", "workouts": "ada"}
    assert read(platform, "dlq", "list", "--reason", "no-such-reason") == []
    one = read(platform, "dlq", "show", letters[0]["place"])
    assert one == letters[0]
    shown = platform.command("dlq", "show", letters[0]["place"]).stdout
    assert "ff fe" in shown
    assert "workout-events" in shown


def test_a_dead_letter_that_is_not_there_is_a_mistake(platform: Platform) -> None:
    topic = platform.topics.dead_letter_of("sensor-frames").name
    done = platform.command("dlq", "show", f"{topic}:0:5", check=False)
    assert done.returncode == 2
    assert "no dead letter" in done.stderr


def test_fausts_own_commands_know_our_agents(platform: Platform) -> None:
    said = platform.command("faust", "--role", "social", "agents").stdout
    assert all(f"@{name}" in said for name in ("feed", "leaderboards", "rankings"))
    assert "tables" in platform.command("faust", "--role", "social").stdout


def test_this_weeks_board_and_ranking_agree(platform: Platform) -> None:
    key = period_key(local_day(NOW_US, "UTC"), "week")
    board = read(platform, "board", "load", "--key", key)
    top = board["rows"][0]["user"]
    page = read(platform, "rank", top, "load", "--key", key, "--neighbours", "100")
    assert [(row["rank"], row["user"]) for row in page["rows"]] == [(row["rank"], row["user"]) for row in board["rows"]]
