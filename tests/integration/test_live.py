"""Live sessions on the real servers: who trains now is on the board, and off it when the workout or the device ends."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any, Final
from uuid import uuid4

import numpy as np
import pytest
from redis import Redis

from domain.live import SPAN_S, minutes, over_s
from domain.live_view import NOTHING_KNOWN, Permission
from schemas import hot
from schemas.decode import encode
from schemas.frames import pack_frame
from sinks.keys import Keys
from stridelog.lag import LagReader
from stridelog.live_board import LivePage, LiveRow, live_board
from stridelog.queries import Queries
from tests.platform import Platform

pytestmark = pytest.mark.stack

DEADLINE_S: Final = 120.0
_US: Final = 1_000_000
HEAD: Final[dict[str, Any]] = {"zone": "UTC", "source": "test", "producer": "test"}
USERS: Final = ("ada", "bob", "late", "seer", "quiet", "ended")
WORKOUTS: Final = {user: f"{i}0000000-0000-4000-8000-000000000000" for i, user in enumerate(USERS)}
HERE: Final = (59.9, 10.7)
CHECKS: Final = ("redis.live", "redis.live-boards", "redis.thresholds")


def now_us() -> int:
    """Now, to the second. Not when the module is imported: a session is live for two minutes."""
    return time.time_ns() // 1000 // _US * _US


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
            "latitude_deg": np.full(seconds, HERE[0]),
            "longitude_deg": np.full(seconds, HERE[1]),
        },
        zone=HEAD["zone"],
        source=HEAD["source"],
        producer=HEAD["producer"],
    )
    return user.encode(), packed


def run(user: str, end_us: int) -> list[tuple[bytes, bytes]]:
    """Three frames of ten seconds, the athlete going faster and faster."""
    return [
        frame(user, end_us - 20 * _US, speed=2.0, distance=1_020.0),
        frame(user, end_us - 10 * _US, speed=3.0, distance=1_050.0),
        frame(user, end_us, speed=4.0, distance=1_090.0),
    ]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"live{uuid4().hex[:8]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        for user in USERS:
            known: dict[str, Any] = {"birth_year": 1996} if user == "bob" else {"lthr_bpm": 165.0}
            data = hot.UserRegisteredData(name=user.title(), sex="female", **known)
            send(platform, hot.UserRegistered.of(user=user, time=now_us(), data=data, **HEAD))
        platform.start("sensors", "social")
        yield platform


def send(platform: Platform, message: Any) -> None:
    platform.send(message.type, [(message.user.encode(), encode(message))])


def board(platform: Platform, **asked: Any) -> LivePage:
    async def ask() -> LivePage:
        async with Queries(platform.settings) as queries:
            return await live_board(queries, **asked)

    return asyncio.run(ask())


def shown(platform: Platform, user: str, metric: str = "distance") -> LiveRow | None:
    return next((row for row in board(platform, metric=metric, top=100).rows if row.view.user == user), None)


def train(platform: Platform, user: str) -> int:
    """The user trains up to the end of the last whole span, which is returned, and is on the board by it."""
    end_us = now_us() // (SPAN_S * _US) * SPAN_S * _US - _US
    platform.send("SensorFrame", run(user, end_us))
    wait(platform, lambda: (row := shown(platform, user)) is not None and row.view.time_us == end_us)
    return end_us


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


def differences(platform: Platform, *checks: str) -> dict[str, Any]:
    sinks = [option for name in checks or CHECKS for option in ("--sink", name)]
    done = platform.command("verify", "--json", "--settle", "0", "--show", "3", *sinks, check=False)
    found: dict[str, Any] = json.loads(done.stdout)["sinks"]
    return {name: one for name, one in found.items() if one["missing"] or one["extra"] or one["different"]} | {
        name: one for name, one in found.items() if not one["expected"]
    }


def test_who_trains_now_is_on_the_board_with_pace_zone_and_figures_so_far(platform: Platform) -> None:
    started = hot.WorkoutStartedData(workout_id=WORKOUTS["ada"], sport="running")
    send(platform, hot.WorkoutStarted.of(user="ada", time=now_us(), data=started, **HEAD))
    platform.send("SensorFrame", [frame("bob", now_us(), speed=8.0, distance=500.0, seconds=90)])
    train(platform, "ada")
    written(platform)
    assert differences(platform) == {}
    page = json.loads(platform.command("live", "--by", "distance", "--json").stdout)
    ada, bob = (next(row for row in page["rows"] if row["user"] == user) for user in ("ada", "bob"))
    assert ada["rank"] < bob["rank"]
    assert (ada["sport"], ada["distance_m"]) == ("running", 1_090.0)
    assert (ada["heart_rate_bpm"], ada["heart_rate_zone"]) == (150.0, 3), "91 % of the heart rate at threshold"
    assert ada["speed_m_s"] == 3.0, "the mean of thirty seconds"
    assert (bob["sport"], bob["heart_rate_zone"]) == (None, 4), "80 % of 187, which is by age"
    assert ada["moving_time_s"] == 30
    assert bob["moving_time_s"] in (90, 100), "spans of ten seconds"
    only = json.loads(platform.command("live", "--sport", "running", "--json").stdout)
    assert [row["user"] for row in only["rows"]] == ["ada"]


def test_late_and_resent_frames_do_not_move_a_session_back(platform: Platform) -> None:
    end_us = train(platform, "late")
    before = shown(platform, "late")
    resent = run("late", end_us)
    late = frame("late", end_us - 40 * _US, speed=9.0, distance=990.0)
    platform.send("SensorFrame", [*resent[:2], late, resent[1]])
    written(platform)
    after = shown(platform, "late")
    assert before is not None
    assert after is not None
    assert after.view == replace(before.view, moving_time_s=(before.view.moving_time_s or 0) + 10)


def test_others_see_nobody_who_has_allowed_nothing_and_are_ranked_among_whom_they_see(platform: Platform) -> None:
    for user in ("seer", "ada"):
        train(platform, user)
    page = board(platform, viewer="seer")
    assert [(row.rank, row.view.user) for row in page.rows] == [(1, "seer")]
    assert page.mine == page.rows[0]
    assert board(platform, viewer="seer", sport="running").rows == ()
    refused = platform.command("live", "--as", "nobody", check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def figures(row: LiveRow) -> set[str]:
    """What a row says of a session."""
    return {name for name, value in asdict(row.view).items() if value is not None} - {"user", "workout_id", "time_us"}


def test_others_see_whom_and_what_is_allowed_them_as_in_feeds(platform: Platform) -> None:
    def say(kind: Any, user: str, **data: Any) -> None:
        body = getattr(hot, f"{kind.__name__}Data")(**data)
        send(platform, kind.of(user=user, time=now_us(), data=body, **HEAD))

    def seen(by: str) -> dict[str, LiveRow]:
        for user in ("ada", "bob", "seer"):
            train(platform, user)
        return {row.view.user: row for row in board(platform, metric="distance", viewer=by, top=10).rows}

    def allowed(owner: str, viewer: str) -> Permission:
        async def ask() -> Permission:
            async with Queries(platform.settings) as queries:
                return (await queries.permissions([owner], viewer))[owner]

        return asyncio.run(ask())

    say(hot.Followed, "ada", follower="seer")
    say(hot.VisibilityChanged, "bob", workout="everyone", map="everyone", heart_rate="everyone")
    wait(platform, lambda: allowed("ada", "seer").relation.follows and allowed("bob", "ended") != NOTHING_KNOWN)
    rows = seen("seer")
    assert {user: row.rank for user, row in rows.items()} == dict.fromkeys(("ada", "bob", "seer"), 1)
    place, heart = {"latitude_deg", "longitude_deg"}, {"heart_rate_bpm", "heart_rate_zone"}
    moving = {"in_privacy_zone", "distance_m", "moving_time_s", "speed_m_s"}
    assert figures(rows["ada"]) - {"sport"} == moving, "followers see the workout, and no more, if nothing was chosen"
    assert figures(rows["bob"]) == moving | place | heart
    assert seen("quiet").keys() == {"bob"}

    home = {"latitude_deg": HERE[0], "longitude_deg": HERE[1], "radius_m": 800}
    say(hot.PrivacyZoneSet, "bob", zone_id="70000000-0000-4000-8000-000000000000", **home)
    wait(platform, lambda: allowed("bob", "seer").circles)
    bob = seen("seer")["bob"]
    assert (bob.rank, bob.view.in_privacy_zone, figures(bob)) == (None, True, {"in_privacy_zone"})
    assert figures(seen("bob")["bob"]) == moving | place | heart, "athletes see all of their own"

    for user in ("bob", "seer"):
        say(hot.Blocked, user, blocker="bob", blocked="seer")
    wait(platform, lambda: allowed("bob", "seer").relation.blocked and allowed("seer", "bob").relation.blocked)
    assert seen("seer").keys() == {"ada", "seer"}
    assert json.loads(platform.command("live", "--json", "--as", "bob").stdout)["rows"][0]["user"] == "bob"
    assert seen("bob").keys() == {"bob"}
    assert differences(platform, "mongo.circles") == {}
    everyone = json.loads(platform.command("live", "--by", "distance", "--json").stdout)["rows"]
    assert {"ada", "bob", "seer"} <= {row["user"] for row in everyone if row["latitude_deg"] is not None}


def test_a_silent_session_goes_by_itself_at_the_turn_of_a_minute(platform: Platform) -> None:
    redis, keys = Redis.from_url(platform.settings.redis), Keys(platform.settings.namespace)
    end_us = train(platform, "quiet")
    written(platform)
    assert redis.expiretime(keys.live("quiet")) == over_s(end_us)
    for minute in minutes(end_us)[1:]:
        name = keys.live_board("distance", minute)
        assert redis.zscore(name, "quiet") == 1_090.0
        assert redis.expiretime(name) == (minute + 1) * 60
    assert redis.zscore(keys.live_board("distance", minutes(end_us).stop), "quiet") is None


def test_a_session_is_over_when_its_workout_is_and_does_not_come_back(platform: Platform) -> None:
    redis, keys = Redis.from_url(platform.settings.redis), Keys(platform.settings.namespace)
    end_us = train(platform, "ended")
    data = hot.WorkoutCompletedData(workout_id=WORKOUTS["ended"], sport="running", start=end_us - _US, end=end_us)
    send(platform, hot.WorkoutCompleted.of(user="ended", time=end_us, data=data, **HEAD))
    wait(platform, lambda: not redis.exists(keys.live("ended")))
    platform.send("SensorFrame", [frame("ended", now_us(), speed=4.0, distance=1_094.0)])
    written(platform)
    assert not redis.exists(keys.live("ended"))
    boards = [name for name in redis.scan_iter(keys.live_board("*", "*")) if redis.zscore(name, "ended") is not None]
    assert boards == []
    train(platform, "ada")
    written(platform)
    assert differences(platform) == {}
