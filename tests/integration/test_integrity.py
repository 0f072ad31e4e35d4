"""Flags and reviews on real parts: the flagged is off the boards, the reinstated is back, and verify agrees."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from aiokafka.partitioner import DefaultPartitioner

from domain.track import Track, track_from_columns
from schemas import hot
from schemas.decode import encode
from stridelog.devices import Session, completed, frames_of, workout_id_of
from stridelog.topics import load
from tests.platform import ROLES, Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

TOWN = ("simulate", "--athletes", "10", "--days", "10", "--seed", "9", "--sampling-s", "30", "--json")
START_US = 1_795_000_000_000_000  # 2026-11-18
DAY_US = 86_400_000_000
HEAD: dict[str, Any] = {"zone": "Europe/Oslo", "source": "test", "producer": "test"}
CAR, ENTRY, RUN, RIDE = (workout_id_of("otto", name) for name in ("car", "entry", "run", "ride"))


def driving_home() -> Track:
    """Twenty minutes of running at 3 m/s and ten by car."""
    seconds = np.arange(1_800)
    speed = np.where(seconds < 1_200, 3.0, 20.0)
    metres = np.cumsum(speed)
    return track_from_columns(
        START_US + seconds * 1_000_000,
        latitude_deg=59.9 + metres / 111_195,
        longitude_deg=np.full(1_800, 10.7),
        altitude_m=np.full(1_800, 50.0),
        heart_rate_bpm=np.where(seconds < 1_200, 150.0, 80.0),
        distance_m=metres,
    )


def beside(track: Track, later_us: int, degrees_north: float) -> Track:
    return track_from_columns(
        track.time_us + later_us, latitude_deg=track.latitude_deg + degrees_north, longitude_deg=track.longitude_deg
    )


def send(platform: Platform, workout_id: str, track: Track, sport: str = "running", user: str = "otto") -> None:
    session = Session(user, workout_id, f"watch-{workout_id}", **HEAD)
    frames = [(user.encode(), frame.value) for frame in frames_of(track, session, samples_per_frame=60)]
    first_us, last_us = int(track.time_us[0]), int(track.time_us[-1])
    message = completed(session, sport=sport, start_us=first_us, end_us=last_us, track=track)
    platform.send("SensorFrame", frames)
    platform.send("WorkoutCompleted", [(user.encode(), encode(message))])


def register(platform: Platform, user: str) -> None:
    data = hot.UserRegisteredData(name=user.title(), sex="male", birth_year=1990)
    message = hot.UserRegistered.of(user=user, time=START_US - DAY_US, data=data, **HEAD)
    platform.send("UserRegistered", [(user.encode(), encode(message))])


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A small town, and Otto: who drives home with the watch on, types in 50 km, and is in two places at once."""
    name = f"integrity{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        platform.start(*ROLES)
        register(platform, "otto")
        send(platform, CAR, driving_home())
        run = driving_home().between(START_US, START_US + 1_199_000_000)
        send(platform, RUN, beside(run, 2 * DAY_US, 0.1))
        send(platform, RIDE, beside(run, 2 * DAY_US, 1.0), "cycling")
        entry = hot.WorkoutCompletedData(
            workout_id=ENTRY,
            sport="running",
            start=START_US + DAY_US,
            end=START_US + DAY_US + 3_600_000_000,
            stated=hot.Stated(distance_m=50_000.0, timer_time_s=3_600.0),
        )
        by_hand = hot.WorkoutCompleted.of(user="otto", time=entry.end, data=entry, **HEAD)
        platform.send("WorkoutCompleted", [(b"otto", encode(by_hand))])
        platform.command(*TOWN)
        yield platform


def waiting(platform: Platform, *options: str) -> dict[str, dict[str, Any]]:
    """What ``integrity list`` says of Otto, by workout."""
    rows = json.loads(platform.command("integrity", "list", "--user", "otto", "--json", *options).stdout)
    return {row["workout_id"]: row for row in rows}


def kilometres(platform: Platform, user: str = "otto") -> float:
    """A user's on the board of running, of all time."""
    board = platform.command("board", "distance", "--sport", "running", "--period", "all", "--top", "100", "--json")
    rows = json.loads(board.stdout)["rows"]
    return float(sum(row["score"] for row in rows if row["user"] == user)) / 1_000


def verified(platform: Platform) -> None:
    found = platform.verify()
    differing = {name for name, s in found["sinks"].items() if s["missing"] or s["extra"] or s["different"]}
    assert not differing, found["shown"]
    assert found["ok"]


def test_what_is_flagged_is_off_the_boards_and_in_the_athletes_own_days(platform: Platform) -> None:
    verified(platform)
    rows = waiting(platform)
    assert {wid: row["rules"] for wid, row in rows.items()} == {
        CAR: ["vehicle", "beyond_record"],
        ENTRY: ["impossible_total"],
        RIDE: ["two_places"],
    }
    assert "72.0 km/h" in rows[CAR]["reasons"][0]
    assert kilometres(platform) == pytest.approx(3.6, abs=0.1)  # the run that was in one place first
    days = json.loads(platform.command("load", "otto", "--until", "2026-11-21", "--json").stdout)["days"]
    assert [day["workouts"] for day in days][:3] == [1, 1, 2]


def test_a_reinstated_workout_ranks_and_the_same_review_twice_changes_nothing(platform: Platform) -> None:
    said = platform.command("integrity", "review", ENTRY, "--reinstate", "--why", "Seen on the start list.", "--json")
    verified(platform)
    assert kilometres(platform) == pytest.approx(53.6, abs=0.1)
    assert ENTRY not in waiting(platform)
    assert waiting(platform, "--all")[ENTRY]["ranked"]
    document = json.loads(platform.command("workout", ENTRY, "--json").stdout)
    assert (document["flags"][0]["verdict"], document["review"]["why"]) == ("reinstated", "Seen on the start list.")
    platform.send("WorkoutReviewed", [(b"otto", json.dumps(json.loads(said.stdout)).encode())])
    verified(platform)
    assert kilometres(platform) == pytest.approx(53.6, abs=0.1)
    assert json.loads(platform.command("workout", ENTRY, "--json").stdout) == document


def test_an_appeal_is_first_in_the_list_and_an_upheld_flag_stays_off_the_boards(platform: Platform) -> None:
    platform.command("integrity", "appeal", CAR, "--text", "I only took the bus.")
    verified(platform)
    assert next(iter(waiting(platform).values()))["appeal"] == "I only took the bus."
    platform.command("integrity", "review", CAR, "--uphold", "--why", "Cut the bus off.", "--reviewer", "Eva")
    verified(platform)
    assert CAR not in waiting(platform)
    assert kilometres(platform) == pytest.approx(53.6, abs=0.1)


def test_rules_run_again_over_history_leave_what_was_reinstated(platform: Platform) -> None:
    platform.command("agents", "seek", "workouts", "--to", "earliest", "--yes")
    verified(platform)
    assert kilometres(platform) == pytest.approx(53.6, abs=0.1)
    assert set(waiting(platform)) == {RIDE}


def test_what_is_not_flagged_cannot_be_reviewed(platform: Platform) -> None:
    for workout_id, said in ((RUN, "is not flagged"), ("no-such", "integrity list")):
        done = platform.command("integrity", "review", workout_id, "--uphold", "--why", "No.", check=False)
        assert done.returncode == 2
        assert said in done.stderr


def test_anothers_run_is_off_the_boards_until_the_original_goes(platform: Platform) -> None:
    """The thief, and who has it from the thief, are in other partitions."""
    thief, heir = strangers_of("otto")
    run = beside(driving_home().between(START_US, START_US + 1_199_000_000), 2 * DAY_US, 0.1)
    for user, later in ((thief, 1), (heir, 3)):
        register(platform, user)
        send(platform, copy_of(user), beside(run, later * DAY_US, 0.0), user=user)
        verified(platform)
    for user in (thief, heir):
        assert kilometres(platform, user) == 0
        (flag,) = json.loads(platform.command("workout", copy_of(user), "--json").stdout)["flags"]
        assert flag["rule"] == "copied_track"
        assert f"those of another athlete's workout {RUN}" in flag["reason"]
    deleted = hot.WorkoutDeletedData(workout_id=RUN, reason="by-athlete")
    message = hot.WorkoutDeleted.of(user="otto", time=START_US + 9 * DAY_US, data=deleted, **HEAD)
    platform.send("WorkoutDeleted", [(b"otto", encode(message))])
    verified(platform)
    assert kilometres(platform, thief) == pytest.approx(3.6, abs=0.1)
    assert kilometres(platform, heir) == 0
    (flag,) = json.loads(platform.command("workout", copy_of(heir), "--json").stdout)["flags"]
    assert f"those of another athlete's workout {copy_of(thief)}" in flag["reason"]


def copy_of(user: str) -> str:
    return workout_id_of(user, "copy")


def strangers_of(user: str) -> list[str]:
    """Two users of two other partitions."""
    partitions = range(load(prefix="").topic_of_message("UserRegistered").partitions)
    number = {name: DefaultPartitioner()(name.encode(), partitions, partitions) for name in (user, *"abcdefghijkl")}
    others = {of: name for name, of in number.items() if of != number[user]}
    return list(others.values())[:2]
