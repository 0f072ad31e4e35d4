"""Sensor frames as rows: samples, parts of minutes, and the news that a workout's samples are stored."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.rollups import minute_parts
from schemas import hot
from schemas.frames import Columns
from sinks.base import Rows, Span
from stridelog.projections.live import last_sample_us

PRODUCER: Final = "stridelog/sensors"
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


def samples_stored(frames: Frames) -> list[hot.SamplesStored]:
    """One message for each workout that frames of the batch are of."""
    by_workout: dict[tuple[str, str], list[hot.SensorFrame]] = {}
    for _, frame in frames:
        if frame.workout_id is not None:
            by_workout.setdefault((frame.user, frame.workout_id), []).append(frame)
    return [_stored(workout_id, some) for (_, workout_id), some in by_workout.items()]


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
