"""Local days and the calendar periods of boards: days and weeks are those of the place where the athlete was."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

Period = Literal["day", "week", "month", "year", "all"]
PERIODS: Final[tuple[Period, ...]] = get_args(Period)

_OFFSET: Final = re.compile(r"^([+-])(\d{2}):?(\d{2})$")
_US_PER_S: Final = 1_000_000
_MINUTE_US: Final = 60 * _US_PER_S


@lru_cache(maxsize=2048)
def zone_info(zone: str) -> tzinfo:
    """The time zone of an IANA name (``Europe/Oslo``) or a fixed offset (``+02:00``, ``UTC``, ``Z``).

    Raises ``ValueError`` for a name that is neither.
    """
    if zone in ("UTC", "Z", "", "+00:00"):
        return UTC
    offset = _OFFSET.match(zone)
    if offset is not None:
        sign, hours, minutes = offset.groups()
        span = timedelta(hours=int(hours), minutes=int(minutes))
        if span >= timedelta(hours=24) or int(minutes) >= 60:
            raise ValueError(f"zone {zone!r} is not an offset below 24 hours: give one like '+02:00'")
        return timezone(-span if sign == "-" else span)
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"zone {zone!r} is unknown: give an IANA name like 'Europe/Oslo' or an offset like '+02:00'"
        ) from error


def local_day(time_us: int, zone: str) -> date:
    """The calendar day at the place at ``time_us`` (UTC, microseconds since 1970).

    Raises ``ValueError`` for an unknown zone.
    """
    return datetime.fromtimestamp(time_us // _US_PER_S, zone_info(zone)).date()


def day_bounds_us(day: date, zone: str) -> tuple[int, int]:
    """When a local day begins and the next one begins (UTC, microseconds since 1970); at most 25 hours apart.

    Raises ``ValueError`` for an unknown zone.
    """
    place = zone_info(zone)
    begin, end = (
        round(datetime.combine(each, time(), place).timestamp()) * _US_PER_S for each in (day, day + timedelta(days=1))
    )
    return begin, min(end, begin + 25 * 3_600 * _US_PER_S)


def days_of(time_us: NDArray[np.int64], zone: str) -> list[tuple[date, NDArray[np.int64]]]:
    """The local days of times (n,) that never fall (UTC, microseconds), in order, each with its times.

    Raises ``ValueError`` for an unknown zone.
    """
    if not len(time_us):
        return []
    first, last = local_day(int(time_us[0]), zone), local_day(int(time_us[-1]), zone)
    if first == last:
        return [(first, time_us)]
    # Zones are off by whole minutes, so that all times within one are of one day.
    minutes, begins = np.unique(time_us // _MINUTE_US, return_index=True)
    days = np.array([local_day(int(minute) * _MINUTE_US, zone).toordinal() for minute in minutes], dtype=np.int64)
    changes = np.flatnonzero(np.diff(days, prepend=-1))
    parts = np.split(time_us, begins[changes[1:]])
    return [(date.fromordinal(day), some) for day, some in zip(days[changes].tolist(), parts, strict=True)]


def period_start(day: date, period: Period) -> date:
    """First day of the period that ``day`` is in: ISO weeks begin on Monday; ``"all"`` begins on 1970-01-01."""
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
        case "all":
            return date(1970, 1, 1)


@lru_cache(maxsize=65536)
def period_key(day: date, period: Period) -> str:
    """The name of the period that ``day`` is in: ``2026-11-24``, ``2026-W48`` (ISO week and its year),
    ``2026-11``, ``2026``, ``all``.
    """
    match period:
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year:04d}-W{week:02d}"
        case "month":
            return f"{day.year:04d}-{day.month:02d}"
        case "year":
            return f"{day.year:04d}"
        case "all":
            return "all"
