"""Basics of swimming and strength training, worked by hand."""

import pytest

from domain import strength, swim
from domain.strength import StrengthSet


def test_pace_is_for_100_m() -> None:
    assert swim.pace_s_per_100_m(1500.0, 1350.0) == 90.0
    with pytest.raises(ValueError, match="distance is 0"):
        swim.pace_s_per_100_m(0.0, 60.0)


def test_swolf_adds_seconds_and_strokes() -> None:
    assert swim.swolf(22.5, 16) == 38.5


def test_critical_speed_is_of_the_metres_between_two_swims() -> None:
    assert swim.critical_swim_speed_m_s(200.0, 160.0, 400.0, 340.0) == pytest.approx(200 / 180)
    with pytest.raises(ValueError, match="give the short swim first"):
        swim.critical_swim_speed_m_s(400.0, 340.0, 200.0, 160.0)


def test_an_hour_at_threshold_scores_100_and_a_tenth_slower_72_9() -> None:
    assert swim.swim_stress_score(3600.0, 1.2, 1.2) == 100.0
    assert swim.swim_stress_score(3600.0, 0.9, 1.0) == pytest.approx(72.9)
    with pytest.raises(ValueError, match="threshold speed is 0"):
        swim.swim_stress_score(3600.0, 1.0, 0.0)


def test_volume_is_repetitions_times_mass() -> None:
    assert strength.volume_load_kg([StrengthSet("squat", 5, 100.0), StrengthSet("press", 10, 40.0)]) == 900.0


def test_one_repetition_maximum_by_two_formulas() -> None:
    # Epley: 100 × (1 + 6 / 30); Brzycki: 100 × 36 / 31
    assert strength.one_repetition_maximum_epley_kg(100.0, 6) == pytest.approx(120.0)
    assert strength.one_repetition_maximum_brzycki_kg(100.0, 6) == pytest.approx(116.129, abs=0.001)
    for formula in (strength.one_repetition_maximum_epley_kg, strength.one_repetition_maximum_brzycki_kg):
        assert formula(80.0, 1) == 80.0
        assert formula(80.0, 0) is None
        assert formula(80.0, 11) is None
