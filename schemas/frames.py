"""Sensor frames: packing a device's columns, and unpacking many frames into numpy columns with few steps per frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from schemas import hot
from schemas.channels import BY_COLUMN, Channel, FloatColumn, RawColumn, packed_columns
from schemas.frame_rules import TIME_TYPE, US_PER_MS
from schemas.reasons import DeadReason, RuleBroken
from schemas.rules import check

_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The samples of many frames, one after the other: ``rows`` time points, ``len(frames)`` frames."""

    frame: NDArray[np.int64]  # (rows,) index of the frame that a row is of
    time_us: NDArray[np.int64]  # (rows,) UTC µs since 1970
    values: dict[str, FloatColumn]  # column name → (rows,), NaN where missing; only channels that some frame has
    lists: dict[str, "ListColumn"]  # channels with another number of values: RR intervals, acceleration, ECG, PPG


@dataclass(frozen=True, slots=True, eq=False)
class ListColumn:
    """Values of a fast channel or of RR intervals: those of frame ``i`` are ``values[offsets[i] : offsets[i + 1]]``."""

    values: FloatColumn  # (m,) or (m, components)
    offsets: NDArray[np.int64]  # (len(frames) + 1,)


def pack_frame(
    *,
    user: str,
    device_id: str,
    sequence: int,
    start_us: int,
    zone: str,
    source: str,
    producer: str,
    columns: Mapping[str, ArrayLike],
    workout_id: str | None = None,
    interval_us: int | None = None,
    time_us: ArrayLike | None = None,
    impossible: Literal["raise", "missing"] = "raise",
    revision: int = 0,
) -> bytes:
    """Pack the samples of one device as a SensorFrame.

    ``columns`` has physical values by column name (``heart_rate_bpm``, ``speed_m_s``…: ``schemas.channels``), shape
    ``(n,)`` with NaN for missing; fast channels ``(n·k,)`` or ``(n·k, components)``, RR intervals any length. Times are
    given by ``interval_us`` from ``start_us`` on, or as ``time_us``, shape ``(n,)``, UTC µs, never falling, kept to the
    millisecond after ``start_us``.

    Raises ``RuleBroken`` (a ``ValueError``) for columns of unlike length or an impossible value; with
    ``impossible="missing"`` such a value is packed as missing. Other fields are checked by whoever reads the frame.
    """
    packed: dict[str, bytes] = {}
    n: int | None = None
    for column, values in columns.items():
        channel = BY_COLUMN.get(column)
        if channel is None:
            raise KeyError(f"no column {column!r} in a sensor frame; there are {', '.join(BY_COLUMN)}")
        physical = np.asarray(values, dtype=np.float64).reshape(-1)
        if channel.layout == "sample":
            n = len(physical) if n is None else n
        packed[channel.name] = channel.to_raw(physical, impossible=impossible).tobytes()
    offsets: bytes | None = None
    if time_us is not None:
        since_ms = (np.asarray(time_us, dtype=np.int64) - start_us) // US_PER_MS
        if len(since_ms) and (since_ms.min() < 0 or since_ms.max() > np.iinfo(TIME_TYPE).max):
            raise RuleBroken(DeadReason.out_of_range, "time_us must lie within 49 days after start_us")
        offsets, n = since_ms.astype(TIME_TYPE).tobytes(), len(since_ms)
    frame = hot.SensorFrame(
        user=user,
        workout_id=workout_id,
        device_id=device_id,
        sequence=sequence,
        start=start_us,
        zone=zone,
        source=source,
        producer=producer,
        n=1 if n is None else n,
        interval_us=interval_us,
        time=offsets,
        channels=hot.Channels(**packed),
        revision=revision,
    )
    check(frame)
    return _pack(frame)


def unpack(frame: hot.SensorFrame) -> dict[str, NDArray[np.int64] | FloatColumn]:
    """One frame's columns by name with ``time_us``, for tests and tools; batches go through ``unpack_columns``."""
    columns = unpack_columns([frame])
    lists = {name: column.values for name, column in columns.lists.items()}
    return {"time_us": columns.time_us, **columns.values, **lists}


def unpack_columns(frames: Sequence[hot.SensorFrame]) -> Columns:
    """The samples of all frames as columns, in the order of the frames. The frames have passed ``schemas.decode``."""
    counts = np.fromiter((frame.n for frame in frames), dtype=np.int64, count=len(frames))
    rows = np.repeat(np.arange(len(frames)), counts)
    values: dict[str, FloatColumn] = {}
    lists: dict[str, ListColumn] = {}
    for channel, parts in packed_columns(frames).items():
        if channel.layout == "sample":
            values[channel.column] = channel.to_physical(_joined(parts, channel, counts))
            continue
        flat = channel.to_physical(np.frombuffer(b"".join(part or b"" for part in parts), dtype=channel.wire))
        width = channel.wire.itemsize * channel.components
        offsets = np.zeros(len(frames) + 1, dtype=np.int64)
        np.cumsum([len(part or b"") // width for part in parts], out=offsets[1:])
        shaped = flat.reshape(-1, channel.components) if channel.components > 1 else flat
        lists[channel.column] = ListColumn(shaped, offsets)
    return Columns(frame=rows, time_us=_times(frames, counts, rows), values=values, lists=lists)


def _joined(parts: list[bytes | None], channel: Channel, counts: NDArray[np.int64]) -> RawColumn:
    """All parts as one column; a frame without the channel has missing values."""
    missing = channel.missing_bytes
    filled = [missing * n if part is None else part for part, n in zip(parts, counts.tolist(), strict=True)]
    return np.frombuffer(b"".join(filled), dtype=channel.wire)


def _times(frames: Sequence[hot.SensorFrame], counts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    starts = np.fromiter((frame.start for frame in frames), dtype=np.int64, count=len(frames))
    intervals = np.fromiter((frame.interval_us or 0 for frame in frames), dtype=np.int64, count=len(frames))
    first_row = np.cumsum(counts) - counts
    position = np.arange(len(rows)) - first_row[rows]
    times = np.asarray(starts[rows] + position * intervals[rows], dtype=np.int64)
    irregular = [frame.time for frame in frames if frame.time is not None]
    if irregular:
        since_ms = np.frombuffer(b"".join(irregular), dtype=TIME_TYPE)
        times[(intervals == 0)[rows]] += since_ms.astype(np.int64) * US_PER_MS
    return times
