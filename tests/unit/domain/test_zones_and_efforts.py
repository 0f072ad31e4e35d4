"""Time in zones, best efforts."""

import numpy as np
import pytest

from domain.efforts import fastest, highest_mean
from domain.zones import HR_MAX_EDGES, time_in_zones_s


def test_time_in_zones_counts_each_second_once() -> None:
    heart_rate = np.array([90.0, 115, 130, 150, 170, 190, np.nan])  # of a maximum of 190: 0.47 .61 .68 .79 .89 1.0
    held_s = np.array([10.0, 1, 2, 3, 4, 5, 100])
    assert time_in_zones_s(heart_rate, held_s, 190, HR_MAX_EDGES) == (10.0, 3.0, 3.0, 4.0, 5.0)


def test_a_value_on_an_edge_is_in_the_upper_zone() -> None:
    assert time_in_zones_s(np.array([120.0]), np.array([1.0]), 200, HR_MAX_EDGES) == (0.0, 1.0, 0.0, 0.0, 0.0)


def test_even_pace_gives_even_times() -> None:
    metres = np.arange(3601.0) * 3.0
    got = fastest(metres, [400.0, 1000.0, 5000.0, 42195.0])
    assert [effort and effort[0] for effort in got] == [
        pytest.approx(400 / 3),
        pytest.approx(1000 / 3),
        pytest.approx(5000 / 3),
        None,
    ]


def test_the_fastest_kilometre_is_where_it_was_run() -> None:
    speed = np.full(3600, 3.0)
    speed[1000:1250] = 4.0  # exactly 1 km
    metres = np.concatenate(([0.0], np.cumsum(speed)))
    kilometre, five = fastest(metres, [1000.0, 5000.0])
    assert kilometre == pytest.approx((250.0, 1000.0))
    assert five is not None
    assert five[0] == pytest.approx(250 + 4000 / 3)


def test_a_pause_does_not_stop_the_clock() -> None:
    speed = np.concatenate((np.full(100, 4.0), np.zeros(60), np.full(100, 4.0)))
    (half,) = fastest(np.concatenate(([0.0], np.cumsum(speed))), [600.0])
    assert half is not None
    assert half[0] == pytest.approx(210.0)


def test_the_highest_minute_of_power() -> None:
    power = np.full(600, 150.0)
    power[200:260] = 350.0
    assert highest_mean(power, [60, 120, 601]) == [(350.0, 200), (250.0, 140), None]
