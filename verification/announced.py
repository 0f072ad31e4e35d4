"""Whether each workout's samples were announced, once the last of them were stored."""

from collections.abc import Sequence
from typing import Any

from verification.live import last_sample_us
from verification.log import LogRecord
from verification.outcomes import Valid
from verification.scores import source_end

Said = dict[tuple[str, str], dict[str, Any]]


def expected_announcements(frames: Sequence[Valid]) -> Said:
    """For each (user, workout) with frames: the span of its samples, and that the last frame was covered."""
    said: Said = {}
    for _, _, frame in frames:
        if frame.workout_id is not None:
            _widen(said, (frame.user, frame.workout_id), frame.start, last_sample_us(frame))
    return said


def found_announcements(messages: Sequence[Valid], records: Sequence[LogRecord], frames: Sequence[Valid]) -> Said:
    """The same, from the messages: all of one workout together."""
    last_frame = {
        (record.message.user, record.message.workout_id): record.offset
        for record in frames
        if record.message.workout_id is not None
    }
    ends = {record.offset: source_end(record) for record in records}
    said: Said = {}
    covered: dict[tuple[str, str], int] = {}
    for offset, _, message in messages:
        key = (message.user, message.data.workout_id)
        _widen(said, key, message.data.first_time, message.data.last_time)
        covered[key] = max(ends[offset], covered.get(key, 0))
    for key, end in covered.items():
        said[key]["after_last_frame"] = end > last_frame.get(key, -1)
    return said


def _widen(said: Said, key: tuple[str, str], first: int, last: int) -> None:
    known = said.setdefault(key, {"first_time": first, "last_time": last, "after_last_frame": True})
    known["first_time"], known["last_time"] = min(known["first_time"], first), max(known["last_time"], last)
