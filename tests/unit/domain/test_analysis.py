"""The analysis of a workout: each figure is of what its name says, worked by hand."""

from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.analysis import Analysis
from domain.athlete import Athlete
from domain.summary import Stated, summarise
from domain.track import track_from_columns

Floats = NDArray[np.float64]
S: Final = 1_000_000
START_US: Final = 1_790_000_000 * S
N: Final = 2401  # rows of 40 minutes
METRES: Final[Floats] = np.asarray(3.0 * np.arange(N), dtype=np.float64)  # of 3 m/s
FIRST_HALF: Final = np.arange(N) < 1200
ATHLETE: Final = Athlete(sex="male", hr_max_bpm=190.0, hr_rest_bpm=50.0, lthr_bpm=170.0, ftp_w=300.0)


def _analysis(sport: str, athlete: Athlete = ATHLETE, **channels: Floats) -> Analysis:
    analysis = summarise(
        track_from_columns(START_US + np.arange(N) * S, **channels),
        sport=sport,
        start_us=START_US,
        end_us=START_US + (N - 1) * S,
        pauses=[],
        athlete=athlete,
        stated=Stated(),
        rpe=None,
    ).analysis
    assert analysis is not None
    return analysis


def _beats(first_bpm: float, second_bpm: float) -> Floats:
    """A heart that is never still, by less than a summary shows."""
    beats = np.where(FIRST_HALF, first_bpm, second_bpm) + 0.001 * (np.arange(N) % 2)
    return np.asarray(beats, dtype=np.float64)


def test_of_a_ride_each_ratio_is_of_its_own_two_figures() -> None:
    # 20 min at 150 W and 20 min at 250 W: the mean is 200 W, normalised power ((150⁴ + 250⁴) / 2)^(1/4) = 217.0 W.
    # xPower is 217.0 W too, but for the start of each half: it rises from rest and from 150 W within minutes.
    got = _analysis("cycling", power_w=np.where(FIRST_HALF, 150.0, 250.0), heart_rate_bpm=_beats(140.0, 160.0))
    normalised_w = ((150.0**4 + 250.0**4) / 2) ** 0.25
    assert got.intensity_factor == pytest.approx(normalised_w / 300.0, abs=0.002)  # 0.723
    assert got.variability_index == pytest.approx(normalised_w / 200.0, abs=0.003)  # 1.085
    assert got.efficiency_factor == pytest.approx(normalised_w / 150.0, abs=0.004)  # 1.447 W by bpm
    assert got.aerobic_decoupling == pytest.approx(1 - (250 / 160) / (150 / 140), abs=0.001)  # -0.458
    assert got.xpower_w == pytest.approx(216.0, abs=1.5)
    assert got.grade_adjusted_speed_m_s is None


def test_of_a_run_efficiency_is_metres_a_minute_by_bpm_while_moving() -> None:
    # 20 min at 3.5 m/s, then at 2.5 m/s: 7,200 m at 180 m/min, by 150 bpm.
    speed = np.where(FIRST_HALF, 3.5, 2.5)
    metres = np.concatenate(([0.0], np.cumsum(speed[:-1])))
    got = _analysis("running", speed_m_s=speed, distance_m=metres, heart_rate_bpm=_beats(140.0, 160.0))
    assert got.efficiency_factor == 1.2
    assert got.aerobic_decoupling == pytest.approx(1 - (2.5 / 160) / (3.5 / 140), abs=0.001)  # 0.375
    assert (got.xpower_w, got.variability_index, got.grade_adjusted_speed_m_s) == (None, None, None)


def test_uphill_the_level_speed_of_the_same_cost_is_higher() -> None:
    got = _analysis("running", distance_m=METRES, altitude_m=100.0 + 0.1 * METRES)
    # Minetti at 10 %: 5.97 in place of 3.6 J/(kg·m); level for 25 m at both ends.
    cost = 155.4e-5 - 30.4e-4 - 43.3e-3 + 46.3e-2 + 1.95 + 3.6
    assert got.grade_adjusted_speed_m_s == pytest.approx(3.0 * cost / 3.6, rel=0.005)


def test_speed_that_no_channel_tells_is_that_of_the_metres() -> None:
    metres = np.concatenate(([0.0], np.cumsum(np.where(FIRST_HALF, 3.5, 2.5)[:-1])))
    got = _analysis("running", distance_m=metres, heart_rate_bpm=_beats(150.0, 150.0))
    assert got.aerobic_decoupling == pytest.approx(1 - 2.5 / 3.5, abs=0.001)  # 0.286


def test_load_by_heart_rate_is_said_beside_that_by_power() -> None:
    got = _analysis("cycling", power_w=np.full(N, 300.0), heart_rate_bpm=_beats(170.0, 170.0))
    assert got.heart_rate_load == 66.7  # 40 min at threshold
    assert got.minutes_10_to_30_heart_rate_bpm == 170.0


def test_without_a_threshold_there_is_no_intensity_and_without_a_heart_no_efficiency() -> None:
    got = _analysis("cycling", Athlete(), power_w=np.full(N, 200.0))
    assert (got.intensity_factor, got.efficiency_factor, got.aerobic_decoupling) == (None, None, None)
    assert got.variability_index == 1.0


def test_the_score_is_of_what_cleaning_found_and_not_of_what_it_left() -> None:
    beats = _beats(140.0, 140.0)
    beats[900:1500] = 175.0  # stuck for 600 of 2400 s, at 30 points
    got = _analysis("running", heart_rate_bpm=beats, distance_m=METRES)
    assert (got.quality_score, got.quality_reasons) == (
        92.5,
        ("heart rate stands still on one value for 10 min (-8)",),
    )
