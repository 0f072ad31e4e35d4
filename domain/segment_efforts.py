"""All efforts of one workout."""

from collections.abc import Iterable

from domain.segments import Effort, Segment, match
from domain.summary import WINDOW_SLACK_US
from domain.track import Track


def of_workout(track: Track, start_us: int, end_us: int) -> Track:
    """The samples that belong to a workout from ``start_us`` to ``end_us``: the time that its summary counts."""
    return track.between(start_us - WINDOW_SLACK_US, end_us + WINDOW_SLACK_US)


def efforts_on(track: Track, segments: Iterable[Segment]) -> list[Effort]:
    """Every pass of a track over each of the segments, in order of start."""
    passed = [
        effort
        for segment in segments
        for effort in match(track.time_us, track.latitude_deg, track.longitude_deg, segment)
    ]
    return in_order(passed)


def in_order(efforts: Iterable[Effort]) -> list[Effort]:
    """Efforts by start; those of one start by segment and end."""
    return sorted(efforts, key=lambda effort: (effort.start_us, effort.segment_id, effort.end_us))
