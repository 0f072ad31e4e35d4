"""From frames to the heart beats that ClickHouse must hold, and to each day's resting heart rate and variability."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from domain.days import day_bounds_us, days_of
from domain.wellness import BeatFrames, WellnessDay, wellness_day
from schemas import hot
from schemas.frames import unpack
from verification.log import LogRecord
from verification.outcomes import Valid
from verification.samples import Samples
from verification.scores import source_end
from verification.withdrawals import Taking, Takings, last_sample_us

INTERVAL_KEY: Final = ("user_id", "workout_id", "time", "device_id")
DAY_KEY: Final = ("user_id", "local_day")
_EPOCH: Final = date(1970, 1, 1)
_US_PER_MINUTE: Final = 60_000_000

Beats = Mapping[tuple[str, str, int, str], tuple[int, np.ndarray, int]]
"""By user, workout or "", time and device of a frame: time of its last sample, intervals (0: missed), and offset."""
Said = dict[tuple[str, date, str], dict[str, Any]]
"""By user, local day and zone: the span of the samples."""


def beats_of(frames: Sequence[Valid], takings: Takings) -> Beats:
    """The frames with intervals; of one key the last record counts. Of a frame that was taken back in part none do."""
    found: dict[tuple[str, str, int, str], tuple[int, np.ndarray, int]] = {}
    for offset, _, frame in frames:
        if frame.channels.rr is None:
            continue
        columns = unpack(frame)
        last_us = int(columns["time_us"][-1])
        rr_ms, version = np.nan_to_num(columns["rr_ms"], nan=0.0).astype(np.int64), offset
        first, end = np.array([frame.start]), np.array([last_us + 1])
        if not takings.standing(frame, first, end).all():
            continue
        lost, last = takings.emptied(frame, first, end, ["rr_ms"])
        if lost:
            rr_ms, version = (rr_ms[:0], max(offset, int(last[0]))) if lost["rr_ms"].any() else (rr_ms, offset)
        key = (frame.user, frame.workout_id or "", frame.start, frame.device_id)
        found[key] = last_us, rr_ms, version
    return found


def interval_table(beats: Beats) -> pa.Table:
    """Rows of ``rr_intervals``; times in µs."""
    columns = {
        name: pa.array([key[i] for key in beats], pa.int64() if name == "time" else pa.string())
        for i, name in enumerate(INTERVAL_KEY)
    }
    return pa.table(
        {
            **columns,
            "last_time": pa.array([last_us for last_us, _, _ in beats.values()], pa.int64()),
            "rr_ms": pa.array([rr_ms.tolist() for _, rr_ms, _ in beats.values()], pa.list_(pa.int64())),
            "source_offset": pa.array([offset for *_, offset in beats.values()], pa.int64()),
        }
    )


def expected_wear(frames: Sequence[Valid]) -> Said:
    """The span of each day of all-day wear in each zone, and that the last frame was covered."""
    said: Said = {}
    for _, _, frame in frames:
        if frame.workout_id is None:
            for day, times in days_of(unpack(frame)["time_us"].astype(np.int64), frame.zone):
                _widen(said, (frame.user, day, frame.zone), int(times[0]), int(times[-1]))
    return said


def found_wear(
    messages: Sequence[Valid], records: Sequence[LogRecord], frames: Sequence[Valid], takings: Takings
) -> Said:
    """The same, from the messages: all of one day and zone together; one without samples is of the days it meets."""
    last_record: dict[tuple[str, date, str], int] = {}
    for offset, _, frame in frames:
        if frame.workout_id is None:
            for day, times in days_of(unpack(frame)["time_us"].astype(np.int64), frame.zone):
                key = (frame.user, day, frame.zone)
                taken = [one.offset for one in takings.of_user(frame.user) if _takes(one, frame, times)]
                last_record[key] = max([offset, *taken, last_record.get(key, 0)])
    ends = {record.offset: source_end(record) for record in records}
    said: Said = {}
    covered: dict[tuple[str, date, str], int] = {}
    for offset, _, message in messages:
        if message.data.samples:
            key = (message.user, message.data.local_day, message.zone)
            _widen(said, key, message.data.first_time, message.data.last_time)
            covered[key] = max(ends[offset], covered.get(key, 0))
    for offset, _, message in messages:
        if not message.data.samples:
            for key, span in said.items():
                meets = span["first_time"] <= message.data.last_time and span["last_time"] >= message.data.first_time
                if key[0] == message.user and meets:
                    covered[key] = max(ends[offset], covered[key])
    for key, end in covered.items():
        said[key]["after_last_frame"] = end > last_record.get(key, -1)
    return said


def _takes(taking: Taking, frame: hot.SensorFrame, times: np.ndarray) -> bool:
    """Whether some of the frame's samples at ``times`` go, or its heart beats."""
    if frame.channels.rr is not None and taking.covers(frame, frame.start, last_sample_us(frame) + 1):
        return True
    return bool(taking.covers(frame, times, times + 1).any())


def day_table(said: Said, samples: Samples, beats: Beats) -> pa.Table:
    """Rows of ``wellness_days``, from all samples and beats; days since 1970."""
    zones: dict[tuple[str, date], tuple[int, str]] = {}
    for (user, day, zone), span in said.items():
        zones[user, day] = max((span["last_time"], zone), zones.get((user, day), (-1, "")))
    rows = []
    for (user, day), (_, zone) in zones.items():
        begin_us, end_us = day_bounds_us(day, zone)
        time_us, bpm = _heart_rate(samples, user, begin_us, end_us)
        found = wellness_day(time_us, bpm, _beats_of_day(beats, user, begin_us, end_us))
        rows.append((user, day, zone, begin_us, found))
    columns = {
        name: pa.array([_number(getattr(found, name)) for *_, found in rows], pa.float64())
        for name in ("resting_heart_rate_bpm", "ln_rmssd", "rmssd_ms", "reading_s", "artefact_share")
    }
    return pa.table(
        {
            "user_id": pa.array([user for user, *_ in rows], pa.string()),
            "local_day": pa.array([(day - _EPOCH).days for _, day, *_ in rows], pa.int64()),
            "zone": pa.array([zone for _, _, zone, *_ in rows], pa.string()),
            "worn_minutes": pa.array([found.worn_minutes for *_, found in rows], pa.int64()),
            "resting_from_minute": pa.array([_since(found, begin) for *_, begin, found in rows], pa.float64()),
            "hrv_fault": pa.array([found.hrv_fault or "" for *_, found in rows], pa.string()),
            **columns,
        }
    )


def _heart_rate(samples: Samples, user: str, begin_us: int, end_us: int) -> tuple[np.ndarray, np.ndarray]:
    """Of several devices at one time the one whose id sorts last counts."""
    found: dict[int, float] = {}
    owners = [i for i, (of, workout, _) in enumerate(samples.owners) if of == user and not workout]
    for owner in sorted(owners, key=lambda i: samples.owners[i][2]):
        rows = slice(*np.searchsorted(samples.owner, (owner, owner + 1)))
        time_us, bpm = samples.time_us[rows], samples.values.get("heart_rate_bpm")
        if bpm is not None:
            wanted = (time_us >= begin_us) & (time_us < end_us) & np.isfinite(bpm[rows])
            found.update(zip(time_us[wanted].tolist(), bpm[rows][wanted].tolist(), strict=True))
    times = sorted(found)
    return np.array(times, dtype=np.int64), np.array([found[at] for at in times], dtype=np.float64)


def _beats_of_day(beats: Beats, user: str, begin_us: int, end_us: int) -> dict[str, BeatFrames]:
    by_device: dict[str, list[tuple[int, int, np.ndarray]]] = {}
    for (of, workout, start_us, device), (last_us, rr_ms, _) in beats.items():
        if of == user and not workout and begin_us <= start_us < end_us:
            by_device.setdefault(device, []).append((start_us, last_us, rr_ms))
    return {device: _frames(sorted(some, key=lambda frame: frame[0])) for device, some in by_device.items()}


def _frames(frames: Sequence[tuple[int, int, np.ndarray]]) -> BeatFrames:
    return BeatFrames(
        start_us=np.array([start_us for start_us, _, _ in frames], dtype=np.int64),
        last_us=np.array([last_us for _, last_us, _ in frames], dtype=np.int64),
        offsets=np.cumsum([0, *(len(rr_ms) for *_, rr_ms in frames)]),
        rr_ms=np.concatenate([rr_ms for *_, rr_ms in frames]).astype(np.float64),
    )


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _since(found: WellnessDay, begin_us: int) -> float:
    return np.nan if found.resting_from_us is None else (found.resting_from_us - begin_us) / _US_PER_MINUTE


def _widen(said: Said, key: tuple[str, date, str], first: int, last: int) -> None:
    known = said.setdefault(key, {"first_time": first, "last_time": last, "after_last_frame": True})
    known["first_time"], known["last_time"] = min(known["first_time"], first), max(known["last_time"], last)
