"""What devices send: wear time, samples, overlaps, samples sent again, clocks that were wrong."""

# ruff: noqa: S608 - what is put into SQL here are constants of the code; Grafana quotes what people choose

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from domain.summary import WINDOW_SLACK_US
from stridelog.dashboards.panels import (
    COUNT,
    columns,
    figure,
    finished,
    found_several,
    lines,
    listing,
    page,
    promql,
    series_sql,
    stacks,
    table_sql,
)

_CHOSEN: Final = "$__conditionalAll(device_id IN (${device:sqlstring}), $device)"
_MINUTES: Final = f"$__timeFilter(minute) AND {_CHOSEN}"
# A minute of one athlete and device with a sample in it counts whole, however often it was sent.
_WEAR_S: Final = "uniqExact(user_id, device_id, minute) * 60"
_SLACK_S: Final = WINDOW_SLACK_US // 1_000_000


def ingestion() -> Dashboard:
    """The dashboard of whoever looks after devices."""
    board = page(
        "stridelog-ingestion",
        "Stridelog: ingestion by device",
        "What devices sent, by the time at which it was measured. ClickHouse does not keep when a frame arrived, nor a "
        "frame that was sent again once it is merged: late uploads and all resends cannot be counted here.",
        since="now-7d",
    )
    devices = found_several(
        "device",
        "Device",
        "SELECT DISTINCT device_id FROM minute_partials WHERE $__timeFilter(minute) ORDER BY device_id",
    )
    board = board.with_variable(devices)
    for panel in (
        figure(
            "Devices",
            "Devices with a sample.",
            COUNT,
            table_sql(f"SELECT uniqExact(device_id) AS devices FROM minute_partials WHERE {_MINUTES}"),
            span=5,
        ),
        figure(
            "Athletes",
            "Athletes of whom there is a sample.",
            COUNT,
            table_sql(f"SELECT uniqExact(user_id) AS athletes FROM minute_partials WHERE {_MINUTES}"),
            span=5,
        ),
        figure(
            "Wear time",
            "Minutes with a sample, of all devices.",
            units.DurationSeconds,
            table_sql(f"SELECT {_WEAR_S} AS wear_s FROM minute_partials WHERE {_MINUTES}"),
            span=5,
        ),
        figure(
            "Samples",
            "Points in time that frames hold; a frame that was sent again counts once.",
            COUNT,
            table_sql(f"SELECT sum(n) AS samples FROM minute_partials FINAL WHERE {_MINUTES}"),
            span=5,
        ),
        figure(
            "Rows sent again",
            "Rows of samples that are there more than once, because devices resent them or workers wrote a batch "
            "again, and ClickHouse has not merged them yet: a lower bound, which falls with each merge.",
            COUNT,
            table_sql(
                "SELECT count() - uniqExact(user_id, workout_id, samples.time, device_id) AS copies FROM samples "
                f"WHERE $__timeFilter(samples.time) AND {_CHOSEN}"
            ),
            span=4,
        ),
        stacks(
            "Wear time by day",
            "Minutes with a sample, by day in UTC. A minute that two devices measured counts for each.",
            units.DurationSeconds,
            series_sql(
                f"""
SELECT toStartOfDay(minute) AS day, if(workout_id = '', 'all-day wear', 'workouts') AS worn, {_WEAR_S} AS wear_s
FROM minute_partials
WHERE {_MINUTES}
GROUP BY day, worn
ORDER BY day, worn
"""
            ),
        ),
        lines(
            "Samples over time",
            "Points in time that frames hold, by when they were measured.",
            COUNT,
            series_sql(
                f"""
SELECT $__timeInterval(minute) AS measured, sum(n) AS samples
FROM minute_partials FINAL
WHERE {_MINUTES}
GROUP BY measured
ORDER BY measured
"""
            ),
        ),
        listing(
            "By device",
            "The 200 devices with most samples. Samples in overlaps share a second with samples of a larger frame, "
            "after a lost connection for example, and are counted once. The shares are of samples with that channel.",
            table_sql(
                f"""
WITH
    sent AS (
        SELECT device_id, uniqExact(user_id) AS athletes, {_WEAR_S} AS wear_s, sum(n) AS samples,
            sum(heart_rate_count) / samples AS heart_rate, sum(power_count) / samples AS power,
            sum(speed_count) / samples AS speed, max(minute) AS last_minute
        FROM minute_partials FINAL
        WHERE {_MINUTES}
        GROUP BY device_id
    ),
    counted AS (
        SELECT device_id, sum(n) AS samples
        FROM minute_rollups
        WHERE {_MINUTES}
        GROUP BY device_id
    )
SELECT sent.device_id AS device, sent.athletes AS athletes, sent.wear_s AS wear, sent.samples AS samples,
    sent.samples - counted.samples AS in_overlaps, sent.heart_rate AS heart_rate, sent.power AS power,
    sent.speed AS speed, sent.last_minute AS last_minute
FROM sent INNER JOIN counted ON counted.device_id = sent.device_id
ORDER BY samples DESC, device
LIMIT 200
"""
            ),
            column_units={
                "wear": units.DurationSeconds,
                "heart_rate": units.PercentUnit,
                "power": units.PercentUnit,
                "speed": units.PercentUnit,
                "last_minute": units.DatetimeISO,
            },
        ),
        columns(
            "Samples in overlaps",
            "The 20 devices with most samples that share a second with samples of a larger frame.",
            COUNT,
            table_sql(
                f"""
SELECT sent.device_id AS device, sent.samples - counted.samples AS in_overlaps
FROM (SELECT device_id, sum(n) AS samples FROM minute_partials FINAL WHERE {_MINUTES} GROUP BY device_id) AS sent
INNER JOIN (SELECT device_id, sum(n) AS samples FROM minute_rollups WHERE {_MINUTES} GROUP BY device_id) AS counted
    ON counted.device_id = sent.device_id
WHERE in_overlaps > 0
ORDER BY in_overlaps DESC, device
LIMIT 20
"""
            ),
            x="device",
        ),
        stacks(
            "Sensor frames that became dead letters",
            "By reason. time_out_of_range is a clock that is further off than any workout can be.",
            COUNT,
            promql(
                'sum by (reason) (increase(stridelog_dead_letters_total{agent="sensors"}[$__rate_interval]))',
                "{{reason}}",
            ),
        ),
        stacks(
            "How frames come",
            "Late, out of order, from a clock that is ahead; and summaries for which a reset clock was corrected.",
            COUNT,
            promql("sum by (case) (increase(stridelog_timing_total[$__rate_interval]))", "{{case}}"),
            span=24,
        ),
        listing(
            "Clock faults",
            f"Samples that lie more than {_SLACK_S} s outside of the workout that they are said to be of: the device's "
            "clock was reset on the way. Summaries place them where they belong, if that can be told. "
            "The dashboard's time is that of the workouts.",
            table_sql(
                f"""
WITH finished AS (
    SELECT user_id, workout_id, workouts.start AS began, workouts.end AS ended
    FROM workouts FINAL
    WHERE NOT deleted AND $__timeFilter(workouts.start)
)
SELECT measured.device_id AS device, uniqExact(measured.workout_id) AS workouts, count() AS samples,
    min(measured.time) AS earliest, max(measured.time) AS latest
FROM (
    SELECT user_id, workout_id, device_id, samples.time AS time
    FROM samples FINAL
    WHERE (user_id, workout_id) IN (SELECT user_id, workout_id FROM finished) AND {_CHOSEN}
) AS measured
INNER JOIN finished ON finished.user_id = measured.user_id AND finished.workout_id = measured.workout_id
WHERE measured.time < finished.began - INTERVAL {_SLACK_S} SECOND
    OR measured.time > finished.ended + INTERVAL {_SLACK_S} SECOND
GROUP BY device
ORDER BY samples DESC, device
LIMIT 100
"""
            ),
            column_units={"earliest": units.DatetimeISO, "latest": units.DatetimeISO},
        ),
    ):
        board = board.with_panel(panel)
    return finished(board)
