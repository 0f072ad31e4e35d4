"""Readings that are deleted, corrected and sent again, on real parts: what people see follows, and verify agrees."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pytest

from domain.track import Track, track_from_columns
from schemas import hot
from schemas.decode import encode
from stridelog.devices import Session, completed, frames_of
from tests.platform import Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

S: Final = 1_000_000
START_US: Final = time.time_ns() // 1_000 // S * S - 7_200 * S
WORKOUT: Final = "11111111-1111-4111-8111-111111111111"
HEAD: Final[dict[str, Any]] = {"zone": "UTC", "source": "device:watch", "producer": "test"}
SESSION: Final = Session("ada", WORKOUT, "watch-1", "UTC", "device:watch", "test")


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
    """One run of half an hour, and what her provider says of it later."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def send(self, *messages: Any) -> None:
        for message in messages:
            self.platform.send(type(message).__name__, [(b"ada", encode(message))])

    def frames(self, track: Track, session: Session = SESSION, revision: int = 0) -> None:
        records = [(b"ada", frame.value) for frame in frames_of(track, session, revision=revision)]
        self.platform.send("SensorFrame", records)

    def deleted(self, first_s: int, end_s: int, *channels: str) -> None:
        data = hot.ReadingsDeletedData(
            device_id="watch-1", start=START_US + first_s * S, end=START_US + end_s * S, channels=channels
        )
        self.send(hot.ReadingsDeleted.of(user="ada", time=START_US, data=data, **HEAD))

    def figures(self) -> dict[str, Any]:
        """What is shown of the run, once all agents are through and every store holds what the log says."""
        verified = self.platform.verify()
        wrong = {
            name: one for name, one in verified["sinks"].items() if one["missing"] or one["extra"] or one["different"]
        }
        assert not wrong, verified["shown"]
        board = json.loads(self.platform.command("board", "distance", "--period", "all", "--json").stdout)
        (item,) = json.loads(self.platform.command("feed", "ada", "--json").stdout)["items"]
        rank = json.loads(self.platform.command("rank", "ada", "--json").stdout)
        return {"board": board, "feed": item, "rank": rank}


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Athlete]:
    name = f"rd{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        platform.start("sensors", "workouts", "social", "models", "lake")
        ada = Athlete(platform)
        registered = hot.UserRegisteredData(name="Ada", sex="female", hr_max_bpm=190.0, hr_rest_bpm=50.0)
        ada.send(hot.UserRegistered.of(user="ada", time=START_US - S, data=registered, **HEAD))
        track = track_of(0, 1_800)
        ada.frames(track)
        ada.send(completed(SESSION, sport="running", start_us=START_US, end_us=START_US + 1_800 * S, track=track))
        yield ada


def metres(figures: dict[str, Any]) -> float:
    found: float = figures["board"]["rows"][0]["score"]
    return found


def test_boards_feed_and_rank_follow_deletions_and_corrections_and_what_is_deleted_stays_so(ada: Athlete) -> None:
    whole = ada.figures()
    assert metres(whole) == pytest.approx(5_397, abs=10)

    ada.deleted(900, 1_800)
    half = ada.figures()
    assert metres(half) == pytest.approx(2_697, abs=10)

    ada.frames(track_of(0, 1_800))  # the device does not know, and sends all again
    ada.deleted(900, 1_800)
    assert ada.figures() == half

    ada.frames(track_of(900, 1_200), revision=1)  # what the provider has found out
    assert metres(ada.figures()) == pytest.approx(3_597, abs=10)

    said = json.loads(ada.platform.command("sink", "rebuild", "sensors.clickhouse", "--json").stdout)
    assert said["records"] > 60
    assert metres(ada.figures()) == pytest.approx(3_597, abs=10)
