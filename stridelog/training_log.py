"""An athlete's training days as ClickHouse holds them, gone on with rest to a day of today."""

from dataclasses import fields
from datetime import date
from typing import Any, Final

import numpy as np

from domain.training_days import LOOK_BACK_DAYS, DayColumns, rest_after
from stridelog.queries import Queries

_FIGURES: Final = tuple(field.name for field in fields(DayColumns) if field.name != "day")


async def training_log(queries: Queries, user: str, *, until: date, days: int) -> list[dict[str, Any]]:
    """A row for each of the last ``days`` days up to ``until``: ``local_day``, and the figures or ``None``.

    Fewer when the user began later; none for a user without workouts. Days after ``until`` are left out.
    """
    found = await queries.clickhouse(
        f"SELECT toInt32(local_day), {', '.join(_FIGURES)} FROM training_days FINAL"  # noqa: S608 - names of a dataclass
        " WHERE user_id = {user:String} AND NOT deleted AND local_day <= {until:Date32}"
        " ORDER BY local_day DESC LIMIT {most:UInt32}",
        user=user,
        until=until,
        most=days + LOOK_BACK_DAYS,
    )
    if not found:
        return []
    columns = list(zip(*reversed(found), strict=True))
    figures: dict[str, Any] = {
        name: np.array(column, dtype=np.float64) for name, column in zip(_FIGURES, columns[1:], strict=True)
    }
    stored = DayColumns(day=np.array(columns[0], dtype=np.int32), **figures)
    return [*_rows(stored), *_rows(rest_after(stored, until))][-days:]


def _rows(days: DayColumns) -> list[dict[str, Any]]:
    dates = [date.fromordinal(date(1970, 1, 1).toordinal() + day).isoformat() for day in days.day.tolist()]
    figures = [[None if np.isnan(value) else value for value in getattr(days, name).tolist()] for name in _FIGURES]
    return [dict(zip(("local_day", *_FIGURES), row, strict=True)) for row in zip(dates, *figures, strict=True)]
