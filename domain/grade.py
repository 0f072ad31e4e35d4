"""Grade-adjusted pace: a run or walk over hills, as the even speed that costs the same energy."""

from typing import Final

import numpy as np

from domain.elevation import HIGHEST_M, LOWEST_M
from domain.track import FloatColumn

GRID_M: Final = 10.0
SMOOTHED_M: Final = 50.0  # altitudes have errors of metres: a gradient over less than this is one of the errors
STEEPEST: Final = 0.45  # as far as Minetti measured
LEVEL_COST: Final = 3.6  # J/(kg·m)
SHORTEST_M: Final = 200.0
LONGEST_M: Final = 1_000_000.0
_POLYNOMIAL: Final = (155.4, -30.4, -43.3, 46.3, 19.5, LEVEL_COST)


def running_cost_minetti(gradient: FloatColumn) -> FloatColumn:
    """Energy cost of running, J/(kg·m), on gradients (n,) as a share (0.1 is 10 % up), which are cut at ±0.45.

    155.4 i⁵ - 30.4 i⁴ - 43.3 i³ + 46.3 i² + 19.5 i + 3.6. Minetti et al. 2002, doi 10.1152/japplphysiol.01177.2001.

    Criticism: ten mountain runners on a treadmill, where nobody brakes on stones: real descents save less than it says.
    """
    cost = np.polyval(_POLYNOMIAL, np.clip(gradient, -STEEPEST, STEEPEST))
    return np.asarray(cost, dtype=np.float64)


def grade_adjusted_distance_m(cumulative_m: FloatColumn, altitude_m: FloatColumn) -> float | None:
    """The level distance that costs as much energy as the one covered: Σ metres × cost(gradient) / cost(0).

    ``cumulative_m`` (n,) are metres since the start, never falling; ``altitude_m`` (n,). The altitude is put on every
    10 m, meant over 50 m, and the gradient taken from it, so that a stop adds nothing. ``None`` below 200 m, above
    1,000 km, or with altitude for less than half of the samples. On foot only: the cost is that of running.

    Criticism: that of the cost; and because the cost curves upwards, what is left of the altitude's noise always adds.
    """
    known = (altitude_m >= LOWEST_M) & (altitude_m <= HIGHEST_M)
    total_m = float(cumulative_m[-1]) if len(cumulative_m) else 0.0
    count = np.count_nonzero(known)
    if not SHORTEST_M <= total_m <= LONGEST_M or 2 * count < len(known):
        return None
    if count < len(known):
        cumulative_m, altitude_m = cumulative_m[known], altitude_m[known]
    altitude = np.interp(np.arange(0.0, total_m, GRID_M), cumulative_m, altitude_m)
    altitude -= altitude[0]
    width = round(SMOOTHED_M / GRID_M)
    before, after = np.full(width // 2, altitude[0]), np.full(width // 2, altitude[-1])
    sums = np.concatenate(([0.0], np.cumsum(np.concatenate((before, altitude, after)))))
    smooth = (sums[width:] - sums[:-width]) / width
    cost = running_cost_minetti(np.diff(smooth) / GRID_M)
    return float(cost.mean()) / LEVEL_COST * total_m
