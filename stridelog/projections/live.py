"""Sensor frames as live sessions in Redis: what a user's device says right now."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from schemas import hot
from schemas.frames import Columns
from sinks.base import RedisCommand
from sinks.keys import Keys
from stridelog.batch import Batch

LIVE_DELAY_S: Final = 120  # a frame whose last sample is further than this from its time in the log is not live
SILENCE_S: Final = 120  # a session is over when its device is silent for so long
_US_PER_S: Final = 1_000_000
_CHANNELS: Final = (
    "heart_rate_bpm",
    "cadence_rpm",
    "power_w",
    "speed_m_s",
    "distance_m",
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
)
_DECIMALS: Final = 7
_to_json = msgspec.json.Encoder().encode


def live_sessions(frames: Sequence[tuple[int, hot.SensorFrame]], columns: Columns, keys: Keys) -> list[RedisCommand]:
    """The session of each user by the last of their frames, in log order.

    ``frames`` come with the broker's time in ms, ``columns`` are their samples. Whether a frame is live is decided by
    the log's clock, not by ours, so that reading the log again gives the same.
    """
    ends = np.cumsum(np.bincount(columns.frame, minlength=len(frames)))
    last_us = columns.time_us[ends - 1]
    logged_us = 1000 * np.fromiter((logged_ms for logged_ms, _ in frames), dtype=np.int64, count=len(frames))
    newest: dict[str, int] = {}
    for index in np.flatnonzero(np.abs(logged_us - last_us) <= LIVE_DELAY_S * _US_PER_S).tolist():
        frame = frames[index][1]
        if frame.workout_id is not None:
            newest[frame.user] = index
    chosen = np.fromiter(newest.values(), dtype=np.int64, count=len(newest))
    sessions = [
        {"workout_id": frames[index][1].workout_id, "device_id": frames[index][1].device_id, "time_us": time_us}
        for index, time_us in zip(newest.values(), last_us[chosen].tolist(), strict=True)
    ]
    for name in _CHANNELS:
        if name in columns.values:
            for session, value in zip(sessions, _last(columns.values[name], ends, chosen), strict=True):
                if value == value:  # not NaN
                    session[name] = round(value, _DECIMALS)
    return [
        ("SET", keys.live(user), _to_json(session), "EXAT", session["time_us"] // _US_PER_S + SILENCE_S)
        for user, session in zip(newest, sessions, strict=True)
    ]


def sessions_ended(batch: Batch) -> dict[str, int]:
    """Whose session a deletion ends, and the offset of the last that does: one that reaches into the time of a session
    that is not over. The next frame begins a new one.
    """
    return {
        message.user: offset
        for offset, logged_ms, message in batch.records
        if type(message) is hot.ReadingsDeleted and message.data.end > 1000 * logged_ms - SILENCE_S * _US_PER_S
    }


def _last(column: np.ndarray, ends: np.ndarray, chosen: np.ndarray) -> list[float]:
    """The last value that each chosen frame has in a column; NaN if none. ``ends`` (frames,): row after a frame's."""
    values: list[float] = column[ends[chosen] - 1].tolist()
    for place, index in enumerate(chosen.tolist()):
        if values[place] != values[place]:
            rows = column[ends[index - 1] if index else 0 : ends[index]]
            present = rows[~np.isnan(rows)]
            values[place] = float(present[-1]) if len(present) else values[place]
    return values


def last_sample_us(frame: hot.SensorFrame) -> int:
    """Time of the frame's last sample, UTC µs."""
    if frame.time is not None:
        return frame.start + 1000 * int.from_bytes(frame.time[-4:], "little")
    return frame.start + (frame.n - 1) * (frame.interval_us or 0)
