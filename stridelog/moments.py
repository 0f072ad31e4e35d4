"""Moments as people write them on the command line."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from stridelog.errors import UserError

FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment_ms(text: str, now: datetime) -> int:
    """Milliseconds since 1970 of ``2026-11-20``, ``2026-11-20T06:00Z`` (UTC where no zone is named) or ``2h`` (ago).

    Raises ``UserError`` that says how moments are written.
    """
    ago = re.fullmatch(r"(\d{1,6})([smhd])", text)
    try:
        if ago:
            at = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise UserError(f"{text!r} is no time: write 2026-11-20, 2026-11-20T06:00Z, or 2h for two hours ago") from None


def local_day(text: str, *, option: str) -> date:
    """The day that ``2026-11-24`` is, which was given for ``option``. Raises ``UserError``."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{option} {text!r} is no day: write it like 2026-11-24") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UserError(f"{option} {text}: nothing is known but from {FIRST_DAY} to {LAST_DAY}")
    return day
