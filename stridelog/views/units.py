"""Figures as people read them; the unit is part of the text."""

from datetime import UTC, datetime, timedelta
from typing import Final

from domain.days import zone_info

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_PACED: Final = frozenset({"running", "trail_running", "walking", "hiking"})


def duration(seconds: float) -> str:
    """``1:02:03``, ``2:03``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def distance(metres: float) -> str:
    """``12.34 km``."""
    return f"{metres / 1000:,.2f} km"


def pace(sport: str, speed_m_s: float | None) -> str:
    """``5:12 /km`` for those who go on foot, ``1:45 /100m`` for swimmers, ``28.4 km/h`` for others."""
    if not speed_m_s:
        return ""
    if sport in _PACED:
        return f"{duration(1000 / speed_m_s)} /km"
    if sport == "swimming":
        return f"{duration(100 / speed_m_s)} /100m"
    return f"{speed_m_s * 3.6:.1f} km/h"


def score(unit: str, value: float) -> str:
    """A score of a board in the board's unit (``domain.board_rules``)."""
    match unit:
        case "m":
            return distance(value)
        case "s":
            return duration(value)
        case "m climbed":
            return f"{value:,.0f} m"
        case "workouts":
            return f"{value:,.0f}"
        case "days":
            return f"{value:,.0f} d"
        case "W":
            return f"{value:,.0f} W"
        case _:
            return f"{value:,.1f}"


def moment(time_us: int, zone: str = "UTC") -> str:
    """``2026-11-24 18:30`` at the place; UTC says so."""
    try:
        place = zone_info(zone)
    except ValueError:
        place = UTC
    local = (_EPOCH + timedelta(microseconds=time_us)).astimezone(place)
    return f"{local:%Y-%m-%d %H:%M}" + (" UTC" if place is UTC else "")


def ago(seconds: float) -> str:
    """``just now``, ``5 min ago``, ``3 h ago``, ``12 days ago``."""
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h ago"
    return f"{seconds // 86_400:.0f} days ago"


def size(count_bytes: float) -> str:
    """``1.6 MiB``."""
    for unit in _BYTES[:-1]:
        if count_bytes < 1024:
            return f"{count_bytes:.0f} {unit}" if unit == "B" else f"{count_bytes:.1f} {unit}"
        count_bytes /= 1024
    return f"{count_bytes:.1f} {_BYTES[-1]}"


def short_time(seconds: float | None) -> str:
    """``12 ms``, ``1.4 s``; ``-`` where there is nothing to measure."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
