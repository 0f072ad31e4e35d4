"""Leaderboards as athletes see them, and how they fill."""

# ruff: noqa: S608 - what is put into SQL here are constants of the code; Grafana quotes what people choose

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from domain.boards import ALL_SPORTS, BOARD_SPORTS
from domain.days import PERIODS
from stridelog import boards_file
from stridelog.dashboards.panels import (
    COUNT,
    choice,
    columns,
    figure,
    finished,
    found,
    lines,
    listing,
    page,
    series_sql,
    spread,
    table_sql,
)

_KIND: Final = "metric = ${metric:sqlstring} AND sport = ${sport:sqlstring} AND period = ${period:sqlstring}"
_BOARD: Final = f"{_KIND} AND period_key = ${{period_key:sqlstring}}"
_PASSED: Final = (
    "NOT deleted AND segment_id IN (SELECT segment_id FROM segment_efforts FINAL WHERE NOT deleted AND NOT hidden)"
)
_SEGMENT: Final = (
    "segment_id IN (SELECT segment_id FROM segments FINAL WHERE NOT deleted AND name = ${segment:sqlstring})"
)
_UNITS: Final = {rule.name: rule.unit for rule in boards_file.load().rules}
_UNIT: Final = f"transform(metric, [{', '.join(map(repr, _UNITS))}], [{', '.join(map(repr, _UNITS.values()))}], '')"


def leaderboards() -> Dashboard:
    """The dashboard of a community's managers."""
    board = page(
        "stridelog-leaderboards",
        "Stridelog: leaderboards",
        "One board: a metric, a family of sports and a calendar period of local days. Scores are in the metric's unit. "
        "Names of athletes are not in ClickHouse.",
        since="now-30d",
    )
    board = (
        board.with_variable(choice("metric", "Metric", tuple(_UNITS), "distance"))
        .with_variable(choice("sport", "Sport", BOARD_SPORTS, ALL_SPORTS))
        .with_variable(choice("period", "Period", PERIODS, "week"))
        .with_variable(
            found(
                "period_key",
                "Which one",
                f"SELECT period_key FROM board_scores FINAL WHERE {_KIND} AND NOT deleted "
                "GROUP BY period_key ORDER BY period_key DESC",
            )
        )
        .with_variable(found("segment", "Segment", f"SELECT name FROM segments FINAL WHERE {_PASSED} ORDER BY name"))
    )
    for panel in (
        figure(
            "Athletes on the board",
            "Athletes with a score.",
            COUNT,
            table_sql(f"SELECT count() AS athletes FROM board_scores FINAL WHERE {_BOARD} AND NOT deleted"),
            span=6,
        ),
        figure(
            "All together",
            "The sum of all scores, in the metric's unit.",
            COUNT,
            table_sql(f"SELECT sum(score) AS total FROM board_scores FINAL WHERE {_BOARD} AND NOT deleted"),
            span=6,
        ),
        figure(
            "Workouts",
            "Workouts that count on the board.",
            COUNT,
            table_sql(
                f"SELECT sum(board_scores.workouts) AS counting FROM board_scores FINAL WHERE {_BOARD} AND NOT deleted"
            ),
            span=6,
        ),
        figure(
            "Median athlete",
            "Half of the athletes have more; in the metric's unit.",
            COUNT,
            table_sql(f"SELECT median(score) AS typical FROM board_scores FINAL WHERE {_BOARD} AND NOT deleted"),
            span=6,
        ),
        listing(
            "Board",
            "The first 100 places. Of equals, who got there first is ahead; equals at the same time share a rank.",
            table_sql(
                f"""
SELECT rank, user_id AS athlete, score, {_UNIT} AS unit, boards.workouts AS workouts, achieved_at
FROM boards
WHERE {_BOARD}
ORDER BY rank, athlete
LIMIT 100
"""
            ),
            column_units={"achieved_at": units.DatetimeISO},
            span=12,
        ),
        columns(
            "First ten",
            "Scores of the first ten places, in the metric's unit.",
            COUNT,
            table_sql(
                f"SELECT user_id AS athlete, score FROM boards WHERE {_BOARD} AND rank <= 10 ORDER BY rank, athlete"
            ),
            x="athlete",
        ),
        spread(
            "Spread of scores",
            "How many athletes have which score, in the metric's unit.",
            COUNT,
            table_sql(f"SELECT score FROM board_scores FINAL WHERE {_BOARD} AND NOT deleted ORDER BY score"),
        ),
        columns(
            "Athletes by period",
            "Athletes on boards of this kind, of the latest 26 periods.",
            COUNT,
            table_sql(
                f"""
SELECT period_key, athletes
FROM (
    SELECT period_key, count() AS athletes
    FROM board_scores FINAL
    WHERE {_KIND} AND NOT deleted
    GROUP BY period_key
    ORDER BY period_key DESC
    LIMIT 26
)
ORDER BY period_key
"""
            ),
            x="period_key",
        ),
        lines(
            "Scores by when they were achieved",
            "Scores of boards of this kind, of whichever period, by the end of the latest workout that counts.",
            COUNT,
            series_sql(
                f"""
SELECT $__timeInterval(achieved_at) AS achieved, count() AS scores
FROM board_scores FINAL
WHERE {_KIND} AND NOT deleted AND $__timeFilter(achieved_at)
GROUP BY achieved
ORDER BY achieved
"""
            ),
            span=24,
        ),
        listing(
            "Segment",
            "The best effort of each athlete on the segment, the first 100 places by whole seconds; of equals, who got "
            "there first is ahead.",
            table_sql(
                f"""
SELECT rank, user_id AS athlete, elapsed_s, segment_board.efforts AS efforts, achieved_at
FROM segment_board
WHERE {_SEGMENT}
ORDER BY rank, athlete
LIMIT 100
"""
            ),
            column_units={"elapsed_s": units.Seconds, "achieved_at": units.DatetimeISO},
            span=12,
        ),
        lines(
            "Efforts on the segment",
            "Passes of the segment by when they ended, without those that privacy zones hide.",
            COUNT,
            series_sql(
                f"""
SELECT $__timeInterval(end) AS passed, count() AS efforts
FROM segment_efforts FINAL
WHERE {_SEGMENT} AND NOT deleted AND NOT hidden AND $__timeFilter(end)
GROUP BY passed
ORDER BY passed
"""
            ),
            span=12,
        ),
    ):
        board = board.with_panel(panel)
    return finished(board)
