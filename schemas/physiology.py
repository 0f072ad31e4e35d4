"""What agents work out of an athlete's body over time, and the news of samples that it rests on."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Part
from schemas.types import Count, Label, Time, Uuid


class WearStoredData(Part):
    """What one batch of frames stored of one local day of all-day wear; or, without samples, a span of which readings
    were taken back, over one or several days.
    """

    local_day: date
    """The day, where the device was worn; of readings that were taken back the last one, in the zone of who did."""
    first_time: Time
    """Time of the earliest sample that the batch has of the day."""
    last_time: Time
    """Time of the latest sample that the batch has of the day."""
    samples: Count
    """Time points of the day in the batch; 0: readings were taken back."""


class WearStored(Event[WearStoredData]):
    """Samples of a day of all-day wear are in ClickHouse: topic samples-stored."""

    type: Literal["WearStored"] = "WearStored"
    version: Literal[1] = 1


class ThresholdEvidence(Part):
    """A workout that a threshold rests on."""

    workout_id: Uuid
    """The workout."""
    effort: Label
    """What of it: a best effort such as 20 min, or all-out 30 min."""


class ThresholdEstimatedData(Part):
    """The estimate after the latest workout that is evidence of its kind."""

    kind: Literal["critical_power_w", "ftp_w", "lthr_bpm", "threshold_speed_m_s", "w_prime_j"]
    """Which threshold, and its unit."""
    value: Annotated[float, Field(ge=0, le=1_000_000, json_schema_extra={"unit": "as the kind says"})] | None = None
    """The estimate; none when there is no evidence any more, or the efforts do not fit together."""
    method: Literal["hour_power", "share_of_20_min_power", "all_out_30_min", "riegel", "work_time_model"] | None = None
    """How it was made: domain.thresholds."""
    since: Time
    """From when it holds."""
    until: Time | None = None
    """When its evidence ages out, should nothing new come."""
    evidence: tuple[ThresholdEvidence, ...] = ()
    """What it rests on."""


class ThresholdEstimated(Event[ThresholdEstimatedData]):
    """The newest estimate of a threshold; the last word on a user and kind counts: topic thresholds."""

    type: Literal["ThresholdEstimated"] = "ThresholdEstimated"
    version: Literal[1] = 1
