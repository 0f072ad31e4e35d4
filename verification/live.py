"""Live sessions and names, as Redis must have them."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from schemas import hot
from schemas.frames import unpack
from verification.outcomes import Valid

LIVE_WITHIN_S: Final = 120
SILENCE_S: Final = 120
US_PER_S: Final = 1_000_000
CHANNELS: Final = (
    "heart_rate_bpm",
    "cadence_rpm",
    "power_w",
    "speed_m_s",
    "distance_m",
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
)
DECIMALS: Final = 7


def live_sessions(frames: Iterable[Valid]) -> dict[str, tuple[float, dict[str, Any]]]:
    """Each user's session by the last frame that was logged in time: when it is over (unix time), and its fields."""
    sessions: dict[str, tuple[float, hot.SensorFrame]] = {}
    for _, logged_ms, frame in frames:
        last_us = last_sample_us(frame)
        if frame.workout_id is not None and abs(logged_ms * 1000 - last_us) <= LIVE_WITHIN_S * US_PER_S:
            sessions[frame.user] = (last_us // US_PER_S + SILENCE_S, frame)
    return {user: (over_s, _fields(frame)) for user, (over_s, frame) in sessions.items()}


def _fields(frame: hot.SensorFrame) -> dict[str, Any]:
    columns = unpack(frame)
    fields: dict[str, Any] = {
        "workout_id": frame.workout_id,
        "device_id": frame.device_id,
        "time_us": last_sample_us(frame),
    }
    for name in CHANNELS:
        if name in columns:
            known = columns[name][~np.isnan(columns[name])]
            if len(known):
                fields[name] = round(float(known[-1]), DECIMALS)
    return fields


def last_sample_us(frame: hot.SensorFrame) -> int:
    if frame.time is None:
        return int(frame.start + (frame.n - 1) * (frame.interval_us or 0))
    return int(frame.start + 1000 * int(np.frombuffer(frame.time, dtype="<u4")[-1]))


def display_names(user_events: Iterable[Valid]) -> dict[str, str]:
    """The last name of each user who was not erased since."""
    names: dict[str, str] = {}
    for _, _, message in user_events:
        match message:
            case hot.UserRegistered() | hot.ProfileChanged() if message.data.name is not None:
                names[message.user] = message.data.name
            case hot.UserErased():
                names.pop(message.user, None)
    return names
