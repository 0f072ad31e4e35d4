"""Live sessions and names, as Redis must have them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas import hot
from schemas.frames import unpack
from verification.outcomes import Valid
from verification.withdrawals import Takings, last_sample_us

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


def live_sessions(records: Iterable[Valid], takings: Takings) -> dict[str, tuple[float, dict[str, Any]]]:
    """Each user's session by the last frame that was logged in time: when it is over (unix time), and its fields.

    ``records`` are frames and deletions in log order. Of a frame counts what nothing before it in the log had taken. A
    deletion that reaches into the last two minutes ends the session.
    """
    sessions: dict[str, tuple[int, int, hot.SensorFrame]] = {}  # time of the last sample, offset, frame
    for offset, logged_ms, message in records:
        if isinstance(message, hot.ReadingsDeleted):
            if message.data.end > logged_ms * 1000 - SILENCE_S * US_PER_S:
                sessions.pop(message.user, None)
            continue
        last_us: int | None = last_sample_us(message)
        if message.user in takings.by_user:
            times = _columns(message, takings, offset)["time_us"]
            last_us = int(times[-1]) if len(times) else None
        if message.workout_id is None or last_us is None:
            continue
        if abs(logged_ms * 1000 - last_us) <= LIVE_WITHIN_S * US_PER_S:
            sessions[message.user] = (last_us, offset, message)
    return {
        user: (last_us // US_PER_S + SILENCE_S, _fields(frame, last_us, _columns(frame, takings, offset)))
        for user, (last_us, offset, frame) in sessions.items()
    }


def _columns(frame: hot.SensorFrame, takings: Takings, offset: int) -> dict[str, NDArray[Any]]:
    """The columns of a frame, without what was taken before ``offset``."""
    columns: dict[str, NDArray[Any]] = dict(unpack(frame))
    if frame.user not in takings.by_user:
        return columns
    names = [name for name in CHANNELS if name in columns]
    times, before = columns["time_us"].astype(np.int64), takings.before(offset)
    stands = before.standing(frame, times, times + 1)
    lost, _ = before.emptied(frame, times, times + 1, names)
    left: dict[str, NDArray[Any]] = {
        name: np.where(lost.get(name, False), np.nan, columns[name])[stands] for name in names
    }
    return {"time_us": times[stands], **left}


def _fields(frame: hot.SensorFrame, last_us: int, columns: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {"workout_id": frame.workout_id, "device_id": frame.device_id, "time_us": last_us}
    for name in CHANNELS:
        if name in columns:
            known = columns[name][~np.isnan(columns[name])]
            if len(known):
                fields[name] = round(float(known[-1]), DECIMALS)
    return fields


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
