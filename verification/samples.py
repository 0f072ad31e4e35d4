"""From frames to the samples, parts of minutes and minutes that ClickHouse must hold, for one partition number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.rollups import CHANNELS as MINUTE_CHANNELS
from domain.rollups import chosen, minute_parts
from domain.track import CHANNELS, Track, track_from_columns
from schemas import hot
from schemas.frames import Columns, unpack_columns
from verification.outcomes import Valid
from verification.withdrawals import Takings

Ints = NDArray[np.int64]
US_PER_S: Final = 1_000_000
SAMPLE_KEY: Final = ("user_id", "workout_id", "time", "device_id")
PART_KEY: Final = ("user_id", "minute", "device_id", "frame_start")
MINUTE_KEY: Final = ("user_id", "minute", "device_id")
_COUNTS: Final = {name: "heart_rate" if name == "heart_rate_bpm" else name.split("_")[0] for name in MINUTE_CHANNELS}
"""Column stem of a channel's count: heart_rate_bpm → heart_rate."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Deduplicated samples, sorted by user, workout, device and time: of one key the last record counts.

    ``owner`` (rows,) is the index of (user, workout or '', device) in ``owners``.
    """

    owners: Sequence[tuple[str, str, str]]
    owner: Ints
    time_us: Ints
    offset: Ints
    values: Mapping[str, NDArray[Any]]  # by channel: (rows,), NaN where missing

    def table(self) -> pa.Table:
        """As ClickHouse shows them, times in µs."""
        columns = {
            name: _text([owner[i] for owner in self.owners], self.owner)
            for i, name in enumerate(("user_id", "workout_id", "device_id"))
        }
        return pa.table({**columns, "time": self.time_us, "source_offset": self.offset, **self.values})

    def tracks(self) -> "dict[tuple[str, str], slice]":
        """The rows of each (user, workout); samples of no workout are left out."""
        workouts = [owner[:2] for owner in self.owners]
        first = np.searchsorted(self.owner, np.arange(len(self.owners) + 1))
        spans: dict[tuple[str, str], slice] = {}
        for i, key in enumerate(workouts):
            if key[1]:
                begin = spans[key].start if key in spans else int(first[i])
                spans[key] = slice(begin, int(first[i + 1]))
        return spans

    def track(self, rows: slice) -> Track:
        """The samples of one workout: of several devices at one time, the one whose id sorts last counts."""
        channels = {
            name: np.asarray(self.values[name][rows], dtype=np.float64) for name in CHANNELS if name in self.values
        }
        return track_from_columns(self.time_us[rows], **channels)


def deduplicated(frames: Sequence[Valid], takings: Takings) -> tuple[Samples, Columns]:
    """All samples of the frames that stand, each key once; and the unpacked columns, frame by frame, as they came."""
    columns = unpack_columns([record.message for record in frames])
    offsets = np.fromiter((record.offset for record in frames), dtype=np.int64, count=len(frames))
    left, version = columns.values, offsets[columns.frame]
    stands = np.ones(len(columns.frame), dtype=bool)
    if takings.by_user:
        left = {name: column.copy() for name, column in columns.values.items()}
        for rows, frame in _frames_of_users(frames, columns.frame, takings):
            times = columns.time_us[rows]
            stands[rows] = takings.standing(frame, times, times + 1)
            lost, last = takings.emptied(frame, times, times + 1, CHANNELS)
            version[rows] = np.maximum(version[rows], last)
            for name in lost.keys() & left.keys():
                left[name][rows][lost[name]] = np.nan
    named = [(f.user, f.workout_id or "", f.device_id) for f in (record.message for record in frames)]
    owners = sorted(set(named))
    number = {owner: i for i, owner in enumerate(owners)}
    of_frame = np.fromiter((number[owner] for owner in named), dtype=np.int64, count=len(named))
    owner = of_frame[columns.frame] if len(named) else np.empty(0, dtype=np.int64)
    # Frames are in offset order and a stable sort keeps it, so the last row of a key is the one that counts.
    order = np.lexsort((columns.time_us, owner))
    order = order[stands[order]]
    owner, time_us = owner[order], columns.time_us[order]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = (owner[1:] != owner[:-1]) | (time_us[1:] != time_us[:-1])
    kept = order[last]
    values = {name: column[kept] for name, column in left.items()}
    return Samples(owners, owner[last], time_us[last], version[kept], values), columns


def _frames_of_users(
    frames: Sequence[Valid], frame_of_row: Ints, takings: Takings
) -> Iterator[tuple[slice, hot.SensorFrame]]:
    """The frames of users of whom something was taken, and the rows of each."""
    first = np.searchsorted(frame_of_row, np.arange(len(frames) + 1))
    for index, (_, _, frame) in enumerate(frames):
        if frame.user in takings.by_user:
            yield slice(int(first[index]), int(first[index + 1])), frame


def minute_partials(frames: Sequence[Valid], columns: Columns, takings: Takings) -> pa.Table:
    """What each frame says of each minute; of one key the last record counts. Minutes in s, frame starts in µs."""
    parts = minute_parts(columns.frame, columns.time_us, columns.values)
    messages = [record.message for record in frames]
    starts = np.fromiter((m.start for m in messages), dtype=np.int64, count=len(messages))
    offsets = np.fromiter((record.offset for record in frames), dtype=np.int64, count=len(frames))
    version, stands = offsets[parts.frame], np.ones(len(parts.frame), dtype=bool)
    for rows, frame in _frames_of_users(frames, parts.frame, takings):
        first, end = parts.minute_us[rows], parts.minute_us[rows] + 60 * US_PER_S
        stands[rows] = takings.standing(frame, first, end)
        lost, last = takings.emptied(frame, first, end, (*MINUTE_CHANNELS, "distance_m"))
        version[rows] = np.maximum(version[rows], last)
        for name, gone in lost.items():
            if name == "distance_m":
                parts.distance_m[rows][gone] = 0
                continue
            channel = parts.channels[name]
            for column, nothing in ((channel.sum, 0), (channel.count, 0), (channel.min, np.nan), (channel.max, np.nan)):
                column[rows][gone] = nothing
    users, devices = _numbers([m.user for m in messages]), _numbers([m.device_id for m in messages])
    of = parts.frame
    key = (starts[of], devices[0][of], parts.minute_us, users[0][of])
    order = np.lexsort(key)
    order = order[stands[order]]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = np.any([column[order][1:] != column[order][:-1] for column in key], axis=0)
    kept = order[last]
    of = of[kept]
    table: dict[str, Any] = {
        "user_id": _text(users[1], users[0][of]),
        "minute": parts.minute_us[kept] // US_PER_S,
        "device_id": _text(devices[1], devices[0][of]),
        "workout_id": _text([m.workout_id or "" for m in messages], of),
        "frame_start": starts[of],
        "seconds_mask": parts.seconds_mask[kept],
        "n": parts.n[kept],
    }
    for name, channel in parts.channels.items():
        table |= {f"{name}_sum": channel.sum[kept], f"{name}_min": channel.min[kept], f"{name}_max": channel.max[kept]}
        table[f"{_COUNTS[name]}_count"] = channel.count[kept]
    return pa.table({**table, "distance_m": parts.distance_m[kept], "source_offset": version[kept]})


def minutes(partials: pa.Table) -> pa.Table:
    """Minutes of parts (sorted as ``minute_partials`` gives them): of those that share no second, by ``chosen``."""
    columns = {name: partials.column(name).to_numpy() for name in partials.column_names if name not in _TEXT}
    user, device = (_numbers(partials.column(name).to_pylist())[0] for name in ("user_id", "device_id"))
    minute = columns["minute"]
    new = np.ones(len(minute), dtype=bool)
    new[1:] = (user[1:] != user[:-1]) | (device[1:] != device[:-1]) | (minute[1:] != minute[:-1])
    starts = np.flatnonzero(new)
    counts = np.zeros(len(minute), dtype=bool)
    counts[starts] = True
    ends = np.r_[starts[1:], len(minute)][: len(starts)]
    for begin, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - begin > 1:
            rows = range(begin, end)
            parts = [
                (int(columns["n"][i]), int(columns["frame_start"][i]), int(columns["seconds_mask"][i])) for i in rows
            ]
            counts[begin:end] = False
            counts[[begin + i for i in chosen(parts)]] = True
    kept = np.flatnonzero(counts)
    group = np.cumsum(new)[kept] - 1
    first = np.searchsorted(group, np.arange(len(starts)))
    return pa.table(_minute_columns(partials, columns, kept, starts, first))


_TEXT: Final = frozenset({"user_id", "device_id", "workout_id"})


def _minute_columns(
    partials: pa.Table, columns: Mapping[str, NDArray[Any]], kept: Ints, starts: Ints, first: Ints
) -> dict[str, Any]:
    def total(name: str, kind: type[Any]) -> NDArray[Any]:
        return np.add.reduceat(columns[name][kept].astype(kind), first) if len(first) else np.empty(0, dtype=kind)

    workouts = partials.column("workout_id").take(pa.array(kept)).to_pylist()
    ends = [*first[1:].tolist(), len(kept)][: len(first)]
    masks = np.bitwise_or.reduceat(columns["seconds_mask"][kept], first) if len(first) else np.empty(0, np.uint64)
    table: dict[str, Any] = {name: partials.column(name).take(pa.array(starts)) for name in MINUTE_KEY}
    table |= {
        "workout_id": pa.array([max(workouts[b:e]) for b, e in zip(first.tolist(), ends, strict=True)], pa.string()),
        "n": total("n", np.int64),
        "seconds": np.array([int(mask).bit_count() for mask in masks.tolist()], dtype=np.int64),
        "distance_m": total("distance_m", np.float64),
    }
    for name in MINUTE_CHANNELS:
        count = total(f"{_COUNTS[name]}_count", np.int64)
        with np.errstate(invalid="ignore"):
            table[f"{name}_mean"] = np.where(count > 0, total(f"{name}_sum", np.float64) / count, np.nan)
        for what, fold in (("min", np.fmin), ("max", np.fmax)):
            column = columns[f"{name}_{what}"][kept]
            table[f"{name}_{what}"] = fold.reduceat(column, first) if len(first) else np.empty(0, np.float32)
        table[f"{_COUNTS[name]}_count"] = count
    return table


def _numbers(names: Sequence[str]) -> tuple[Ints, list[str]]:
    """A number for each name, in the order of the names, and the distinct names."""
    distinct = sorted(set(names))
    number = {name: i for i, name in enumerate(distinct)}
    return np.fromiter((number[name] for name in names), dtype=np.int64, count=len(names)), distinct


def _text(names: Sequence[str], index: Ints) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(index))
