"""A track's motion by the second, nothing cleaned away: where the rules of integrity look for the impossible."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.distance import haversine_m
from domain.efforts import MAX_SPAN_S
from domain.elevation import DOWN_M_S, JUMP_M, UP_M_S
from domain.timeline import MAX_HELD_S
from domain.track import US_PER_S, FloatColumn, Track
from domain.trimp import clean_heart_rate_bpm

# Conventions of this project.
SPEED_SPAN_S: Final = 10  # speed from places is that over ten seconds: GPS wanders from one second to the next
SLOPE_SPAN_S: Final = 60
LEVEL_SLOPE: Final = -0.015  # steeper downhill, wheels and skates are faster than any record
SUSTAINED_SHARE: Final = 0.9  # of the seconds of a stretch: a car halts at lights


@dataclass(frozen=True, eq=False)
class Motion:
    """A track by whole seconds from its first sample, each column (seconds,); NaN where no sample is within 60 s.

    A column is made when a rule first asks for it.
    """

    track: Track

    @cached_property
    def begin_us(self) -> int:
        """Time of the first sample."""
        return int(self.track.time_us[0])

    @cached_property
    def seconds(self) -> FloatColumn:
        """0, 1, 2… up to the last sample."""
        return np.arange(int(self.track.elapsed_s) + 1, dtype=np.float64)

    @cached_property
    def speeds_m_s(self) -> tuple[FloatColumn, ...]:
        """The speeds that the track knows, by positions, by the speed channel and by the counter, as they are: unlike
        :mod:`domain.distance` nothing is cleaned away, since the impossible is what is looked for.
        """
        latitude, longitude = self._by_second(self.track.latitude_deg), self._by_second(self.track.longitude_deg)
        moved = np.full(len(self.seconds), np.nan)
        moved[:-SPEED_SPAN_S] = apart_m(
            latitude[:-SPEED_SPAN_S], longitude[:-SPEED_SPAN_S], latitude[SPEED_SPAN_S:], longitude[SPEED_SPAN_S:]
        )
        counted = _change(self._by_second(self.track.distance_m), SPEED_SPAN_S)
        return moved / SPEED_SPAN_S, self._by_second(self.track.speed_m_s), counted / SPEED_SPAN_S

    @cached_property
    def altitude_m(self) -> FloatColumn:
        """Altitude above the first known one, jumps taken out."""
        return self._by_second(without_jumps(self.track))

    @cached_property
    def heart_rate_bpm(self) -> FloatColumn:
        """Heart rate, what no heart does taken out."""
        return self._by_second(clean_heart_rate_bpm(self.track.heart_rate_bpm))

    @cached_property
    def power_w(self) -> FloatColumn:
        """Power."""
        return self._by_second(self.track.power_w)

    def _by_second(self, values: FloatColumn) -> FloatColumn:
        return on_seconds(self.track, values, self.begin_us, self.seconds)

    def span_us(self, first_s: int, last_s: int) -> tuple[int, int]:
        """Two of its seconds as UTC microseconds."""
        return self.begin_us + first_s * US_PER_S, self.begin_us + last_s * US_PER_S

    def rise_m_s(self, span_s: int) -> FloatColumn:
        """Vertical speed over the ``span_s`` seconds from each second on, (seconds,); NaN at the end."""
        return _change(self.altitude_m, span_s) / span_s

    def level(self, speed_m_s: float) -> NDArray[np.bool_]:
        """Whether the minute from each second on is known not to fall more than 1.5 % at ``speed_m_s``."""
        level: NDArray[np.bool_] = self.rise_m_s(SLOPE_SPAN_S) >= LEVEL_SLOPE * speed_m_s
        return level

    def drop_m(self, start_us: int, end_us: int) -> float:
        """Metres lost from one time to another; NaN where an altitude is unknown."""
        ends = [round((time_us - self.begin_us) / US_PER_S) for time_us in (start_us, end_us)]
        first, last = (min(max(0, second), len(self.altitude_m) - 1) for second in ends)
        return float(self.altitude_m[first] - self.altitude_m[last])


def motion_of(track: Track) -> Motion | None:
    """The motion of a track; ``None`` with fewer than two samples, or over more than four days (a fault of a clock)."""
    return Motion(track) if len(track) >= 2 and track.elapsed_s <= MAX_SPAN_S else None


def on_seconds(track: Track, values: FloatColumn, begin_us: int, seconds: FloatColumn) -> FloatColumn:
    """A channel (n,) of a track, interpolated at ``seconds`` from ``begin_us`` on; NaN outside of what is known and in
    gaps of over 60 s.
    """
    known = np.isfinite(values)
    if np.count_nonzero(known) < 2:
        return np.full(len(seconds), np.nan)
    time_s = (track.time_us[known] - begin_us) / US_PER_S
    after = np.clip(np.searchsorted(time_s, seconds), 1, len(time_s) - 1)
    left, right = time_s[after - 1], time_s[after]
    held = (right - left <= MAX_HELD_S) | (left == seconds) | (right == seconds)
    return np.where(held, np.interp(seconds, time_s, values[known], left=np.nan, right=np.nan), np.nan)


def apart_m(
    latitude_deg: FloatColumn, longitude_deg: FloatColumn, other_latitude: FloatColumn, other_longitude: FloatColumn
) -> FloatColumn:
    """Great-circle metres between two places, row by row, (n,); NaN beside an unknown one."""
    latitudes = np.column_stack((latitude_deg, other_latitude)).ravel()
    longitudes = np.column_stack((longitude_deg, other_longitude)).ravel()
    return haversine_m(latitudes, longitudes)[::2]


def stretch(holds: NDArray[np.bool_], window_s: int) -> tuple[int, int] | None:
    """The first and last second of the first stretch in whose every window of ``window_s`` seconds at least 90 % hold;
    ``None`` when there is no such window.
    """
    if len(holds) < window_s:
        return None
    sums = np.concatenate(([0], np.cumsum(holds)))
    windows = np.flatnonzero(sums[window_s:] - sums[:-window_s] >= SUSTAINED_SHARE * window_s)
    if len(windows) == 0:
        return None
    ends = np.flatnonzero(np.diff(windows) > 1)
    last = windows[ends[0]] if len(ends) else windows[-1]
    return int(windows[0]), int(last) + window_s - 1


def _change(values: FloatColumn, span: int) -> FloatColumn:
    change = np.full(len(values), np.nan)
    if len(values) > span:
        change[:-span] = values[span:] - values[:-span]
    return change


def without_jumps(track: Track) -> FloatColumn:
    """A track's altitude (n,) above the first known one, less the steps that :mod:`domain.elevation` does not count."""
    known = np.isfinite(track.altitude_m)
    altitude = np.full(len(track), np.nan)
    if not known.any():
        return altitude
    step_m = np.diff(track.altitude_m[known])
    step_s = np.diff(track.time_us[known]) / US_PER_S
    jump = ((step_m > UP_M_S * step_s) | (step_m < -DOWN_M_S * step_s)) & (np.abs(step_m) > JUMP_M)
    altitude[known] = np.concatenate(([0.0], np.cumsum(np.where(jump, 0.0, step_m))))
    return altitude
