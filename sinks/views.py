"""The ClickHouse views that analysts and the API read tables by."""

from dataclasses import dataclass
from typing import Final

from sinks.tables import CHANNELS, MINUTE_PARTIALS, suffix


@dataclass(frozen=True, slots=True)
class View:
    """A named SELECT; ``{db}`` stands for the database."""

    name: str
    doc: str
    select: str

    def ddl(self, database: str) -> str:
        """CREATE VIEW in a database; an older definition is replaced."""
        return f"CREATE OR REPLACE VIEW `{database}`.`{self.name}` AS\n{self.select.format(db=f'`{database}`')}"


_PARTIAL: Final = tuple(
    column.name
    for column in MINUTE_PARTIALS.columns
    if column.name not in {"user_id", "minute", "device_id", "revision", "deleted", "source_partition", "source_offset"}
)


def _rollup_columns() -> str:
    lines = []
    for channel, unit in CHANNELS:
        stem = f"{channel}_{suffix(unit)}"
        lines += [
            f"if(sum(partial.{channel}_count) = 0, NULL, sum(partial.{stem}_sum) / sum(partial.{channel}_count)) "
            f"AS {stem}_mean",
            f"min(partial.{stem}_min) AS {stem}_min",
            f"max(partial.{stem}_max) AS {stem}_max",
            f"sum(partial.{channel}_count) AS {channel}_count",
        ]
    return ",\n    ".join(lines)


MINUTE_ROLLUPS: Final = View(
    "minute_rollups",
    "One row a (user, minute, device). Of the frames that say something about a minute, the one with most samples "
    "counts first, then by time of its first sample; one that shares a second with those taken before is left out.",
    f"""
SELECT user_id, minute, device_id,
    max(partial.workout_id) AS workout_id,
    sum(partial.n) AS n,
    bitCount(groupBitOr(partial.seconds_mask)) AS seconds,
    {_rollup_columns()},
    sum(partial.distance_m) AS distance_m
FROM (
    SELECT user_id, minute, device_id,
        arraySort(p -> (-toInt32(p.n), p.frame_start), groupArray(
            CAST(tuple({", ".join(_PARTIAL)}) AS Tuple({
        ", ".join(
            f"{c.name} " + (f"Nullable({c.type})" if c.optional else c.type)
            for c in MINUTE_PARTIALS.columns
            if c.name in _PARTIAL
        )
    })))) AS partials,
        arrayFold(
            (taken, mask) -> if(
                bitAnd(taken.1, mask) = 0,
                (bitOr(taken.1, mask), arrayPushBack(taken.2, toUInt8(1))),
                (taken.1, arrayPushBack(taken.2, toUInt8(0)))
            ),
            arrayMap(p -> p.seconds_mask, partials),
            (toUInt64(0), emptyArrayUInt8())
        ).2 AS counts,
        arrayJoin(arrayFilter((p, count) -> count = 1, partials, counts)) AS partial
    FROM {{db}}.minute_partials FINAL
    GROUP BY user_id, minute, device_id
)
GROUP BY user_id, minute, device_id
""",  # noqa: S608 - names of this module only
)

BOARDS: Final = View(
    "boards",
    "Boards with ranks (1, 2, 2, 4): best score first, of equals who got there first. Name one board in the WHERE: "
    "the filter reaches the table before anything is ranked.",
    """
SELECT metric, sport, period, period_key,
    rank() OVER (
        PARTITION BY metric, sport, period, period_key ORDER BY if(less_is_better, score, -score) ASC, achieved_at ASC
    ) AS rank,
    user_id, score, achieved_at, workouts
FROM {db}.board_scores FINAL
WHERE NOT deleted
""",
)

CHALLENGE_RANKS: Final = View(
    "challenge_ranks",
    "Challenges with the ranks (1, 2, 2, 4) of those who take part: best score first, of equals who got there first, "
    "those without one last. Name one challenge in the WHERE.",
    """
SELECT challenge_id,
    rank() OVER (
        PARTITION BY challenge_id ORDER BY score = 0 ASC, if(less_is_better, score, -score) ASC, achieved_at ASC
    ) AS rank,
    user_id, group_id, score, achieved_at, workouts, target, reached_at
FROM {db}.challenge_scores FINAL
WHERE NOT deleted
""",
)

CHALLENGE_TEAMS: Final = View(
    "challenge_teams",
    "Team challenges with the ranks (1, 2, 2, 4) of teams: the sum of their members' parts, highest first, of equals "
    "who got there first. Name one challenge in the WHERE.",
    """
SELECT challenge_id,
    rank() OVER (PARTITION BY challenge_id ORDER BY hundredths DESC, achieved_at ASC) AS rank,
    group_id, hundredths / 100 AS score, achieved_at, members, workouts, target,
    hundredths >= round(target * 100) AS reached
FROM (
    SELECT challenge_id, group_id,
        sum(toInt64(round(score * 100))) AS hundredths,
        max(challenge_scores.achieved_at) AS achieved_at,
        count() AS members,
        sum(challenge_scores.workouts) AS workouts,
        max(challenge_scores.target) AS target
    FROM {db}.challenge_scores FINAL
    WHERE NOT deleted AND group_id != ''
    GROUP BY challenge_id, group_id
)
""",
)

SEGMENT_BOARD: Final = View(
    "segment_board",
    "The best effort of each athlete on each segment, ranked (1, 2, 2, 4) by whole seconds, of equals who got there "
    "first; without efforts that privacy zones hide. "
    "Name one segment in the WHERE: the filter reaches the table before anything is ranked.",
    """
SELECT segment_id,
    rank() OVER (
        PARTITION BY segment_id ORDER BY tupleElement(best, 1) ASC, tupleElement(best, 2) ASC
    ) AS rank,
    user_id,
    tupleElement(best, 1) AS elapsed_s,
    tupleElement(best, 2) AS achieved_at,
    tupleElement(best, 3) AS workout_id,
    efforts
FROM (
    SELECT segment_id, user_id,
        min((toUInt32(round(elapsed_s)), end, workout_id)) AS best,
        count() AS efforts
    FROM {db}.segment_efforts FINAL
    WHERE NOT deleted AND NOT hidden
    GROUP BY segment_id, user_id
)
""",
)

VIEWS: Final = {view.name: view for view in (MINUTE_ROLLUPS, BOARDS, CHALLENGE_RANKS, CHALLENGE_TEAMS, SEGMENT_BOARD)}
