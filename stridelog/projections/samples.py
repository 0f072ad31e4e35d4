"""Sensor frames as rows: samples, heart beats, parts of minutes, and the news of what is stored."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.days import days_of
from domain.rollups import minute_parts
from schemas import hot
from schemas.channels import BY_NAME
from schemas.frames import Columns
from sinks.base import Rows, Span
from stridelog.projections.live import last_sample_us

PRODUCER: Final = "stridelog/sensors"
RR: Final = BY_NAME["rr"].column
Frames = Sequence[tuple[int, hot.SensorFrame]]  # offset, frame


def sample_rows(frames: Frames, columns: Columns, span: Span) -> Rows:
    """Rows of ``samples``: one a time point; of one frame's samples at the same time the last counts."""
    frame, time_us = columns.frame, columns.time_us
    values: dict[str, NDArray[Any]] = {**columns.values}
    again = np.flatnonzero((frame[1:] == frame[:-1]) & (time_us[1:] == time_us[:-1]))
    if len(again):
        frame, time_us = np.delete(frame, again), np.delete(time_us, again)
        values = {name: np.delete(column, again) for name, column in values.items()}
    return Rows("samples", pa.table({**_of_frames(frames, frame, span), "time": _times(time_us), **values}))


def partial_rows(frames: Frames, columns: Columns, span: Span) -> Rows:
    """Rows of ``minute_partials``: what each frame says of each minute."""
    parts = minute_parts(columns.frame, columns.time_us, columns.values)
    starts = np.fromiter((frame.start for _, frame in frames), dtype=np.int64, count=len(frames))
    fields: dict[str, Any] = {
        **_of_frames(frames, parts.frame, span),
        "minute": pa.array(parts.minute_us // 1_000_000, pa.timestamp("s", "UTC")),
        "frame_start": _times(starts[parts.frame]),
        "seconds_mask": parts.seconds_mask,
        "n": parts.n,
        "distance_m": parts.distance_m,
    }
    for name, channel in parts.channels.items():
        plain = name.partition("_")[0] if not name.startswith("heart") else "heart_rate"
        fields |= {f"{name}_sum": channel.sum, f"{name}_min": channel.min, f"{name}_max": channel.max}
        fields[f"{plain}_count"] = channel.count
    return Rows("minute_partials", pa.table(fields))


def interval_rows(frames: Frames, columns: Columns, span: Span) -> list[Rows]:
    """Rows of ``rr_intervals``, one a frame that has intervals; nothing where none has."""
    intervals = columns.lists.get(RR)
    if intervals is None:
        return []
    having = np.flatnonzero(np.diff(intervals.offsets))
    values = np.nan_to_num(intervals.values, nan=0.0).astype(np.uint16)
    offsets = np.append(intervals.offsets[having], intervals.offsets[-1]).astype(np.int32)
    ends = np.cumsum(np.bincount(columns.frame, minlength=len(frames)))
    starts = np.fromiter((frame.start for _, frame in frames), dtype=np.int64, count=len(frames))
    fields = {
        **_of_frames(frames, having, span),
        "time": _times(starts[having]),
        "last_time": _times(columns.time_us[ends[having] - 1]),
        "rr_ms": pa.ListArray.from_arrays(pa.array(offsets), pa.array(values)),
    }
    return [Rows("rr_intervals", pa.table(fields))]


def stored(frames: Frames, columns: Columns) -> list[hot.SamplesStored | hot.WearStored]:
    """One message for each workout that frames of the batch are of, and for each day of all-day wear."""
    by_workout: dict[tuple[str, str], list[hot.SensorFrame]] = {}
    worn: list[int] = []
    for index, (_, frame) in enumerate(frames):
        if frame.workout_id is None:
            worn.append(index)
        else:
            by_workout.setdefault((frame.user, frame.workout_id), []).append(frame)
    said: list[hot.SamplesStored | hot.WearStored] = [
        _stored(workout_id, some) for (_, workout_id), some in by_workout.items()
    ]
    return said + _worn(frames, columns, worn) if worn else said


def _worn(frames: Frames, columns: Columns, worn: Sequence[int]) -> list[hot.SamplesStored | hot.WearStored]:
    """A message for each user, zone and local day."""
    first = np.searchsorted(columns.frame, worn)
    last = np.searchsorted(columns.frame, worn, side="right")
    found: dict[tuple[str, str, date], list[tuple[int, int, int]]] = {}
    for index, begin, end in zip(worn, first.tolist(), last.tolist(), strict=True):
        frame = frames[index][1]
        for day, times in days_of(columns.time_us[begin:end], frame.zone):
            span = (int(times[0]), int(times[-1]), len(times))
            found.setdefault((frame.user, frame.zone, day), []).append(span)
    return [
        hot.WearStored.of(
            user=user,
            time=max(last_us for _, last_us, _ in spans),
            zone=zone,
            source=PRODUCER,
            producer=PRODUCER,
            data=hot.WearStoredData(
                local_day=day,
                first_time=min(first_us for first_us, _, _ in spans),
                last_time=max(last_us for _, last_us, _ in spans),
                samples=sum(samples for _, _, samples in spans),
            ),
        )
        for (user, zone, day), spans in found.items()
    ]


def _stored(workout_id: str, frames: list[hot.SensorFrame]) -> hot.SamplesStored:
    last = max(frames, key=last_sample_us)
    last_us = last_sample_us(last)
    data = hot.SamplesStoredData(
        workout_id=workout_id,
        first_time=min(frame.start for frame in frames),
        last_time=last_us,
        frames=len(frames),
        samples=sum(frame.n for frame in frames),
    )
    return hot.SamplesStored.of(
        user=last.user, time=last_us, zone=last.zone, source=PRODUCER, producer=PRODUCER, data=data
    )


def _of_frames(frames: Frames, frame: NDArray[np.int64], span: Span) -> dict[str, Any]:
    """The columns that say which frame a row is from."""
    offsets = np.fromiter((offset for offset, _ in frames), dtype=np.uint64, count=len(frames))
    revisions = [frame.revision for _, frame in frames]
    edited = {"revision": np.array(revisions, dtype=np.uint16)[frame]} if any(revisions) else {}
    return {
        **edited,
        "user_id": _repeated([frame.user for _, frame in frames], frame),
        "workout_id": _repeated([frame.workout_id or "" for _, frame in frames], frame),
        "device_id": _repeated([frame.device_id for _, frame in frames], frame),
        "source_partition": np.full(len(frame), span.partition, dtype=np.uint16),
        "source_offset": offsets[frame],
    }


def _repeated(of_frames: list[str], frame: NDArray[np.int64]) -> pa.DictionaryArray:
    """A text of each frame for each row."""
    texts = pa.array(of_frames, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(texts.indices.to_numpy()[frame], texts.dictionary)


def _times(time_us: NDArray[np.int64]) -> pa.Array:
    return pa.array(time_us, pa.timestamp("us", "UTC"))
