"""What holds for passes of arbitrary roads, wherever on Earth, and for the index of segments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.distance import EARTH_RADIUS_M
from domain.segment_geometry import Trace, near_pairs
from domain.segment_index import SegmentIndex, cells_of, regions_of, start_regions
from domain.segments import match, segment_of

S = 1_000_000
Floats = NDArray[np.float64]

seeds = st.integers(0, 2**32 - 1)
speeds_m_s = st.floats(1.5, 9.0)
places = st.tuples(st.floats(-75, 75), st.floats(-180, 180))


def road(seed: int, place: tuple[float, float]) -> tuple[Floats, Floats]:
    """A winding road of 1,200 m, a point every metre, as latitudes and longitudes."""
    turn = np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 1200))
    turn -= np.linspace(0, turn[-1], 1200)
    x, y = (np.concatenate(([0.0], np.cumsum(step))) for step in (np.cos(turn), np.sin(turn)))
    east_deg = np.degrees(x / (EARTH_RADIUS_M * np.cos(np.radians(place[0]))))
    return place[0] + np.degrees(y / EARTH_RADIUS_M), (place[1] + east_deg + 180) % 360 - 180


def ridden(line: tuple[Floats, Floats], metres: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """One fix a second at these metres of the road."""
    at = np.arange(len(line[0]), dtype=np.float64)
    longitude = np.interp(metres, at, np.unwrap(line[1], period=360))
    return np.arange(len(metres)) * S, np.interp(metres, at, line[0]), (longitude + 180) % 360 - 180


@settings(max_examples=60, deadline=None)
@given(seeds, places, speeds_m_s)
def test_a_clean_pass_is_found_anywhere_and_timed_to_the_tenth_of_a_second(
    seed: int, place: tuple[float, float], speed_m_s: float
) -> None:
    latitude, longitude = road(seed, place)
    line = segment_of("s", "S", "cycling", latitude[100:1101].tolist(), longitude[100:1101].tolist())
    time_us, *at = ridden((latitude, longitude), np.arange(0, 1200, speed_m_s))
    (effort,) = match(time_us, at[0], at[1], line)
    assert effort.elapsed_s == pytest.approx(1000 / speed_m_s, abs=0.1)
    assert effort.start_us == pytest.approx(100 / speed_m_s * S, abs=0.1 * S)
    cells = cells_of(at[0], at[1])
    assert SegmentIndex([line]).candidates(cells, "cycling") == [line]
    assert start_regions(line) & regions_of(cells)
    later = match(time_us + 3600 * S, at[0], at[1], line)
    assert [(one.start_us - 3600 * S, one.end_us - 3600 * S) for one in later] == [(effort.start_us, effort.end_us)]


@settings(max_examples=60, deadline=None)
@given(seeds, places, speeds_m_s)
def test_the_way_back_and_two_thirds_of_the_way_are_never_efforts(
    seed: int, place: tuple[float, float], speed_m_s: float
) -> None:
    latitude, longitude = road(seed, place)
    line = segment_of("s", "S", "cycling", latitude[100:1101].tolist(), longitude[100:1101].tolist())
    metres = np.arange(0, 1200, speed_m_s)
    assert match(*ridden((latitude, longitude), metres[::-1]), line) == []
    assert match(*ridden((latitude, longitude), metres[metres < 800]), line) == []
    assert match(*ridden((latitude, longitude), metres[metres > 400]), line) == []


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 6), speeds_m_s)
def test_as_many_efforts_as_ways_there(seed: int, ways: int, speed_m_s: float) -> None:
    latitude, longitude = road(seed, (47.0, 8.0))
    line = segment_of("s", "S", "cycling", latitude[100:1101].tolist(), longitude[100:1101].tolist())
    there = np.arange(0, 1200, speed_m_s)
    efforts = match(*ridden((latitude, longitude), np.concatenate([there, there[::-1]] * ways)), line)
    assert [effort.elapsed_s for effort in efforts] == pytest.approx([1000 / speed_m_s] * ways, abs=0.1)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(2, 300), st.floats(0.1, 400))
def test_any_track_whatever_comes_out_in_order_within_its_own_time(seed: int, n: int, step_m: float) -> None:
    random = np.random.default_rng(seed)
    latitude = 47 + np.degrees(np.cumsum(random.normal(0, step_m, n)) / EARTH_RADIUS_M)
    longitude = 8 + np.degrees(np.cumsum(random.normal(0, step_m, n)) / EARTH_RADIUS_M)
    latitude[random.random(n) < 0.1] = np.nan
    time_us = np.cumsum(random.integers(1, 40, n)) * S
    line = segment_of("s", "S", "other", *(column[:900].tolist() for column in road(seed, (47.0, 8.0))))
    efforts = match(time_us, latitude, longitude, line)
    assert [one.start_us for one in efforts] == sorted(one.start_us for one in efforts)
    assert len({one.end_us for one in efforts}) == len(efforts)
    assert all(time_us[0] <= one.start_us < one.end_us <= time_us[-1] for one in efforts)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 80), st.integers(1, 80), st.floats(1, 60))
def test_near_pairs_are_those_of_every_distance(seed: int, n: int, v: int, radius_m: float) -> None:
    random = np.random.default_rng(seed)
    x, y, line_x, line_y = (random.uniform(-200, 200, size) for size in (n, n, v, v))
    trace = Trace(x, y, np.arange(n, dtype=np.float64), np.ones(n - 1, dtype=bool))
    rows, points = near_pairs(trace, line_x, line_y, radius_m)
    near = np.hypot(x[None, :] - line_x[:, None], y[None, :] - line_y[:, None]) <= radius_m
    expected_points, expected_rows = np.nonzero(near)
    assert (rows.tolist(), points.tolist()) == (expected_rows.tolist(), expected_points.tolist())
