"""Segments: stretches of road or trail on which every pass is timed.

An effort is a pass of the whole segment in its direction: over the start gate, along the line and over the finish
gate. A gate is a straight line across the first or last point of the segment, as wide as the corridor. What is
tolerated is stated by the constants below and explained in docs/segments.md.

Matching follows the line by checkpoints: from a start, the track must come near each of them in order, which tells the
laps of a loop and the two ways of an out-and-back apart. Around each, the line and the track are then compared point by
point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.distance import haversine_m
from domain.segment_geometry import (
    SPACING_M,
    IntColumn,
    Plane,
    Trace,
    cleaned,
    evenly_spaced,
    gates,
    longest_m,
    near_pairs,
)
from domain.sports import FAMILIES, SPORTS, Family, family_of, rule_of
from domain.track import US_PER_S, FloatColumn

# Half the width of the corridor. Fixes err by a few metres in the open and by more under trees and between
# houses; a line that was drawn on a map and a wide road add some more.
CORRIDOR_M: Final = 25.0
# The share of the segment that a pass must come within the corridor of: a receiver that errs by more for a moment is
# forgiven.
MIN_COVERED: Final = 0.9
# …but a shortcut or a detour is not, on however long a segment: the longest stretch of the segment that may be missed
# in one piece, and the longest way outside of the corridor in one piece.
MAX_ASTRAY_M: Final = 100.0
# The share of the segment's length that a pass must travel: where a segment winds so much that its turns lie within the
# corridor, cutting across them is not a pass. Fixes seconds apart cut corners, too, but by less.
MIN_TRAVELLED: Final = 0.75
# Between fixes up to this far apart in time the way is taken as straight. Smart recording stores a fix every few
# seconds; in half a minute a rider may go anywhere.
MAX_DROPOUT_S: Final = 30.0
# A second or two of error at the gates is a large share of anything shorter, and a smaller loop is all corridor.
MIN_LENGTH_M: Final = 300.0
MAX_LENGTH_M: Final = 100_000.0  # beyond, the flat map and the patience of a club end
MAX_STEP_M: Final = 1_000.0  # two points farther apart are a slip of the mouse or a lost signal
MAX_LATITUDE_DEG: Final = 85.0  # nearer to a pole the flat map bends

_CHECKPOINT_M: Final = 50.0
# A chain of checkpoints may leave out two, so that a stretch of MAX_ASTRAY_M can be missed.
_HOPS: Final = 3
_BOX_MARGIN_M: Final = CORRIDOR_M + MAX_ASTRAY_M  # farther outside of the box of a segment, a pass is broken


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A line to be passed from its first point to its last; make one with :func:`segment_of`.

    ``latitude_deg`` and ``longitude_deg`` (v,) are points about 10 m apart; ``length_m`` is that of the given points.
    """

    segment_id: str
    name: str
    family: Family
    latitude_deg: FloatColumn
    longitude_deg: FloatColumn
    length_m: float


@dataclass(frozen=True, slots=True)
class Effort:
    """One pass of a segment: when it crossed the gates (UTC, microseconds since 1970), and the share of the segment
    that it came within the corridor of.
    """

    segment_id: str
    start_us: int
    end_us: int
    covered: float

    @property
    def elapsed_s(self) -> float:
        """Seconds from gate to gate; pauses count, as in a race."""
        return (self.end_us - self.start_us) / US_PER_S


def segment_of(
    segment_id: str, name: str, family: Family, latitude_deg: Sequence[float], longitude_deg: Sequence[float]
) -> Segment:
    """The segment along the given points, drawn or recorded, in the order in which they are passed.

    Raises ``ValueError`` for columns of unlike length, an unknown family, fewer than 2 distinct points, a point that is
    not on the map (NaN, beyond ±85° or ±180°), two points more than 1 km apart, and a length below 300 m or above
    100 km.
    """
    latitude, longitude = np.asarray(latitude_deg, dtype=np.float64), np.asarray(longitude_deg, dtype=np.float64)
    about = f"segment {segment_id} ({name})"
    if family not in FAMILIES:
        raise ValueError(f"{about} has the sport family {family!r}: give one of {', '.join(FAMILIES)}")
    if len(latitude) != len(longitude):
        raise ValueError(f"{about} has {len(latitude)} latitudes and {len(longitude)} longitudes: give pairs")
    off_map = ~((np.abs(latitude) <= MAX_LATITUDE_DEG) & (np.abs(longitude) <= 180.0))
    if off_map.any():
        row = int(off_map.argmax())
        raise ValueError(
            f"{about}: point {row + 1} is at {latitude[row]}, {longitude[row]}: give latitudes within "
            f"±{MAX_LATITUDE_DEG:g}° and longitudes within ±180°"
        )
    moved = np.concatenate(([True], (np.diff(latitude) != 0.0) | (np.diff(longitude) != 0.0)))[: len(latitude)]
    latitude, longitude = latitude[moved], longitude[moved]
    if len(latitude) < 2:
        raise ValueError(f"{about} has {len(latitude)} distinct points: give at least 2, start and finish")
    step_m = haversine_m(latitude, longitude)
    if step_m.max() > MAX_STEP_M:
        row = int(step_m.argmax())
        raise ValueError(
            f"{about} jumps {step_m[row]:.0f} m from {latitude[row]}, {longitude[row]} to {latitude[row + 1]}, "
            f"{longitude[row + 1]}: add points between them, at most {MAX_STEP_M:g} m apart, or remove a stray one"
        )
    even_latitude, even_longitude, length_m = evenly_spaced(latitude, longitude)
    if not MIN_LENGTH_M <= length_m <= MAX_LENGTH_M:
        raise ValueError(
            f"{about} is {length_m:.0f} m long: make it {'longer' if length_m < MIN_LENGTH_M else 'shorter'}, "
            f"{MIN_LENGTH_M:g} m to {MAX_LENGTH_M / 1000:g} km"
        )
    return Segment(segment_id, name, family, even_latitude, even_longitude, length_m)


def match(time_us: IntColumn, latitude_deg: FloatColumn, longitude_deg: FloatColumn, segment: Segment) -> list[Effort]:
    """Every pass of a track (n,) over a segment, in order of start; unknown positions are NaN.

    ``time_us`` must rise. The sport is the caller's to compare (:mod:`domain.segment_index` does). Of several starts
    that lead to one finish the last one counts: who waited behind the line is timed from leaving it.
    """
    plane = Plane(float(segment.latitude_deg[0]), float(segment.longitude_deg[0]))
    line = _Line(segment, plane)
    y_m = plane.y_m(latitude_deg)
    if not bool(((y_m >= line.low_y) & (y_m <= line.high_y)).any()):
        return []
    known = np.flatnonzero(np.isfinite(y_m) & np.isfinite(longitude_deg))
    trace = Trace(
        plane.x_m(longitude_deg[known]),
        y_m[known],
        (time_us[known] - time_us[0]) / US_PER_S,
        np.ones(max(len(known) - 1, 0), dtype=bool),
    )
    known_way = cleaned(
        trace,
        max_speed_m_s=_max_speed_m_s(segment.family),
        tolerance_m=CORRIDOR_M,
        max_dropout_s=MAX_DROPOUT_S,
    )
    return [
        Effort(
            segment.segment_id,
            int(time_us[0]) + round(start_s * US_PER_S),
            int(time_us[0]) + round(end_s * US_PER_S),
            covered,
        )
        for visit in _visits(known_way, line)
        for start_s, end_s, covered in _passes(visit, line)
    ]


class _Line:
    """A segment in the plane of its start, with what matching needs of it."""

    def __init__(self, segment: Segment, plane: Plane) -> None:
        self.x_m, self.y_m = plane.x_m(segment.longitude_deg), plane.y_m(segment.latitude_deg)
        self.low_x, self.high_x = float(self.x_m.min()) - _BOX_MARGIN_M, float(self.x_m.max()) + _BOX_MARGIN_M
        self.low_y, self.high_y = float(self.y_m.min()) - _BOX_MARGIN_M, float(self.y_m.max()) + _BOX_MARGIN_M
        self.travel_m = float(np.hypot(np.diff(self.x_m), np.diff(self.y_m)).sum())
        self.start, self.finish = gates(self.x_m, self.y_m)
        count = round((len(self.x_m) - 1) * SPACING_M / _CHECKPOINT_M)
        self.checkpoints = np.linspace(0, len(self.x_m) - 1, count + 1).round().astype(np.int64)


def _max_speed_m_s(family: Family) -> float:
    return max(rule_of(sport).max_speed_m_s for sport in SPORTS if family_of(sport) == family)


def _visits(trace: Trace, line: _Line) -> list[Trace]:
    """The pieces of a track within the box of the line, with a point before and after; evenly dense."""
    inside = (trace.y_m >= line.low_y) & (trace.y_m <= line.high_y)
    inside &= (trace.x_m >= line.low_x) & (trace.x_m <= line.high_x)
    kept = inside.copy()
    kept[1:] |= inside[:-1]
    kept[:-1] |= inside[1:]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], kept, [False])).astype(np.int8)))
    return [
        Trace(trace.x_m[a:b], trace.y_m[a:b], trace.time_s[a:b], trace.bridged[a : b - 1]).densified(SPACING_M)
        for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
        if b - a > 1
    ]


def _passes(trace: Trace, line: _Line) -> list[tuple[float, float, float]]:
    """Seconds at start and finish, and the share covered, of every pass in one visit."""
    starts, finishes = (gate.crossings(trace, CORRIDOR_M) for gate in (line.start, line.finish))
    starts, finishes = (crossed[trace.bridged[crossed.astype(np.int64)]] for crossed in (starts, finishes))
    if not len(starts) or not len(finishes) or finishes[-1] < starts[0]:
        return []
    rows, points = near_pairs(trace, line.x_m, line.y_m, CORRIDOR_M)
    visits = [
        rows[a:b]
        for a, b in zip(
            np.searchsorted(points, line.checkpoints).tolist(),
            np.searchsorted(points, line.checkpoints, side="right").tolist(),
            strict=True,
        )
    ]
    seen: set[tuple[int, int]] = set()
    taken: set[float] = set()
    passes: list[tuple[float, float, float]] = []
    index = np.arange(len(trace.x_m))
    for start in starts[::-1].tolist():
        chain = _chain(int(start) + 1, visits, seen)
        # The finish may be crossed on the very step that first comes near it.
        after = finishes[np.searchsorted(finishes, chain[-1][1] - 1, side="right") :] if chain else finishes[:0]
        if not len(after) or float(after[0]) in taken:
            continue
        end = float(after[0])
        covered = _covered(trace, line, (int(start), int(end) + 1), chain, rows, points)
        if covered is not None:
            taken.add(end)
            start_s, end_s = np.interp([start, end], index, trace.time_s).tolist()
            passes.append((start_s, end_s, covered))
    return passes[::-1]


def _chain(row: int, visits: list[IntColumn], seen: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """(checkpoint, row at which it is first near) in order from a start to the last one; empty where the chain breaks.

    Empty, too, where it runs into what ``seen`` holds: there a later start has been, which counts instead.
    """
    at, last = 0, len(visits) - 1
    chain = [(at, row)]
    while at < last:
        nexts: list[tuple[int, int]] = []
        for ahead in range(at + 1, min(at + _HOPS, last) + 1):
            i = int(np.searchsorted(visits[ahead], row))
            if i < len(visits[ahead]):
                nexts.append((int(visits[ahead][i]), ahead))
        if not nexts:
            return []
        row, at = min(nexts)
        if (at, row) in seen:
            return []
        seen.add((at, row))
        chain.append((at, row))
    return chain


def _covered(
    trace: Trace, line: _Line, span: tuple[int, int], chain: list[tuple[int, int]], rows: IntColumn, points: IntColumn
) -> float | None:
    """The share of the line that the rows of ``span`` come near in order; ``None`` where too much is missed or
    astray.
    """
    first, last = span
    within = (rows >= first) & (rows <= last)
    rows, points = rows[within] - first, points[within]
    checkpoint, reached_at = np.array(chain).T
    reached = line.checkpoints[checkpoint[np.maximum(np.searchsorted(reached_at - first, rows, side="right") - 1, 0)]]
    here = np.abs(points - reached) <= _HOPS * _CHECKPOINT_M / SPACING_M
    near_point = np.zeros(len(line.x_m), dtype=bool)
    near_point[points[here]] = True
    near_row = np.zeros(last - first + 1, dtype=bool)
    near_row[rows[here]] = True
    step_m = trace.step_m()[first:last]
    covered = float(near_point.mean())
    missed_m = longest_m(np.full(len(near_point), SPACING_M), near_point)
    astray_m = longest_m(np.where(trace.bridged[first:last], step_m, 0.0), near_row[1:])
    if covered < MIN_COVERED or max(missed_m, astray_m) > MAX_ASTRAY_M:
        return None
    return covered if float(step_m.sum()) >= MIN_TRAVELLED * line.travel_m else None
