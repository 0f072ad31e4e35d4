"""Resting heart rate and heart-rate variability of a local day, from what a device that is worn all day measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from domain.resting import WINDOW_MINUTES, RestingHeartRate, resting_heart_rate
from domain.rollups import US_PER_MINUTE
from domain.timeline import MAX_HELD_S
from domain.track import US_PER_S, FloatColumn
from domain.trimp import clean_heart_rate_bpm
from domain.variability import GAP_US, US_PER_MS, Fault, Reading, reading_of, with_gaps

REST_US: Final = WINDOW_MINUTES * US_PER_MINUTE
NO_BEATS: Final = np.empty(0)

HrvFault = Literal[Fault, "no_intervals", "no_rest"]


@dataclass(frozen=True, slots=True, eq=False)
class BeatFrames:
    """Intervals between heart beats as one device sent them, in frames in the order of their start.

    ``start_us`` and ``last_us`` (frames,): times of a frame's first and last sample (UTC, microseconds). The intervals
    of frame i are ``rr_ms[offsets[i] : offsets[i + 1]]``, ``offsets`` (frames + 1,); 0 is a beat that was missed.
    """

    start_us: NDArray[np.int64]
    last_us: NDArray[np.int64]
    offsets: NDArray[np.int64]
    rr_ms: FloatColumn


@dataclass(frozen=True, slots=True)
class WellnessDay:
    """A local day; ``None`` is unknown. Either ``ln_rmssd`` or the fault for which there is none."""

    worn_minutes: int  # with a heart rate for 30 s or more
    resting_heart_rate_bpm: float | None
    resting_from_us: int | None  # first minute of the half hour, UTC, microseconds
    ln_rmssd: float | None  # natural logarithm of rmssd_ms
    rmssd_ms: float | None
    reading_s: float  # intervals that the reading rests on
    artefact_share: float | None  # of the intervals, 0 to 1
    hrv_fault: HrvFault | None


def wellness_day(
    time_us: NDArray[np.int64], heart_rate_bpm: FloatColumn, beats: Mapping[str, BeatFrames]
) -> WellnessDay:
    """Resting heart rate, and ln rMSSD of the same half hour of rest, of one local day outside of workouts.

    ``time_us`` and ``heart_rate_bpm`` (n,) are the day's samples, times rising (UTC, microseconds), NaN unknown; a
    value holds until the next sample, at most 60 s. ``beats`` are the day's frames of each device.

    Resting heart rate is that of :func:`domain.resting.resting_heart_rate`. Variability is read (``reading_of``, with
    its artefact correction and its faults) from the intervals of that half hour: no other time of a day is as alike
    from day to day. Where there is none, as when a strap is put on for some minutes in the morning, all of the day's
    intervals are the reading if they are no more than half an hour; of more, nobody can say which were at rest
    (``no_rest``). Of several devices the one with the most intervals counts, of two alike the one whose id sorts first.
    Heart rate in bpm is never made into variability: without intervals there is none (``no_intervals``).

    Criticism: half an hour at the lowest heart rate is mostly deep sleep, where variability is highest and moves least
    with training load; readings of the whole night, of the morning and of straps do not compare with it. Rounded to
    0.1 bpm, 0.0001 (ln), 0.01 ms, 0.1 s.
    """
    minute_us, mean_bpm, known_s = heart_rate_minutes(time_us, heart_rate_bpm)
    found = resting_heart_rate(minute_us, mean_bpm, known_s)
    reading, fault = _reading(beats, found)
    variability = reading.variability if reading else None
    return WellnessDay(
        worn_minutes=int(np.count_nonzero(known_s >= 30.0)),
        resting_heart_rate_bpm=round(found.bpm, 1) if found else None,
        resting_from_us=found.from_us if found else None,
        ln_rmssd=round(variability.ln_rmssd, 4) if variability else None,
        rmssd_ms=round(variability.rmssd_ms, 2) if variability else None,
        reading_s=round(reading.duration_s, 1) if reading else 0.0,
        artefact_share=round(reading.artefact_share, 4) if reading else None,
        hrv_fault=fault,
    )


def heart_rate_minutes(
    time_us: NDArray[np.int64], heart_rate_bpm: FloatColumn
) -> tuple[NDArray[np.int64], FloatColumn, FloatColumn]:
    """Minutes with a heart rate, (minutes,): their starts (UTC, microseconds), its mean, and its known seconds.

    ``time_us`` and ``heart_rate_bpm`` (n,) as in :func:`wellness_day`; impossible heart rates are unknown. The last
    sample holds for no time.
    """
    bpm = clean_heart_rate_bpm(heart_rate_bpm)
    held_us = np.minimum(np.diff(time_us, append=time_us[-1:]), round(MAX_HELD_S * US_PER_S))
    known = np.isfinite(bpm) & (held_us > 0)
    begin_us, held_us, bpm = time_us[known], held_us[known], bpm[known]
    # A value holds for a minute at most: in its own minute and in the one after it.
    own_us = np.minimum(held_us, US_PER_MINUTE - begin_us % US_PER_MINUTE)
    minutes, index = np.unique(np.concatenate((begin_us, begin_us + held_us - 1)) // US_PER_MINUTE, return_inverse=True)
    seconds = np.concatenate((own_us, held_us - own_us)) / US_PER_S
    known_s: FloatColumn = np.bincount(index, seconds, minlength=len(minutes)).astype(np.float64)
    total = np.bincount(index, seconds * np.concatenate((bpm, bpm)), minlength=len(minutes))
    there = known_s > 0
    return minutes[there] * US_PER_MINUTE, total[there] / known_s[there], known_s[there]


def beats_in_time(frames: BeatFrames) -> tuple[FloatColumn, NDArray[np.int64]]:
    """Intervals in the order of the beats and the time of the beat that ends each (n,), UTC, microseconds.

    A frame that begins before the one before it is over says again what that said, and is left out; up to 3 s are taken
    for the device's rounding.
    """
    lengths_us = np.diff(frames.offsets)
    parts: list[FloatColumn] = []
    times: list[NDArray[np.int64]] = []
    over_us = latest_us = -1
    for i in range(len(lengths_us)):
        start_us = int(frames.start_us[i])
        if start_us <= over_us:
            continue
        rr_ms = frames.rr_ms[frames.offsets[i] : frames.offsets[i + 1]]
        ends_us = start_us + np.cumsum(rr_ms * US_PER_MS).astype(np.int64)
        times.append(np.maximum(ends_us, latest_us))
        parts.append(np.where(rr_ms > 0, rr_ms, np.nan))
        latest_us = int(times[-1][-1]) if len(rr_ms) else latest_us
        over_us = max(int(frames.last_us[i]), latest_us - GAP_US)
    if not parts:
        return NO_BEATS, np.empty(0, dtype=np.int64)
    return np.concatenate(parts), np.concatenate(times)


def _reading(beats: Mapping[str, BeatFrames], rest: RestingHeartRate | None) -> tuple[Reading | None, HrvFault | None]:
    chosen: tuple[FloatColumn, NDArray[np.int64]] = NO_BEATS, np.empty(0, dtype=np.int64)
    for device in sorted(beats):
        rr_ms, time_us = beats_in_time(beats[device])
        if rest is not None:
            within = (time_us >= rest.from_us) & (time_us < rest.from_us + REST_US)
            rr_ms, time_us = rr_ms[within], time_us[within]
        if len(rr_ms) > len(chosen[0]):
            chosen = rr_ms, time_us
    rr_ms, time_us = chosen
    if not len(rr_ms):
        return None, "no_intervals"
    if rest is None and int(time_us[-1] - time_us[0]) > REST_US:
        return None, "no_rest"
    reading = reading_of(with_gaps(rr_ms, time_us))
    return reading, reading.fault
