"""Messages that tests of agents send: what they all have, without the figures that no test looks at."""

from typing import Any

import msgspec

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
    title: str | None = None,
    best_efforts: tuple[hot.BestEffort, ...] = (),
    analysis: hot.Analysis | None = None,
    private: bool = False,
) -> hot.WorkoutSummarised:
    """The last word on a workout of half an hour; a deleted one has no figures."""
    summary = hot.Summary(
        distance_m=distance_m,
        distance_source="device",
        elapsed_s=1_800.0,
        timer_time_s=1_800.0,
        moving_time_s=1_700.0,
        zone_basis="none",
        time_in_zones_s=(),
        best_efforts=best_efforts,
        load=30.0,
        load_method="duration",
        sample_count=0,
        coverage=0.0,
        analysis=analysis,
    )
    data = hot.WorkoutSummarisedData(
        workout_id=workout_id,
        status=status,
        sport=sport,
        title=title,
        start=begin_us,
        end=begin_us + 1_800_000_000,
        local_day=local_day(begin_us, zone),
        summary=summary if status != "deleted" else None,
        private=private,
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


def partly_hidden(message: hot.WorkoutSummarised, distance_m: float) -> hot.WorkoutSummarised:
    """The same workout, whose athlete hides its last ten minutes."""
    data = message.data
    assert data.summary is not None
    summary = msgspec.structs.replace(data.summary, distance_m=distance_m)
    shown = hot.ShownPart(start=data.start, end=data.end - 600_000_000, summary=summary)
    return msgspec.structs.replace(message, data=msgspec.structs.replace(data, shown=shown))
