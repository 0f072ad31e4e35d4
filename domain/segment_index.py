"""Which of many segments a workout may have passed: a grid of cells over the Earth."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from domain.segment_geometry import IntColumn
from domain.segments import MAX_LATITUDE_DEG, Segment
from domain.sports import Family
from domain.track import FloatColumn


class SegmentIndex:
    """Finds the few of many segments that a workout may have passed, by a grid of cells over the Earth.

    Built once from all segments, in memory; a changed segment means a new index.
    """

    _CELL_DEG: Final = 0.015  # 1.7 km from south to north
    _COLUMNS: Final = 24_000  # around the Earth

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Raises ``ValueError`` for an id that is given twice."""
        ids = [segment.segment_id for segment in segments]
        if len(set(ids)) != len(ids):
            twice = next(one for one in ids if ids.count(one) > 1)
            raise ValueError(f"segment {twice} is given twice: give each segment once")
        self._segments = tuple(segments)
        ends = [(s.latitude_deg[[0, -1]], s.longitude_deg[[0, -1]]) for s in segments]
        latitude, longitude = (np.array([end[i] for end in ends]).reshape(-1, 2) for i in (0, 1))
        keys = self._keys(np.floor(latitude / self._CELL_DEG), np.floor(longitude / self._CELL_DEG))
        self._order = np.argsort(keys[:, 0], kind="stable")
        self._start_keys, self._finish_keys = keys[self._order].T

    def candidates(self, latitude_deg: FloatColumn, longitude_deg: FloatColumn, family: Family) -> list[Segment]:
        """The segments of a sport family with start and finish in or next to a cell of the track's fixes (n,).

        In the order in which they were given. Whatever :func:`domain.segments.match` finds in the track is among
        them: between two fixes that it bridges, the nearer one is never more than a cell away.
        """
        known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg) & (np.abs(latitude_deg) <= 90.0)
        if not known.any() or not self._segments:
            return []
        latitude = latitude_deg[known]
        row, column = np.floor(latitude / self._CELL_DEG), np.floor(longitude_deg[known] / self._CELL_DEG)
        changed = np.concatenate(([True], (row[1:] != row[:-1]) | (column[1:] != column[:-1])))
        # Cells become narrow to the north: there, more of them are next to a cell.
        narrowest = float(np.cos(np.radians(min(float(np.abs(latitude).max()), MAX_LATITUDE_DEG))))
        aside = np.arange(-int(np.ceil(1.0 / narrowest)), int(np.ceil(1.0 / narrowest)) + 1)
        near = self._keys(
            row[changed][:, None, None] + np.arange(-1, 2)[:, None], column[changed][:, None, None] + aside
        )
        touched = np.unique(near)
        begin, end = (
            np.searchsorted(self._start_keys, touched),
            np.searchsorted(self._start_keys, touched, side="right"),
        )
        count = end - begin
        at_start = np.repeat(begin - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
        at_both = at_start[np.isin(self._finish_keys[at_start], touched)]
        found = (self._segments[i] for i in np.sort(self._order[at_both]).tolist())
        return [segment for segment in found if segment.family == family]

    def _keys(self, row: FloatColumn, column: FloatColumn) -> IntColumn:
        keys: IntColumn = (row * self._COLUMNS + column % self._COLUMNS).astype(np.int64)
        return keys
