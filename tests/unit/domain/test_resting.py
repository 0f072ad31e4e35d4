"""Resting heart rate of a day: nights worked by hand, and what must not lower them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.resting import baseline_bpm, resting_heart_rate
from domain.track import FloatColumn

MINUTE = 60_000_000
MIDNIGHT = 1_780_264_800_000_000 // MINUTE * MINUTE

Day = tuple[NDArray[np.int64], FloatColumn, FloatColumn]


def _day(minutes: int = 1440) -> Day:
    """70 bpm all day, and 50 bpm from 03:00 to 04:00."""
    bpm = np.full(minutes, 70.0)
    bpm[180:240] = 50.0
    return MIDNIGHT + np.arange(minutes, dtype=np.int64) * MINUTE, bpm, np.full(minutes, 60.0)


def _bpm(day: Day) -> float:
    found = resting_heart_rate(*day)
    assert found is not None
    return found.bpm


def test_resting_heart_rate_is_the_lowest_half_hour() -> None:
    found = resting_heart_rate(*_day())
    assert found is not None
    assert (found.bpm, found.from_us, found.worn_minutes) == (50.0, MIDNIGHT + 180 * MINUTE, 1440)


def test_ten_low_minutes_are_no_half_hour() -> None:
    time, bpm, known = _day()
    bpm[:] = 70.0
    bpm[300:310] = 40.0
    assert _bpm((time, bpm, known)) == pytest.approx((20 * 70 + 10 * 40) / 30)


@pytest.mark.parametrize("outlier", [26.0, 40.0])
def test_one_or_two_low_outliers_change_nothing(outlier: float) -> None:
    time, bpm, known = _day()
    bpm[200:202] = outlier
    assert _bpm((time, bpm, known)) == 50.0


def test_three_low_minutes_on_end_are_believed() -> None:
    time, bpm, known = _day()
    bpm[200:203] = 40.0
    assert _bpm((time, bpm, known)) == pytest.approx((27 * 50 + 3 * 40) / 30)


def test_impossible_heart_rates_are_dropouts() -> None:
    time, bpm, known = _day()
    bpm[195:198] = 0.0
    found = resting_heart_rate(time, bpm, known)
    assert found is not None
    assert (found.bpm, found.worn_minutes) == (50.0, 1437)


def test_missing_minutes_are_not_closed_up() -> None:
    # Of the hour at 50 bpm two stretches of 12 minutes are left, 36 apart: the best half hour has one of them, 12
    # minutes of 70 and 6 unknown.
    time, bpm, known = _day()
    kept = np.r_[0:192, 228:1440]
    assert _bpm((time[kept], bpm[kept], known[kept])) == pytest.approx(60.0)
    assert _bpm((time, np.where(np.isin(np.arange(1440), kept), bpm, np.nan), known)) == pytest.approx(60.0)


def test_unknown_hours_before_it_do_not_move_the_half_hour() -> None:
    time, bpm, known = _day()
    bpm[:100] = np.nan
    found = resting_heart_rate(time, bpm, known)
    assert found is not None
    assert found.from_us == MIDNIGHT + 180 * MINUTE


def test_a_window_bears_six_unknown_minutes_and_not_seven() -> None:
    for missing, expected in ((6, True), (7, False)):
        time, bpm, known = _day()
        bpm[:] = 70.0
        bpm[180:210] = 50.0
        bpm[210:] = 90.0
        bpm[190 : 190 + missing] = np.nan
        assert (_bpm((time, bpm, known)) == 50.0) == expected


def test_a_minute_of_which_little_is_known_does_not_count() -> None:
    time, bpm, known = _day()
    known[180:240] = 29.0
    found = resting_heart_rate(time, bpm, known)
    assert found is not None
    assert (found.bpm, found.worn_minutes) == (70.0, 1380)
    known[180:240] = 30.0
    assert _bpm((time, bpm, known)) == 50.0


def test_a_lone_minute_between_dropouts_is_not_trusted() -> None:
    time, bpm, known = _day()
    bpm[180:240] = np.nan
    alone, among = bpm.copy(), bpm.copy()
    alone[180:240:4] = 50.0
    among[180:240] = 50.0
    assert _bpm((time, alone, known)) == 70.0
    assert _bpm((time, among, known)) == 50.0


def test_a_day_worn_for_less_than_ten_hours_has_none() -> None:
    time, bpm, known = _day(600)
    assert _bpm((time, bpm, known)) == 50.0
    bpm[500] = np.nan
    assert resting_heart_rate(time, bpm, known) is None
    assert resting_heart_rate(time[:0], bpm[:0], known[:0]) is None


def test_a_day_worn_in_snatches_has_none() -> None:
    time, bpm, known = _day()
    known[::2] = 0.0  # 720 minutes are known, but 15 of any 30
    assert resting_heart_rate(time, bpm, known) is None
    known[:] = 60.0
    known[::4] = 0.0  # 1080 minutes, 22 or 23 of any 30
    assert resting_heart_rate(time, bpm, known) is None


def test_the_day_on_which_the_clocks_go_back_has_25_hours_and_none_has_more() -> None:
    assert _bpm(_day(1500)) == 50.0
    with pytest.raises(ValueError, match="span 1501 minutes"):
        resting_heart_rate(*_day(1501))


def test_columns_that_do_not_fit_are_refused() -> None:
    time, bpm, known = _day()
    with pytest.raises(ValueError, match="1440 minutes, 1439 heart rates, 1440 seconds"):
        resting_heart_rate(time, bpm[1:], known)
    with pytest.raises(ValueError, match="must rise"):
        resting_heart_rate(time[::-1], bpm, known)


def test_the_baseline_is_the_median_of_the_seven_days_before() -> None:
    daily = np.array([50.0, 52.0, 51.0, 70.0, 50.0, 49.0, 53.0, 90.0, 50.0])
    baseline = baseline_bpm(daily)
    # 49 50 50 51 52 53 70 before the eighth day; 49 50 51 52 53 70 90 before the ninth.
    assert baseline[7:].tolist() == [51.0, 52.0]
    assert np.isnan(baseline[:3]).all()
    assert baseline[3] == 51.0  # 50, 52, 51


def test_unknown_days_are_left_out_of_the_baseline() -> None:
    daily = np.array([50.0, np.nan, 52.0, np.nan, np.nan, 54.0, 99.0])
    assert baseline_bpm(daily)[-1] == 52.0
    assert np.isnan(baseline_bpm(daily)[5])
    assert len(baseline_bpm(np.empty(0))) == 0
