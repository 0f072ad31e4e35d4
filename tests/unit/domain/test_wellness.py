"""A day's rest: where it is found, what is read of its heart beats, and when there is nothing to read."""

import math

import numpy as np
import pytest

from domain.wellness import BeatFrames, WellnessDay, beats_in_time, heart_rate_minutes, wellness_day

S = 1_000_000
MINUTE = 60 * S
DAY_US = 1_795_046_400 * S  # a whole minute
FRAME_S = 300


def worn(hours: float = 12.0, *, rest_at_min: int = 200, rest_bpm: float = 48.0) -> tuple[np.ndarray, np.ndarray]:
    """A sample every 30 s from midnight on: 60 bpm, but half an hour of rest."""
    seconds = np.arange(0, round(hours * 3600), 30)
    resting = (seconds >= rest_at_min * 60) & (seconds < (rest_at_min + 30) * 60)
    return DAY_US + seconds * S, np.where(resting, rest_bpm, 60.0)


def beats(begin_min: float, minutes: float, *, mean_ms: float = 1_200.0, swing_ms: float = 40.0) -> BeatFrames:
    """Intervals that swing with the breath, in frames of five minutes."""
    starts = np.arange(begin_min * 60, (begin_min + minutes) * 60, FRAME_S).astype(np.int64)
    beat = np.arange(int(FRAME_S * 1_000 / mean_ms))
    one = np.rint(mean_ms + swing_ms * np.sin(beat * 1.7))
    return BeatFrames(
        start_us=DAY_US + starts * S,
        last_us=DAY_US + (starts + FRAME_S - 1) * S,
        offsets=np.arange(len(starts) + 1) * len(one),
        rr_ms=np.tile(one, len(starts)),
    )


def joined(*some: BeatFrames) -> BeatFrames:
    """Frames of one device in the order of their start."""
    each = [
        (int(frames.start_us[i]), int(frames.last_us[i]), frames.rr_ms[frames.offsets[i] : frames.offsets[i + 1]])
        for frames in some
        for i in range(len(frames.start_us))
    ]
    each.sort(key=lambda frame: frame[0])
    return BeatFrames(
        np.array([start for start, _, _ in each]),
        np.array([last for _, last, _ in each]),
        np.cumsum([0, *(len(rr_ms) for *_, rr_ms in each)]),
        np.concatenate([rr_ms for *_, rr_ms in each]),
    )


def test_a_value_holds_until_the_next_sample_and_for_a_minute_at_most() -> None:
    time_us = DAY_US + np.array([0, 30, 50, 200, 210]) * S
    minute_us, mean, known_s = heart_rate_minutes(time_us, np.array([60.0, 90.0, 50.0, 70.0, 80.0]))
    assert ((minute_us - DAY_US) // MINUTE).tolist() == [0, 1, 3]
    assert known_s.tolist() == [60.0, 50.0, 10.0]
    assert mean.tolist() == [pytest.approx((30 * 60 + 20 * 90 + 10 * 50) / 60), 50.0, 70.0]


def test_impossible_heart_rates_are_no_wear() -> None:
    time_us = DAY_US + np.arange(0, 180, 30) * S
    minute_us, _, known_s = heart_rate_minutes(time_us, np.array([0.0, 0.0, 60.0, math.nan, 60.0, 60.0]))
    assert ((minute_us - DAY_US) // MINUTE).tolist() == [1, 2]
    assert known_s.tolist() == [30.0, 30.0]


def test_variability_is_read_in_the_half_hour_of_rest() -> None:
    elsewhere, here = beats(300, 60, swing_ms=150.0), beats(195, 45, swing_ms=40.0)
    day = wellness_day(*worn(), {"band": joined(here, elsewhere)})
    assert (day.resting_heart_rate_bpm, day.hrv_fault, day.worn_minutes) == (48.0, None, 720)
    assert day.resting_from_us == DAY_US + 200 * MINUTE
    only = wellness_day(*worn(), {"band": here})
    assert (day.ln_rmssd, day.reading_s) == (only.ln_rmssd, only.reading_s)
    assert day.reading_s == pytest.approx(1_800, abs=3)
    assert day.rmssd_ms is not None
    assert day.ln_rmssd == pytest.approx(math.log(day.rmssd_ms), abs=1e-4)


def test_heart_rate_alone_is_never_made_into_variability() -> None:
    day = wellness_day(*worn(), {})
    assert (day.resting_heart_rate_bpm, day.ln_rmssd, day.hrv_fault) == (48.0, None, "no_intervals")
    of_bpm = beats(195, 45)
    of_bpm.rr_ms[:] = np.rint(60_000 / np.tile([48.0, 49.0, 50.0], len(of_bpm.rr_ms))[: len(of_bpm.rr_ms)])
    day = wellness_day(*worn(), {"band": of_bpm})
    assert (day.ln_rmssd, day.hrv_fault) == (None, "made_of_bpm")


def test_a_strap_in_the_morning_is_a_reading_of_its_own() -> None:
    day = wellness_day(*worn(0.2), {"strap": beats(420, 10)})
    assert (day.resting_heart_rate_bpm, day.hrv_fault) == (None, None)
    assert day.ln_rmssd is not None


def test_of_hours_of_beats_without_rest_nobody_knows_which_were_at_rest() -> None:
    day = wellness_day(*worn(3.0), {"strap": beats(420, 60)})
    assert (day.resting_heart_rate_bpm, day.ln_rmssd, day.hrv_fault) == (None, None, "no_rest")


def test_of_several_devices_the_one_with_most_intervals_counts() -> None:
    few, many = beats(195, 10, swing_ms=20.0), beats(195, 45)
    day = wellness_day(*worn(), {"a": few, "b": many})
    assert day == wellness_day(*worn(), {"b": many})
    assert wellness_day(*worn(), {"a": many, "b": beats(195, 45, swing_ms=20.0)}) == day


def test_frames_that_say_the_same_again_count_once() -> None:
    once = beats(195, 45)
    middle = beats(197.5, 40)  # the same time, cut elsewhere
    assert len(beats_in_time(joined(once, middle))[0]) == len(beats_in_time(once)[0])
    assert wellness_day(*worn(), {"band": joined(once, middle)}) == wellness_day(*worn(), {"band": once})


def test_beats_of_frames_that_follow_each_other_have_no_gap_between_them() -> None:
    rr_ms, time_us = beats_in_time(beats(195, 45))
    assert np.all(np.diff(time_us) >= 0)
    assert np.all(np.diff(time_us) - rr_ms[1:] * 1_000 < 1_000_000)
    day = wellness_day(*worn(), {"band": beats(195, 45)})
    assert day.artefact_share == 0.0


def test_a_lost_frame_is_a_gap_and_a_missed_beat_an_artefact() -> None:
    whole = beats(195, 45)
    lost = joined(beats(195, 10), beats(210, 30))
    assert (wellness_day(*worn(), {"band": lost}).artefact_share or 0) > 0
    whole.rr_ms[::10] = 0
    assert wellness_day(*worn(), {"band": whole}).hrv_fault == "too_many_artefacts"


def test_a_day_without_samples_is_known_to_be_empty() -> None:
    nothing = np.empty(0, dtype=np.int64), np.empty(0)
    assert wellness_day(*nothing, {}) == WellnessDay(0, None, None, None, None, 0.0, None, "no_intervals")
