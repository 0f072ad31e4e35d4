"""The community: who is active, who comes back, and how many social events go through."""

# ruff: noqa: S608 - what is put into SQL here are constants of the code; Grafana quotes what people choose

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from stridelog.dashboards.panels import (
    A_SECOND,
    COUNT,
    columns,
    figure,
    finished,
    lines,
    page,
    promql,
    series_sql,
    stacks,
    table_sql,
)

_COUNTED: Final = "status = 'counted' AND $__dateFilter(local_day)"


def social() -> Dashboard:
    """The dashboard of whoever looks after the community."""
    board = page(
        "stridelog-social",
        "Stridelog: community",
        "Active athletes by what they did. Follows, kudos, comments and groups are kept in MongoDB's feeds only; here "
        "their events are counted as they go through the agents.",
        since="now-90d",
    )
    for panel in (
        figure(
            "Active athletes",
            "Athletes with a workout that counts.",
            COUNT,
            table_sql(f"SELECT uniqExact(user_id) AS athletes FROM workouts FINAL WHERE {_COUNTED}"),
            span=6,
        ),
        figure(
            "New athletes",
            "Athletes whose first workout ever is in the dashboard's time.",
            COUNT,
            table_sql(
                """
SELECT count() AS athletes
FROM (SELECT user_id, min(local_day) AS first_day FROM workouts FINAL WHERE status = 'counted' GROUP BY user_id)
WHERE $__dateFilter(first_day)
"""
            ),
            span=6,
        ),
        figure(
            "Workouts",
            "Workouts that count.",
            COUNT,
            table_sql(f"SELECT count() AS counting FROM workouts FINAL WHERE {_COUNTED}"),
            span=6,
        ),
        figure(
            "Workouts an active athlete",
            "Workouts that count, for each athlete who has any.",
            COUNT,
            table_sql(f"SELECT count() / uniqExact(user_id) AS each FROM workouts FINAL WHERE {_COUNTED}"),
            span=6,
        ),
        lines(
            "Active athletes by day",
            "Athletes with a workout that counts, by local day.",
            COUNT,
            series_sql(
                f"""
SELECT toDateTime(local_day, 'UTC') AS midnight, uniqExact(user_id) AS athletes
FROM workouts FINAL
WHERE {_COUNTED}
GROUP BY midnight
ORDER BY midnight
"""
            ),
        ),
        stacks(
            "Athletes by week: new, kept, back",
            "New: the first week ever with a workout. Kept: active in the week before too. Back: active before, but "
            "not in the week before. Weeks begin on Monday.",
            COUNT,
            series_sql(
                """
SELECT toDateTime(this, 'UTC') AS week,
    multiIf(week_before IS NULL, 'new', week_before = addDays(this, -7), 'kept', 'back') AS standing,
    count() AS athletes
FROM (
    SELECT this, lagInFrame(toNullable(this)) OVER (
        PARTITION BY user_id ORDER BY this ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
    ) AS week_before
    FROM (SELECT DISTINCT user_id, toMonday(local_day) AS this FROM workouts FINAL WHERE status = 'counted')
)
WHERE $__dateFilter(this)
GROUP BY week, standing
ORDER BY week, standing
"""
            ),
        ),
        columns(
            "Athletes on weekly boards",
            "Athletes on the board of workouts, all sports, of the latest 26 weeks.",
            COUNT,
            table_sql(
                """
SELECT period_key, athletes
FROM (
    SELECT period_key, count() AS athletes
    FROM board_scores FINAL
    WHERE metric = 'workouts' AND sport = 'all' AND period = 'week' AND NOT deleted
    GROUP BY period_key
    ORDER BY period_key DESC
    LIMIT 26
)
ORDER BY period_key
"""
            ),
            x="period_key",
        ),
        columns(
            "Time by sport",
            "Moving time of workouts that count.",
            units.DurationSeconds,
            table_sql(
                f"""
SELECT sport, sum(moving_time_s) AS moving_time
FROM workouts FINAL
WHERE {_COUNTED}
GROUP BY sport
ORDER BY moving_time DESC, sport
"""
            ),
            x="sport",
        ),
        lines(
            "Social events",
            "Follows, kudos, comments and groups as agents take them: each agent that reads the topic has a line.",
            A_SECOND,
            promql(
                'sum by (agent) (rate(stridelog_records_total{topic=~".*social-events"}[$__rate_interval]))',
                "{{agent}}",
            ),
        ),
        stacks(
            "Social events by outcome",
            "Dropped ones were known already; dead ones are listed by stridelog dlq list --topic social-events.",
            COUNT,
            promql(
                'sum by (outcome) (increase(stridelog_records_total{topic=~".*social-events"}[$__rate_interval]))',
                "{{outcome}}",
            ),
        ),
    ):
        board = board.with_panel(panel)
    return finished(board)
