"""Whether each workout's samples were announced, once the last of them were stored, or were taken back."""

from collections.abc import Sequence
from typing import Any

from schemas import hot
from schemas.frames import unpack
from verification.log import LogRecord
from verification.outcomes import Valid
from verification.scores import source_end
from verification.withdrawals import Taking, Takings, last_sample_us

Said = dict[tuple[str, str], dict[str, Any]]


def expected_announcements(frames: Sequence[Valid]) -> Said:
    """For each (user, workout) with frames: the span of its samples, and that the last frame was covered."""
    said: Said = {}
    for _, _, frame in frames:
        if frame.workout_id is not None:
            _widen(said, (frame.user, frame.workout_id), frame.start, last_sample_us(frame))
    return said


def found_announcements(
    messages: Sequence[Valid], records: Sequence[LogRecord], frames: Sequence[Valid], takings: Takings
) -> Said:
    """The same, from the messages: all of one workout together."""
    last_record: dict[tuple[str, str], int] = {}
    for offset, _, frame in frames:
        if frame.workout_id is not None:
            key = (frame.user, frame.workout_id)
            taken = [one.offset for one in takings.of_user(frame.user) if one.offset > offset and _takes(one, frame)]
            last_record[key] = max([offset, *taken, last_record.get(key, 0)])
    ends = {record.offset: source_end(record) for record in records}
    said: Said = {}
    covered: dict[tuple[str, str], int] = {}
    for offset, _, message in messages:
        key = (message.user, message.data.workout_id)
        _widen(said, key, message.data.first_time, message.data.last_time)
        covered[key] = max(ends[offset], covered.get(key, 0))
    for key, end in covered.items():
        said[key]["after_last_frame"] = end > last_record.get(key, -1)
    return said


def _takes(taking: Taking, frame: hot.SensorFrame) -> bool:
    """Whether one of the frame's samples goes, whole or in part."""
    times = unpack(frame)["time_us"]
    return bool(taking.covers(frame, times, times + 1).any())


def _widen(said: Said, key: tuple[str, str], first: int, last: int) -> None:
    known = said.setdefault(key, {"first_time": first, "last_time": last, "after_last_frame": True})
    known["first_time"], known["last_time"] = min(known["first_time"], first), max(known["last_time"], last)
