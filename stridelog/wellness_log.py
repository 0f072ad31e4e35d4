"""An athlete's rest by day as ClickHouse holds it, beside what is usual for them."""

from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from domain.resting import BASELINE_DAYS, baseline_bpm
from domain.variability import WEEK_DAYS, weekly_cv_percent, weekly_mean
from stridelog.queries import Queries

_FIGURES: Final = (
    "worn_minutes",
    "resting_heart_rate_bpm",
    "resting_from_minute",
    "ln_rmssd",
    "rmssd_ms",
    "reading_s",
    "artefact_share",
    "hrv_fault",
)
_EPOCH: Final = date(1970, 1, 1)
_DIGITS: Final = 4


async def wellness_log(queries: Queries, user: str, *, until: date, days: int) -> list[dict[str, Any]]:
    """A row for each of the last ``days`` days up to ``until`` on which a device was worn: ``local_day``, the figures
    of the table ``wellness_days`` or ``None``, and with them ``baseline_bpm``, ``ln_rmssd_7d`` and ``ln_rmssd_cv_7d``.
    """
    first = until - timedelta(days=days - 1)
    look_back = first - timedelta(days=max(BASELINE_DAYS, WEEK_DAYS))
    found = await queries.clickhouse(
        f"SELECT toInt32(local_day), zone, {', '.join(_FIGURES)} FROM wellness_days FINAL"  # noqa: S608 - our names
        " WHERE user_id = {user:String} AND local_day BETWEEN {first:Date32} AND {until:Date32} ORDER BY local_day",
        user=user,
        first=look_back,
        until=until,
    )
    by_day = {row[0] - (look_back - _EPOCH).days: row for row in found}
    resting, variability = np.full((2, (until - look_back).days + 1), np.nan)
    for index, row in by_day.items():
        figures = dict(zip(_FIGURES, row[2:], strict=True))
        resting[index] = np.nan if figures["resting_heart_rate_bpm"] is None else figures["resting_heart_rate_bpm"]
        variability[index] = np.nan if figures["ln_rmssd"] is None else figures["ln_rmssd"]
    usual = {
        "baseline_bpm": baseline_bpm(resting),
        "ln_rmssd_7d": weekly_mean(variability),
        "ln_rmssd_cv_7d": weekly_cv_percent(variability),
    }
    return [
        {
            "local_day": (look_back + timedelta(days=index)).isoformat(),
            "zone": row[1],
            **dict(zip(_FIGURES, row[2:], strict=True)),
            **{name: _known(column[index]) for name, column in usual.items()},
        }
        for index, row in by_day.items()
        if look_back + timedelta(days=index) >= first
    ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), _DIGITS)
