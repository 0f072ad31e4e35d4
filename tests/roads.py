"""Drawn roads and tracks on them, without and with errors, for tests of segments."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from domain.distance import EARTH_RADIUS_M
from domain.segments import Effort, Segment, segment_of
from domain.sports import Family

S = 1_000_000
START_US = 1_780_300_800 * S
Floats = NDArray[np.float64]


def on_map(x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of metres east and north of 60° N, 10° E."""
    longitude = 10.0 + np.degrees(x_m / (EARTH_RADIUS_M * np.cos(np.radians(60.0))))
    return 60.0 + np.degrees(y_m / EARTH_RADIUS_M), longitude


def along(corners: Sequence[tuple[float, float]], spacing_m: float) -> tuple[Floats, Floats]:
    """Points every ``spacing_m`` along straight lines from corner to corner, in metres east and north."""
    x, y = np.array(corners, dtype=np.float64).T
    at = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))))
    points = np.arange(0.0, at[-1] + 1e-9, spacing_m)
    return np.interp(points, at, x), np.interp(points, at, y)


def segment(*corners: tuple[float, float], family: Family = "running", every_m: float = 20.0) -> Segment:
    """A segment with a drawn point every so many metres."""
    return segment_of("hill", "The hill", family, *(c.tolist() for c in on_map(*along(corners, every_m))))


Columns = tuple[NDArray[np.int64], Floats, Floats]


def ran(*corners: tuple[float, float], speed_m_s: float = 5.0, every_s: int = 1) -> Columns:
    """The track of somebody who runs from corner to corner without error."""
    latitude, longitude = on_map(*along(corners, speed_m_s * every_s))
    return START_US + np.arange(len(latitude)) * every_s * S, latitude, longitude


def seconds(efforts: list[Effort]) -> list[float]:
    return [effort.elapsed_s for effort in efforts]


STREET = segment((0, 0), (1000, 0))
BLOCK = ((0, 0), (200, 0), (200, 200), (-200, 200), (-200, 0), (0, 0))  # a loop of 1,200 m
LOLLIPOP = segment((0, 0), (600, 0), (0, 0))


def noisy(seed: int, speed_m_s: float, *, smart: bool, waits: bool) -> tuple[Segment, Columns, float]:
    """A segment of 1 km on a winding road, a noisy track over it, and the true seconds from gate to gate.

    The speed swings by 15 %. The fixes err by 3 m (standard deviation on each axis) that wander with a time constant of
    20 s, as those of receivers do, and by 0.5 m from one to the next. 3 to 20 s are lost once.
    """
    random = np.random.default_rng(seed)
    turn = np.cumsum(random.normal(0, 0.02, 2200))
    turn -= np.linspace(0, turn[-1], 2200)
    road_x, road_y = (np.concatenate(([0.0], np.cumsum(step))) for step in (np.cos(turn), np.sin(turn)))
    start_m, finish_m = 600.0, 1600.0
    drawn = (column[600:1601:5] for column in (road_x, road_y))
    family: Family = "running" if speed_m_s < 6 else "cycling"
    line = segment_of("noisy", "Noisy", family, *(column.tolist() for column in on_map(*drawn)))

    speed = speed_m_s * (1 + 0.15 * np.sin(np.linspace(0, 20, 4000) + random.uniform(0, 6)))
    metres = random.uniform(0, speed_m_s) + np.cumsum(speed)
    if waits:  # 30 s three metres behind the line, then off
        metres = np.concatenate(
            (metres[metres < start_m - 3], np.full(30, start_m - 3), start_m - 3 + np.cumsum(speed))
        )
    metres = metres[metres < 2190]
    n = len(metres)
    second = np.arange(n)
    begin_s, end_s = np.interp([start_m, finish_m], metres + 1e-9 * second, second)

    # A fading sum of shocks; those of 200 s ago have faded to nothing.
    fading = np.exp(-np.arange(200) / 20)
    shocks = random.normal(0, 3 * np.sqrt(1 - fading[1] ** 2), (2, n + 199))
    wander = np.array([np.convolve(row, fading, mode="valid") for row in shocks])
    error_x, error_y = wander + random.normal(0, 0.5, (2, n))
    at = np.arange(2201.0)
    latitude, longitude = on_map(np.interp(metres, at, road_x) + error_x, np.interp(metres, at, road_y) + error_y)

    stored = np.ones(n, dtype=bool)
    if smart:
        stored = np.isin(second, np.cumsum(random.integers(2, 8, n)))
    lost = int(random.integers(5, n - 25))
    stored[lost : lost + int(random.integers(3, 21))] = False
    return line, (START_US + second[stored] * S, latitude[stored], longitude[stored]), float(end_s - begin_s)
