"""Elevation gain and loss with hysteresis."""

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.elevation import gain_and_loss_m


def _gain_and_loss_m(altitude_m: NDArray[np.float64]) -> tuple[float, float] | None:
    return gain_and_loss_m(altitude_m, np.arange(float(len(altitude_m))))


def test_a_steady_climb_counts_in_full() -> None:
    assert _gain_and_loss_m(np.linspace(100, 350, 2000)) == pytest.approx((250.0, 0.0), abs=0.5)


def test_hills_count_up_and_down() -> None:
    hill = np.concatenate((np.linspace(0, 80, 300), np.linspace(80, 30, 300), np.linspace(30, 60, 300)))
    assert _gain_and_loss_m(hill) == pytest.approx((110.0, 50.0), abs=1.0)


def test_a_wobble_below_the_threshold_is_not_climbed() -> None:
    flat = 100 + 1.2 * np.sin(np.arange(3600) / 15)
    assert np.maximum(np.diff(flat), 0).sum() > 80
    assert _gain_and_loss_m(flat) == (0.0, 0.0)


def test_noise_adds_little_to_a_climb() -> None:
    rng = np.random.default_rng(3)
    noisy = np.linspace(0, 500, 3600) + rng.normal(0, 0.7, 3600)
    gain, loss = _gain_and_loss_m(noisy) or (0, 0)
    assert gain == pytest.approx(500, abs=5)
    assert loss < 5


def test_unknown_altitudes_do_not_count() -> None:
    altitude = np.linspace(0, 50, 500)
    altitude[100:200] = np.nan
    assert _gain_and_loss_m(altitude) == pytest.approx((50.0, 0.0), abs=0.5)
    assert _gain_and_loss_m(np.array([np.nan, 3.0])) is None
    assert _gain_and_loss_m(np.full(50, 7.0)) == (0.0, 0.0)


def test_the_first_fixes_of_gps_are_not_climbed() -> None:
    altitude = np.concatenate(([-600.0, 100.0, 220.0, 330.0, 390.0], np.linspace(400, 440, 600)))
    gain, loss = _gain_and_loss_m(altitude) or (0, 0)
    assert (gain, loss) == pytest.approx((40, 0), abs=1)


def test_a_barometer_that_is_set_anew_is_no_descent() -> None:
    altitude = np.concatenate((np.linspace(300, 340, 600), np.linspace(140, 180, 600)))
    assert _gain_and_loss_m(altitude) == pytest.approx((80, 0), abs=1)


def test_the_noise_of_gps_under_water_is_no_altitude() -> None:
    assert _gain_and_loss_m(np.random.default_rng(2).normal(0, 8, 1000)) is None
