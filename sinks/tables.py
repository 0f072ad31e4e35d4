"""The one place of ClickHouse tables: columns with units, and keys.

Every table is a ReplacingMergeTree: the rows of one key are versions of one row, the one caused by the latest source
record counts (``source_offset``; a user's rows all come from one partition of one topic, so offsets can be compared).
Rows that records of several topics cause have a ``revision`` in its place.
Where a table has tombstones, a row whose latest version is ``deleted`` is not there for who reads with ``FINAL``.
Read with ``FINAL`` or through the views of ``sinks/views.py``. Channels without a value are NULL: measured against NaN
it costs no space and no time, and aggregates and Grafana leave NULL out by themselves.
"""

from dataclasses import replace
from typing import Final

from sinks.columns import TIME, Column, Table

USER: Final = Column("user_id", "String", "the athlete")
WORKOUT: Final = Column("workout_id", "String", "the workout (UUID)")
WORKOUT_OR_NONE: Final = Column("workout_id", "String", "the workout (UUID); empty: all-day wear")
DEVICE: Final = Column("device_id", "String", "the device that measured")
OF_FRAMES: Final = tuple(replace(column, repeats=True) for column in (USER, WORKOUT_OR_NONE, DEVICE))
SOURCE: Final = (
    Column("source_partition", "UInt16", "partition of the record that caused the row"),
    Column("source_offset", "UInt64", "offset of the record that caused the row, and the row's version"),
)
OF_READINGS: Final = (
    Column("revision", "UInt16", "revision of the frame", default=0),
    Column("deleted", "UInt8", "1: deleted upstream, or replaced by a higher revision", default=0),
)
CHANNELS: Final = (("heart_rate", "bpm"), ("cadence", "rpm"), ("power", "W"), ("speed", "m/s"), ("altitude", "m"))


def suffix(unit: str) -> str:
    """A unit as part of a column's name: m/s is m_s."""
    return unit.lower().replace("/", "_")


SAMPLES: Final = Table(
    "samples",
    "What devices measured: one row a point in time.",
    (
        *OF_FRAMES,
        Column("time", TIME, "when it was measured"),
        Column("heart_rate_bpm", "Float32", "heart rate", "bpm", optional=True),
        Column("cadence_rpm", "Float32", "cadence of one leg or crank", "rpm", optional=True),
        Column("power_w", "Float32", "power", "W", optional=True),
        Column("speed_m_s", "Float32", "speed", "m/s", optional=True),
        Column("distance_m", "Float64", "the device's own cumulative distance", "m", optional=True),
        Column("latitude_deg", "Float64", "latitude, WGS 84", "deg", optional=True),
        Column("longitude_deg", "Float64", "longitude, WGS 84", "deg", optional=True),
        Column("altitude_m", "Float32", "altitude", "m", optional=True),
        Column("temperature_c", "Float32", "temperature at the device", "°C", optional=True),
        *OF_READINGS,
        *SOURCE,
    ),
    order_by=("user_id", "workout_id", "time", "device_id"),
    partition_by="toYYYYMM(time)",
    tombstones=True,
)

RR_INTERVALS: Final = Table(
    "rr_intervals",
    "Times between heart beats as devices sent them, one row a frame that has any; frames may overlap.",
    (
        *OF_FRAMES,
        Column("time", TIME, "time of the frame's first sample"),
        Column("last_time", TIME, "time of the frame's last sample"),
        Column("rr_ms", "Array(UInt16)", "intervals in the order of the beats; 0: a beat was missed", "ms"),
        *OF_READINGS,
        *SOURCE,
    ),
    order_by=("user_id", "workout_id", "time", "device_id"),
    partition_by="toYYYYMM(time)",
    tombstones=True,
)

MINUTE_PARTIALS: Final = Table(
    "minute_partials",
    "What one sensor frame says of one minute; read minute_rollups, which counts resent and overlapping frames once.",
    (
        *OF_FRAMES,
        Column("minute", "DateTime('UTC')", "start of the minute"),
        Column("frame_start", TIME, "time of the frame's first sample"),
        Column("seconds_mask", "UInt64", "bit i: the frame has a sample in second i of the minute"),
        Column("n", "UInt16", "samples of the frame in the minute"),
        *(
            column
            for channel, unit in CHANNELS
            for column in (
                Column(f"{channel}_{suffix(unit)}_sum", "Float64", f"sum of {channel}", unit),
                Column(f"{channel}_{suffix(unit)}_min", "Float32", f"smallest {channel}", unit, optional=True),
                Column(f"{channel}_{suffix(unit)}_max", "Float32", f"largest {channel}", unit, optional=True),
                Column(f"{channel}_count", "UInt16", f"samples that have {channel}"),
            )
        ),
        Column("distance_m", "Float32", "distance gained between the frame's samples in the minute", "m"),
        *OF_READINGS,
        *SOURCE,
    ),
    order_by=("user_id", "minute", "device_id", "frame_start"),
    partition_by="toYYYYMM(minute)",
    tombstones=True,
)

BOARD_SCORES: Final = Table(
    "board_scores",
    "Leaderboards: a user's whole score on a board; read the view boards, which ranks them.",
    (
        Column("metric", "LowCardinality(String)", "what is ranked: a name in boards.yaml"),
        Column("sport", "LowCardinality(String)", "family of sports, or all"),
        Column("period", "LowCardinality(String)", "day, week, month, year or all"),
        Column("period_key", "String", "which one: 2026-11-24, 2026-W48, 2026-11, 2026, all"),
        USER,
        Column("score", "Float64", "the whole score, in the board's unit"),
        Column("achieved_at", TIME, "end of the workout with which the score was reached"),
        Column("workouts", "UInt32", "workouts of the sport and period that count"),
        Column("less_is_better", "UInt8", "1: the least score is first"),
        Column("deleted", "UInt8", "1: the user is no longer on the board"),
        *SOURCE,
    ),
    order_by=("metric", "sport", "period", "period_key", "user_id"),
)

ATHLETES: Final = Table(
    "athletes",
    "Who athletes say they are, one row a registered user: what boards can be narrowed by.",
    (
        USER,
        Column("sex", "LowCardinality(String)", "female, male or unspecified"),
        Column("birth_year", "UInt16", "year of birth", optional=True),
        Column("country", "LowCardinality(String)", "ISO 3166-1 alpha-2 code; empty: not said"),
        Column("deleted", "UInt8", "1: erased"),
        *SOURCE,
    ),
    order_by=("user_id",),
)

WORKOUTS: Final = Table(
    "workouts",
    "One row a workout, for analysts.",
    (
        USER,
        WORKOUT,
        Column("status", "LowCardinality(String)", "counted, duplicate or deleted"),
        Column("duplicate_of", "String", "the workout that counts instead; empty: none"),
        Column("sport", "LowCardinality(String)", "sport"),
        Column("title", "String", "title given by the athlete or device"),
        Column("device_id", "String", "the device that recorded; empty: entered by hand"),
        Column("start", TIME, "start"),
        Column("end", TIME, "end"),
        Column("local_day", "Date32", "local day of the start"),
        Column("distance_m", "Float64", "distance", "m", optional=True),
        Column("elapsed_s", "Float64", "start to end", "s", optional=True),
        Column("timer_time_s", "Float64", "elapsed less pauses", "s", optional=True),
        Column("moving_time_s", "Float64", "time in motion", "s", optional=True),
        Column("elevation_gain_m", "Float64", "climbed", "m", optional=True),
        Column("elevation_loss_m", "Float64", "descended", "m", optional=True),
        Column("mean_heart_rate_bpm", "Float32", "mean heart rate", "bpm", optional=True),
        Column("max_heart_rate_bpm", "Float32", "highest heart rate", "bpm", optional=True),
        Column("mean_power_w", "Float32", "mean power", "W", optional=True),
        Column("max_power_w", "Float32", "highest power", "W", optional=True),
        Column("normalised_power_w", "Float32", "normalised power", "W", optional=True),
        Column("mean_speed_m_s", "Float32", "mean speed", "m/s", optional=True),
        Column("max_speed_m_s", "Float32", "highest speed", "m/s", optional=True),
        Column("mean_cadence_rpm", "Float32", "mean cadence", "rpm", optional=True),
        Column("energy_kcal", "Float32", "energy", "kcal", optional=True),
        Column("load", "Float64", "training load", optional=True),
        Column("load_method", "LowCardinality(String)", "how the load was computed; empty: deleted"),
        Column("sample_count", "UInt32", "samples that the summary rests on"),
        Column("quality_score", "Float32", "how far the recording can be trusted, 0 to 100", optional=True),
        Column("grade_adjusted_speed_m_s", "Float32", "level speed that costs as much", "m/s", optional=True),
        Column("xpower_w", "Float32", "xPower", "W", optional=True),
        Column("intensity_factor", "Float32", "normalised by threshold power", optional=True),
        Column("efficiency_factor", "Float32", "W on wheels or m/min on foot, by bpm", optional=True),
        Column("aerobic_decoupling", "Float32", "share of output by heartbeat lost in the second half", optional=True),
        Column("heart_rate_load", "Float64", "load by heart rate alone", optional=True),
        Column("ranked", "UInt8", "1: boards count it; no flag, and no choice of its athlete, keeps it off"),
        Column("flags", "LowCardinality(String)", "rules of integrity that flag it, by comma"),
        Column("notes", "LowCardinality(String)", "rules of integrity that note something of it, by comma"),
        Column("flag_reasons", "String", "why it is flagged, a line a rule"),
        Column("unreviewed", "UInt8", "1: a flag waits for a review"),
        Column("appeal", "String", "what the athlete says against the flags; empty: nothing"),
        Column("deleted", "UInt8", "1: deleted by the athlete"),
        *SOURCE,
    ),
    order_by=("user_id", "workout_id"),
)

TRAINING_DAYS: Final = Table(
    "training_days",
    "An athlete's training by local day, from the first workout to the last; a day of rest has load 0. How each figure "
    "is made says domain.training_days.",
    (
        USER,
        Column("local_day", "Date32", "the athlete's calendar day"),
        Column("load", "Float64", "load of the day's workouts; an hour at threshold is 100"),
        Column("workouts", "UInt16", "workouts that count"),
        Column("moving_time_s", "Float64", "time in motion", "s"),
        Column("acute_load_7d", "Float64", "load of 7 days"),
        Column("chronic_load_28d", "Float64", "mean week of 28 days"),
        Column("ewma_acute_7d", "Float64", "exponentially weighted mean, 7 days"),
        Column("ewma_chronic_28d", "Float64", "exponentially weighted mean, 28 days"),
        Column("acwr_coupled", "Float64", "mean of 7 days by mean of 28", optional=True),
        Column("acwr_uncoupled", "Float64", "mean of 7 days by mean of the 21 before", optional=True),
        Column("acwr_ewma", "Float64", "the exponentially weighted means, one by the other", optional=True),
        Column("monotony_7d", "Float64", "mean by deviation of 7 days", optional=True),
        Column("strain_7d", "Float64", "load of 7 days times monotony", optional=True),
        Column("fitness_ctl", "Float64", "chronic training load, 42 days"),
        Column("fatigue_atl", "Float64", "acute training load, 7 days"),
        Column("form_tsb", "Float64", "fitness less fatigue of the day before"),
        Column("longest_run_m", "Float64", "longest run of the day", "m"),
        Column("longest_run_30d_m", "Float64", "longest run of the 30 days before", "m"),
        Column("run_spike", "Float64", "the one by the other", optional=True),
        Column("deleted", "UInt8", "1: the day is before the first workout or after the last"),
        *SOURCE,
    ),
    order_by=("user_id", "local_day"),
)

SEGMENTS: Final = Table(
    "segments",
    "Segments on which every pass is timed, as the first partition's copy of the log defines them.",
    (
        Column("segment_id", "String", "the segment (UUID)"),
        Column("name", "String", "its name; empty: removed"),
        Column("family", "LowCardinality(String)", "family of sports that are timed; empty: removed"),
        Column("length_m", "Float64", "length of the line", "m"),
        Column("start_latitude_deg", "Float64", "latitude of the start, WGS 84", "deg"),
        Column("start_longitude_deg", "Float64", "longitude of the start, WGS 84", "deg"),
        Column("defined_by", "String", "who said the last word about it"),
        Column("defined_at", TIME, "when"),
        Column("deleted", "UInt8", "1: removed"),
        *SOURCE,
    ),
    order_by=("segment_id",),
)

SEGMENT_EFFORTS: Final = Table(
    "segment_efforts",
    "Passes of segments; read the view segment_board, which ranks the best of each athlete.",
    (
        Column("segment_id", "String", "the segment (UUID)"),
        USER,
        WORKOUT,
        Column("start", TIME, "crossing of the start, between two samples"),
        Column("end", TIME, "crossing of the finish"),
        Column("elapsed_s", "Float64", "start to end, stops included", "s"),
        Column("covered", "Float64", "share of the segment that the pass was in the corridor of"),
        Column("hidden", "UInt8", "1: a privacy zone hides some of the segment; for the athlete alone, and not ranked"),
        Column("deleted", "UInt8", "1: no effort any more"),
        *SOURCE,
    ),
    order_by=("segment_id", "user_id", "workout_id", "start"),
)

THRESHOLD_HISTORY: Final = Table(
    "threshold_history",
    "How an athlete's thresholds changed: a row for each kind, origin and local day on which it did. What is estimated "
    "ages out, so days may be to come. How each is made says domain.thresholds.",
    (
        USER,
        Column("kind", "LowCardinality(String)", "critical_power_w, ftp_w, lthr_bpm, threshold_speed_m_s or w_prime_j"),
        Column("origin", "LowCardinality(String)", "estimated from workouts, or stated by the athlete"),
        Column("local_day", "Date32", "the athlete's calendar day"),
        Column("changed_at", TIME, "when it changed: the end of a workout, 90 days after one, or the statement's time"),
        Column("value", "Float64", "from then on, in the unit that the kind ends with; none: unknown", optional=True),
        Column("method", "LowCardinality(String)", "how it was made; empty: unknown"),
        Column("evidence_ids", "Array(String)", "the workouts that it rests on, or the event that stated it"),
        Column("evidence_names", "Array(String)", "what of each: 20 min, 10 km, all-out 30 min, stated"),
        Column("deleted", "UInt8", "1: it did not change on that day after all"),
        *SOURCE,
    ),
    order_by=("user_id", "kind", "origin", "local_day"),
)

WELLNESS_DAYS: Final = Table(
    "wellness_days",
    "An athlete's rest by local day, from what is worn all day. How each figure is made says domain.wellness.",
    (
        USER,
        Column("local_day", "Date32", "the athlete's calendar day"),
        Column("zone", "LowCardinality(String)", "where the athlete was at the day's last sample"),
        Column("worn_minutes", "UInt16", "minutes with a heart rate", "min"),
        Column("resting_heart_rate_bpm", "Float64", "lowest mean of half an hour", "bpm", optional=True),
        Column("resting_from_minute", "Float64", "when that began, from midnight", "min", optional=True),
        Column("ln_rmssd", "Float64", "natural logarithm of rMSSD in ms, at rest", optional=True),
        Column("rmssd_ms", "Float64", "rMSSD at rest", "ms", optional=True),
        Column("reading_s", "Float64", "intervals that it rests on", "s"),
        Column("artefact_share", "Float64", "of the intervals, 0 to 1", optional=True),
        Column("hrv_fault", "LowCardinality(String)", "why there is no rMSSD; empty: there is one"),
        *SOURCE,
    ),
    order_by=("user_id", "local_day"),
)

INJURY_SCORES: Final = Table(
    "injury_scores",
    "Injury risk after a workout, as the model of that time saw it.",
    (
        USER,
        WORKOUT,
        Column("at", TIME, "as of when: the workout's end"),
        Column("model_version", "LowCardinality(String)", "model that scored"),
        Column("risk", "Float64", "calibrated probability, 0 to 1"),
        *SOURCE,
    ),
    order_by=("user_id", "workout_id"),
)

RECOMMENDATIONS: Final = Table(
    "recommendations",
    "What was recommended after a workout; rank 1 first. Rows of ranks that a later list lacks have an older offset.",
    (
        USER,
        WORKOUT,
        Column("rank", "UInt8", "place in the list, from 1"),
        Column("at", TIME, "as of when: the workout's end"),
        Column("model_version", "LowCardinality(String)", "model that recommended"),
        Column("workout_kind", "LowCardinality(String)", "kind of workout"),
        Column("sport", "LowCardinality(String)", "sport"),
        Column("score", "Float64", "the model's score"),
        *SOURCE,
    ),
    order_by=("user_id", "workout_id", "rank"),
)

CHALLENGE_SCORES: Final = Table(
    "challenge_scores",
    "Challenges: what each who takes part has of it; read the views challenge_ranks and challenge_teams.",
    (
        Column("challenge_id", "String", "the challenge (UUID)"),
        USER,
        Column("group_id", "String", "the team (UUID of a group); empty: each for themselves"),
        Column("score", "Float64", "the total or the best within the challenge's days, in the unit of its metric"),
        Column("achieved_at", TIME, "end of the workout with which the score was reached; 1970: nothing yet"),
        Column("workouts", "UInt32", "workouts of the challenge's sports and days that count"),
        Column("target", "Float64", "what is wanted, in the unit of the score"),
        Column("less_is_better", "UInt8", "1: the least score is first"),
        Column("reached_at", TIME, "end of the workout with which one's own score came to the target", optional=True),
        Column("deleted", "UInt8", "1: the user does not take part, or the challenge is no more"),
        Column("revision", "UInt64", "how much was known: the row's version"),
        *SOURCE,
    ),
    order_by=("challenge_id", "user_id"),
    version="revision",
)

TRACK_MARKS: Final = Table(
    "track_marks",
    "Marks of the tracks of workouts, by which copies are found: domain.fingerprint.",
    (
        USER,
        WORKOUT,
        Column("accepted_at", TIME, "when the log took the workout in"),
        Column("start", TIME, "start"),
        Column("end", TIME, "end"),
        Column("digest", "UInt64", "changes with times and marks"),
        Column("position", "Array(UInt64)", "lowest marks of the positions"),
        Column("heart_rate", "Array(UInt64)", "lowest marks of the heart rate"),
        Column("power", "Array(UInt64)", "lowest marks of the power"),
        Column("keys", "Array(UInt64)", "what it is looked up by, and was before its marks changed"),
        Column("deleted", "UInt8", "1: there are no marks any more"),
        *SOURCE,
    ),
    order_by=("user_id", "workout_id"),
    granularity=128,  # a row is 1.5 kB of hashes
)

LOOKALIKES: Final = Table(
    "lookalikes",
    "Of the workouts that say the same as one, the one that was accepted first: domain.copies.",
    (
        USER,
        WORKOUT,
        Column("digest", "UInt64", "the digest that its own marks had"),
        Column("other_user_id", "String", "the athlete of the lookalike; empty: there is none"),
        Column("other_workout_id", "String", "the lookalike (UUID)"),
        Column("other_accepted_at", TIME, "when the log took it in"),
        Column("other_digest", "UInt64", "the digest of its marks"),
        Column("share", "Float64", "share of the marks that both have"),
        Column("channel", "LowCardinality(String)", "the channel that agrees best"),
        Column("deleted", "UInt8", "1: no other says the same any more"),
        *SOURCE,
    ),
    order_by=("user_id", "workout_id"),
)

TABLES: Final = {
    table.name: table
    for table in (
        SAMPLES,
        RR_INTERVALS,
        MINUTE_PARTIALS,
        BOARD_SCORES,
        ATHLETES,
        WORKOUTS,
        TRAINING_DAYS,
        SEGMENTS,
        SEGMENT_EFFORTS,
        THRESHOLD_HISTORY,
        WELLNESS_DAYS,
        INJURY_SCORES,
        RECOMMENDATIONS,
        CHALLENGE_SCORES,
        TRACK_MARKS,
        LOOKALIKES,
    )
}
