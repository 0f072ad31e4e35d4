"""Distance: the device's counter, speed and GPS, with what goes wrong in each."""

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.distance import (
    device_distance_m,
    distance_series,
    gps_distance_m,
    haversine_m,
    on_seconds,
    speed_distance_m,
)
from domain.timeline import timeline_of
from domain.track import Track, track_from_columns

LIMIT_M_S = 12.5


def _device(values: list[float], seconds: list[float] | None = None) -> NDArray[np.float64]:
    at = np.array(seconds if seconds is not None else np.arange(len(values)), dtype=np.float64)
    cumulative = device_distance_m(np.array(values), at, LIMIT_M_S)
    assert cumulative is not None
    return cumulative


def test_a_counter_is_taken_as_it_is() -> None:
    assert _device([0.0, 3.0, 6.0, 9.5]).tolist() == [0.0, 3.0, 6.0, 9.5]


def test_a_counter_that_carries_on_from_an_earlier_leg_starts_at_0() -> None:
    assert _device([1500.0, 1503.0]).tolist() == [0.0, 3.0]


def test_metres_before_the_first_sample_count_when_they_are_possible() -> None:
    assert _device([8.0, 11.0], [3.0, 4.0]).tolist() == [8.0, 11.0]


def test_a_counter_that_begins_anew_goes_on_from_where_it_was() -> None:
    assert _device([0.0, 300.0, 600.0, 5.0, 205.0], [0, 100, 200, 205, 300])[-1] == 805.0


def test_a_correction_downwards_is_not_run_twice() -> None:
    cumulative = _device([0.0, 10.0, 20.0, 18.0, 20.0, 30.0])
    assert cumulative.tolist() == [0.0, 10.0, 20.0, 20.0, 20.0, 30.0]


def test_a_spike_counts_nothing() -> None:
    assert _device([0.0, 3.0, 40_000.0, 9.0, 12.0]).tolist() == [0.0, 3.0, 6.0, 9.0, 12.0]
    assert _device([0.0, 3.0, 40_000.0, 40_003.0])[-1] == pytest.approx(6.0)


def test_a_counter_that_catches_up_after_a_tunnel_is_believed() -> None:
    values = [0.0, 3.0] + [3.0] * 100 + [303.0, 306.0]
    assert _device(values)[-1] == 306.0


def test_unknown_values_are_interpolated() -> None:
    assert _device([0.0, np.nan, 6.0, np.nan]).tolist() == [0.0, 3.0, 6.0, 6.0]
    assert device_distance_m(np.array([np.nan, 3.0]), np.array([0.0, 1.0]), LIMIT_M_S) is None


def _track(n: int, **channels: NDArray[np.float64]) -> Track:
    return track_from_columns(np.arange(n) * 1_000_000, **channels)


def test_speed_is_integrated_over_timer_time_only() -> None:
    track = track_from_columns(np.array([0, 10, 110, 120]) * 1_000_000, speed_m_s=np.full(4, 2.0))
    timeline = timeline_of(track, 0, 120_000_000, [(10_000_000, 110_000_000)])
    cumulative = speed_distance_m(track.speed_m_s, timeline, LIMIT_M_S)
    assert cumulative is not None
    assert cumulative.tolist() == [0.0, 20.0, 20.0, 40.0]


def test_a_speed_faster_than_the_sport_is_unknown() -> None:
    track = _track(4, speed_m_s=np.array([2.0, 600.0, 2.0, 2.0]))
    cumulative = speed_distance_m(track.speed_m_s, timeline_of(track, 0, 3_000_000, []), LIMIT_M_S)
    assert cumulative is not None
    assert cumulative[-1] == pytest.approx(6.0)


def test_a_degree_of_latitude_is_111_km() -> None:
    assert haversine_m(np.array([50.0, 51.0]), np.array([10.0, 10.0]))[0] == pytest.approx(111_195, abs=1)
    assert haversine_m(np.array([60.0, 60.0]), np.array([10.0, 11.0]))[0] == pytest.approx(55_597, abs=2)


def _line(metres: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return 50.0 + metres / 111_195.08, np.full(len(metres), 10.0)


def test_gps_adds_up_and_drops_spikes() -> None:
    metres = np.arange(100.0) * 3.0
    metres[50] += 900.0
    cumulative = gps_distance_m(*_line(metres), np.arange(100.0), LIMIT_M_S)
    assert cumulative is not None
    assert cumulative[-1] == pytest.approx(297.0, abs=0.1)


def test_gps_that_jumps_for_good_counts_the_jump_as_nothing() -> None:
    metres = np.arange(100.0) * 3.0
    metres[50:] += 900.0
    cumulative = gps_distance_m(*_line(metres), np.arange(100.0), LIMIT_M_S)
    assert cumulative is not None
    assert cumulative[-1] == pytest.approx(294.0, abs=0.1)


def test_gps_does_not_run_while_standing() -> None:
    rng = np.random.default_rng(11)
    metres = np.concatenate((np.arange(100.0) * 3.0, 297.0 + rng.normal(0, 0.4, 600)))
    cumulative = gps_distance_m(*_line(metres), np.arange(700.0), LIMIT_M_S)
    assert cumulative is not None
    assert 295.0 < cumulative[-1] < 310.0
    assert np.abs(np.diff(metres)).sum() > 500.0


def test_the_null_island_is_no_place() -> None:
    latitude, longitude = _line(np.arange(10.0) * 3.0)
    latitude[4] = longitude[4] = 0.0
    cumulative = gps_distance_m(latitude, longitude, np.arange(10.0), LIMIT_M_S)
    assert cumulative is not None
    assert cumulative[-1] == pytest.approx(27.0, abs=0.01)


def test_the_counter_comes_before_gps_and_gps_before_speed() -> None:
    n = 101
    latitude, longitude = _line(np.arange(float(n)) * 2.9)
    holes = np.where(np.arange(n) % 10 == 5, np.nan, latitude)
    counter, speed = np.arange(float(n)) * 3.0, np.full(n, 3.1)
    every = _track(n, distance_m=counter, speed_m_s=speed, latitude_deg=latitude, longitude_deg=longitude)
    no_counter = _track(n, speed_m_s=speed, latitude_deg=latitude, longitude_deg=longitude)
    poor_gps = _track(n, speed_m_s=speed, latitude_deg=holes, longitude_deg=longitude)
    only_poor_gps = _track(n, latitude_deg=holes, longitude_deg=longitude)
    dead_counter = _track(n, distance_m=np.zeros(n), speed_m_s=speed)
    got = [
        (series.source, round(series.total_m))
        for track in (every, no_counter, poor_gps, only_poor_gps, dead_counter, _track(n))
        for series in [distance_series(track, timeline_of(track, 0, 100_000_000, []), "running")]
    ]
    assert got == [("device", 300), ("gps", 290), ("speed", 310), ("gps", 290), ("speed", 310), ("none", 0)]


def test_swimming_trusts_speed_more_than_gps() -> None:
    latitude, longitude = _line(np.arange(101.0) * 0.8)
    track = _track(101, speed_m_s=np.full(101, 0.7), latitude_deg=latitude, longitude_deg=longitude)
    assert distance_series(track, timeline_of(track, 0, 100_000_000, []), "swimming").source == "speed"


def test_seconds_are_filled_between_samples() -> None:
    track = track_from_columns(np.array([0, 4, 6]) * 1_000_000)
    timeline = timeline_of(track, 0, 6_000_000, [])
    assert on_seconds(np.array([0.0, 8.0, 10.0]), timeline).tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 9.0, 10.0]
