"""Heart-rate variability against values worked by hand, and everything that must not become a figure."""

import math
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from domain.track import FloatColumn
from domain.variability import (
    Fault,
    Variability,
    normal_intervals_ms,
    reading_of,
    smallest_worthwhile_change,
    weekly_cv_percent,
    weekly_mean,
    with_gaps,
)
from recordings import read_recording

S = 1_000_000


def _alternating(n: int, low: float = 803.0, high: float = 863.0) -> FloatColumn:
    """Intervals that differ by 60 ms from beat to beat; neither is 60000 / a whole number."""
    return np.where(np.arange(n) % 2 == 0, low, high)


def _variability(rr_ms: FloatColumn) -> Variability:
    reading = reading_of(rr_ms)
    assert reading.fault is None
    assert reading.variability is not None
    return reading.variability


def _fault(rr_ms: FloatColumn) -> Fault | None:
    reading = reading_of(rr_ms)
    assert (reading.variability is None) == (reading.fault is not None)
    return reading.fault


def test_rmssd_is_the_root_of_the_mean_square_of_successive_differences() -> None:
    # Steps of +20, +40, -60 in turn, 25 times each: √((400 + 1600 + 3600) / 3) = 43.2049, ln 3.76595.
    rr_ms = np.concatenate((np.tile([803.0, 823.0, 863.0], 25), [803.0]))
    found = _variability(rr_ms)
    assert found.rmssd_ms == pytest.approx(43.2049, abs=1e-4)
    assert found.ln_rmssd == pytest.approx(3.76595, abs=1e-5)
    assert found.pnn50_percent == pytest.approx(100 / 3)  # only the steps of -60
    # Deviations from the mean 829.408: 26 of -26.408, 25 of -6.408, 25 of +33.592 give 47368.4 / 75 = 631.58.
    assert found.sdnn_ms == pytest.approx(math.sqrt(631.58), abs=1e-3)


def test_fifty_milliseconds_are_not_more_than_fifty() -> None:
    assert _variability(_alternating(80, 803.0, 853.0)).pnn50_percent == 0.0
    assert _variability(_alternating(80, 803.0, 854.0)).pnn50_percent == 100.0


def test_no_difference_reaches_across_a_gap() -> None:
    # A slow half and a fast half; the step of 103 ms between them is a gap in one of the two readings.
    slow, fast = _alternating(60, 903.0, 913.0), _alternating(60, 803.0, 813.0)
    apart = _variability(np.concatenate((slow, [np.nan], fast)))
    assert apart.rmssd_ms == pytest.approx(10.0)
    assert apart.pnn50_percent == 0.0
    # 118 steps of 10 and one of -110: √((118 · 100 + 12100) / 119) = 14.1719
    assert _variability(np.concatenate((slow, fast))).rmssd_ms == pytest.approx(14.1719, abs=1e-4)


def test_an_ectopic_beat_goes_with_its_compensatory_pause() -> None:
    rr_ms = _alternating(80)
    rr_ms[40:42] = [530.0, 1130.0]
    assert np.flatnonzero(np.isnan(normal_intervals_ms(rr_ms))).tolist() == [40, 41]
    assert _variability(rr_ms).rmssd_ms == pytest.approx(60.0)


@pytest.mark.parametrize("pair", [(530.0, 960.0), (700.0, 1130.0)])
def test_half_of_an_ectopic_pair_within_the_limit_goes_too(pair: tuple[float, float]) -> None:
    # Around 833: 960 is 15 % longer, 700 is 16 % shorter, each beside one that is beyond 20 %.
    rr_ms = np.full(41, 833.0)
    rr_ms[20:22] = pair
    assert np.flatnonzero(np.isnan(normal_intervals_ms(rr_ms))).tolist() == [20, 21]
    alone = np.full(41, 833.0)
    alone[20] = pair[0] if pair[0] > 667 else pair[1]
    assert not np.isnan(normal_intervals_ms(alone)).any()


def test_a_missed_beat_leaves_its_good_neighbours_alone() -> None:
    rr_ms = np.full(41, 833.0)
    rr_ms[20] = 1666.0
    assert np.flatnonzero(np.isnan(normal_intervals_ms(rr_ms))).tolist() == [20]


def test_an_impossible_interval_takes_its_pause_with_it() -> None:
    rr_ms = np.full(41, 833.0)
    rr_ms[20:22] = [250.0, 960.0]
    assert np.flatnonzero(np.isnan(normal_intervals_ms(rr_ms))).tolist() == [20, 21]


@pytest.mark.parametrize(("interval_ms", "kept"), [(299.0, False), (300.0, True), (2000.0, True), (2001.0, False)])
def test_intervals_are_possible_from_300_to_2000_ms(interval_ms: float, kept: bool) -> None:
    assert np.isfinite(normal_intervals_ms(np.full(20, interval_ms))).all() == kept


@pytest.mark.parametrize(("factor", "kept"), [(0.81, True), (0.79, False), (1.19, True), (1.21, False)])
def test_the_limit_is_a_fifth_of_the_local_median(factor: float, kept: bool) -> None:
    rr_ms = np.full(41, 1000.0)
    rr_ms[20] = 1000.0 * factor
    assert np.isfinite(normal_intervals_ms(rr_ms)[20]) == kept


def test_a_heart_that_slows_down_has_no_artefacts() -> None:
    rr_ms = np.geomspace(500.0, 1300.0, 90)  # 160 % in all, 1.1 % a beat
    assert np.array_equal(normal_intervals_ms(rr_ms), rr_ms)


def test_a_reading_of_less_than_a_minute_has_no_figure() -> None:
    # The median is 833 ms. 70 intervals are 58.31 s, and two more of the median 59.98 s; 71 are 59.11 s and enough.
    assert _fault(_alternating(71)) is None
    assert _fault(_alternating(70)) == "too_short"
    assert _fault(np.empty(0)) == "too_short"


def test_time_that_no_beat_is_known_of_does_not_make_a_reading_longer() -> None:
    rr_ms = np.concatenate((_alternating(60), [30_000.0]))
    assert _fault(rr_ms) == "too_short"
    assert reading_of(rr_ms).duration_s == pytest.approx(30 * 0.803 + 30 * 0.863)


def test_one_artefact_in_twenty_is_borne_and_more_are_not() -> None:
    rr_ms = _alternating(100)
    rr_ms[10:100:20] = 1700.0  # 5 missed beats
    assert reading_of(rr_ms).artefact_share == pytest.approx(0.05)
    assert _fault(rr_ms) is None
    rr_ms[60] = 1700.0
    assert _fault(rr_ms) == "too_many_artefacts"


def test_gaps_count_as_artefacts() -> None:
    rr_ms = np.insert(_alternating(100), np.arange(10, 70, 10), np.nan)  # 6 gaps of 106
    assert reading_of(rr_ms).artefact_share == pytest.approx(6 / 106)
    assert _fault(rr_ms) == "too_many_artefacts"


def test_a_heart_at_work_has_no_resting_variability() -> None:
    assert _fault(_alternating(200, 463.0, 473.0)) == "not_at_rest"


def test_beats_per_minute_are_not_intervals() -> None:
    bpm = np.random.default_rng(1).integers(52, 64, 600).astype(np.float64)
    assert _fault(bpm) == "too_short"


@pytest.mark.parametrize("unit_ms", [1.0, 1000 / 1024])
@pytest.mark.parametrize("rounded", [True, False])
def test_intervals_made_of_beats_per_minute_are_refused(unit_ms: float, rounded: bool) -> None:
    # A device's bpm goes up and down by 1 and holds for two beats.
    bpm = 50 + np.abs(np.arange(-40, 41)).repeat(2)
    stored = (np.round if rounded else np.floor)(60_000.0 / bpm / unit_ms) * unit_ms
    assert _fault(60_000.0 / bpm) == "made_of_bpm"
    assert _fault(np.round(stored)) == "made_of_bpm"


def test_intervals_of_a_heart_are_not_taken_for_made_ones() -> None:
    rng = np.random.default_rng(3)
    for mean_ms in (520.0, 700.0, 1000.0, 1400.0):
        rr_ms = np.round(mean_ms * (1 + 0.04 * np.sin(np.arange(150) / 2) + rng.normal(0, 0.01, 150)))
        assert _fault(rr_ms) is None


def _faults_of_recording(name: str) -> Counter[Fault | None]:
    """The faults of every 150 beats of a real recording."""
    root = Path(os.environ.get("STRIDELOG_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")
    path = root / "activities" / name
    if not path.is_file():
        pytest.skip(f"no real recording at {path}: set STRIDELOG_TEST_DATA to the folder that has activities/")
    (recording,) = read_recording(path)
    rr_ms = with_gaps(recording.rr_ms, recording.rr_time_us)
    return Counter(_fault(rr_ms[first : first + 150]) for first in range(0, len(rr_ms) - 150, 150))


def test_a_real_device_that_makes_intervals_of_its_bpm_gets_no_figure() -> None:
    faults = _faults_of_recording("tormoder_fit_mit/testdata_bpg_garmin.fit")
    assert faults["made_of_bpm"] == 14
    assert faults[None] == 0


def test_a_real_strap_is_believed_while_its_heart_is_slow() -> None:
    faults = _faults_of_recording("jimmykane_fit_parser_mit/examples_batt.fit")
    assert faults["made_of_bpm"] == 0
    assert faults[None] == 3  # a ride: 98 of the 133 are at work, the rest has artefacts
    assert faults["not_at_rest"] == 98


def test_intervals_that_never_vary_have_no_logarithm() -> None:
    assert _fault(np.full(100, 803.0)) == "no_variation"


def test_a_gap_is_marked_where_time_went_on_without_beats() -> None:
    rr_ms = np.array([800.0, 810.0, 820.0, 830.0])
    time_us = np.array([10, 11, 16, 17], dtype=np.int64) * S  # 5 s for an interval of 0.82 s
    assert with_gaps(rr_ms, time_us).tolist()[:2] == [800.0, 810.0]
    assert np.isnan(with_gaps(rr_ms, time_us)).tolist() == [False, False, True, False, False]


def test_beats_that_are_written_a_few_at_a_time_have_no_gap() -> None:
    rr_ms = np.full(6, 900.0)
    assert not np.isnan(with_gaps(rr_ms, np.array([10, 10, 10, 13, 13, 13], dtype=np.int64) * S)).any()


def test_a_clock_that_goes_back_is_a_gap() -> None:
    gaps = np.isnan(with_gaps(np.full(4, 900.0), np.array([100, 101, 3, 4], dtype=np.int64) * S))
    assert gaps.tolist() == [False, False, True, False, False]


def test_intervals_without_their_times_are_refused() -> None:
    with pytest.raises(ValueError, match="3 intervals and 2 times"):
        with_gaps(np.full(3, 900.0), np.array([0, 1], dtype=np.int64))


def test_a_weekly_mean_needs_three_valid_days() -> None:
    daily = np.array([4.0, np.nan, 4.2, np.nan, 4.4, np.nan, np.nan, 4.6])
    mean = weekly_mean(daily)
    assert np.isnan(mean[:4]).all()
    # The fifth day has three; the last one no longer has the first: (4.2 + 4.4 + 4.6) / 3.
    assert mean[4:].tolist() == pytest.approx([4.2, 4.2, 4.2, 4.4])
    assert np.isnan(weekly_mean(np.array([4.0, 4.2])))[-1]


def test_the_weekly_coefficient_of_variation_is_of_the_sample_deviation() -> None:
    # Mean 4.2, sample deviation √((0.04 + 0 + 0.04) / 2) = 0.2: 4.7619 %
    assert weekly_cv_percent(np.array([4.0, 4.2, 4.4]))[-1] == pytest.approx(4.7619, abs=1e-4)
    assert np.isnan(weekly_cv_percent(np.array([4.0, np.nan, 4.4]))[-1])
    assert np.isnan(weekly_cv_percent(np.array([-0.1, 0.0, 0.1]))[-1])
    assert len(weekly_mean(np.empty(0))) == 0


def test_the_smallest_worthwhile_change_is_half_a_deviation_of_the_base_period() -> None:
    # 6 days of 4.0 and 6 of 4.4: mean 4.2, sample deviation √(12 · 0.04 / 11) = 0.208893, half 0.104447.
    base = np.array([4.0, np.nan, 4.4] * 6)
    band = smallest_worthwhile_change(base)
    assert band is not None
    assert (band.low, band.mean, band.high) == pytest.approx((4.095553, 4.2, 4.304447), abs=1e-6)
    assert smallest_worthwhile_change(base[:-1]) is None
