"""Best efforts: the fastest times over standard distances and the highest mean power over standard durations."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from domain.track import FloatColumn

DISTANCES: Final[tuple[tuple[str, float], ...]] = (
    ("400 m", 400.0),
    ("1 km", 1000.0),
    ("1 mile", 1609.344),
    ("5 km", 5000.0),
    ("10 km", 10000.0),
    ("half marathon", 21097.5),
    ("marathon", 42195.0),
)
DURATIONS: Final[tuple[tuple[str, int], ...]] = (
    ("1 s", 1),
    ("5 s", 5),
    ("15 s", 15),
    ("30 s", 30),
    ("1 min", 60),
    ("2 min", 120),
    ("5 min", 300),
    ("10 min", 600),
    ("20 min", 1200),
    ("30 min", 1800),
    ("1 h", 3600),
    ("2 h", 7200),
    ("3 h", 10800),
    ("5 h", 18000),
)
# Beyond four days a recording is a fault of a clock, and seconds as rows would fill the memory.
MAX_SPAN_S: Final = 4 * 86400


@dataclass(frozen=True, slots=True)
class BestEffort:
    """``kind`` "distance": ``duration_s`` is the fastest time over ``distance_m``. ``kind`` "power":
    ``power_w`` is the highest mean over ``duration_s``.

    ``start_us`` is when it began (UTC, microseconds since 1970).
    """

    kind: Literal["distance", "power"]
    name: str
    duration_s: float
    distance_m: float | None
    power_w: float | None
    start_us: int


def fastest(cumulative_m: FloatColumn, distances_m: list[float]) -> list[tuple[float, float] | None]:
    """The least seconds in which each distance was covered, and where it began (seconds from the first row).

    ``cumulative_m`` (n,) holds metres at every whole second, never falling; within a second the speed is
    taken as even. The clock runs on through pauses, as in a race. ``distances_m`` must rise. ``None`` for a
    distance longer than the whole. For a window of w seconds the farthest covered distance F(w) grows with w,
    so the least w with F(w) ≥ distance is found by narrowing in, and the exact time, which begins or ends on
    a whole second, lies within its last second.

    A convention of sports watches. Criticism: a distance that is measured too long makes every time on it too good, and
    a part of a longer run is no race.
    """
    n = len(cumulative_m)
    found: list[tuple[float, float] | None] = []
    total = float(cumulative_m[-1] - cumulative_m[0]) if n else 0.0
    low, far_low = 0, 0.0  # a window known to be too short, and how far it went
    for distance in distances_m:
        if n < 2 or total < distance:
            found.append(None)
            continue
        high, far_high = n - 1, total
        while high - low > 1:
            guess = low + round((distance - far_low) / (far_high - far_low) * (high - low))
            middle = min(max(guess, low + 1), high - 1)
            far = float((cumulative_m[middle:] - cumulative_m[:-middle]).max())
            if far >= distance:
                if (
                    high - middle < (high - low) // 4 and high - low > 8
                ):  # narrowed in too little from above: halve as well
                    half = (low + middle) // 2
                    far_half = float((cumulative_m[half:] - cumulative_m[:-half]).max())
                    if far_half >= distance:
                        middle, far = half, far_half
                    else:
                        low, far_low = half, far_half
                high, far_high = middle, far
            else:
                low, far_low = middle, far
        found.append(_exact(cumulative_m, distance, high))
    return found


def _exact(cumulative_m: FloatColumn, distance_m: float, window: int) -> tuple[float, float]:
    """Seconds and begin within the shortest window of whole seconds that is long enough (the one before is not)."""
    begin = np.flatnonzero(cumulative_m[window:] - cumulative_m[:-window] >= distance_m)
    end = begin + window
    spare_m = cumulative_m[end] - cumulative_m[begin] - distance_m
    # A window that begins on a whole second saves part of its last second, one that ends on one part of its first.
    first_m = cumulative_m[begin + 1] - cumulative_m[begin]
    last_m = cumulative_m[end] - cumulative_m[end - 1]
    best = int((spare_m / np.minimum(first_m, last_m)).argmax())
    saved_s = float(spare_m[best] / min(first_m[best], last_m[best]))
    begin_s = float(begin[best]) + (saved_s if first_m[best] < last_m[best] else 0.0)
    return window - saved_s, begin_s


def highest_mean(power_w: FloatColumn, durations_s: list[int]) -> list[tuple[float, int] | None]:
    """The highest mean of power at 1 Hz (n,) over each duration, and the row where it began; ``None`` when
    longer than the whole.

    Pinot, Grappe 2011, "The record power profile", doi 10.1055/s-0031-1279773.

    Criticism: it is what the athlete did, not what they could have done: few durations of a training are all-out.
    """
    sums = np.empty(len(power_w) + 1)
    sums[0] = 0.0
    np.cumsum(power_w, out=sums[1:])
    found: list[tuple[float, int] | None] = []
    for duration in durations_s:
        if duration > len(power_w):
            found.append(None)
            continue
        window = sums[duration:] - sums[:-duration]
        begin = int(window.argmax())
        found.append((float(window[begin]) / duration, begin))
    return found
