"""Times that a recording may not have, and zones: devices lose their clocks."""

import datetime as dt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.track import US_PER_S

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY_S: Final = 86_400


def to_us(time: dt.datetime) -> int:
    """Microseconds since 1970 of an aware time; a naive one is taken as UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=dt.UTC)
    return (aware - _EPOCH) // dt.timedelta(microseconds=1)


# Before 2000-01-02 no wearable recorded; the clocks of several start there (or in 1970, 1980, 1989) after a reset.
EARLIEST_US: Final = to_us(dt.datetime(2000, 1, 2, tzinfo=dt.UTC))
LATEST_US: Final = to_us(dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
# A strap of Polar's off the chest starts again on this day; a real run of that New Year's Day looks the same.
_POLAR_RESET_US: Final = to_us(dt.datetime(2019, 1, 1, tzinfo=dt.UTC))
# A sample this far from the middle one of its file was stamped by a broken clock: no activity is that long.
_SAME_ACTIVITY_US: Final = 14 * _DAY_S * US_PER_S


def plausible_times(time_us: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which samples have a time that can be true: between 2000 and 2100, and within 14 days of the middle sample."""
    possible = (time_us >= EARLIEST_US) & (time_us < LATEST_US)
    if possible.any():
        middle = np.sort(time_us[possible])[np.count_nonzero(possible) // 2]
        possible &= np.abs(time_us - middle) < _SAME_ACTIVITY_US
    return possible


def clock_warnings(start_us: int) -> tuple[str, ...]:
    """What to say about a start that a reset clock also would give."""
    if 0 <= start_us - _POLAR_RESET_US < _DAY_S * US_PER_S:
        return ("starts on 2019-01-01, where some devices' clocks start after a reset: the date may be wrong",)
    return ()


def zone_of_offset(offset_s: float) -> str | None:
    """The zone ``"+02:00"`` of an offset in seconds; ``None`` if no place on Earth has this offset, or if it is zero.

    Offsets in use are whole quarters of an hour from -12:00 to +14:00; a clock that is off by seconds is rounded. Zero
    is what is written by whoever knows no local time, a watch in Bogota too, and not only in London.
    """
    quarters = round(offset_s / 900)
    if quarters == 0 or abs(offset_s - quarters * 900) > 60 or not -48 <= quarters <= 56:
        return None
    hours, rest = divmod(abs(quarters), 4)
    return f"{'-' if quarters < 0 else '+'}{hours:02d}:{rest * 15:02d}"
