"""Which of many segments a workout may have passed: a grid of cells over the Earth."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.segment_geometry import IntColumn
from domain.segments import MAX_LATITUDE_DEG, Segment
from domain.sports import Family
from domain.track import FloatColumn

CELL_DEG: Final = 0.015  # 1.7 km from south to north
REGION_CELLS: Final = 8  # a region has so many cells on each side: 13 km from south to north
_COLUMNS: Final = 24_000  # of cells around the Earth


def cells_of(latitude_deg: FloatColumn, longitude_deg: FloatColumn) -> IntColumn:
    """The cells that the fixes (n,) of a track touch, each once and in rising order; unknown positions are NaN."""
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg) & (np.abs(latitude_deg) <= 90.0)
    row, column = np.floor(latitude_deg[known] / CELL_DEG), np.floor(longitude_deg[known] / CELL_DEG)
    changed = np.ones(len(row), dtype=bool)
    changed[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
    return np.unique(_keys(row[changed], column[changed]))


def around(cells: IntColumn | Sequence[int]) -> IntColumn:
    """Cells (c,) and those next to them, each once and in rising order.

    Cells become narrow to the north: there, more of them are next to a cell.
    """
    cells = np.asarray(cells, dtype=np.int64)
    if not len(cells):
        return cells
    row, column = cells // _COLUMNS, cells % _COLUMNS
    farthest_deg = min(float(np.abs([row.min(), row.max() + 1]).max()) * CELL_DEG, MAX_LATITUDE_DEG)
    reach = int(np.ceil(1.0 / np.cos(np.radians(farthest_deg))))
    aside = np.arange(-reach, reach + 1)
    near: IntColumn = np.unique(_keys(row[:, None, None] + np.arange(-1, 2)[:, None], column[:, None, None] + aside))
    return near


def regions_of(cells: IntColumn | Sequence[int]) -> set[str]:
    """The regions that cells (c,) lie in: coarse cells, as ``row:column``."""
    cells = np.asarray(cells, dtype=np.int64)
    rows, columns = cells // _COLUMNS // REGION_CELLS, cells % _COLUMNS // REGION_CELLS
    return {f"{row}:{column}" for row, column in zip(rows.tolist(), columns.tolist(), strict=True)}


def start_regions(segment: Segment) -> set[str]:
    """The regions in one of which every workout that passes the segment has a fix."""
    return regions_of(around(cells_of(segment.latitude_deg[:1], segment.longitude_deg[:1])))


class SegmentIndex:
    """Finds the few of many segments that a workout may have passed, by a grid of cells over the Earth.

    Built once from all segments, in memory; a changed segment means a new index.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Raises ``ValueError`` for an id that is given twice."""
        ids = [segment.segment_id for segment in segments]
        if len(set(ids)) != len(ids):
            twice = next(one for one in ids if ids.count(one) > 1)
            raise ValueError(f"segment {twice} is given twice: give each segment once")
        self._segments = tuple(segments)
        ends = [(s.latitude_deg[[0, -1]], s.longitude_deg[[0, -1]]) for s in segments]
        latitude, longitude = (np.array([end[i] for end in ends]).reshape(-1, 2) for i in (0, 1))
        keys = _keys(np.floor(latitude / CELL_DEG), np.floor(longitude / CELL_DEG))
        self._order = np.argsort(keys[:, 0], kind="stable")
        self._start_keys, self._finish_keys = keys[self._order].T

    def candidates(self, cells: IntColumn | Sequence[int], family: Family) -> list[Segment]:
        """The segments of a sport family with start and finish in or next to one of the cells (c,) of a track.

        In the order in which they were given. Whatever :func:`domain.segments.match` finds in the track is among
        them: between two fixes that it bridges, the nearer one is never more than a cell away.
        """
        if not len(cells) or not self._segments:
            return []
        touched = around(cells)
        begin = np.searchsorted(self._start_keys, touched)
        count = np.searchsorted(self._start_keys, touched, side="right") - begin
        at_start = np.repeat(begin - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
        at_both = at_start[np.isin(self._finish_keys[at_start], touched)]
        found = (self._segments[i] for i in np.sort(self._order[at_both]).tolist())
        return [segment for segment in found if segment.family == family]


def _keys(row: FloatColumn | IntColumn, column: FloatColumn | IntColumn) -> IntColumn:
    keys: IntColumn = (row * _COLUMNS + column % _COLUMNS).astype(np.int64)
    return keys
