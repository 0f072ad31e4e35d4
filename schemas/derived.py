"""Facts that agents derive from others. Each is whole: the newest word about a workout replaces those before."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Event, Part
from schemas.types import (
    Cadence,
    Climb,
    Count,
    Energy,
    HeartRate,
    Label,
    Load,
    Metres,
    Name,
    Real,
    Seconds,
    Share,
    SpeedMs,
    Sport,
    Status,
    Text,
    Time,
    Title,
    Token,
    Uuid,
    Verdict,
    Version,
    Watts,
)
from schemas.workout import WorkoutVisibility


class SamplesStoredData(Part):
    """What one batch of frames stored of one workout."""

    workout_id: Uuid
    """The workout."""
    first_time: Time
    """Time of the earliest sample of the batch."""
    last_time: Time
    """Time of the latest sample of the batch."""
    frames: Count
    """Frames of the workout in the batch."""
    samples: Count
    """Time points of the workout in the batch."""


class SamplesStored(Event[SamplesStoredData]):
    """Samples of a workout are in ClickHouse: topic samples-stored."""

    type: Literal["SamplesStored"] = "SamplesStored"
    version: Literal[1] = 1


class BestEffort(Part):
    """The best stretch of a workout over a distance or a duration: domain.efforts."""

    kind: Literal["distance", "power"]
    """Fastest over a distance, or highest mean power over a duration."""
    name: Label
    """Its name, for example 5 km."""
    duration_s: Seconds
    """How long it took, or the duration over which the power is meant."""
    distance_m: Metres | None = None
    """The distance, when it is one over a distance."""
    power_w: Watts | None = None
    """Mean power, when it is one of power."""
    start_us: Time
    """Start of the stretch."""


class Analysis(Part):
    """What the samples say beyond the totals: the fields of domain.analysis.Analysis."""

    quality_score: Annotated[float, Field(ge=0, le=100, json_schema_extra={"unit": "of 100"})] | None = None
    """How far the recording can be trusted: domain.quality."""
    quality_reasons: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    """What cost the score most, in words for the athlete."""
    grade_adjusted_speed_m_s: SpeedMs | None = None
    """On foot: the level speed that costs as much."""
    xpower_w: Watts | None = None
    """xPower."""
    intensity_factor: Real | None = None
    """Normalised power by functional threshold power."""
    variability_index: Real | None = None
    """Normalised power by mean power."""
    efficiency_factor: Real | None = None
    """Normalised power (W) on wheels, or speed (m/min) on foot, by mean heart rate (bpm)."""
    aerobic_decoupling: Real | None = None
    """Share of output by heartbeat that the second half lost against the first."""
    heart_rate_load: Load | None = None
    """Load by heart rate alone; an hour at threshold heart rate is 100."""
    minutes_10_to_30_heart_rate_bpm: HeartRate | None = None
    """Mean heart rate from minute 10 to 30: of a test all-out, heart rate at threshold."""


class Summary(Part):
    """A workout in figures: the fields of domain.summary.Summary, which says how each is computed."""

    distance_m: Metres
    """Distance."""
    distance_source: Literal["device", "speed", "gps", "stated", "none"]
    """What the distance was taken from."""
    elapsed_s: Seconds
    """Time from start to end."""
    timer_time_s: Seconds
    """Elapsed time less pauses."""
    moving_time_s: Seconds
    """Time in motion."""
    elevation_gain_m: Climb | None = None
    """Height climbed."""
    elevation_loss_m: Climb | None = None
    """Height descended."""
    mean_heart_rate_bpm: HeartRate | None = None
    """Mean heart rate."""
    max_heart_rate_bpm: HeartRate | None = None
    """Highest heart rate."""
    mean_power_w: Watts | None = None
    """Mean power."""
    max_power_w: Watts | None = None
    """Highest power."""
    normalised_power_w: Watts | None = None
    """Normalised power."""
    mean_speed_m_s: SpeedMs | None = None
    """Distance by timer time."""
    max_speed_m_s: SpeedMs | None = None
    """Highest speed."""
    mean_cadence_rpm: Cadence | None = None
    """Mean cadence while turning or stepping."""
    energy_kcal: Energy | None = None
    """Energy used."""
    time_in_zones_s: tuple[Seconds, ...]
    """Time in each zone, the easiest first; empty without a basis."""
    zone_basis: Literal["heart_rate_max", "heart_rate_threshold", "power", "pace", "none"]
    """What the zones are zones of."""
    zone_bounds: tuple[Annotated[float, Field(ge=0, le=25_000, json_schema_extra={"unit": "bpm, W or m/s"})], ...] = ()
    """Upper bound of every zone but the last, as the basis was; none in messages of version 1."""
    zones_set_by: Uuid | None = None
    """The ZonesSet event whose zones these are; none: the standard zones."""
    best_efforts: tuple[BestEffort, ...]
    """Best stretches."""
    load: Load
    """Training load; an hour at threshold is 100."""
    load_method: Literal["power_tss", "trimp", "srpe", "duration"]
    """Formula of the load."""
    tss: Load | None = None
    """Training stress score."""
    trimp: Load | None = None
    """Banister's TRIMP."""
    session_rpe_load: Load | None = None
    """RPE × minutes."""
    sample_count: Count
    """Time points that the figures rest on."""
    coverage: Share
    """Share of the timer time that has samples."""
    analysis: Analysis | None = None
    """What samples say beyond these figures; none in messages of version 1."""


class Flag(Part):
    """What a rule of integrity says against a workout: the fields of domain.integrity_flags.Flag."""

    rule: Token
    """Name of the rule."""
    rule_version: Annotated[int, Field(ge=1, le=1_000_000, json_schema_extra={"unit": "version"})]
    """Version of the rule that looked."""
    decision: Literal["flagged", "noted"]
    """Flagged: it is kept off what compares athletes until it is reinstated. Noted: for the organiser only."""
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    """Why, in words, with the figure found and the limit."""
    start_us: Time
    """Where in the workout it begins."""
    end_us: Time
    """Where in the workout it ends."""
    value: Real
    """The figure found."""
    limit: Real
    """The limit that it passed."""
    figure_unit: Label
    """The unit of both."""
    verdict: Verdict | None = None
    """What the latest review of this rule at this version says; none: nobody has reviewed it."""


class Review(Part):
    """What a person made of the flags."""

    at: Time
    """When."""
    reviewer: Name
    """Who judged."""
    verdict: Verdict
    """Upheld or reinstated."""
    why: Text
    """Why."""


class ShownPart(Part):
    """What others see of a workout where its athlete hides places: domain.shown."""

    start: Time
    """Its first shown sample."""
    end: Time
    """Its last shown sample."""
    summary: Summary
    """The figures of the shown part."""


class ChannelSource(Part):
    """A recording that gave values to a channel, when an activity was recorded more than once."""

    channel: Label
    """The channel: a key of domain.fusing.COLUMNS."""
    workout_id: Uuid
    """The recording that gave them."""


class WorkoutSummarisedData(Part):
    """The last word on a workout."""

    workout_id: Uuid
    """The workout."""
    status: Status
    """Whether it counts, is another recording of a workout that counts, or is void."""
    duplicate_of: Uuid | None = None
    """The workout that counts in place of this one, if it is a duplicate."""
    sport: Sport
    """Sport, as corrected."""
    title: Title | None = None
    """Title."""
    start: Time
    """Start of the workout."""
    end: Time
    """End of the workout."""
    local_day: date
    """The day it belongs to, where the athlete was."""
    device_id: Label | None = None
    """The recording device."""
    visibility: WorkoutVisibility = WorkoutVisibility()
    """Who sees it, where that is not what the profile says."""
    summary: Summary | None = None
    """The figures; none when deleted."""
    flags: tuple[Flag, ...] = ()
    """What the rules of integrity say against it."""
    shadowed: bool = False
    """Kept off boards, rankings and achievements: a rule flags it that no review has reinstated."""
    private: bool = False
    """Only its athlete may see it, by its own word or the profile's: it is on no board and in no challenge."""
    appeal: Text | None = None
    """What the athlete says against the flags."""
    review: Review | None = None
    """The latest review."""
    shown: ShownPart | None = None
    """What others see, where that is not the whole workout."""
    channel_sources: tuple[ChannelSource, ...] = ()
    """Which recordings gave values to each channel, the best first, if others of the activity were fused into this."""


class WorkoutSummarised(Event[WorkoutSummarisedData]):
    """A workout was summarised, again or for the first time: topic workout-summaries."""

    type: Literal["WorkoutSummarised"] = "WorkoutSummarised"
    version: Literal[1, 2] = 2


class FeaturesComputedData(Part):
    """The features as of the end of a workout."""

    workout_id: Uuid
    """The workout."""
    status: Status
    """Features count only while the workout does."""
    at: Time
    """The instant that the features are as of: the end of the workout."""
    local_day: date
    """The workout's local day."""
    names_version: Annotated[int, Field(ge=1, le=1_000_000, json_schema_extra={"unit": "version"})]
    """Version of the list of names, domain.features.FEATURE_NAMES."""
    features: tuple[Real | None, ...] = ()
    """A value a name; null is unknown. Empty unless the workout counts."""


class FeaturesComputed(Event[FeaturesComputedData]):
    """Training features of a user at the end of a workout: topic training-features."""

    type: Literal["FeaturesComputed"] = "FeaturesComputed"
    version: Literal[1] = 1


class Factor(Part):
    """What moved a score."""

    name: Token
    """Name of the feature."""
    contribution: Real
    """Its part of the score, in the model's own unit (log-odds)."""


class InjuryRiskScoredData(Part):
    """The score."""

    workout_id: Uuid
    """The workout after which the user stands so."""
    at: Time
    """The instant that the score is as of."""
    model_version: Version
    """The model that scored."""
    risk: Share
    """Probability of an injury within the model's horizon (see its card)."""
    top_factors: tuple[Factor, ...] = ()
    """What moved the score most, the strongest first."""


class InjuryRiskScored(Event[InjuryRiskScoredData]):
    """An injury-risk score of a user: topic injury-risk."""

    type: Literal["InjuryRiskScored"] = "InjuryRiskScored"
    version: Literal[1] = 1


class Recommendation(Part):
    """A workout to do next."""

    workout_kind: Token
    """Kind of workout, for example easy or intervals."""
    sport: Sport
    """Sport."""
    score: Real
    """The model's score; higher is better."""
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    """Why, in words for the athlete."""


class RecommendationsReadyData(Part):
    """The recommendations."""

    workout_id: Uuid
    """The workout after which they hold."""
    at: Time
    """The instant that they are as of."""
    model_version: Version
    """The model that scored."""
    items: tuple[Recommendation, ...] = ()
    """Best first."""


class RecommendationsReady(Event[RecommendationsReadyData]):
    """What the user could train next: topic recommendations-ready."""

    type: Literal["RecommendationsReady"] = "RecommendationsReady"
    version: Literal[1] = 1
