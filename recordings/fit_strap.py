"""Heart rate that a chest strap kept while the watch was under water, sent after the swim in ``hr`` messages.

Each message packs up to eight beats: ``filtered_bpm`` and their times as 12-bit counts of 1/1024 s, which roll over
every 4 s, from a reference that an earlier message gave (FIT SDK, "Plugin for merging heart rate messages").
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.track import FloatColumn
from recordings.fit_messages import Message

_TICKS_PER_S: Final = 1024
_ROLL: Final = 1 << 12
_OLDEST_S: Final = 5.0  # a value older than this says nothing about a sample


def strap_heart_rate(messages: Iterable[Message]) -> tuple[FloatColumn, FloatColumn]:
    """Times (FIT seconds) and heart rates (bpm) of the messages, in order."""
    pairs = sorted(_beats(messages))
    return (
        np.array([time_s for time_s, _ in pairs], dtype=np.float64),
        np.array([bpm for _, bpm in pairs], dtype=np.float64),
    )


def latest_at(time_s: NDArray[np.float64], beat_s: FloatColumn, bpm: FloatColumn) -> FloatColumn:
    """The heart rate at each time: of the latest beat that is not older than five seconds, else NaN."""
    if not len(beat_s):
        return np.full(len(time_s), np.nan)
    index = np.searchsorted(beat_s, time_s, side="right") - 1
    at = np.clip(index, 0, None)
    known = (index >= 0) & (time_s - beat_s[at] <= _OLDEST_S)
    return np.where(known, bpm[at], np.nan)


def _beats(messages: Iterable[Message]) -> Iterator[tuple[float, float]]:
    origin_s: float | None = None
    origin_ticks = ticks = 0
    for message in messages:
        bpm = _numbers(message.get("filtered_bpm"))
        if "event_timestamp" in message:
            event_ticks = _numbers(message["event_timestamp"])
            stamp = message.get("timestamp")
            if isinstance(stamp, int) and event_ticks:
                fraction = _numbers(message.get("fractional_timestamp"))
                origin_s = stamp + (fraction[0] / 32_768 if fraction else 0.0)
                origin_ticks = ticks = event_ticks[0]
        else:
            event_ticks = []
            for low in _twelve_bits(_numbers(message.get("event_timestamp_12"))):
                ticks += (low - ticks) % _ROLL
                event_ticks.append(ticks)
        if origin_s is None:
            continue
        for tick, rate in zip(event_ticks, bpm, strict=False):
            yield origin_s + (tick - origin_ticks) / _TICKS_PER_S, float(rate)


def _numbers(value: object) -> list[int]:
    if isinstance(value, bytes):
        return list(value)
    parts = value if isinstance(value, tuple) else (value,)
    return [part for part in parts if isinstance(part, int)]


def _twelve_bits(packed: list[int]) -> Iterator[int]:
    """Two numbers in three bytes, low bits first."""
    for first, second, third in zip(packed[0::3], packed[1::3], packed[2::3], strict=False):
        yield first | (second & 0x0F) << 8
        yield second >> 4 | third << 4
