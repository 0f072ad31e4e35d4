"""Elevation gain and loss with hysteresis."""

import numpy as np
import pytest

from domain.elevation import gain_and_loss_m


def test_a_steady_climb_counts_in_full() -> None:
    assert gain_and_loss_m(np.linspace(100, 350, 2000)) == pytest.approx((250.0, 0.0), abs=0.5)


def test_hills_count_up_and_down() -> None:
    hill = np.concatenate((np.linspace(0, 80, 300), np.linspace(80, 30, 300), np.linspace(30, 60, 300)))
    assert gain_and_loss_m(hill) == pytest.approx((110.0, 50.0), abs=1.0)


def test_a_wobble_below_the_threshold_is_not_climbed() -> None:
    flat = 100 + 1.2 * np.sin(np.arange(3600) / 15)
    assert np.maximum(np.diff(flat), 0).sum() > 80
    assert gain_and_loss_m(flat) == (0.0, 0.0)


def test_noise_adds_little_to_a_climb() -> None:
    rng = np.random.default_rng(3)
    noisy = np.linspace(0, 500, 3600) + rng.normal(0, 0.7, 3600)
    gain, loss = gain_and_loss_m(noisy) or (0, 0)
    assert gain == pytest.approx(500, abs=5)
    assert loss < 5


def test_unknown_altitudes_do_not_count() -> None:
    altitude = np.linspace(0, 50, 500)
    altitude[100:200] = np.nan
    assert gain_and_loss_m(altitude) == pytest.approx((50.0, 0.0), abs=0.5)
    assert gain_and_loss_m(np.array([np.nan, 3.0])) is None
    assert gain_and_loss_m(np.full(50, 7.0)) == (0.0, 0.0)
