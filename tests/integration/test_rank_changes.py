"""Rank changes on a real platform: what athletes are told, whichever worker ends, and after a rebuild."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest

from schemas import hot
from schemas.decode import encode, key_of
from stridelog import rank_log
from tests.platform import ROLES, Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

DEADLINE_S: Final = 120.0
NAMES: Final = {"ann": "Ann [Smit]", "bob": "Bob", "cid": "Cid"}
HEAD: Final = {"zone": "UTC", "source": "test", "producer": "test"}
_S_US: Final = 1_000_000
NOW_US: Final = time.time_ns() // 1000 // _S_US * _S_US - 14_400 * _S_US


def ran(user: str, number: int, distance_m: float) -> Any:
    """A run by hand, two hours after the one before."""
    end_us = NOW_US + number * 7_200 * _S_US + tuple(NAMES).index(user) * _S_US
    data = hot.WorkoutCompletedData(
        workout_id=f"{tuple(NAMES).index(user)}{number}000000-0000-4000-8000-000000000000",
        sport="running",
        start=end_us - 3_600 * _S_US,
        end=end_us,
        stated=hot.Stated(distance_m=distance_m, timer_time_s=3_600.0),
    )
    return hot.WorkoutCompleted.of(user=user, time=end_us, data=data, **HEAD)


def send(platform: Platform, *messages: Any) -> None:
    for message in messages:
        platform.send(type(message).__name__, [(key_of(message), encode(message))])


def told(platform: Platform, *arguments: str) -> list[tuple[str, int | None, int | None, list[str]]]:
    """User, rank before, rank and who was passed, on the board of all running, the newest first."""
    done = platform.command("rank-changes", *arguments, "--limit", "10000", "--json")
    return [
        (one["user"], one["previous_rank"], one["rank"], one["passed"])
        for one in json.loads(done.stdout)["changes"]
        if (one["metric"], one["sport"], one["period"]) == ("distance", "running", "all")
    ]


def wait_until(platform: Platform, what: str, found: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not found():
        assert time.monotonic() < end, f"never: {what}\n{platform.logs()}"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"ranks{uuid4().hex[:8]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        for user, shown in NAMES.items():
            data = hot.UserRegisteredData(name=shown, sex="female")
            send(platform, hot.UserRegistered.of(user=user, time=NOW_US, data=data, **HEAD))
        platform.start(*ROLES, "social-2")
        yield platform


def test_who_enters_a_board_and_who_passes_whom_is_told(platform: Platform) -> None:
    send(platform, ran("ann", 0, 10_000.0), ran("bob", 0, 8_000.0))
    wait_until(platform, "two have entered", lambda: {one[0] for one in told(platform)} == {"ann", "bob"})
    send(platform, ran("bob", 1, 5_000.0))
    wait_until(platform, "bob is first", lambda: told(platform, "bob")[0][2] == 1)
    assert told(platform, "bob")[0] == ("bob", 2, 1, ["ann"])
    assert told(platform, "ann")[0] == ("ann", 1, 2, [])
    text = " ".join(platform.command("rank-changes", "ann", "--limit", "100").stdout.replace("│", " ").split())
    assert "Ann [Smit]" in text
    assert "passed by Bob" in text


def test_a_worker_that_is_killed_leaves_it_to_the_other(platform: Platform) -> None:
    send(platform, ran("cid", 0, 9_000.0))
    platform.kill("social")
    wait_until(platform, "cid has entered", lambda: "cid" in {one[0] for one in told(platform)})
    assert told(platform, "cid")[0][2] == 3
    platform.start("social")
    found = platform.verify()
    assert found["ok"], found
    assert found["sinks"]["topic.rank-changes"]["expected"] > 30


@pytest.mark.long
def test_a_rebuild_tells_nothing_anew(platform: Platform) -> None:
    before = told(platform)
    platform.command("sink", "rebuild", "rankings.redis")
    found = platform.verify()
    assert found["ok"], found
    assert told(platform) == before


def test_who_deletes_a_workout_leaves(platform: Platform) -> None:
    gone = hot.WorkoutDeletedData(workout_id=ran("cid", 0, 1.0).data.workout_id)
    send(platform, hot.WorkoutDeleted.of(user="cid", time=NOW_US + 14_000 * _S_US, data=gone, **HEAD))
    wait_until(platform, "cid has left", lambda: told(platform, "cid")[0] == ("cid", 3, None, []))
    found = platform.verify()
    assert found["ok"], found


@pytest.mark.long
def test_the_newest_are_found_however_far_back_they_are(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = asyncio.run(rank_log.rank_log(platform.settings, limit=10_000))
    assert {one.id for one in everything} == {json.loads(one.value)["id"] for one in platform.read("rank-changes")}
    assert everything == sorted(everything, key=lambda one: -one.time)
    monkeypatch.setattr(rank_log, "FIRST_WINDOW", 1)
    for user in ("", "ann", "cid"):
        wanted = [one for one in everything if user in ("", one.user)]
        for limit in (1, 7, 10_000):
            found = asyncio.run(rank_log.rank_log(platform.settings, user=user, limit=limit))
            assert {one.time for one in found} == {one.time for one in wanted[:limit]}
            assert len(found) == min(limit, len(wanted))


def test_nobody_is_a_mistake_of_one_line(platform: Platform) -> None:
    done = platform.command("rank-changes", "zoe", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not platform.dead_workers()
