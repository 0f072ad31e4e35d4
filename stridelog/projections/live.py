"""Sensor frames as live sessions in Redis: what a user's device says right now."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from schemas import hot
from schemas.frames import unpack
from sinks.base import RedisCommand
from sinks.keys import Keys

LIVE_DELAY_S: Final = 120  # a frame whose last sample is further than this from its time in the log is not live
SILENCE_S: Final = 120  # a session is over when its device is silent for so long
_US_PER_S: Final = 1_000_000
_FIELDS: Final = (
    "heart_rate_bpm",
    "cadence_rpm",
    "power_w",
    "speed_m_s",
    "distance_m",
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
)


def live_sessions(frames: Iterable[tuple[int, hot.SensorFrame]], keys: Keys) -> list[RedisCommand]:
    """The session of each user by the last of their frames, in log order; ``frames`` come with the broker's time in ms.

    Whether a frame is live is decided by the log's clock, not by ours, so that reading the log again gives the same.
    """
    newest: dict[str, hot.SensorFrame] = {}
    for logged_ms, frame in frames:
        if frame.workout_id is not None and abs(logged_ms * 1000 - last_sample_us(frame)) <= LIVE_DELAY_S * _US_PER_S:
            newest[frame.user] = frame
    commands: list[RedisCommand] = []
    for user, frame in newest.items():
        key = keys.live(user)
        fields = [item for pair in session_fields(frame).items() for item in pair]
        over_s = last_sample_us(frame) // _US_PER_S + SILENCE_S
        commands += [("DEL", key), ("HSET", key, *fields), ("EXPIREAT", key, over_s)]
    return commands


def session_fields(frame: hot.SensorFrame) -> dict[str, str]:
    """The hash of a live session: the last value that the frame has of each channel."""
    fields = {
        "workout_id": frame.workout_id or "",
        "device_id": frame.device_id,
        "time_us": str(last_sample_us(frame)),
    }
    columns = unpack(frame)
    for name in _FIELDS:
        column = columns.get(name)
        if column is not None:
            present = column[~np.isnan(column)]
            if len(present):
                fields[name] = repr(round(float(present[-1]), 7))
    return fields


def last_sample_us(frame: hot.SensorFrame) -> int:
    """Time of the frame's last sample, UTC µs."""
    if frame.time is not None:
        return frame.start + 1000 * int.from_bytes(frame.time[-4:], "little")
    return frame.start + (frame.n - 1) * (frame.interval_us or 0)
