"""What goes wrong between an athlete and the log: which faults there are, how often, and what they look like."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np

from domain.track import Track
from schemas import hot
from schemas.decode import DeadReason, encode
from simulator.message import Dispatch, dispatch
from stridelog.devices import Frame, Session, frames_of, rows_of

# Shares of recorded workouts.
OVERLAP_SHARE: Final = 0.03
RESEND_SHARE: Final = 0.04
LATE_SHARE: Final = 0.02
CLOCK_RESET_SHARE: Final = 0.0015
POISON_SHARE: Final = 0.001
CAR_SHARE: Final = 0.004
COPY_SHARE: Final = 0.01
UPSTREAM_DELETE_SHARE: Final = 0.01
UPSTREAM_EDIT_SHARE: Final = 0.01
SECOND_DEVICE_SHARE: Final = 0.5  # of the workouts of those who have a second device

_S_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _S_US
# Where clocks start again: a strap off the chest (2019-01-01), and the first second of FIT time (1989-12-31).
_RESET_TO_US: Final = (1_546_300_800 * _S_US, 631_065_600 * _S_US)
_YEAR_2000_US: Final = 946_684_800 * _S_US


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults happen in the town."""

    resend: bool = True
    overlap: bool = True
    clock_reset: bool = True
    late_upload: bool = True
    duplicate_device: bool = True
    poison: bool = True
    car: bool = True
    copy: bool = True
    upstream_delete: bool = True
    upstream_edit: bool = True


NO_FAULTS: Final = Faults(*(False,) * 10)


def frames_with_faults(
    track: Track, session: Session, faults: Faults, samples_per_frame: int, rng: np.random.Generator
) -> Iterator[tuple[Frame, Dispatch]]:
    """The frames of a track, and each as it is sent: two seconds after its last sample.

    After a lost connection a device cuts anew from a few seconds before (*overlap*): the same samples twice, in other
    frames. After an empty battery its clock starts in 2019 or 1989 (*clock reset*).
    """
    overlaps, resets = rng.random(2)
    rows = len(track)
    if faults.overlap and overlaps < OVERLAP_SHARE and rows > 40:
        cut = int(rng.integers(20, rows - 10))
        back = int(rng.integers(2, 15))
        sequence = 0
        for frame in frames_of(rows_of(track, 0, cut), session, samples_per_frame=samples_per_frame):
            sequence += 1
            yield frame, _sent(frame, session, frame.last_us)
        rest = rows_of(track, cut - back, rows)
        again = frames_of(rest, session, samples_per_frame=samples_per_frame, first_sequence=sequence)
        for number, frame in enumerate(again):
            sent = _sent(frame, session, frame.last_us)
            yield frame, sent._replace(fault="overlap") if number == 0 else sent
        return
    if faults.clock_reset and resets < CLOCK_RESET_SHARE and rows > 40:
        cut = int(rng.integers(rows // 2, rows - 10))
        sequence = 0
        for frame in frames_of(rows_of(track, 0, cut), session, samples_per_frame=samples_per_frame):
            sequence += 1
            yield frame, _sent(frame, session, frame.last_us)
        rest = rows_of(track, cut, rows)
        shift_us = _RESET_TO_US[int(rng.random() < 0.5)] + 20 * _S_US - int(rest.time_us[0])
        wrong = replace(rest, time_us=rest.time_us + shift_us)
        for frame in frames_of(wrong, session, samples_per_frame=samples_per_frame, first_sequence=sequence):
            dead = DeadReason.time_out_of_range if frame.first_us < _YEAR_2000_US else None
            sent = _sent(frame, session, frame.last_us - shift_us)
            yield frame, sent._replace(fault="clock_reset", dead=dead)
        return
    for frame in frames_of(track, session, samples_per_frame=samples_per_frame):
        yield frame, _sent(frame, session, frame.last_us)


def resent(frames: list[Dispatch], completion: Dispatch, rng: np.random.Generator) -> Iterator[Dispatch]:
    """A device without an answer sends some frames again, byte by byte, and perhaps the completion too."""
    if frames:
        first = int(rng.integers(len(frames)))
        delay_us = int(rng.uniform(5, 600)) * _S_US
        for frame in frames[first : first + int(rng.integers(1, 6))]:
            if frame.dead is None:
                yield frame._replace(at_us=frame.at_us + delay_us, fault="resend")
    if rng.random() < 0.5:
        yield completion._replace(at_us=completion.at_us + int(rng.uniform(1, 3600)) * _S_US, fault="resend")


def changed_upstream(
    track: Track, session: Session, frames: list[Dispatch], faults: Faults, rng: np.random.Generator
) -> Iterator[Dispatch]:
    """The provider changes its mind, minutes to a day after the workout.

    It deletes some minutes, of half of the workouts only their heart rate, and the device sends its first frames again
    after that (*upstream delete*); or it sends some rows once more, with another heart rate and a higher revision, and
    that too may come before what it corrects (*upstream edit*).
    """
    deletes, edits = rng.random(2)
    rows = len(track)
    if rows <= 40:
        return
    first = int(rng.integers(rows - 20))
    last = int(rng.integers(first + 10, min(rows, first + 200)))
    at_us = int(track.time_us[-1]) + int(rng.uniform(-60, 86_400) * _S_US)
    if faults.upstream_delete and deletes < UPSTREAM_DELETE_SHARE:
        data = hot.ReadingsDeletedData(
            device_id=session.device_id,
            start=int(track.time_us[first]),
            end=int(track.time_us[last]),
            channels=() if rng.random() < 0.5 else ("heart_rate",),
            reason="by-athlete",
        )
        deleted = hot.ReadingsDeleted.of(
            user=session.user,
            time=int(track.time_us[-1]),
            zone=session.zone,
            source=session.source,
            producer=session.producer,
            data=data,
        )
        yield dispatch(at_us, deleted, "upstream_delete")
        for sent in frames[:3]:
            if sent.dead is None and sent.fault is None:
                yield sent._replace(at_us=max(sent.at_us, at_us) + 60 * _S_US)
    if faults.upstream_edit and edits < UPSTREAM_EDIT_SHARE:
        corrected = rows_of(track, first, last)
        corrected = replace(corrected, heart_rate_bpm=np.clip(corrected.heart_rate_bpm - 5, 20, 250))
        for number, frame in enumerate(frames_of(corrected, session, revision=1)):
            sent = Dispatch(at_us, "SensorFrame", session.user.encode(), frame.value)
            yield sent._replace(fault="upstream_edit") if number == 0 else sent


def late(messages: list[Dispatch], end_us: int, rng: np.random.Generator) -> list[Dispatch]:
    """The whole workout is uploaded hours to a week after its end."""
    at_us = end_us + int(rng.uniform(0.2, 7.0) * _DAY_US)
    moved = [message._replace(at_us=max(at_us, message.at_us)) for message in messages]
    return [*moved[:-1], moved[-1]._replace(fault="late_upload")]


def _sent(frame: Frame, session: Session, last_us: int) -> Dispatch:
    return Dispatch(last_us + 2 * _S_US, "SensorFrame", session.user.encode(), frame.value)


def poison(frame: bytes, completion: hot.WorkoutCompleted, at_us: int, rng: np.random.Generator) -> Dispatch:
    """A record that no agent can use, made of a good one; ``dead`` says what it must be refused for."""
    reason = tuple(_POISONS)[int(rng.integers(len(_POISONS)))]
    kind, key, value = _POISONS[reason](frame, completion)
    return Dispatch(at_us, kind, key, value, "poison", reason)


Bad = tuple[str, bytes, bytes]
_FRAME: Final = "SensorFrame"
_COMPLETED: Final = "WorkoutCompleted"


def _changed_frame(frame: bytes, **fields: object) -> Bad:
    content = msgspec.msgpack.decode(frame)
    key = str(content["user"]).encode()
    for name, value in fields.items():
        content[name] = value
    return _FRAME, key, msgspec.msgpack.encode(content)


def _changed_completion(completion: hot.WorkoutCompleted, **fields: object) -> Bad:
    content = msgspec.json.decode(encode(completion))
    content.update(fields)
    return _COMPLETED, completion.user.encode(), msgspec.json.encode(content)


def _impossible_heart(frame: bytes, _: hot.WorkoutCompleted) -> Bad:
    n = int(msgspec.msgpack.decode(frame)["n"])
    return _changed_frame(frame, channels={"heart_rate": bytes([5]) * n})


def _ragged(frame: bytes, _: hot.WorkoutCompleted) -> Bad:
    n = int(msgspec.msgpack.decode(frame)["n"])
    return _changed_frame(frame, channels={"heart_rate": bytes([90]) * (n + 3)})


def _truncated(frame: bytes, completion: hot.WorkoutCompleted) -> Bad:
    return _FRAME, completion.user.encode(), frame[: len(frame) // 2]


def _not_a_number(_: bytes, completion: hot.WorkoutCompleted) -> Bad:
    value = encode(completion).replace(b'"data":{', b'"data":{"rpe":NaN,', 1)
    return _COMPLETED, completion.user.encode(), value


def _foreign_key(frame: bytes, _: hot.WorkoutCompleted) -> Bad:
    return _FRAME, b"somebody-else", frame


def _stranger(frame: bytes, _: hot.WorkoutCompleted) -> Bad:
    kind, _key, value = _changed_frame(frame, user="nobody-ever")
    return kind, b"nobody-ever", value


def _huge(_: bytes, completion: hot.WorkoutCompleted) -> Bad:
    return _changed_completion(completion, padding="x" * (2 << 20))


_POISONS: Final[dict[DeadReason, Callable[[bytes, hot.WorkoutCompleted], Bad]]] = {
    DeadReason.undecodable: _truncated,
    DeadReason.unknown_type: lambda _, c: _changed_completion(c, type="WorkoutImagined"),
    DeadReason.unknown_version: lambda _, c: _changed_completion(c, version=99),
    DeadReason.out_of_range: _impossible_heart,
    DeadReason.not_a_number: _not_a_number,
    DeadReason.time_out_of_range: lambda _, c: _changed_completion(c, time=86_400 * _S_US),
    DeadReason.key_mismatch: _foreign_key,
    DeadReason.too_large: _huge,
    DeadReason.ragged_frame: _ragged,
    DeadReason.unknown_user: _stranger,
}
