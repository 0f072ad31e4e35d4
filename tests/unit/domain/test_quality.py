"""Each cleaning rule on a fault made by hand, the score, and all real recordings.

``python -m pytest -s tests/unit/domain/test_quality.py -k recordings`` prints the table of docs/quality.md.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.channel_faults import Channel, Rule
from domain.cleaning import Cleaned, cleaned
from domain.quality import QualityReport, quality_of
from domain.timeline import Timeline, timeline_of
from domain.track import Track, track_from_columns
from recordings import Recording, RecordingError

S = 1_000_000
START_US = 1_790_000_000 * S
Floats = NDArray[np.float64]


def _track(n: int, **channels: Floats) -> Track:
    return track_from_columns(START_US + np.arange(n) * S, **channels)


def _timeline(track: Track, seconds: float | None = None) -> Timeline:
    end_us = int(track.time_us[-1]) if seconds is None else START_US + round(seconds * S)
    return timeline_of(track, START_US, end_us, [])


def _clean(track: Track, sport: str = "running") -> Cleaned:
    return cleaned(track, _timeline(track), sport)


def _rows(found: Cleaned, channel: Channel, rule: Rule) -> list[int]:
    return np.flatnonzero(found.faults[channel][rule]).tolist()


def _report(track: Track, seconds: float | None = None, *, clock_was_reset: bool = False) -> QualityReport:
    timeline = _timeline(track, seconds)
    return quality_of(cleaned(track, timeline, "running"), timeline, clock_was_reset=clock_was_reset)


def _beats(n: int) -> Floats:
    """A heart that is never still: 140, 141, 140, 141 …"""
    return 140.0 + np.arange(n, dtype=np.float64) % 2


def test_a_track_without_faults_passes_as_it_is() -> None:
    track = _track(300, heart_rate_bpm=_beats(300), speed_m_s=np.full(300, 3.0))
    found = _clean(track)
    assert found.track.heart_rate_bpm is track.heart_rate_bpm
    assert set(found.faults) == {"heart_rate", "speed"}  # what was not recorded is not judged
    assert not any(mask.any() for rules in found.faults.values() for mask in rules.values())


def test_a_heart_that_leaps_up_and_back_is_a_spike_and_dropped() -> None:
    beats = _beats(100)
    beats[40:45] = 190.0
    found = _clean(_track(100, heart_rate_bpm=beats))
    assert _rows(found, "heart_rate", "spike") == [40, 41, 42, 43, 44]
    assert np.isnan(found.track.heart_rate_bpm[40:45]).all()
    assert found.track.heart_rate_bpm[39] == beats[39]
    assert found.track.heart_rate_bpm[45] == beats[45]


def test_a_leap_in_two_steps_is_one_spike_from_its_first_row() -> None:
    beats = _beats(100)
    beats[40:43] = (160.0, 185.0, 185.0)
    assert _rows(_clean(_track(100, heart_rate_bpm=beats)), "heart_rate", "spike") == [40, 41, 42]


def test_two_spikes_leave_the_true_values_between_them() -> None:
    beats = _beats(100)
    beats[[40, 50]] = 200.0
    assert _rows(_clean(_track(100, heart_rate_bpm=beats)), "heart_rate", "spike") == [40, 50]


def test_a_heart_that_leaps_and_stays_is_counted_but_kept_since_nobody_knows_which_side_is_true() -> None:
    beats = _beats(100)
    beats[40:] += 30.0
    found = _clean(_track(100, heart_rate_bpm=beats))
    assert _rows(found, "heart_rate", "jump") == [40]
    assert np.isfinite(found.track.heart_rate_bpm).all()


def test_a_fast_start_is_no_spike() -> None:
    beats = np.minimum(80.0 + 13.0 * np.arange(60), 184.0)
    beats[30:] = 171.0  # 13 bpm within a second, up and down: as fast as is allowed
    found = _clean(_track(60, heart_rate_bpm=beats))
    assert _rows(found, "heart_rate", "spike") == _rows(found, "heart_rate", "jump") == []


def test_a_difference_over_a_gap_is_measured_against_the_time_that_it_had() -> None:
    track = track_from_columns(START_US + np.array([0, 8, 16]) * S, heart_rate_bpm=np.array([120.0, 180.0, 120.0]))
    assert _rows(_clean(track), "heart_rate", "spike") == []  # 60 bpm in 8 s: 83 are allowed


def test_two_minutes_on_one_heart_rate_while_moving_are_a_stuck_sensor() -> None:
    beats, metres = _beats(400), 3.0 * np.arange(400, dtype=np.float64)
    beats[100:221] = 150.0  # 120 s from the first row to the last
    moving = _clean(_track(400, heart_rate_bpm=beats, distance_m=metres))
    assert _rows(moving, "heart_rate", "stuck") == list(range(100, 221))
    assert np.isnan(moving.track.heart_rate_bpm[100:221]).all()
    beats[220] = 151.0
    assert _rows(_clean(_track(400, heart_rate_bpm=beats, distance_m=metres)), "heart_rate", "stuck") == []


def test_one_heart_rate_at_rest_is_rest() -> None:
    beats, metres = _beats(400), 3.0 * np.arange(400, dtype=np.float64)
    beats[100:300] = 60.0
    metres[100:] = np.maximum(metres[100], metres[100:] - 600.0)
    assert _rows(_clean(_track(400, heart_rate_bpm=beats, distance_m=metres)), "heart_rate", "stuck") == []


def test_heart_rate_that_equals_the_step_rate_for_two_minutes_is_flagged_but_kept() -> None:
    beats, cadence = _beats(400), np.full(400, 85.0)
    beats[100:221] = 2 * 85.0 + np.arange(121) % 3
    track = _track(400, heart_rate_bpm=beats, cadence_rpm=cadence)
    found = _clean(track)
    assert _rows(found, "heart_rate", "cadence_lock") == list(range(100, 221))
    assert found.track.heart_rate_bpm[150] == beats[150]
    assert "cadence_lock" not in _clean(track, "cycling").faults["heart_rate"]


def test_a_heart_rate_of_0_is_a_strap_without_contact() -> None:
    beats = _beats(60)
    beats[10:13] = 0.0
    found = _clean(_track(60, heart_rate_bpm=beats))
    assert _rows(found, "heart_rate", "out_of_range") == [10, 11, 12]
    assert _rows(found, "heart_rate", "spike") == []


def test_a_single_sample_of_power_far_above_both_neighbours_is_dropped_and_a_sprint_is_not() -> None:
    power = np.full(60, 200.0)
    power[20] = 1336.0  # as in a real recording
    power[30] = 699.0  # a hard kick, as in another
    power[40:44] = (600.0, 1000.0, 1000.0, 500.0)
    found = _clean(_track(60, power_w=power), "cycling")
    assert _rows(found, "power", "spike") == [20]
    assert np.isnan(found.track.power_w[20])


def test_a_peak_of_two_seconds_is_no_spike_with_a_sample_every_two_seconds() -> None:
    power = np.full(60, 250.0)
    power[20] = 1010.0  # as in a real recording, of whose sprint every second row is left
    track = track_from_columns(START_US + 2 * S * np.arange(60), power_w=power)
    found = cleaned(track, _timeline(track), "cycling")
    assert _rows(found, "power", "spike") == []
    assert found.track.power_w[20] == 1010.0


def test_power_of_0_between_real_values_while_the_cranks_turn_is_a_dropout_and_coasting_is_not() -> None:
    power, cadence = np.full(60, 200.0), np.full(60, 90.0)
    power[[10, 20, 21, 40, 41]] = 0.0
    cadence[40:42] = 0.0
    power[50:56] = 0.0  # 7 s from neighbour to neighbour: soft pedalling
    found = _clean(_track(60, power_w=power, cadence_rpm=cadence), "cycling")
    assert _rows(found, "power", "dropout") == [10, 20, 21]
    assert np.isnan(found.track.power_w[[10, 20, 21]]).all()


def test_power_that_is_never_above_0_has_no_meter_behind_it() -> None:
    found = _clean(_track(60, power_w=np.zeros(60)), "cycling")
    assert "power" not in found.faults
    assert np.isnan(found.track.power_w).all()


def test_speed_above_the_sport_and_speed_that_leaps_are_dropped() -> None:
    speed = np.full(60, 3.0)
    speed[10], speed[30] = 26.1, 11.0
    found = _clean(_track(60, speed_m_s=speed))
    assert _rows(found, "speed", "out_of_range") == [10]  # nobody runs so
    assert _rows(found, "speed", "spike") == [30]  # 8 m/s more within a second: 7 are allowed


def test_a_fix_that_cannot_be_reached_is_dropped_and_the_sea_off_ghana_is_no_fix() -> None:
    latitude = 48.0 + np.arange(60, dtype=np.float64) * 2.7e-5  # 3 m a second
    longitude = np.full(60, 11.0)
    latitude[20] += 0.01  # 1.1 km away and back
    latitude[40] = longitude[40] = 0.0
    latitude[50:] += 0.01  # and away for good
    found = _clean(_track(60, latitude_deg=latitude, longitude_deg=longitude))
    assert _rows(found, "position", "spike") == [20]
    assert _rows(found, "position", "out_of_range") == [40]
    assert _rows(found, "position", "jump") == [50]
    assert np.flatnonzero(np.isnan(found.track.longitude_deg)).tolist() == [20, 40]


@pytest.mark.parametrize("degrees", [-69.0, 0.0, 69.0])
def test_a_fix_that_is_hardly_out_of_reach_is_dropped_wherever_on_earth(degrees: float) -> None:
    # 16 m to the east within a second; 12.5 m and 2 m of noise can be reached. A degree is 111,195 m on the equator.
    longitude = np.full(60, 11.0)
    longitude[20] += 16.0 / (111_195.0 * np.cos(np.radians(degrees)))
    found = _clean(_track(60, latitude_deg=np.full(60, degrees), longitude_deg=longitude))
    assert _rows(found, "position", "spike") == [20]


def test_an_altitude_that_leaps_and_comes_back_is_dropped_and_a_barometer_set_anew_is_kept() -> None:
    altitude = np.full(60, 500.0)
    altitude[20] = 560.0
    altitude[40:] = 530.0
    altitude[50] = 65_535.0
    found = _clean(_track(60, altitude_m=altitude))
    assert _rows(found, "altitude", "spike") == [20]
    assert _rows(found, "altitude", "jump") == [40]
    assert _rows(found, "altitude", "out_of_range") == [50]
    assert found.track.altitude_m[45] == 530.0


def test_altitude_of_a_boat_is_not_judged() -> None:
    assert "altitude" not in _clean(_track(60, altitude_m=np.full(60, 3.0)), "rowing").faults


def test_standing_still_is_no_fault() -> None:
    speed = np.full(601, 3.0)
    speed[300:] = 0.0
    report = _report(_track(601, speed_m_s=speed))
    assert report.score == 100.0


def test_missing_heart_rate_costs_30_times_its_share() -> None:
    beats = _beats(1001)
    beats[250:500] = np.nan  # 250 of 1000 s
    report = _report(_track(1001, heart_rate_bpm=beats))
    (channel,) = report.channels
    assert (channel.recorded_s, channel.known_s, channel.known_share) == (1000.0, 750.0, 0.75)
    assert channel.faults_s == (("missing", 250.0),)
    assert report.score == 92.5
    assert report.reasons == ("heart rate is missing for 4 min (-8)",)


def test_time_without_samples_costs_its_share_of_100() -> None:
    # Rows at 0..400 and 600..800 s of 1000: a gap of 200 s, of which the sample before it covers 30, and one of 200 s
    # at the end, of which the last row covers the usual second.
    seconds = np.concatenate((np.arange(401), np.arange(600, 801)))
    track = track_from_columns(START_US + seconds * S, heart_rate_bpm=_beats(602))
    report = _report(track, 1000)
    assert (report.gaps, report.longest_gap_s, report.unrecorded_s) == (2, 200.0, 170.0 + 199.0)
    assert report.score == 63.1
    assert report.reasons == ("nothing was recorded for 6 min (-37)",)


def test_smart_recording_is_no_gap() -> None:
    track = track_from_columns(START_US + np.arange(0, 1001, 10) * S, heart_rate_bpm=_beats(101))
    report = _report(track)
    assert (report.gaps, report.score) == (0, 100.0)


def test_a_clock_that_was_reset_costs_five_points_and_is_said() -> None:
    report = _report(_track(100, heart_rate_bpm=_beats(100)), clock_was_reset=True)
    assert (report.score, report.reasons) == (95.0, ("the clock was reset on the way (-5)",))


def test_the_athlete_is_told_the_three_things_that_cost_most_dearest_first() -> None:
    n = 1001
    beats, speed, power, cadence = _beats(n), np.full(n, 3.0), np.full(n, 250.0), np.full(n, 80.0)
    beats[:500] = speed[:400] = power[:300] = cadence[:900] = np.nan
    report = _report(_track(n, heart_rate_bpm=beats, speed_m_s=speed, power_w=power, cadence_rpm=cadence))
    assert [reason.split(" is")[0] for reason in report.reasons] == ["heart rate", "cadence", "power"]
    assert report.score == 100 - 30 * 0.5 - 10 * 0.4 - 30 * 0.3 - 10 * 0.9


def test_a_workout_without_samples_or_sensors_scores_nothing() -> None:
    empty = track_from_columns(np.array([], dtype=np.int64))
    bare = _track(100)
    for track in (empty, bare):
        report = _report(track, 99)
        assert (report.score, report.reasons, report.channels) == (0.0, ("no sensor was recorded (-100)",), ())


@pytest.mark.slow
def test_no_real_recording_is_taken_apart(real_readings: dict[str, list[Recording] | RecordingError]) -> None:
    seconds: dict[tuple[str, str], float] = {}
    files: dict[tuple[str, str], int] = {}
    scores: dict[str, float] = {}
    for file, legs in real_readings.items():
        for leg in legs if isinstance(legs, list) else ():
            timeline = timeline_of(leg.track, leg.start_us, leg.end_us, leg.pauses)
            report = quality_of(cleaned(leg.track, timeline, leg.sport), timeline, clock_was_reset=False)
            scores[f"{file}#{leg.leg}"] = report.score
            seconds["time", "unrecorded"] = seconds.get(("time", "unrecorded"), 0.0) + report.unrecorded_s
            files["time", "unrecorded"] = files.get(("time", "unrecorded"), 0) + (report.unrecorded_s > 0)
            for channel in report.channels:
                for rule, rule_s in (("recorded", channel.recorded_s), *channel.faults_s):
                    seconds[channel.channel, rule] = seconds.get((channel.channel, rule), 0.0) + rule_s
                    files[channel.channel, rule] = files.get((channel.channel, rule), 0) + 1
    for (name, rule), total_s in seconds.items():
        print(f"| {name} | {rule} | {files[name, rule]} | {total_s:.0f} |")
    values = np.array(list(scores.values()))
    print(f"{len(values)} recordings: median {np.median(values)}, {np.sum(values >= 95)} of 95 or more")
    print({name: score for name, score in sorted(scores.items(), key=lambda item: item[1]) if score < 90})
    assert len(scores) == 78
    for rule in ("spike", "stuck", "cadence_lock", "dropout", "jump"):
        for channel_name in ("heart_rate", "power", "speed", "position"):
            share = seconds.get((channel_name, rule), 0.0) / seconds[channel_name, "recorded"]
            assert share < 0.001, (channel_name, rule)


def test_samples_that_stand_for_no_time_have_a_score() -> None:
    track = track_from_columns(np.array([0, 1_000_000]), heart_rate_bpm=np.array([120.0, 900.0]))
    timeline = timeline_of(track, 0, 1_000_000, [(0, 1_000_000)])
    assert quality_of(cleaned(track, timeline, "running"), timeline, clock_was_reset=False).score >= 0.0
