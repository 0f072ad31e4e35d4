"""One athlete's training: load by day, fitness, fatigue and form, zones, workouts."""

# ruff: noqa: S608 - what is put into SQL here are constants of the code; Grafana quotes what people choose

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from domain.load import ACUTE_DAYS, FATIGUE_TAU_DAYS, FITNESS_TAU_DAYS
from domain.zones import HR_MAX_EDGES
from stridelog.dashboards.panels import (
    COUNT,
    columns,
    figure,
    finished,
    found,
    lines,
    listing,
    page,
    series_sql,
    stacks,
    table_sql,
    typed,
)

_COUNTED: Final = "user_id = ${user:sqlstring} AND status = 'counted'"


_OF_ATHLETE: Final = "user_id = ${user:sqlstring}"


def _thresholds(kinds: str) -> str:
    """Changes of these kinds, a line each; the last one before the dashboard's time stands at its beginning."""
    return f"""
SELECT greatest(changed_at, toDateTime64($__fromTime, 6, 'UTC')) AS changed, concat(kind, ' ', origin) AS threshold,
    value
FROM (
    SELECT kind, origin, changed_at, value, leadInFrame(changed_at) OVER (
        PARTITION BY kind, origin ORDER BY changed_at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
    ) AS changed_again
    FROM threshold_history FINAL
    WHERE {_OF_ATHLETE} AND kind IN ({kinds}) AND NOT deleted
)
WHERE $__timeFilter(changed)
    AND (changed_again > toDateTime64($__fromTime, 6, 'UTC') OR toUnixTimestamp(changed_again) = 0)
ORDER BY changed, threshold
"""


def _decayed(tau_days: float) -> str:
    """``domain.load.fitness``: the sum of load · e^(-age/τ), times 1 - e^(-1/τ)."""
    return (
        f"(1 - exp(-1 / {tau_days})) * exponentialTimeDecayedSum({tau_days})(load, day) "
        "OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )


# Every day from the athlete's first workout to the end of the dashboard's time, as domain.load has it: form is of the
# day before, and fitness and fatigue begin at 0, so what came before the dashboard's time is read too.
_STATE: Final = f"""
WITH
    trained AS (
        SELECT toInt32(local_day) AS day, sum(workouts.load) AS load
        FROM workouts FINAL
        WHERE {_COUNTED} AND local_day <= toDate32($__toTime)
        GROUP BY day
    ),
    days AS (
        SELECT arrayJoin(range(min(day), toInt32(toDate32($__toTime)) + 1)) AS day FROM trained HAVING count() > 0
    ),
    daily AS (
        SELECT days.day AS day, ifNull(trained.load, 0) AS load FROM days LEFT JOIN trained ON trained.day = days.day
    ),
    decayed AS (
        SELECT day,
            {_decayed(FITNESS_TAU_DAYS)} AS fitness,
            {_decayed(FATIGUE_TAU_DAYS)} AS fatigue,
            sum(load) OVER (ORDER BY day ROWS BETWEEN {ACUTE_DAYS - 1} PRECEDING AND CURRENT ROW) AS acute_load
        FROM daily
    ),
    state AS (
        SELECT toDateTime(day * 86400, 'UTC') AS midnight, fitness, fatigue,
            lagInFrame(fitness - fatigue, 1, 0) OVER (ORDER BY day ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS form,
            acute_load
        FROM decayed
    )
"""

_ZONE: Final = "1 + " + " + ".join(f"(heart_rate >= {edge} * highest)" for edge in HR_MAX_EDGES)


def training() -> Dashboard:
    """The dashboard of athletes and coaches."""
    board = page(
        "stridelog-training",
        "Stridelog: training",
        "One athlete's training by local day, computed as domain/load.py does. Formulas, sources and criticism are in "
        "docs/metrics.md.",
        since="now-90d",
    )
    board = board.with_variable(
        found(
            "user",
            "Athlete",
            "SELECT user_id FROM workouts FINAL WHERE status = 'counted' AND $__timeFilter(workouts.start) "
            "GROUP BY user_id ORDER BY count() DESC, user_id LIMIT 1000",
        )
    ).with_variable(typed("hr_max", "Maximum heart rate", "190"))
    for panel in (
        figure(
            "At the end of the dashboard's time",
            f"Fitness (CTL, τ {FITNESS_TAU_DAYS:g} days), fatigue (ATL, τ {FATIGUE_TAU_DAYS:g} days), form (TSB, of "
            f"the day before) and the load of the last {ACUTE_DAYS} days. Load has no unit: an hour at threshold is "
            "100.",
            COUNT,
            table_sql(f"{_STATE}SELECT fitness, fatigue, form, acute_load FROM state ORDER BY midnight DESC LIMIT 1"),
            span=24,
        ),
        lines(
            "Fitness, fatigue and form",
            "Chronic training load, acute training load, and their difference of the day before. 42 and 7 days are "
            "conventions, not the athlete's own constants; all begin at 0 at the first workout that is known.",
            COUNT,
            series_sql(
                f"{_STATE}SELECT midnight, fitness, fatigue, form FROM state "
                "WHERE $__dateFilter(toDate(midnight)) ORDER BY midnight"
            ),
            span=24,
        ),
        stacks(
            "Load by day and sport",
            "Training load of the workouts that count, by the local day on which they began.",
            COUNT,
            series_sql(
                f"""
SELECT toDateTime(local_day, 'UTC') AS midnight, sport, sum(workouts.load) AS load
FROM workouts FINAL
WHERE {_COUNTED} AND $__dateFilter(local_day)
GROUP BY midnight, sport
ORDER BY midnight, sport
"""
            ),
        ),
        stacks(
            "Moving time by week and sport",
            "Weeks begin on Monday; the first and the last may be cut by the dashboard's time.",
            units.DurationSeconds,
            series_sql(
                f"""
SELECT toDateTime(toMonday(local_day), 'UTC') AS week, sport, sum(moving_time_s) AS moving_time
FROM workouts FINAL
WHERE {_COUNTED} AND $__dateFilter(local_day)
GROUP BY week, sport
ORDER BY week, sport
"""
            ),
        ),
        stacks(
            "Time in heart-rate zones by week",
            "Minutes of workouts by their mean heart rate, as shares of the maximum typed above: "
            + ", ".join(f"{edge:.0%}" for edge in HR_MAX_EDGES)
            + " are the lower edges of zones 2 to 5. Where several devices measured a minute, the highest mean counts. "
            "Coarser than the zones of a workout, which are of samples and of the athlete's own threshold: those are "
            "in MongoDB only.",
            units.DurationSeconds,
            series_sql(
                f"""
SELECT toDateTime(toMonday(measured), 'UTC') AS week, concat('zone ', toString({_ZONE})) AS zone, count() * 60 AS held
FROM (
    SELECT minute AS measured, max(heart_rate_bpm_mean) AS heart_rate, toFloat64(${{hr_max:sqlstring}}) AS highest
    FROM minute_rollups
    WHERE user_id = ${{user:sqlstring}} AND workout_id != '' AND heart_rate_count > 0 AND $__timeFilter(minute)
    GROUP BY measured
)
GROUP BY week, zone
ORDER BY week, zone
"""
            ),
        ),
        lines(
            "Threshold power and critical power",
            "What the athlete stated, and what best efforts of the last 90 days support (docs/physiology.md). Zones "
            "and loads are made with what is stated.",
            units.Watt,
            series_sql(_thresholds("'ftp_w', 'critical_power_w'")),
        ),
        lines(
            "Threshold speed",
            "Speed that can be held for an hour: stated, and what the best run of the last 90 days foretells.",
            units.MetersPerSecond,
            series_sql(_thresholds("'threshold_speed_m_s'")),
        ),
        lines(
            "Resting heart rate",
            "Lowest mean of half an hour of each day on which a device was worn for 10 hours, and the median of the 7 "
            "measured days before.",
            "suffix: bpm",
            series_sql(
                f"""
SELECT toDateTime(local_day, 'UTC') AS midnight, resting_heart_rate_bpm AS resting,
    quantileExact(0.5)(resting_heart_rate_bpm)
        OVER (ORDER BY local_day ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING) AS usual
FROM wellness_days FINAL
WHERE {_OF_ATHLETE} AND resting_heart_rate_bpm IS NOT NULL AND $__dateFilter(local_day)
ORDER BY midnight
"""
            ),
        ),
        lines(
            "Heart-rate variability at rest",
            "Natural logarithm of rMSSD in the half hour of rest, and the mean of the last 7 readings. Never made of a "
            "heart rate; days with too many artefacts have none.",
            COUNT,
            series_sql(
                f"""
SELECT toDateTime(local_day, 'UTC') AS midnight, ln_rmssd,
    avg(ln_rmssd) OVER (ORDER BY local_day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS mean_of_seven
FROM wellness_days FINAL
WHERE {_OF_ATHLETE} AND ln_rmssd IS NOT NULL AND $__dateFilter(local_day)
ORDER BY midnight
"""
            ),
        ),
        columns(
            "How loads were computed",
            "Workouts by the method of their load: power at best, else heart rate, else perceived exertion, else "
            "duration only. Loads of different methods are on one scale, not equally good.",
            COUNT,
            table_sql(
                f"""
SELECT load_method, count() AS workouts
FROM workouts FINAL
WHERE {_COUNTED} AND $__dateFilter(local_day)
GROUP BY load_method
ORDER BY workouts DESC, load_method
"""
            ),
            x="load_method",
        ),
        listing(
            "Workouts",
            "The latest 200, those that do not count too: a duplicate is the same workout of a second device.",
            table_sql(
                """
SELECT workouts.start AS start, sport, title, status, workouts.distance_m AS distance, moving_time_s AS moving_time,
    elevation_gain_m AS climbed, mean_heart_rate_bpm AS heart_rate, normalised_power_w AS normalised_power,
    workouts.load AS load, load_method, sample_count AS samples, device_id AS device
FROM workouts FINAL
WHERE user_id = ${user:sqlstring} AND NOT deleted AND $__timeFilter(workouts.start)
ORDER BY start DESC
LIMIT 200
"""
            ),
            column_units={
                "start": units.DatetimeISO,
                "distance": units.Meter,
                "moving_time": units.DurationSeconds,
                "climbed": units.Meter,
                "heart_rate": "suffix: bpm",
                "normalised_power": units.Watt,
            },
        ),
    ):
        board = board.with_panel(panel)
    return finished(board)
