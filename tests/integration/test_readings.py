"""Readings that are deleted, corrected and sent again, on real parts: what people see follows, and verify agrees."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pytest

from domain.track import Track, track_from_columns
from schemas import hot
from schemas.decode import encode
from stridelog.devices import Session, completed, frames_of
from tests.platform import ROLES, Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

S: Final = 1_000_000
START_US: Final = time.time_ns() // 1_000 // S * S - 7_200 * S
HEAD: Final[dict[str, Any]] = {"zone": "UTC", "source": "device:watch", "producer": "test"}
WORKOUTS: Final = {"ada": "11111111-1111-4111-8111-111111111111", "bea": "33333333-3333-4333-8333-333333333333"}
PHONE: Final = "22222222-2222-4222-8222-222222222222"


def track_of(first_s: int, last_s: int, heart_rate_bpm: float = 150.0) -> Track:
    seconds = np.arange(first_s, last_s)
    n = len(seconds)
    return track_from_columns(
        START_US + seconds * S,
        heart_rate_bpm=np.full(n, heart_rate_bpm),
        speed_m_s=np.full(n, 3.0),
        distance_m=np.asarray(seconds * 3.0, dtype=np.float64),
    )


class Athlete:
    """One run of half an hour, and what her devices and her provider say of it later."""

    def __init__(self, platform: Platform, user: str) -> None:
        self.platform, self.user = platform, user
        self.session = Session(user, WORKOUTS[user], f"watch-{user}", "UTC", "device:watch", "test")
        registered = hot.UserRegisteredData(name=user.title(), sex="female", hr_max_bpm=190.0, hr_rest_bpm=50.0)
        self.send(hot.UserRegistered.of(user=user, time=START_US - S, data=registered, **HEAD))
        self.trains(track_of(0, 1_800), self.session)

    def send(self, *messages: Any) -> None:
        for message in messages:
            self.platform.send(type(message).__name__, [(self.user.encode(), encode(message))])

    def frames(self, track: Track, session: Session, revision: int = 0) -> None:
        records = [(self.user.encode(), frame.value) for frame in frames_of(track, session, revision=revision)]
        self.platform.send("SensorFrame", records)

    def trains(self, track: Track, session: Session) -> None:
        self.frames(track, session)
        self.send(completed(session, sport="running", start_us=START_US, end_us=START_US + 1_800 * S, track=track))

    def deleted(self, first_s: int, end_s: int, *channels: str) -> None:
        data = hot.ReadingsDeletedData(
            device_id=self.session.device_id,
            start=START_US + first_s * S,
            end=START_US + end_s * S,
            channels=channels,
        )
        self.send(hot.ReadingsDeleted.of(user=self.user, time=START_US, data=data, **HEAD))

    def workout(self) -> dict[str, Any]:
        return self.shown("workout", WORKOUTS[self.user])

    def shown(self, *command: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.platform.command(*command, "--json").stdout)
        return found

    def figures(self) -> dict[str, Any]:
        """What is shown of the run, once all agents are through and every store holds what the log says."""
        verified = self.platform.verify()
        assert verified["ok"], verified["shown"]
        board = self.shown("board", "distance", "--period", "all")
        return {
            "board": [row for row in board["rows"] if row["user"] == self.user],
            "feed": self.shown("feed", self.user)["items"],
            "rank": self.shown("rank", self.user),
        }


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    name = f"rd{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        platform.start(*ROLES)
        yield platform


def metres(figures: dict[str, Any]) -> float:
    found: float = figures["board"][0]["score"]
    return found


def test_what_people_see_follows_deletions_and_corrections_and_what_is_deleted_stays_so(platform: Platform) -> None:
    ada = Athlete(platform, "ada")
    assert metres(ada.figures()) == pytest.approx(5_397, abs=10)

    first, last = (datetime.fromtimestamp(START_US / S + s, UTC).isoformat() for s in (900, 1_800))
    command = ("readings", "delete", "ada", "--from", first, "--to", last, "--device", ada.session.device_id)
    unsure = platform.command(*command, check=False)
    assert (unsure.returncode, "add --yes" in unsure.stderr) == (2, True)
    assert metres(ada.figures()) == pytest.approx(5_397, abs=10)
    assert json.loads(platform.command(*command, "--yes", "--json").stdout)["data"]["device_id"] == "watch-ada"
    half = ada.figures()
    assert metres(half) == pytest.approx(2_697, abs=10)

    ada.frames(track_of(0, 1_800), ada.session)  # the device does not know, and sends all again
    ada.deleted(900, 1_800)
    assert ada.figures() == half

    ada.frames(track_of(900, 1_200), ada.session, revision=1)  # what the provider has found out
    ada.deleted(0, 600, "heart_rate")
    assert metres(ada.figures()) == pytest.approx(3_597, abs=10)
    reasons = ada.workout()["summary"]["analysis"]["quality_reasons"]
    assert any(reason.startswith("heart rate is missing for 10 min") for reason in reasons), reasons

    assert ada.shown("sink", "rebuild", "sensors.clickhouse")["records"] > 60
    assert metres(ada.figures()) == pytest.approx(3_597, abs=10)


def test_a_second_device_adds_what_the_first_lacks_until_its_recording_is_deleted(platform: Platform) -> None:
    bea = Athlete(platform, "bea")
    seconds = np.arange(0, 1_800, 2)
    track = track_from_columns(
        START_US + (seconds + 1) * S,
        altitude_m=np.asarray(100 + seconds / 20, dtype=np.float64),
        heart_rate_bpm=np.full(len(seconds), 100.0),
    )
    bea.trains(track, replace(bea.session, workout_id=PHONE, device_id="phone-1", source="device:phone"))
    bea.figures()
    fused = bea.workout()
    mine = WORKOUTS["bea"]
    assert {one["channel"]: one["workout_id"] for one in fused["channel_sources"]} == {
        "heart_rate": mine,
        "speed": mine,
        "distance": mine,
        "altitude": PHONE,
    }
    assert fused["summary"]["elevation_gain_m"] > 40

    gone = hot.WorkoutDeletedData(workout_id=PHONE)
    bea.send(hot.WorkoutDeleted.of(user="bea", time=START_US, data=gone, **HEAD))
    bea.figures()
    alone = bea.workout()
    assert (alone["channel_sources"], alone["summary"]["elevation_gain_m"]) == ([], None)
