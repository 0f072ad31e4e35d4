"""What the sensors agent has written itself of a user's readings: it must know which rows a deletion takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import pyarrow as pa

from domain.rollups import US_PER_MINUTE
from domain.withdrawals import Withdrawal
from sinks.columns import Table
from sinks.tables import MINUTE_PARTIALS, RR_INTERVALS, SAMPLES
from stridelog.clickhouse_reader import ClickHouseReader

_COVERED: Final = (
    "user_id = {user:String} AND revision <= {revision:UInt32} "
    "AND ({device:String} = '' OR device_id = {device:String})"
)
_IN_TIME: Final = (
    "time >= fromUnixTimestamp64Micro({first_us:Int64}, 'UTC') "
    "AND time < fromUnixTimestamp64Micro({end_us:Int64}, 'UTC')"
)
_IN_FRAMES: Final = (
    "last_time >= fromUnixTimestamp64Micro({first_us:Int64}, 'UTC') "
    "AND time < fromUnixTimestamp64Micro({end_us:Int64}, 'UTC')"
)
_IN_MINUTES: Final = "minute BETWEEN toDateTime({first_s:Int64}, 'UTC') AND toDateTime({last_s:Int64}, 'UTC')"


def _rows_of(table: Table, in_time: str) -> str:
    columns = ", ".join(
        # Arrow has no type for it, and ClickHouse would send a plain number.
        f"toDateTime64({c.name}, 0, 'UTC') AS {c.name}" if c.type == "DateTime('UTC')" else c.name
        for c in table.columns
    )
    return (
        f"SELECT {columns} FROM {{database:Identifier}}.{table.name} FINAL WHERE {_COVERED} AND {in_time} "  # noqa: S608
        "SETTINGS prefer_column_name_to_alias = 1, do_not_merge_across_partitions_select_final = 1"
    )


_ROWS: Final = {
    table.name: _rows_of(table, in_time)
    for table, in_time in ((SAMPLES, _IN_TIME), (RR_INTERVALS, _IN_FRAMES), (MINUTE_PARTIALS, _IN_MINUTES))
}
# Without FINAL: after a crash the rows are tombstones already, and their workouts must be named again.
_WORKOUTS: Final = f"""
SELECT workout_id, toUnixTimestamp64Micro(min(time)), toUnixTimestamp64Micro(max(time)), uniqExact(time, device_id)
FROM {{database:Identifier}}.samples
WHERE {_COVERED} AND {_IN_TIME} AND workout_id != ''
GROUP BY workout_id
"""  # noqa: S608
_WEAR: Final = f"""
SELECT toUnixTimestamp64Micro(min(first)), toUnixTimestamp64Micro(max(last)) FROM (
    SELECT time AS first, time AS last FROM {{database:Identifier}}.samples
    WHERE {_COVERED} AND {_IN_TIME} AND workout_id = ''
    UNION ALL
    SELECT time AS first, last_time AS last FROM {{database:Identifier}}.rr_intervals
    WHERE {_COVERED} AND {_IN_FRAMES} AND workout_id = ''
)
HAVING count() > 0
"""  # noqa: S608


class Touched(NamedTuple):
    """A workout of which readings are taken back: their first and last time (UTC µs), and how many there are."""

    workout_id: str
    first_us: int
    last_us: int
    samples: int


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What is stored under a withdrawal: rows of tables that stand, by table, the workouts touched, and the first and
    last time (UTC µs) of all-day wear that is.
    """

    rows: Mapping[str, pa.Table]
    workouts: tuple[Touched, ...]
    wear: tuple[int, int] | None = None


class StoredReadings(ClickHouseReader):
    """Readings of one user in a span of time, from the tables that the agent writes."""

    async def under(self, user: str, withdrawal: Withdrawal) -> Stored:
        """What is stored of the readings that a withdrawal takes. Raises ``SinkUnavailable``: ask again."""
        minute_s = US_PER_MINUTE // 1_000_000
        parameters = {
            "database": self._settings.namespace,
            "user": user,
            "device": withdrawal.device_id or "",
            "revision": withdrawal.revision,
            "first_us": withdrawal.first_us,
            "end_us": withdrawal.end_us,
            "first_s": withdrawal.first_us // US_PER_MINUTE * minute_s,
            "last_s": (withdrawal.end_us - 1) // US_PER_MINUTE * minute_s,
        }
        async with self._asking("reading stored readings"):
            rows = {
                table: await self._client.query_arrow(text, parameters=parameters, use_strings=True)
                for table, text in _ROWS.items()
            }
            workouts = (await self._client.query(_WORKOUTS, parameters=parameters)).result_rows
            wear = (await self._client.query(_WEAR, parameters=parameters)).result_rows
        return Stored(rows, tuple(Touched(*row) for row in workouts), tuple(wear[0]) if wear else None)
