"""The summary of a workout."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.athlete import Athlete
from domain.summary import Stated, Summary, summarise
from domain.track import Track, track_from_columns

S = 1_000_000
START_US = 1_790_000_000 * S
EMPTY = track_from_columns(np.array([], dtype=np.int64))


def _summary(
    track: Track,
    seconds: float,
    sport: str = "running",
    pauses: Sequence[tuple[int, int]] = (),
    athlete: Athlete | None = None,
    stated: Stated | None = None,
    rpe: float | None = None,
) -> Summary:
    return summarise(
        track,
        sport=sport,
        start_us=START_US,
        end_us=START_US + round(seconds * S),
        pauses=[(START_US + a * S, START_US + b * S) for a, b in pauses],
        athlete=athlete or Athlete(),
        stated=stated or Stated(),
        rpe=rpe,
    )


def _track(n: int, **channels: NDArray[np.float64]) -> Track:
    return track_from_columns(START_US + np.arange(n) * S, **channels)


def _beats(bpm: float, n: int) -> NDArray[np.float64]:
    """A heart at ``bpm`` that is never still, by less than a summary shows: two minutes on one value are a fault."""
    return np.asarray(bpm + 0.001 * (np.arange(n) % 2), dtype=np.float64)


def _metres(n: int) -> NDArray[np.float64]:
    return np.linspace(0.0, 3.0 * (n - 1), n)


def test_a_workout_without_samples_is_what_was_stated() -> None:
    stated = Stated(distance_m=10_000, timer_time_s=3500, moving_time_s=3400, ascent_m=80, energy_kcal=700)
    got = _summary(EMPTY, 3600, stated=stated, rpe=6)
    assert (got.distance_m, got.distance_source) == (10_000, "stated")
    assert (got.elapsed_s, got.timer_time_s, got.moving_time_s) == (3600, 3500, 3400)
    assert (got.elevation_gain_m, got.energy_kcal, got.sample_count, got.coverage) == (80, 700, 0, 0)
    assert (got.load_method, got.session_rpe_load) == ("srpe", 350)
    assert got.load == round(100 * 350 / 420, 2)
    assert (got.zone_basis, got.time_in_zones_s, got.best_efforts) == ("none", (), ())


def test_the_heart_rate_of_minutes_10_to_30_is_there_from_half_an_hour_on() -> None:
    beats = np.repeat([120.0, 171.0, 90.0], [600, 1200, 60]) + _beats(0.0, 1860)
    analysis = _summary(_track(1860, heart_rate_bpm=beats), 1860).analysis
    assert analysis is not None
    assert analysis.minutes_10_to_30_heart_rate_bpm == 171.0
    every_5_s = _track(1860, heart_rate_bpm=beats)
    thin = track_from_columns(every_5_s.time_us[::5], heart_rate_bpm=beats[::5])
    analysis = _summary(thin, 1860).analysis
    assert analysis is not None
    assert analysis.minutes_10_to_30_heart_rate_bpm == pytest.approx(171.0, abs=0.5)
    for track, seconds in ((_track(1799, heart_rate_bpm=beats[:1799]), 1799), (_track(1860, power_w=beats), 1860)):
        analysis = _summary(track, seconds).analysis
        assert analysis is not None
        assert analysis.minutes_10_to_30_heart_rate_bpm is None


def test_a_workout_of_which_nobody_said_anything_still_has_time_and_load() -> None:
    got = _summary(EMPTY, 3600)
    assert (got.distance_m, got.distance_source, got.moving_time_s) == (0, "none", 3600)
    assert (got.load, got.load_method) == (49.0, "duration")
    assert got.mean_heart_rate_bpm is None


def test_an_even_run_has_even_numbers() -> None:
    n = 3601
    got = _summary(
        _track(n, distance_m=_metres(n), heart_rate_bpm=_beats(150.0, n), cadence_rpm=np.full(n, 86.0)), 3600
    )
    assert (got.distance_m, got.distance_source, got.mean_speed_m_s) == (10_800, "device", 3.0)
    assert (got.mean_heart_rate_bpm, got.max_heart_rate_bpm, got.mean_cadence_rpm) == (150, 150, 86)
    assert got.time_in_zones_s == (0, 0, 0, 3600, 0)  # 150 of 180 bpm
    assert got.zone_basis == "heart_rate_max"
    assert {effort.name: effort.duration_s for effort in got.best_efforts} == {
        "400 m": 133.3,
        "1 km": 333.3,
        "1 mile": 536.4,
        "5 km": 1666.7,
        "10 km": 3333.3,
    }
    assert got.coverage == 1.0


def test_power_comes_before_heart_rate_and_heart_rate_before_rpe() -> None:
    n = 3601
    heart_rate, power = _beats(150.0, n), np.full(n, 200.0)
    rider = Athlete(sex="male", ftp_w=250, hr_max_bpm=190, hr_rest_bpm=50, lthr_bpm=170)
    with_power = _summary(_track(n, heart_rate_bpm=heart_rate, power_w=power), 3600, "cycling", athlete=rider, rpe=5)
    assert (with_power.load, with_power.load_method, with_power.tss) == (64.0, "power_tss", 64.0)
    no_power = _summary(_track(n, heart_rate_bpm=heart_rate), 3600, "cycling", athlete=rider, rpe=5)
    x, threshold = 100 / 140, 120 / 140
    trimp = 60 * x * 0.64 * math.exp(1.92 * x)
    assert no_power.trimp == pytest.approx(trimp, abs=0.01)
    assert no_power.load == pytest.approx(100 * trimp / (60 * threshold * 0.64 * math.exp(1.92 * threshold)), abs=0.01)
    assert no_power.load_method == "trimp"
    only_rpe = _summary(_track(n), 3600, "cycling", athlete=rider, rpe=5)
    assert (only_rpe.load_method, only_rpe.session_rpe_load) == ("srpe", 300)


def test_an_hour_at_threshold_is_100_by_power_and_by_heart_rate() -> None:
    n = 3601
    rider = Athlete(ftp_w=250, hr_max_bpm=190, hr_rest_bpm=50, lthr_bpm=170)
    by_power = _summary(_track(n, power_w=np.full(n, 250.0)), 3600, "cycling", athlete=rider)
    by_heart = _summary(_track(n, heart_rate_bpm=_beats(170.0, n)), 3600, "cycling", athlete=rider)
    by_feel = _summary(EMPTY, 3600, "cycling", athlete=rider, rpe=7)
    assert by_power.load == by_heart.load == by_feel.load == 100.0


def test_pauses_are_no_timer_time() -> None:
    seconds = np.concatenate((np.arange(601), np.arange(1200, 1801)))
    metres = np.concatenate((_metres(601), 1800 + _metres(601)))
    track = track_from_columns(START_US + seconds * S, distance_m=metres, heart_rate_bpm=_beats(140.0, 1202))
    got = _summary(track, 1800, pauses=[(600, 1200)])
    assert (got.elapsed_s, got.timer_time_s, got.distance_m) == (1800, 1200, 3600)
    assert got.moving_time_s == pytest.approx(1200, abs=3)
    assert sum(got.time_in_zones_s) == pytest.approx(1200, abs=0.1)


def test_smart_recording_gives_the_same_totals_as_every_second() -> None:
    n = 3601
    rng = np.random.default_rng(5)
    metres = np.concatenate(([0.0], np.cumsum(3 + 0.5 * np.sin(np.arange(n - 1) / 60))))
    heart_rate = 140 + 15 * np.sin(np.arange(n) / 90)
    kept = np.unique(np.concatenate(([0, n - 1], np.cumsum(rng.integers(1, 8, 1000)))))
    kept = kept[kept < n]
    full = _summary(_track(n, distance_m=metres, heart_rate_bpm=heart_rate), 3600)
    thin = _summary(
        track_from_columns(START_US + kept * S, distance_m=metres[kept], heart_rate_bpm=heart_rate[kept]), 3600
    )
    assert thin.distance_m == full.distance_m
    assert thin.moving_time_s == full.moving_time_s
    assert thin.load == pytest.approx(full.load, rel=0.01)
    assert thin.mean_heart_rate_bpm == pytest.approx(full.mean_heart_rate_bpm, abs=1)


def test_a_recording_that_is_mostly_missing_yields_to_what_was_stated() -> None:
    got = _summary(_track(301, distance_m=_metres(301)), 3600, stated=Stated(distance_m=11_000, moving_time_s=3500))
    assert (got.distance_m, got.distance_source, got.moving_time_s) == (11_000, "stated", 3500)
    assert got.coverage < 0.15


def test_a_whole_recording_is_not_overruled() -> None:
    got = _summary(_track(3601, distance_m=_metres(3601)), 3600, stated=Stated(distance_m=99_000))
    assert (got.distance_m, got.distance_source) == (10_800, "device")


@pytest.mark.parametrize(
    ("channel", "sport", "athlete", "basis"),
    [
        ({"power_w": np.full(101, 240.0)}, "cycling", Athlete(ftp_w=250), "power"),
        ({"power_w": np.full(101, 240.0)}, "cycling", Athlete(), "none"),
        ({"power_w": np.full(101, 400.0)}, "running", Athlete(ftp_w=250), "none"),
        ({"speed_m_s": np.full(101, 4.0)}, "running", Athlete(threshold_speed_m_s=4.2), "pace"),
        ({"speed_m_s": np.full(101, 9.0)}, "cycling", Athlete(threshold_speed_m_s=4.2), "none"),
        ({"heart_rate_bpm": np.full(101, 165.0)}, "running", Athlete(lthr_bpm=170), "heart_rate_threshold"),
    ],
)
def test_zones_say_what_they_are_of(channel: dict[str, Any], sport: str, athlete: Athlete, basis: str) -> None:
    got = _summary(_track(101, **channel), 100, sport, athlete=athlete)
    assert got.zone_basis == basis
    assert sum(got.time_in_zones_s) == (0 if basis == "none" else 100)


def test_a_runners_power_is_not_measured_by_a_cyclists_threshold() -> None:
    run = _track(3601, power_w=np.full(3601, 400.0), heart_rate_bpm=_beats(150.0, 3601))
    got = _summary(run, 3600, "running", athlete=Athlete(ftp_w=250))
    assert (got.load_method, got.tss, got.normalised_power_w) == ("trimp", None, 400.0)


def test_a_strap_that_slips_for_a_while_makes_the_workout_no_easier() -> None:
    heart_rate = _beats(150.0, 3601)
    whole = _summary(_track(3601, heart_rate_bpm=heart_rate), 3600)
    slipped = np.where(np.arange(3601) < 900, np.nan, heart_rate)
    most = _summary(_track(3601, heart_rate_bpm=slipped), 3600, rpe=5)
    assert (most.load, most.load_method) == (whole.load, "trimp")
    little = _summary(_track(3601, heart_rate_bpm=np.where(np.arange(3601) < 1800, np.nan, heart_rate)), 3600, rpe=5)
    assert little.load_method == "srpe"


def test_samples_of_a_clock_that_was_reset_are_left_out() -> None:
    n = 3601
    good = _track(n, distance_m=_metres(n), heart_rate_bpm=_beats(150.0, n))
    lost = START_US - 7 * 365 * 86400 * S + np.arange(100) * S
    both = track_from_columns(
        np.concatenate((lost, good.time_us)),
        distance_m=np.concatenate((np.full(100, 5e5), good.distance_m)),
        heart_rate_bpm=np.concatenate((np.full(100, 80.0), good.heart_rate_bpm)),
    )
    assert _summary(both, 3600) == _summary(good, 3600)


def test_a_workout_of_a_week_does_not_fill_the_memory() -> None:
    track = track_from_columns(START_US + np.array([0, 604_800]) * S, distance_m=np.array([0.0, 50_000.0]))
    assert _summary(track, 604_800).best_efforts == ()


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_very_short_tracks_have_a_summary(n: int) -> None:
    got = _summary(
        _track(n, heart_rate_bpm=np.full(n, 120.0), power_w=np.full(n, 100.0), altitude_m=np.zeros(n)),
        max(n - 1, 0),
        athlete=Athlete(ftp_w=200),
    )
    assert got.sample_count == n
    assert math.isfinite(got.load)
