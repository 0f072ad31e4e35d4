"""Workouts of athletes who exist for a benchmark only: one each, with samples or with stated totals."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.feeds import bucket
from domain.summary import Stated
from domain.track import Track, track_from_columns
from schemas import hot
from schemas.decode import encode
from stridelog.devices import Session, completed, frames_of, started, workout_id_of

PRODUCER: Final = "stridelog-bench"
MESSAGE_TYPES: Final = ("UserRegistered", "WorkoutStarted", "SensorFrame", "WorkoutCompleted")
WORKOUT_S: Final = 600
_S_US: Final = 1_000_000
_SPEED_M_S: Final = 3.2


@dataclass(frozen=True, slots=True)
class BenchWorkout:
    """A workout ready to send: the messages before its completion, and the completion."""

    user: str
    workout_id: str
    sampled: bool
    before: tuple[tuple[str, bytes], ...]  # message type, bytes
    completion: bytes
    timeline: str  # id of the athlete's timeline document that it goes into


def registrations(prefix: str, count: int, time_us: int, first: int = 0) -> Iterator[hot.UserRegistered]:
    """The athletes, from number ``first`` on."""
    for number in range(first, first + count):
        yield hot.UserRegistered.of(
            user=user_of(prefix, number),
            time=time_us,
            zone="UTC",
            source="bench",
            producer=PRODUCER,
            data=hot.UserRegisteredData(
                name=f"Bench {number}", sex="unspecified", hr_max_bpm=185.0, hr_rest_bpm=50.0, birth_year=1990
            ),
        )


def user_of(prefix: str, number: int) -> str:
    """The id of an athlete of the benchmark."""
    return f"{prefix}-{number:05d}"


def workout(prefix: str, number: int, end_us: int, *, sampled: bool, seconds: int = WORKOUT_S) -> BenchWorkout:
    """A run of ten minutes that ends at ``end_us``: with a sample of six channels a second, or stated totals only.

    Its distance is not stated where there are samples: it is on no board of distances before these are joined to it.
    """
    user = user_of(prefix, number)
    start_us = end_us - seconds * _S_US
    workout_id = workout_id_of(user, "bench", start_us)
    session = Session(user, workout_id, "bench-watch", "UTC", "bench", PRODUCER)
    track = _track(start_us, number, seconds) if sampled else track_from_columns(np.empty(0, dtype=np.int64))
    before = [("WorkoutStarted", encode(started(session, sport="running", time_us=start_us)))]
    before += [("SensorFrame", frame.value) for frame in frames_of(track, session)]
    stated = None if sampled else Stated(distance_m=_SPEED_M_S * seconds, moving_time_s=float(seconds))
    completion = completed(
        session, sport="running", start_us=start_us, end_us=end_us, track=track, stated=stated, by_hand=not sampled
    )
    return BenchWorkout(user, workout_id, sampled, tuple(before), encode(completion), bucket(user, end_us))


def _track(start_us: int, number: int, count: int) -> Track:
    """Samples of each second; the athletes' paces differ a little, and each runs now faster, now slower."""
    seconds = np.arange(count, dtype=np.int64)
    jitter = np.random.default_rng((number, start_us // _S_US)).integers(-1, 2, count)  # no heart is like another
    speed = _SPEED_M_S + (number % 50) / 100 + 0.4 * np.sin(seconds / 97) + 0.2 * np.sin(seconds / 7)
    return track_from_columns(
        start_us + seconds * _S_US,
        heart_rate_bpm=np.rint(140.0 + 10 * np.sin(seconds / 60) + jitter),
        cadence_rpm=np.full(count, 85.0),
        speed_m_s=speed,
        distance_m=np.cumsum(speed),
        altitude_m=100.0 + 5 * np.sin(seconds / 120),
        temperature_c=np.full(count, 18.0),
    )
