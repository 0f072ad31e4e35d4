"""Time in five intensity zones of heart rate, power or pace."""

from typing import Final, Literal

import numpy as np

from domain.track import FloatColumn

ZoneBasis = Literal["heart_rate_max", "heart_rate_threshold", "power", "pace", "none"]
ZONES: Final = 5

# Lower edges of zones 2 to 5; zone 1 is all that is below.
# Shares of maximum heart rate: Edwards 1993, The Heart Rate Monitor Book, ISBN 978-0-9634633-0-2.
HR_MAX_EDGES: Final = (0.60, 0.70, 0.80, 0.90)
# Shares of heart rate at threshold: Friel 2009, The Triathlete's Training Bible, ISBN 978-1-934030-19-6 (5a
# to 5c as one).
HR_THRESHOLD_EDGES: Final = (0.85, 0.90, 0.95, 1.00)
# Shares of functional threshold power: Coggan's levels 1-4 as zones 1-4, levels 5-7 as zone 5 (Allen, Coggan,
# McGregor 2019).
POWER_EDGES: Final = (0.55, 0.75, 0.90, 1.05)
# Shares of threshold speed: Friel's pace zones (slower than 129 %, 114 %, 106 %, 99 % of threshold pace), 5a
# to 5c as one.
SPEED_EDGES: Final = (0.775, 0.877, 0.943, 1.01)


def time_in_zones_s(
    values: FloatColumn, held_s: FloatColumn, reference: float, edges: tuple[float, float, float, float]
) -> tuple[float, float, float, float, float]:
    """Seconds in each of five zones.

    ``values`` and ``held_s`` have shape (n,); ``edges`` are shares of ``reference``; NaN counts nowhere.
    """
    known = np.isfinite(values)
    total = float(held_s.sum()) if known.all() else float(held_s @ known)
    above = [total, *(float(held_s @ (values >= share * reference)) for share in edges)]
    return (above[0] - above[1], above[1] - above[2], above[2] - above[3], above[3] - above[4], above[4])
