"""A panel's SQL as Grafana's ClickHouse plug-in sends it: for tests, which have no Grafana.

What each macro becomes is read in the plug-in's source: pkg/macros/macros.go and, for conditionalAll,
src/data/CHDatasource.ts of github.com/grafana/clickhouse-datasource.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

Value = str | Sequence[str] | None
"""What a variable is set to: a text, several, or ``None`` for All."""

_ARGUMENT: Final = r"\(((?:[^()]|\([^()]*\))+)\)"  # with brackets one deep
_CONDITIONAL: Final = re.compile(r"\$__conditionalAll\((.*?), \$(\w+)\)", re.DOTALL)
_VARIABLE: Final = re.compile(r"\$\{(\w+):sqlstring\}")


@dataclass(frozen=True, slots=True)
class Range:
    """The time that a dashboard shows, and the seconds between two points of a line."""

    start: datetime
    end: datetime
    interval_s: int = 3_600


def expanded(sql: str, shown: Range, values: Mapping[str, Value]) -> str:
    """The SQL with its variables and macros replaced.

    Raises ``ValueError`` for a macro or variable that is not known here, ``KeyError`` for a variable without a value.
    """
    sql = _CONDITIONAL.sub(lambda found: "1=1" if values[found[2]] is None else found[1], sql)
    sql = _VARIABLE.sub(lambda found: _sqlstring(found[1], values[found[1]]), sql)
    start, end = (f"toDateTime({int(time.timestamp())})" for time in (shown.start, shown.end))
    first, last = (f"toDate('{time:%Y-%m-%d}')" for time in (shown.start, shown.end))
    sql = re.sub(r"\$__timeFilter" + _ARGUMENT, rf"\1 >= {start} AND \1 <= {end}", sql)
    sql = re.sub(r"\$__dateFilter" + _ARGUMENT, rf"\1 >= {first} AND \1 <= {last}", sql)
    interval = f"INTERVAL {shown.interval_s} second"
    sql = re.sub(r"\$__timeInterval" + _ARGUMENT, rf"toStartOfInterval(toDateTime(\1), {interval})", sql)
    sql = re.sub(r"\$__fromTime\b", start, sql)
    sql = re.sub(r"\$__toTime\b", end, sql)
    if "$" in sql:
        raise ValueError(f"{sql[sql.index('$') :][:40]!r} is a macro or variable that is not known here: add it")
    return sql


def _sqlstring(name: str, value: Value) -> str:
    if value is None:
        raise ValueError(f"variable {name} is set to All: put its condition into $__conditionalAll")
    texts = [value] if isinstance(value, str) else value
    return ",".join("'" + text.replace("'", "''") + "'" for text in texts)
