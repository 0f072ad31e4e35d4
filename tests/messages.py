"""Messages that tests of agents send: what they all have, without the figures that no test looks at."""

from collections.abc import Sequence
from typing import Any

from domain.days import local_day
from schemas import hot
from schemas.identity import event_id


def summarised(
    workout_id: str,
    begin_us: int,
    *,
    user: str = "ada",
    zone: str = "Europe/Oslo",
    sport: str = "running",
    status: Any = "counted",
    distance_m: float = 5_000.0,
    best_efforts: Sequence[tuple[str, float]] = (),
) -> hot.WorkoutSummarised:
    """The last word on a workout of half an hour; a deleted one has no figures. Best efforts are names with seconds."""
    summary = hot.Summary(
        distance_m=distance_m,
        distance_source="device",
        elapsed_s=1_800.0,
        timer_time_s=1_800.0,
        moving_time_s=1_700.0,
        zone_basis="none",
        time_in_zones_s=(),
        best_efforts=tuple(
            hot.BestEffort(kind="distance", name=name, duration_s=seconds, start_us=begin_us)
            for name, seconds in best_efforts
        ),
        load=30.0,
        load_method="duration",
        sample_count=0,
        coverage=0.0,
    )
    data = hot.WorkoutSummarisedData(
        workout_id=workout_id,
        status=status,
        sport=sport,
        start=begin_us,
        end=begin_us + 1_800_000_000,
        local_day=local_day(begin_us, zone),
        summary=summary if status != "deleted" else None,
    )
    return hot.WorkoutSummarised.of(user=user, time=data.end, zone=zone, source="test", producer="test", data=data)


def segment(
    name: str,
    points: tuple[tuple[float, float], ...] = ((59.910, 10.75), (59.914, 10.75)),
    *,
    time_us: int = 1_798_000_000_000_000,
    family: Any = "running",
) -> hot.SegmentDefined:
    """A segment, by default 445 m to the north."""
    data = hot.SegmentDefinedData(segment_id=event_id("Segment", name), name=name, family=family, points=points)
    return hot.SegmentDefined.of(
        user="ada", time=time_us, zone="Europe/Oslo", source="test", producer="test", data=data
    )
