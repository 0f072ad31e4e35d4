"""What sensors got wrong does not reach the figures of a workout, worked by hand; and of the real recordings.

``python -m pytest -s tests/unit/domain/test_clean_figures.py -k recordings`` prints the table of docs/quality.md.
"""

import math
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.athlete import Athlete
from domain.channel_faults import Channel
from domain.cleaning import cleaned
from domain.efforts import DURATIONS, highest_mean
from domain.power import clean_power_w, power_on_elapsed_seconds
from domain.sports import rule_of
from domain.summary import Stated, Summary, summarise
from domain.timeline import timeline_of
from domain.track import CHANNELS, Track, track_from_columns
from domain.trimp import clean_heart_rate_bpm
from recordings import Recording, RecordingError

Floats = NDArray[np.float64]
S: Final = 1_000_000
START_US: Final = 1_790_000_000 * S
N: Final = 1801  # rows of half an hour
METRES: Final[Floats] = np.asarray(3.0 * np.arange(N), dtype=np.float64)  # of 3 m/s
RIDER: Final = Athlete(sex="male", hr_max_bpm=190.0, hr_rest_bpm=50.0, lthr_bpm=170.0, ftp_w=250.0)


def _summary(sport: str, **channels: Floats) -> Summary:
    n = len(next(iter(channels.values())))
    return summarise(
        track_from_columns(START_US + np.arange(n) * S, **channels),
        sport=sport,
        start_us=START_US,
        end_us=START_US + (n - 1) * S,
        pauses=[],
        athlete=RIDER,
        stated=Stated(),
        rpe=None,
    )


def _beats(bpm: float, n: int = N) -> Floats:
    """A heart at ``bpm`` that is never still, by less than a summary shows."""
    return np.asarray(bpm + 0.001 * (np.arange(n) % 2), dtype=np.float64)


def _best_w(summary: Summary) -> dict[str, float | None]:
    return {effort.name: effort.power_w for effort in summary.best_efforts if effort.kind == "power"}


def _banister(minutes: float, bpm: float) -> float:
    share = (bpm - 50.0) / 140.0
    return minutes * share * 0.64 * math.exp(1.92 * share)


def test_a_power_spike_of_a_second_is_in_no_figure() -> None:
    power = np.full(N, 200.0)
    power[900] = 1600.0  # with it normalised power is 201.1 W and the best 5 s are at 480 W
    got = _summary("cycling", power_w=power)
    assert (got.max_power_w, got.mean_power_w, got.normalised_power_w) == (200.0, 200.0, 200.0)
    assert set(_best_w(got).values()) == {200.0}
    assert got.load == 32.0  # half an hour at 0.8 of threshold
    even = _summary("cycling", power_w=np.full(N, 200.0)).analysis
    assert got.analysis is not None
    assert even is not None
    assert (got.analysis.xpower_w, got.analysis.variability_index) == (even.xpower_w, 1.0)


def test_a_sprint_keeps_its_best_seconds() -> None:
    power = np.full(N, 200.0)
    power[900:905] = (900.0, 1100.0, 1000.0, 800.0, 700.0)
    got = _summary("cycling", power_w=power)
    assert got.max_power_w == 1100.0
    assert (_best_w(got)["1 s"], _best_w(got)["5 s"]) == (1100.0, 900.0)


def test_a_dropout_while_pedalling_is_no_rest() -> None:
    power, speed = np.full(N, 200.0), np.full(N, 8.0)
    power[900:903] = 0.0
    got = _summary("cycling", power_w=power, cadence_rpm=np.full(N, 90.0), speed_m_s=speed)
    assert (got.mean_power_w, got.normalised_power_w, got.load) == (200.0, 200.0, 32.0)
    assert set(_best_w(got).values()) == {200.0}
    assert (got.timer_time_s, got.moving_time_s, got.coverage) == (1800.0, 1800.0, 1.0)
    coasting = _summary("cycling", power_w=power, cadence_rpm=np.where(power > 0, 90.0, 0.0), speed_m_s=speed)
    assert coasting.mean_power_w == 199.7  # 200 W for 1797 of 1800 s


def test_a_heart_rate_spike_is_in_no_figure() -> None:
    beats = _beats(140.0)
    beats[900:905] = 190.0
    got = _summary("cycling", heart_rate_bpm=beats)
    assert (got.mean_heart_rate_bpm, got.max_heart_rate_bpm) == (140.0, 140.0)
    assert got.time_in_zones_s == (1795.0, 0.0, 0.0, 0.0, 0.0)  # 140 of 170 bpm; what is unknown is in no zone
    assert got.trimp == pytest.approx(_banister(1795 / 60, 140.0), abs=0.01)
    # The unknown seconds are taken to be like the others: the load of half an hour at 140 bpm.
    assert got.load == pytest.approx(100 * _banister(30, 140.0) / _banister(60, 170.0), abs=0.01)


def test_a_heart_rate_that_is_stuck_is_in_no_figure() -> None:
    beats = _beats(140.0)
    beats[900:1200] = 175.0
    got = _summary("running", heart_rate_bpm=beats, distance_m=METRES)
    assert (got.mean_heart_rate_bpm, got.max_heart_rate_bpm) == (140.0, 140.0)
    assert got.time_in_zones_s == (1500.0, 0.0, 0.0, 0.0, 0.0)
    assert got.trimp == pytest.approx(_banister(25, 140.0), abs=0.01)
    assert got.load == pytest.approx(100 * _banister(30, 140.0) / _banister(60, 170.0), abs=0.01)
    assert (got.moving_time_s, got.timer_time_s, got.coverage) == (1800.0, 1800.0, 1.0)
    assert got.analysis is not None
    assert (got.analysis.efficiency_factor, got.analysis.heart_rate_load) == (round(180 / 140, 3), round(got.load, 1))


def test_a_sensor_that_is_stuck_for_more_than_a_third_does_not_make_the_load() -> None:
    beats = _beats(140.0)
    beats[900:1600] = 175.0
    got = _summary("running", heart_rate_bpm=beats, distance_m=METRES)
    assert (got.load_method, got.load) == ("duration", 24.5)


def test_a_speed_spike_is_in_no_figure_and_does_not_change_what_tells_moving_time() -> None:
    # Half an hour with a rest of a minute, in which the counter creeps on: by distance it would count as moving.
    speed = np.full(N, 3.0)
    speed[900:960] = 0.0
    metres = np.cumsum(np.where(speed > 0, 3.0, 1.0))
    sound = _summary("running", speed_m_s=speed, distance_m=metres)
    spiky = speed.copy()
    spiky[300] = 11.0
    got = _summary("running", speed_m_s=spiky, distance_m=metres)
    assert sound.moving_time_s == 1741.0  # both steps at an end of the rest have a mean of 1.5 m/s
    assert (got.moving_time_s, got.max_speed_m_s) == (1741.0, 3.0)


def test_a_speed_spike_is_not_in_the_distance_that_is_summed_from_speed() -> None:
    speed = np.full(N, 3.0)
    speed[300] = 11.0
    got = _summary("running", speed_m_s=speed)
    assert (got.distance_m, got.distance_source) == (5400.0, "speed")
    assert {effort.name: effort.duration_s for effort in got.best_efforts}["400 m"] == 133.3


def test_a_fix_far_off_is_not_in_the_distance_and_a_false_altitude_not_in_the_grade() -> None:
    latitude = 48.0 + METRES / 111_195.08
    latitude[900] += 0.01
    altitude = np.full(N, 500.0)
    altitude[600] = 560.0
    got = _summary("running", latitude_deg=latitude, longitude_deg=np.full(N, 11.0), altitude_m=altitude)
    assert got.distance_m == pytest.approx(5400.0, abs=0.1)
    assert (got.elevation_gain_m, got.elevation_loss_m) == (0.0, 0.0)
    assert got.analysis is not None
    assert got.analysis.grade_adjusted_speed_m_s == 3.0


def _recordings(readings: dict[str, list[Recording] | RecordingError]) -> list[tuple[str, Recording]]:
    legs_of = ((file, legs) for file, legs in readings.items() if not isinstance(legs, RecordingError))
    return [(f"{file}#{leg.leg}", leg) for file, legs in legs_of for leg in legs]


def _highest(values: Floats, digits: int) -> float | None:
    return round(float(np.fmax.reduce(values)), digits) if np.isfinite(values).any() else None


@pytest.mark.slow
def test_of_recordings_bests_and_maxima_change_only_where_a_spike_is_named(
    real_readings: dict[str, list[Recording] | RecordingError],
) -> None:
    changed: dict[tuple[str, str], tuple[object, object]] = {}
    print()
    for name, leg in _recordings(real_readings):
        track, sport = leg.track, leg.sport
        timeline = timeline_of(track, leg.start_us, leg.end_us, leg.pauses)
        faults = cleaned(track, timeline, sport).faults
        got = summarise(
            track,
            sport=sport,
            start_us=leg.start_us,
            end_us=leg.end_us,
            pauses=leg.pauses,
            athlete=Athlete(),
            stated=Stated(),
            rpe=None,
        )
        speed, fastest_m_s = track.speed_m_s, rule_of(sport).max_speed_m_s
        watts = clean_power_w(track.power_w)
        means = highest_mean(power_on_elapsed_seconds(watts, timeline), [seconds for _, seconds in DURATIONS])
        raw: dict[tuple[Channel, str], tuple[object, object]] = {
            ("heart_rate", "max"): (_highest(clean_heart_rate_bpm(track.heart_rate_bpm), 1), got.max_heart_rate_bpm),
            ("power", "max"): (_highest(watts, 1), got.max_power_w),
        }
        within = np.where((speed >= 0) & (speed <= fastest_m_s), speed, np.nan)
        if np.isfinite(within).any():
            raw["speed", "max"] = (_highest(within, 3), got.max_speed_m_s)
        for (label, _), mean in zip(DURATIONS, means, strict=True):
            if mean is not None and got.max_power_w is not None:
                raw["power", label] = (round(mean[0], 1), _best_w(got)[label])
        for (channel, figure), (before, after) in raw.items():
            if before != after:
                changed[name, f"{channel} {figure}"] = (before, after)
                assert faults[channel]["spike"].any(), (name, channel, figure, before, after)
                print(f"| `{name}` | {channel} {figure} | {before} | {after} |")
    assert changed == {
        ("examples_road-with-power.fit#0", "power max"): (1336.0, 495.0),
        ("examples_road-with-power.fit#0", "power 1 s"): (1336.0, 495.0),
        ("tests_files_garmin-edge-500-activity.fit#0", "speed max"): (26.112, 17.186),
    }


@pytest.mark.slow
@pytest.mark.parametrize("every", [2, 3])
def test_of_recordings_with_a_row_every_few_seconds_no_peak_of_power_is_a_spike(
    real_readings: dict[str, list[Recording] | RecordingError], every: int
) -> None:
    for name, leg in _recordings(real_readings):
        for first in range(every):
            columns = {channel: getattr(leg.track, channel)[first::every] for channel in CHANNELS}
            track = Track(time_us=leg.track.time_us[first::every], **columns)
            timeline = timeline_of(track, leg.start_us, leg.end_us, leg.pauses)
            faults = cleaned(track, timeline, leg.sport).faults
            assert "power" not in faults or not faults["power"]["spike"].any(), (name, first)
