"""Elevation gain and loss with hysteresis, by hand and on all real recordings.

``python -m pytest -s tests/unit/domain/test_elevation.py -k recordings`` prints the table of docs/quality.md.
"""

from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.elevation import gain_and_loss_m, jumps, plausible_altitudes
from domain.sports import rule_of
from domain.timeline import timeline_of
from recordings import Recording, RecordingError

Floats = NDArray[np.float64]
Readings = dict[str, list[Recording] | RecordingError]
DAY_S: Final = 86_400
THINNINGS: Final = 3  # of each recording
LEAST_STATED_M: Final = 20.0
LEAST_GAIN_M: Final = 30.0  # below, one hill more or less over the threshold of 3 m is everything


def _gain_and_loss_m(altitude_m: Floats) -> tuple[float, float] | None:
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


@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 4.0, 9.0, 40.0, 200.0]))
def test_a_steady_climb_counts_in_full_whenever_it_was_written_down(seed: int, longest_s: float) -> None:
    offset_s = np.cumsum(np.random.default_rng(seed).uniform(0.2, longest_s, 300))
    gain, loss = gain_and_loss_m(100 + 0.3 * offset_s, offset_s) or (0, 0)
    assert gain == pytest.approx(0.3 * (offset_s[-1] - offset_s[0]), abs=1e-6)
    assert loss == 0


@pytest.mark.parametrize("every_s", [0.25, 1, 2, 3, 6, 10, 30])
def test_a_hill_is_as_high_however_often_it_was_written_down(every_s: float) -> None:
    # 1 m/s up for 30 s and down again. The mean of 9 s at the top lies (4+3+2+1+0+1+2+3+4) / 9 = 20/9 m below it.
    offset_s = np.arange(0, 60 + every_s / 2, every_s)
    assert gain_and_loss_m(30 - np.abs(offset_s - 30), offset_s) == pytest.approx((30 - 20 / 9, 30 - 20 / 9))


def test_what_changed_during_a_long_gap_counts_once() -> None:
    altitude = np.concatenate((np.full(100, 50.0), np.full(100, 150.0)))
    for gap_s in (59.0, 61.0, 3.0 * DAY_S):
        offset_s = np.arange(200.0) + np.repeat((0.0, gap_s), 100)
        assert gain_and_loss_m(altitude, offset_s) == pytest.approx((100, 0))


def test_a_gap_of_more_than_a_minute_is_not_filled_in() -> None:
    # One altitude of 10 m between two gaps, 0 m on either side. Up to 60 s the line to and from it is a hill of
    # 1/6 m/s, whose top the mean lowers by 20/9 · 1/6 = 10/27 m; beyond, it is a run of its own and stays what it is.
    altitude = np.concatenate((np.zeros(50), [10.0], np.zeros(50)))
    for gap_s, height_m in ((60, 10 - 10 / 27), (61, 10.0)):
        offset_s = np.arange(101.0) + np.repeat((0, gap_s - 1, 2 * (gap_s - 1)), (50, 1, 50))
        assert gain_and_loss_m(altitude, offset_s) == pytest.approx((height_m, height_m))


def test_the_edges_of_a_gap_are_smoothed_each_for_itself() -> None:
    # Up to 30 m at 1 m/s, two minutes of nothing, and down again: no mean reaches over the gap, the top stays.
    altitude = np.concatenate((np.arange(31.0), np.arange(30.0, -1, -1)))
    offset_s = np.arange(62.0) + np.repeat((0.0, 120.0), 31)
    assert gain_and_loss_m(altitude, offset_s) == pytest.approx((30, 30))


def test_weeks_of_gaps_cost_no_more_than_what_was_recorded() -> None:
    hours = np.arange(24.0 * 60)
    assert gain_and_loss_m(100 + 10 * (hours % 2), 3600 * hours) == pytest.approx((7200, 7190))


def test_more_than_four_days_of_records_are_a_fault_of_a_clock() -> None:
    minutes = 60.0 * np.arange(4.0 * 1440 + 1)
    assert gain_and_loss_m(minutes / 1000, minutes) == pytest.approx((4 * DAY_S / 1000, 0))
    assert gain_and_loss_m(np.append(minutes, 0.0) / 1000, np.append(minutes, 4.0 * DAY_S + 1)) is None


def test_a_run_that_ends_between_two_seconds_keeps_its_last_altitude() -> None:
    # 1 m/s up to 30.5 m at 30.5 s, a gap, and 100 m lower: nothing on the way down is written at second 31.
    offset_s = np.concatenate((np.arange(31.0), [30.5, 200.0, 201.0]))
    altitude = np.concatenate((np.arange(31.0), [30.5, -69.5, -69.5]))
    assert gain_and_loss_m(altitude, offset_s) == pytest.approx((30.5, 100))


def test_altitudes_where_nobody_trains_are_unknown() -> None:
    for altitude_m in (-501.0, 12_001.0):
        assert _gain_and_loss_m(np.full(50, altitude_m)) is None
    for altitude_m in (-500.0, 12_000.0):
        assert _gain_and_loss_m(np.full(50, altitude_m)) == (0.0, 0.0)


def test_a_swing_of_just_the_threshold_counts_wherever_rounding_falls() -> None:
    for low in np.arange(0, 100, 0.2):
        valley = np.repeat((low + 7.4, low, low + 3, low - 7.4), (20, 9, 9, 20))  # the mean just reaches both turns
        assert _gain_and_loss_m(valley) == pytest.approx((3, 7.4 + 10.4))


def _over_five_samples(altitude_m: Floats, offset_s: Floats) -> tuple[float, float] | None:
    """The rule that this project had before: a mean of five samples, whatever the time between them."""
    known = plausible_altitudes(altitude_m)
    altitude, time_s = altitude_m[known], offset_s[known]
    step_m, step_s = np.diff(altitude), np.diff(time_s)
    altitude = np.cumsum(np.append(altitude[0], np.where(jumps(step_m, step_s), 0.0, step_m)))
    if len(altitude) > 5:
        altitude = np.concatenate((altitude[:2], np.convolve(altitude, np.full(5, 0.2), "valid"), altitude[-2:]))
    apart_s = np.arange(0.0, 61.0 * len(altitude), 61.0)
    return gain_and_loss_m(altitude, apart_s)  # rows over a minute apart are not smoothed, only held to the threshold


def _hills(real_readings: Readings) -> list[tuple[Recording, Floats]]:
    """The real recordings whose altitude means something, once where a file is a copy, and their offsets."""
    found: dict[bytes, tuple[Recording, Floats]] = {}
    for legs in real_readings.values():
        for leg in legs if isinstance(legs, list) else ():
            offset_s = timeline_of(leg.track, leg.start_us, leg.end_us, leg.pauses).offset_s
            if rule_of(leg.sport).climbs and gain_and_loss_m(leg.track.altitude_m, offset_s) is not None:
                found.setdefault(leg.track.altitude_m.round(1).tobytes(), (leg, offset_s))
    return list(found.values())


@pytest.mark.slow
def test_recordings_agree_with_what_devices_state_and_with_themselves_thinned_better_than_over_five_samples(
    real_readings: Readings,
) -> None:
    stated: dict[str, list[float]] = {}
    thinned: dict[str, list[float]] = {}
    for leg, offset_s in _hills(real_readings):
        altitude = leg.track.altitude_m
        rows = np.flatnonzero(plausible_altitudes(altitude))
        each_second = float(np.median(np.diff(offset_s[rows]))) == 1.0
        rng = np.random.default_rng(len(altitude))
        kept = [np.cumsum(rng.integers(1, 10, len(altitude))) for _ in range(THINNINGS)]
        for name, rule in (("over five samples", _over_five_samples), ("over 9 s", gain_and_loss_m)):
            gain = (rule(altitude, offset_s) or (0.0, 0.0))[0]
            if leg.stated.ascent_m is not None and leg.stated.ascent_m >= LEAST_STATED_M:
                stated.setdefault(name, []).append(abs(gain / leg.stated.ascent_m - 1))
            if each_second and gain >= LEAST_GAIN_M:
                for at in kept:
                    part = np.concatenate(([0], at[at < len(altitude)]))
                    other = rule(altitude[part], offset_s[part]) or (0.0, 0.0)
                    thinned.setdefault(name, []).append(abs(other[0] / gain - 1))
    print()
    for what, off in (("stated", stated), ("thinned", thinned)):
        for name, shares in off.items():
            worst = ", ".join(f"{100 * share:.1f}" for share in sorted(shares)[:-3:-1])
            print(f"{what}, {name}: {len(shares)} times, median {100 * np.median(shares):.2f} %, worst {worst} %")
        assert np.median(off["over 9 s"]) <= np.median(off["over five samples"]), what
