"""Power formulas against values worked by hand."""

import numpy as np
import pytest

from domain.power import (
    bridged_power_w,
    clean_power_w,
    energy_kcal,
    intensity_factor,
    normalised_power_w,
    power_on_elapsed_seconds,
    power_on_timer_seconds,
    training_stress_score,
)
from domain.timeline import timeline_of
from domain.track import track_from_columns


def test_quarter_minutes_of_400_and_100_watts_give_250_not_337() -> None:
    power = np.tile(np.repeat([400.0, 100.0], 15), 40)
    assert normalised_power_w(power) == pytest.approx(250.0)


def test_steady_power_is_its_own_normalised_power() -> None:
    assert normalised_power_w(np.full(600, 213.0)) == pytest.approx(213.0)


def test_the_first_average_is_of_thirty_seconds_not_of_zeros() -> None:
    assert normalised_power_w(np.full(30, 300.0)) == pytest.approx(300.0)
    assert normalised_power_w(np.full(29, 300.0)) is None


def test_two_levels_weigh_by_the_fourth_power() -> None:
    # Long blocks: ((200^4 + 300^4) / 2)^(1/4) = 263.9, but for the 29 mixed windows between them.
    power = np.repeat([200.0, 300.0], 36_000)
    assert normalised_power_w(power) == pytest.approx(((200**4 + 300**4) / 2) ** 0.25, abs=0.05)


def test_an_hour_at_threshold_is_a_score_of_100() -> None:
    assert training_stress_score(3600.0, 250.0, 250.0) == pytest.approx(100.0)
    assert training_stress_score(7200.0, 200.0, 250.0) == pytest.approx(128.0)  # 100 * 2 * 0.8²
    assert intensity_factor(200.0, 250.0) == pytest.approx(0.8)


def test_a_threshold_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        intensity_factor(200.0, 0.0)


def test_a_kilojoule_of_work_is_about_a_kilocalorie_of_food() -> None:
    assert energy_kcal(200.0, 3600.0) == pytest.approx(717.0, abs=0.1)  # 720 kJ / 4.184 / 0.24


def test_faults_of_the_meter_are_unknown() -> None:
    assert np.isnan(clean_power_w(np.array([100.0, 65535.0, -5.0]))).tolist() == [False, True, True]


def test_a_meter_that_never_says_anything_is_no_meter() -> None:
    assert np.isnan(clean_power_w(np.zeros(5))).all()


def test_pauses_are_cut_from_timer_seconds_and_zero_in_elapsed_seconds() -> None:
    # 0..9 s at 100 W, pause until 20 s, 20..29 s at 200 W.
    seconds = np.concatenate((np.arange(10), np.arange(20, 30))) * 1_000_000
    power = np.repeat([100.0, 200.0], 10)
    track = track_from_columns(seconds, power_w=power)
    timeline = timeline_of(track, 0, 30_000_000, [(10_000_000, 20_000_000)])
    assert timeline.timer_time_s == 20.0
    assert power_on_timer_seconds(power, timeline).tolist() == power.tolist()
    assert power_on_elapsed_seconds(power, timeline).tolist() == [100.0] * 10 + [0.0] * 10 + [200.0] * 10


def test_a_value_of_smart_recording_holds_until_the_next() -> None:
    track = track_from_columns(np.array([0, 4, 6, 10]) * 1_000_000, power_w=np.array([100.0, 200.0, np.nan, 300.0]))
    timeline = timeline_of(track, 0, 11_000_000, [])
    assert power_on_timer_seconds(track.power_w, timeline).tolist() == [100.0] * 4 + [200.0] * 2 + [300.0]


def test_a_gap_of_up_to_five_seconds_is_bridged_by_the_value_before_and_a_longer_one_is_not() -> None:
    power = np.array([np.nan, 200.0, np.nan, np.nan, np.nan, np.nan, 300.0, np.nan, np.nan, np.nan, 400.0, np.nan])
    offset_s = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13])
    expected = np.array([np.nan, 200, 200, 200, 200, 200, 300, np.nan, np.nan, np.nan, 400, np.nan])
    assert np.array_equal(bridged_power_w(power, offset_s), expected, equal_nan=True)
    assert np.isnan(power[2])  # what was given is as it was


def test_power_without_gaps_or_values_is_bridged_by_nothing() -> None:
    power, nothing = np.array([1.0, 2.0]), np.full(3, np.nan)
    assert bridged_power_w(power, np.arange(2.0)) is power
    assert np.isnan(bridged_power_w(nothing, np.arange(3.0))).all()


def test_a_second_without_power_is_no_rest_and_no_missing_second() -> None:
    power = np.full(60, 300.0)
    power[[20, 40, 41]] = np.nan
    track = track_from_columns(np.arange(60) * 1_000_000, power_w=power)
    for end_us in (59_000_000, 70_000_000):  # one sample a second, and with time after the last
        timeline = timeline_of(track, 0, end_us, [])
        assert power_on_elapsed_seconds(power, timeline).tolist() == [300.0] * 60
        assert power_on_timer_seconds(power, timeline).tolist()[:59] == [300.0] * 59


def test_half_a_minute_without_power_is_zero_in_best_efforts_and_no_timer_second() -> None:
    power = np.full(90, 300.0)
    power[30:60] = np.nan
    track = track_from_columns(np.arange(90) * 1_000_000, power_w=power)
    timeline = timeline_of(track, 0, 89_000_000, [])
    assert power_on_elapsed_seconds(power, timeline).sum() == 60 * 300.0
    assert len(power_on_timer_seconds(power, timeline)) == 60
