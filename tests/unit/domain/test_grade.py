"""Grade-adjusted distance: Minetti's cost, and what hills and noise make of a run."""

import numpy as np
import pytest

from domain.grade import grade_adjusted_distance_m, running_cost_minetti


def metres(n: int = 2001) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.linspace(0.0, 5000.0, n)


def test_the_cost_is_minettis_on_the_level_and_on_hills() -> None:
    # at 0.1: 0.001554 - 0.00304 - 0.0433 + 0.463 + 1.95 + 3.6; at -0.1 the first, third and fifth change their sign
    assert running_cost_minetti(np.array([0.0, 0.1, -0.1])) == pytest.approx([3.6, 5.968214, 2.151706])


def test_beyond_what_was_measured_the_cost_is_that_of_the_steepest() -> None:
    assert running_cost_minetti(np.array([0.6, -0.9])) == pytest.approx(running_cost_minetti(np.array([0.45, -0.45])))


def test_a_level_run_is_as_long_as_it_is() -> None:
    assert grade_adjusted_distance_m(metres(), np.full(2001, 80.0)) == pytest.approx(5000.0)


def test_a_steady_climb_of_ten_percent_counts_as_its_cost() -> None:
    found = grade_adjusted_distance_m(metres(), metres() * 0.1)
    # the first and last 20 m are flatter, since the altitude ends there
    assert found == pytest.approx(5000.0 * 5.968214 / 3.6, rel=0.01)


def test_a_stop_with_a_drifting_barometer_adds_nothing() -> None:
    moving = metres()
    stopped = np.concatenate((moving[:1000], np.full(600, moving[999]), moving[1000:]))
    altitude = np.full(2601, 80.0)
    altitude[1000:1600] += 5.0 * np.sin(np.linspace(0.0, np.pi, 600))
    assert grade_adjusted_distance_m(stopped, altitude) == pytest.approx(5000.0, rel=0.001)


def test_noise_of_a_metre_adds_little() -> None:
    noise = np.random.default_rng(7).normal(0.0, 1.0, 2001)
    assert grade_adjusted_distance_m(metres(), 80.0 + noise) == pytest.approx(5000.0, rel=0.01)


def test_too_little_altitude_or_distance_gives_nothing() -> None:
    altitude = np.full(2001, 80.0)
    altitude[:1200] = np.nan
    assert grade_adjusted_distance_m(metres(), altitude) is None
    assert grade_adjusted_distance_m(np.linspace(0, 199, 100), np.zeros(100)) is None
    assert grade_adjusted_distance_m(np.empty(0), np.empty(0)) is None
