"""Efficiency and decoupling, worked by hand."""

import numpy as np
import pytest

from domain.efficiency import aerobic_decoupling, efficiency_factor

HOUR = np.ones(3600)


def test_efficiency_is_output_by_heartbeat() -> None:
    assert efficiency_factor(210.0, 140.0) == 1.5
    with pytest.raises(ValueError, match="heart rate is 0"):
        efficiency_factor(210.0, 0.0)


def test_the_same_power_at_a_higher_heart_rate_is_decoupled() -> None:
    heart_rate = np.repeat([140.0, 147.0], 1800)
    # 200 / 140 against 200 / 147: 1 - 140 / 147
    assert aerobic_decoupling(200 * HOUR, heart_rate, HOUR) == pytest.approx(1 - 140 / 147)


def test_a_rising_output_at_the_same_heart_rate_is_negative() -> None:
    assert aerobic_decoupling(np.repeat([3.0, 3.3], 1800), 150 * HOUR, HOUR) == pytest.approx(-0.1)


def test_halves_are_of_the_time_in_which_both_are_known() -> None:
    power, heart_rate = 200 * HOUR, np.repeat([140.0, 147.0], 1800)
    power[:600] = np.nan  # 50 min are left: the first half ends 35 min after the start, 5 min into the second rate
    expected = 1 - (200 / 147) / (200 / ((20 * 140 + 5 * 147) / 25))
    assert aerobic_decoupling(power, heart_rate, HOUR) == pytest.approx(expected)


def test_irregular_samples_weigh_by_the_time_that_they_stand_for() -> None:
    held = np.array([600.0, 1200.0, 1800.0])
    assert aerobic_decoupling(np.full(3, 200.0), np.array([140.0, 140.0, 147.0]), held) == pytest.approx(1 - 140 / 147)


def test_short_patchy_or_idle_sessions_have_none() -> None:
    assert aerobic_decoupling(np.full(1199, 200.0), np.full(1199, 140.0), np.ones(1199)) is None
    patchy = np.where(np.arange(3600) < 1300, 200.0, np.nan)
    assert aerobic_decoupling(patchy, 140 * HOUR, HOUR) is None
    assert aerobic_decoupling(0 * HOUR, 140 * HOUR, HOUR) is None
