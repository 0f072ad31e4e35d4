"""Heart-rate load against values worked by hand."""

import math

import numpy as np
import pytest

from domain.trimp import banister_trimp, clean_heart_rate_bpm, energy_kcal, trimp_of_steady


def test_half_of_the_reserve_for_an_hour() -> None:
    # x = (125 - 60) / (190 - 60) = 0.5
    assert trimp_of_steady(60, 125, 60, 190, "male") == pytest.approx(60 * 0.5 * 0.64 * math.exp(0.96))
    assert trimp_of_steady(60, 125, 60, 190, "female") == pytest.approx(60 * 0.5 * 0.86 * math.exp(0.835))
    assert trimp_of_steady(60, 125, 60, 190, "male") == pytest.approx(50.14, abs=0.01)
    assert trimp_of_steady(60, 125, 60, 190, "female") == pytest.approx(59.47, abs=0.01)


def test_an_unspecified_sex_is_the_mean_of_both() -> None:
    assert trimp_of_steady(60, 125, 60, 190, "unspecified") == pytest.approx((50.142 + 59.466) / 2, abs=0.01)


def test_heart_rates_outside_of_the_reserve_count_as_its_ends() -> None:
    assert trimp_of_steady(30, 50, 60, 190, "male") == 0.0
    assert trimp_of_steady(30, 200, 60, 190, "male") == trimp_of_steady(30, 190, 60, 190, "male")


def test_samples_weigh_by_the_time_they_stand_for() -> None:
    mixed = banister_trimp(np.array([125.0, np.nan, 160.0]), np.array([600.0, 60.0, 1200.0]), 60, 190, "male")
    parts = (trimp_of_steady(10, 125, 60, 190, "male") or 0) + (trimp_of_steady(20, 160, 60, 190, "male") or 0)
    assert mixed == pytest.approx(parts)


def test_without_a_reserve_or_samples_it_is_unknown() -> None:
    assert trimp_of_steady(30, 120, 190, 190, "male") is None
    assert banister_trimp(np.array([np.nan]), np.array([1.0]), 60, 190, "male") is None


def test_a_strap_without_contact_is_unknown() -> None:
    assert np.isnan(clean_heart_rate_bpm(np.array([0.0, 120.0, 255.0]))).tolist() == [True, False, True]


def test_energy_of_an_hour_at_140_bpm() -> None:
    # Men: -55.0969 + 88.326 + 15.904 + 8.068 = 57.20 kJ/min; women: -20.4022 + 62.608 - 10.104 + 2.96 = 35.06 kJ/min
    assert energy_kcal(140, 3600, 80, 40, "male") == pytest.approx(60 * 57.2011 / 4.184)
    assert energy_kcal(140, 3600, 80, 40, "female") == pytest.approx(60 * 35.0618 / 4.184)
    assert energy_kcal(40, 3600, 80, 40, "male") == 0.0
