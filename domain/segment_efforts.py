"""All efforts of one workout."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from domain.clock import placed
from domain.privacy_zones import HiddenCircle, hide
from domain.segments import CORRIDOR_M, Effort, Segment, match
from domain.summary import WINDOW_SLACK_US
from domain.track import Track


def of_workout(track: Track, start_us: int, end_us: int) -> Track:
    """The samples that belong to a workout from ``start_us`` to ``end_us``: the time that its summary counts; those of
    a clock that was reset in their place.
    """
    track, _ = placed(track, start_us, end_us)
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


def is_hidden(segment: Segment, circles: Sequence[HiddenCircle], workout_id: str) -> bool:
    """Whether efforts of a workout on the segment are for its athlete alone: some of the line lies in what the circles
    hide of the workout, or so near that a pass may be in there, which is within half the corridor.

    An effort tells that the athlete followed the line, and when they crossed its ends. Anybody can draw a segment, also
    one that begins at a door. By the line, not by the track: when a zone changes, no track has to be read again.

    Criticism: that somebody has no place on a segment while their map shows the way up to it tells that a zone is
    there, which the end of the map tells too. A detour of up to ``MAX_ASTRAY_M`` from the line may lead into a zone.
    """
    wider = [replace(circle, radius_m=circle.radius_m + CORRIDOR_M) for circle in circles]
    return not bool(hide(segment.latitude_deg, segment.longitude_deg, wider, workout_id).all())
