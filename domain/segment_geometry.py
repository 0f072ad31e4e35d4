"""Lines on the ground and tracks beside them: projection to a plane, even spacing, what is near, what is crossed."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.distance import EARTH_RADIUS_M, haversine_m
from domain.track import FloatColumn

IntColumn = NDArray[np.int64]
BoolColumn = NDArray[np.bool_]

# Half of the corridor must be far longer than this, so that the nearest point of the line stands for the line.
SPACING_M: Final = 10.0
# The direction of a line at its ends is taken over this many of its points: a drawn end wobbles.
END_POINTS: Final = 3


@dataclass(frozen=True, slots=True)
class Plane:
    """A flat map around a point: x to the east, y to the north, in metres.

    Equirectangular. Over the length that a segment may have it shears by a per cent or two, track and line alike.
    """

    latitude_deg: float
    longitude_deg: float

    def x_m(self, longitude_deg: FloatColumn) -> FloatColumn:
        """Metres to the east; the date line is no edge."""
        east_deg = (longitude_deg - self.longitude_deg + 180.0) % 360.0 - 180.0
        metres: FloatColumn = np.radians(east_deg) * (EARTH_RADIUS_M * np.cos(np.radians(self.latitude_deg)))
        return metres

    def y_m(self, latitude_deg: FloatColumn) -> FloatColumn:
        """Metres to the north."""
        metres: FloatColumn = np.radians(latitude_deg - self.latitude_deg) * EARTH_RADIUS_M
        return metres


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Points in the order in which they are passed; ``x_m`` and ``y_m`` have shape (n,), in the same plane.

    ``time_s`` (n,) are seconds at the points. ``bridged`` (n-1,): whether the way from a point to the next is known.
    """

    x_m: FloatColumn
    y_m: FloatColumn
    time_s: FloatColumn
    bridged: BoolColumn

    def step_m(self) -> FloatColumn:
        """Metres from each point to the next, (n-1,)."""
        return np.hypot(np.diff(self.x_m), np.diff(self.y_m))

    def densified(self, spacing_m: float) -> "Trace":
        """With points between those whose way is known, so that no known step is longer than ``spacing_m``."""
        pieces = np.where(self.bridged, np.maximum(np.ceil(self.step_m() / spacing_m), 1.0), 1.0).astype(np.int64)
        row = np.repeat(np.arange(len(pieces)), pieces)
        first_piece = np.cumsum(pieces) - pieces
        position = np.append(row + (np.arange(len(row)) - first_piece[row]) / pieces[row], len(pieces))
        rows = np.arange(len(self.x_m))
        x_m, y_m, time_s = (np.interp(position, rows, column) for column in (self.x_m, self.y_m, self.time_s))
        return Trace(x_m, y_m, time_s, self.bridged[row])


@dataclass(frozen=True, slots=True)
class Gate:
    """A straight line across the way at ``x_m, y_m``, passed in the direction ``east, north`` (of length 1)."""

    x_m: float
    y_m: float
    east: float
    north: float

    def crossings(self, trace: Trace, half_width_m: float) -> FloatColumn:
        """Where ``trace`` crosses in the direction of the gate, within ``half_width_m`` of its middle.

        As fractional rows in rising order: 7.25 is a quarter of the way from point 7 to point 8.
        """
        x_m, y_m = trace.x_m - self.x_m, trace.y_m - self.y_m
        along_m = x_m * self.east + y_m * self.north
        row = np.flatnonzero((along_m[:-1] < 0.0) & (along_m[1:] >= 0.0))
        part = along_m[row] / (along_m[row] - along_m[row + 1])
        across_m = y_m * self.east - x_m * self.north
        at_gate_m = across_m[row] + part * (across_m[row + 1] - across_m[row])
        crossed: FloatColumn = (row + part)[np.abs(at_gate_m) <= half_width_m]
        return crossed


def evenly_spaced(latitude_deg: FloatColumn, longitude_deg: FloatColumn) -> tuple[FloatColumn, FloatColumn, float]:
    """The line (n,) resampled to points about 10 m apart, and its length in metres; both ends stay.

    The line must not be of length 0.
    """
    along_m = np.concatenate(([0.0], np.cumsum(haversine_m(latitude_deg, longitude_deg))))
    length_m = float(along_m[-1])
    at_m = np.linspace(0.0, length_m, max(2, round(length_m / SPACING_M) + 1))
    longitude_even = np.interp(at_m, along_m, np.unwrap(longitude_deg, period=360.0))
    return np.interp(at_m, along_m, latitude_deg), (longitude_even + 180.0) % 360.0 - 180.0, length_m


def gates(x_m: FloatColumn, y_m: FloatColumn) -> tuple[Gate, Gate]:
    """The start and finish gates of a line (n,), across its first and its last stretch."""
    reach = min(END_POINTS, len(x_m) - 1)

    def gate(at: int, behind: int, ahead: int) -> Gate:
        east, north = float(x_m[ahead] - x_m[behind]), float(y_m[ahead] - y_m[behind])
        norm = float(np.hypot(east, north)) or 1.0
        return Gate(float(x_m[at]), float(y_m[at]), east / norm, north / norm)

    return gate(0, 0, reach), gate(-1, -1 - reach, -1)


def near_pairs(trace: Trace, x_m: FloatColumn, y_m: FloatColumn, radius_m: float) -> tuple[IntColumn, IntColumn]:
    """Every (row of ``trace``, point of the line) that are at most ``radius_m`` apart, sorted by point, then row.

    The line has the shape (v,). A grid of cells of the radius finds them, so that the work grows with the number of
    pairs, not with rows × points.
    """
    low_x, low_y = float(trace.x_m.min()) - radius_m, float(trace.y_m.min()) - radius_m
    column = ((trace.x_m - low_x) // radius_m).astype(np.int64)
    height = int((float(trace.y_m.max()) - low_y) // radius_m) + 3
    key = column * height + ((trace.y_m - low_y) // radius_m).astype(np.int64)
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    inside = np.flatnonzero((y_m >= low_y) & (y_m <= low_y + (height - 1) * radius_m))
    point_column = ((x_m[inside] - low_x) // radius_m).astype(np.int64)
    point_row = ((y_m[inside] - low_y) // radius_m).astype(np.int64)
    # The cells of a column lie next to each other in the keys: three ranges hold the nine cells around a point.
    middle = ((point_column[:, None] + np.arange(-1, 2)) * height + point_row[:, None]).ravel()
    begin, end = np.searchsorted(ordered, middle - 1), np.searchsorted(ordered, middle + 2)
    count = end - begin
    range_of = np.repeat(np.arange(len(count)), count)
    within = np.arange(len(range_of)) - (np.cumsum(count) - count)[range_of]
    rows, points = order[begin[range_of] + within], inside[range_of // 3]
    near = np.hypot(trace.x_m[rows] - x_m[points], trace.y_m[rows] - y_m[points]) <= radius_m
    rows, points = rows[near], points[near]
    sorting = np.lexsort((rows, points))
    return rows[sorting], points[sorting]


def cleaned(trace: Trace, *, max_speed_m_s: float, tolerance_m: float, max_dropout_s: float) -> Trace:
    """Without the fixes that cannot be reached from the fix before nor left to the one after, and unknown ways marked.

    A way is known when it can be done at ``max_speed_m_s``, give or take ``tolerance_m``, and took no longer than
    ``max_dropout_s``. Where a device stored nothing for longer and was hardly moved, it stood there until a second
    before the next fix, and a point says so.
    """
    for _ in range(2):
        step_m, step_s = trace.step_m(), np.diff(trace.time_s)
        reachable = step_m <= step_s * max_speed_m_s + tolerance_m
        spike = np.zeros(len(trace.x_m), dtype=bool)
        spike[1:-1] = ~reachable[1:] & ~reachable[:-1]
        if not spike.any():
            break
        trace = Trace(trace.x_m[~spike], trace.y_m[~spike], trace.time_s[~spike], trace.bridged[: -int(spike.sum())])
    step_m, step_s = trace.step_m(), np.diff(trace.time_s)
    reachable = step_m <= step_s * max_speed_m_s + tolerance_m
    stood = np.flatnonzero((step_s > max_dropout_s) & (step_m <= tolerance_m))
    bridged = reachable & ((step_s <= max_dropout_s) | (step_m <= tolerance_m))
    return Trace(
        np.insert(trace.x_m, stood + 1, trace.x_m[stood]),
        np.insert(trace.y_m, stood + 1, trace.y_m[stood]),
        np.insert(trace.time_s, stood + 1, trace.time_s[stood + 1] - 1.0),
        np.insert(bridged, stood, True),
    )


def longest_m(length_m: FloatColumn, near: BoolColumn) -> float:
    """The longest stretch in one piece that is not near; both columns (n,)."""
    total_m = np.cumsum(np.where(near, 0.0, length_m))
    return float((total_m - np.maximum.accumulate(np.where(near, total_m, 0.0))).max())
