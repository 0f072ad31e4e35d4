"""Messages that tests of agents send: what they all have, without the figures that no test looks at."""

from typing import Any

from domain.days import local_day
from schemas import hot


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
    )
    return hot.WorkoutSummarised.of(user=user, time=data.end, zone=zone, source="test", producer="test", data=data)
