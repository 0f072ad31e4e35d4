"""Live sessions on the real servers: who trains now is on the board, and off it when the workout or the device ends."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import numpy as np
import pytest
from redis import Redis

from domain.live import minutes, over_s
from schemas import hot
from schemas.decode import encode
from schemas.frames import pack_frame
from sinks.keys import Keys
from stridelog.lag import LagReader
from stridelog.live_board import LivePage, live_board
from stridelog.queries import Queries
from tests.platform import Platform

pytestmark = pytest.mark.stack

DEADLINE_S: Final = 120.0
_US: Final = 1_000_000
NOW_US: Final = time.time_ns() // 1000 // _US * _US
HEAD: Final = {"zone": "UTC", "source": "test", "producer": "test"}
WORKOUTS: Final = {user: f"{i}0000000-0000-4000-8000-000000000000" for i, user in enumerate(("ada", "bob"))}
CHECKS: Final = ("redis.live", "redis.live-boards", "redis.thresholds")


def frame(user: str, end_us: int, *, speed: float, distance: float, seconds: int = 10) -> tuple[bytes, bytes]:
    packed = pack_frame(
        user=user,
        device_id="watch",
        sequence=0,
        start_us=end_us - (seconds - 1) * _US,
        workout_id=WORKOUTS[user],
        interval_us=_US,
        columns={
            "heart_rate_bpm": np.full(seconds, 150.0),
            "speed_m_s": np.full(seconds, speed),
            "distance_m": np.full(seconds, distance),
        },
        **HEAD,
    )
    return user.encode(), packed


ADA: Final = [
    frame("ada", NOW_US - 20 * _US, speed=2.0, distance=1_020.0),
    frame("ada", NOW_US - 10 * _US, speed=3.0, distance=1_050.0),
    frame("ada", NOW_US, speed=4.0, distance=1_090.0),
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"live{uuid4().hex[:8]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        for user, said in (("ada", {"lthr_bpm": 165.0}), ("bob", {"birth_year": 1996})):
            data = hot.UserRegisteredData(name=user.title(), sex="female", **said)  # type: ignore[arg-type]
            send(platform, hot.UserRegistered.of(user=user, time=NOW_US - 3_600 * _US, data=data, **HEAD))
        started = hot.WorkoutStartedData(workout_id=WORKOUTS["ada"], sport="running")
        send(platform, hot.WorkoutStarted.of(user="ada", time=NOW_US - 30 * _US, data=started, **HEAD))
        platform.send("SensorFrame", [*ADA, frame("bob", NOW_US, speed=8.0, distance=500.0, seconds=90)])
        platform.start("sensors")
        yield platform


def send(platform: Platform, message: Any) -> None:
    platform.send(message.type, [(message.user.encode(), encode(message))])


def board(platform: Platform, **asked: Any) -> LivePage:
    async def ask() -> LivePage:
        async with Queries(platform.settings) as queries:
            return await live_board(queries, **asked)

    return asyncio.run(ask())


def on_board(platform: Platform) -> list[str]:
    return [row.view.user for row in board(platform).rows]


def wait(platform: Platform, done: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < end, platform.logs()
        time.sleep(0.1)


def written(platform: Platform) -> None:
    """The worker has written all that is in the log."""

    async def behind() -> int:
        async with LagReader(platform.settings, known=platform.topics) as reader:
            return max(lag.behind for lag in await reader.read() if lag.agent == "sensors")

    wait(platform, lambda: asyncio.run(behind()) == 0)


def differences(platform: Platform) -> dict[str, Any]:
    sinks = [option for name in CHECKS for option in ("--sink", name)]
    done = platform.command("verify", "--json", "--settle", "0", "--show", "3", *sinks, check=False)
    found: dict[str, Any] = json.loads(done.stdout)["sinks"]
    return {name: one for name, one in found.items() if one["missing"] or one["extra"] or one["different"]} | {
        name: one for name, one in found.items() if not one["expected"]
    }


def test_who_trains_now_is_on_the_board_with_pace_zone_and_figures_so_far(platform: Platform) -> None:
    wait(platform, lambda: on_board(platform) == ["bob", "ada"])
    written(platform)
    page = json.loads(platform.command("live", "--by", "distance", "--json").stdout)
    ada, bob = page["rows"]
    assert (ada["rank"], ada["user"], ada["sport"], ada["distance_m"]) == (1, "ada", "running", 1_090.0)
    assert (ada["heart_rate_bpm"], ada["heart_rate_zone"]) == (150.0, 3), "91 % of the heart rate at threshold"
    assert ada["speed_m_s"] == 3.0, "the mean of thirty seconds"
    assert (bob["rank"], bob["sport"], bob["heart_rate_zone"]) == (2, None, 4), "80 % of 187, which is by age"
    assert bob["moving_time_s"] - ada["moving_time_s"] == 60
    only = json.loads(platform.command("live", "--sport", "running", "--json").stdout)
    assert [row["user"] for row in only["rows"]] == ["ada"]
    assert differences(platform) == {}


def test_late_and_resent_frames_do_not_move_a_session_back(platform: Platform) -> None:
    before = board(platform, metric="distance").rows
    late = frame("ada", NOW_US - 40 * _US, speed=9.0, distance=990.0)
    platform.send("SensorFrame", [*ADA[:2], late, ADA[1]])
    written(platform)
    after = board(platform, metric="distance").rows
    assert after[0].view.time_us == before[0].view.time_us
    assert (after[0].view.distance_m, after[0].view.speed_m_s) == (1_090.0, 3.0)
    assert after[0].view.moving_time_s == (before[0].view.moving_time_s or 0) + 10
    assert differences(platform) == {}


def test_others_see_nobody_who_has_allowed_nothing_and_are_ranked_among_whom_they_see(platform: Platform) -> None:
    page = board(platform, viewer="ada")
    assert [(row.rank, row.view.user) for row in page.rows] == [(1, "ada")]
    assert page.mine == page.rows[0]
    assert board(platform, viewer="bob", sport="running").rows == ()
    refused = platform.command("live", "--as", "nobody", check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_a_silent_session_goes_by_itself_at_the_turn_of_a_minute(platform: Platform) -> None:
    redis, keys = Redis.from_url(platform.settings.redis), Keys(platform.settings.namespace)
    session = board(platform, metric="distance").rows[-1].view
    assert redis.expiretime(keys.live(session.user)) == over_s(session.time_us)
    for minute in minutes(session.time_us)[1:]:
        name = keys.live_board("moving_time", minute)
        assert redis.zscore(name, session.user) == session.moving_time_s
        assert redis.expiretime(name) == (minute + 1) * 60
    assert not redis.exists(keys.live_board("moving_time", minutes(session.time_us).stop))


def test_a_session_is_over_when_its_workout_is_and_does_not_come_back(platform: Platform) -> None:
    redis, keys = Redis.from_url(platform.settings.redis), Keys(platform.settings.namespace)
    data = hot.WorkoutCompletedData(
        workout_id=WORKOUTS["ada"], sport="running", start=NOW_US - 30 * _US, end=NOW_US + _US
    )
    send(platform, hot.WorkoutCompleted.of(user="ada", time=NOW_US + _US, data=data, **HEAD))
    wait(platform, lambda: "ada" not in on_board(platform))
    platform.send("SensorFrame", [frame("ada", NOW_US + _US, speed=4.0, distance=1_094.0)])
    written(platform)
    assert not redis.exists(keys.live("ada"))
    assert not {name for name in redis.scan_iter(keys.live_board("*", "*")) if redis.zscore(name, "ada") is not None}, (
        "on no board"
    )
    assert not {name: one for name, one in differences(platform).items() if one["extra"] or one["different"]}
