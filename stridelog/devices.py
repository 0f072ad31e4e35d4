"""What a wearable sends: a start, frames of samples while the workout goes on, and the completion."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.summary import Stated
from domain.track import CHANNELS, FloatColumn, Track
from schemas import hot
from schemas.channels import BY_COLUMN, RawColumn
from schemas.identity import event_id

SAMPLES_PER_FRAME: Final = 60
_US_PER_MS: Final = 1_000
_INTERVAL_MAX_US: Final = 86_400_000_000
_MS_MAX: Final = 2**32 - 1
_pack = msgspec.msgpack.Encoder().encode
_STATED: Final = tuple(field for field in hot.Stated.__struct_fields__ if field in {f.name for f in fields(Stated)})
_RR: Final = BY_COLUMN["rr_ms"]
_MISSING: Final = {channel.name: channel.missing_bytes for channel in BY_COLUMN.values()}


@dataclass(frozen=True, slots=True)
class Session:
    """One workout as one device sends it; the names are those of the envelope."""

    user: str
    workout_id: str
    device_id: str
    zone: str
    source: str
    producer: str


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Times between heart beats in ms, and the time of the sample (UTC µs) that each came with; both shape (n,)."""

    rr_ms: FloatColumn
    time_us: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Frame:
    """A packed frame; ``first_us`` and ``last_us`` are the times of its first and last sample."""

    first_us: int
    last_us: int
    samples: int
    value: bytes


def workout_id_of(user: str, *parts: str | int) -> str:
    """The id of a workout, by what makes it this one and no other: the same file of the same user is the same one."""
    return event_id("Workout", user, *parts)


def frames_of(
    track: Track,
    session: Session,
    *,
    samples_per_frame: int = SAMPLES_PER_FRAME,
    first_sequence: int = 0,
    beats: Beats | None = None,
    revision: int = 0,
) -> Iterator[Frame]:
    """The frames of a track, in order of time.

    A value that no sensor can say (``schemas.channels``) is packed as missing. A frame of evenly spaced samples has an
    interval, any other a column of times, kept to the millisecond. User, device, sequence and
    start name it.
    """
    packed = _packed(track)
    rr_raw, rr_rows = _beats(track, beats)
    sequence = first_sequence
    first = 0
    while first < len(track):
        last = _end_of_frame(track.time_us, first, samples_per_frame)
        times = track.time_us[first:last]
        start_us = int(times[0])
        interval_us, offsets = _clock(times)
        columns = _columns(packed, first, last)
        mine = rr_raw[np.searchsorted(rr_rows, first) : np.searchsorted(rr_rows, last)]
        if len(mine):
            columns["rr"] = mine.tobytes()
        if columns:
            frame = hot.SensorFrame(
                user=session.user,
                workout_id=session.workout_id,
                device_id=session.device_id,
                sequence=sequence,
                start=start_us,
                zone=session.zone,
                source=session.source,
                producer=session.producer,
                n=len(times),
                interval_us=interval_us,
                time=offsets,
                channels=hot.Channels(**columns),
                revision=revision,
            )
            yield Frame(start_us, int(times[-1]), len(times), _pack(frame))
            sequence += 1
        first = last


def started(session: Session, *, sport: str, time_us: int) -> hot.WorkoutStarted:
    """The athlete pressed start."""
    return hot.WorkoutStarted.of(
        user=session.user,
        time=time_us,
        zone=session.zone,
        source=session.source,
        producer=session.producer,
        data=hot.WorkoutStartedData(workout_id=session.workout_id, sport=sport, device_id=session.device_id),
    )


def completed(
    session: Session,
    *,
    sport: str,
    start_us: int,
    end_us: int,
    track: Track,
    pauses: Sequence[tuple[int, int]] = (),
    stated: Stated | None = None,
    sub_sport: str | None = None,
    rpe: float | None = None,
    title: str | None = None,
    by_hand: bool = False,
) -> hot.WorkoutCompleted:
    """The workout is over; channels and samples are those of ``track``. An entry ``by_hand`` names no device."""
    return hot.WorkoutCompleted.of(
        user=session.user,
        time=end_us,
        zone=session.zone,
        source=session.source,
        producer=session.producer,
        data=hot.WorkoutCompletedData(
            workout_id=session.workout_id,
            sport=sport,
            sub_sport=sub_sport,
            device_id=None if by_hand else session.device_id,
            start=start_us,
            end=end_us,
            pauses=tuple((start, end) for start, end in pauses),
            stated=_stated(stated or Stated()),
            rpe=rpe,
            title=title,
            channels=channels_of(track),
            samples=None if by_hand else len(track),
        ),
    )


def channels_of(track: Track) -> tuple[str, ...]:
    """Names on the wire of the channels in which the track says anything."""
    return tuple(BY_COLUMN[name].name for name in CHANNELS if not np.isnan(getattr(track, name)).all())


def rows_of(track: Track, first: int, last: int) -> Track:
    """The rows ``first`` up to, not including, ``last``."""
    columns = {name: getattr(track, name)[first:last] for name in CHANNELS}
    return Track(time_us=track.time_us[first:last], **columns)


def _packed(track: Track) -> dict[str, RawColumn]:
    return {
        BY_COLUMN[name].name: BY_COLUMN[name].to_raw(getattr(track, name), impossible="missing")
        for name in CHANNELS
        if not np.isnan(getattr(track, name)).all()
    }


def _columns(packed: Mapping[str, RawColumn], first: int, last: int) -> dict[str, bytes]:
    """The part of each column that says anything in these rows; one column of missing values if none does."""
    columns: dict[str, bytes] = {}
    for name, raw in packed.items():
        part = raw[first:last].tobytes()
        if part != _MISSING[name] * (last - first):
            columns[name] = part
    return columns


def _end_of_frame(time_us: NDArray[np.int64], first: int, samples_per_frame: int) -> int:
    """The row after the frame that begins at ``first``: times in it must fit in 32 bits of milliseconds."""
    last = min(first + samples_per_frame, len(time_us))
    if time_us[last - 1] - time_us[first] > _MS_MAX * _US_PER_MS:
        last = first + int(np.searchsorted(time_us[first:last], time_us[first] + _MS_MAX * _US_PER_MS))
    return max(last, first + 1)


def _clock(time_us: NDArray[np.int64]) -> tuple[int | None, bytes | None]:
    """Interval of evenly spaced times, else their column."""
    if len(time_us) == 1:
        return 1, None
    steps = np.diff(time_us)
    if steps[0] <= _INTERVAL_MAX_US and (steps == steps[0]).all():
        return int(steps[0]), None
    return None, ((time_us - time_us[0]) // _US_PER_MS).astype("<u4").tobytes()


def _beats(track: Track, beats: Beats | None) -> tuple[RawColumn, NDArray[np.intp]]:
    """RR intervals as packed, and the row of the track that each goes with."""
    if beats is None or not len(track):
        return np.empty(0, dtype=_RR.wire), np.empty(0, dtype=np.intp)
    possible = (beats.rr_ms >= _RR.low) & (beats.rr_ms <= _RR.high)
    rows = np.clip(np.searchsorted(track.time_us, beats.time_us[possible]), 0, len(track) - 1)
    order = np.argsort(rows, kind="stable")
    return _RR.to_raw(beats.rr_ms[possible])[order], rows[order]


def _stated(stated: Stated) -> hot.Stated:
    return hot.Stated(**{name: getattr(stated, name) for name in _STATED})
