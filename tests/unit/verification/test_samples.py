"""Samples and minutes: of one key the last record counts, and frames that overlap are not added up."""

import numpy as np

from tests.unit.verification.conftest import HOUR_US, OTHER, START_US, WORKOUT, TestLog
from verification import samples
from verification.withdrawals import Takings

S = 1_000_000


def deduplicated(log: TestLog) -> samples.Samples:
    return samples.deduplicated(log.read().carrying("SensorFrame").valid, Takings())[0]


def test_of_two_frames_about_the_same_second_the_later_record_counts(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [100, 101, 102]})
    log.frame({"heart_rate_bpm": [150, 151]}, start=START_US + 2 * S)
    found = deduplicated(log)
    assert found.values["heart_rate_bpm"].tolist() == [100, 101, 150, 151]
    assert found.offset.tolist() == [0, 0, 1, 1]


def test_of_one_frame_s_samples_at_one_time_the_last_counts(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [100, 110, 120]}, time_us=[START_US, START_US, START_US + S])
    assert deduplicated(log).values["heart_rate_bpm"].tolist() == [110, 120]


def test_devices_and_workouts_are_kept_apart(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [100]})
    log.frame({"heart_rate_bpm": [101]}, device_id="strap")
    log.frame({"heart_rate_bpm": [102]}, workout_id=None)
    log.frame({"heart_rate_bpm": [103]}, workout_id=OTHER)
    table = deduplicated(log).table()
    rows = {(r["workout_id"], r["device_id"]): r["heart_rate_bpm"] for r in table.to_pylist()}
    assert rows == {(WORKOUT, "watch"): 100, (WORKOUT, "strap"): 101, ("", "watch"): 102, (OTHER, "watch"): 103}


def test_a_track_merges_devices_and_the_one_that_sorts_last_counts(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [100, 101], "power_w": [200, 210]}, device_id="a")
    log.frame({"heart_rate_bpm": [140, np.nan]}, device_id="b")
    log.frame({"heart_rate_bpm": [60]}, workout_id=None)
    found = deduplicated(log)
    spans = found.tracks()
    assert spans.keys() == {("ada", WORKOUT)}
    track = found.track(spans["ada", WORKOUT])
    assert track.heart_rate_bpm.tolist() == [140, 101]
    assert track.power_w.tolist() == [200, 210]


def minutes_of(log: TestLog) -> list[dict[str, object]]:
    frames = log.read().carrying("SensorFrame").valid
    rows: list[dict[str, object]] = samples.minutes(
        samples.minute_partials(frames, samples.deduplicated(frames, Takings())[1], Takings())
    ).to_pylist()
    return rows


def test_a_frame_sent_again_counts_once(log: TestLog) -> None:
    for _ in range(2):
        log.frame({"heart_rate_bpm": [100, 110, 120]})
    (minute,) = minutes_of(log)
    assert (minute["n"], minute["seconds"], minute["heart_rate_bpm_mean"]) == (3, 3, 110)


def test_of_overlapping_frames_the_one_with_most_samples_counts(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [100, 100]})
    log.frame({"heart_rate_bpm": [150, 150, 150]}, start=START_US + S)
    log.frame({"heart_rate_bpm": [200]}, start=START_US + 10 * S)
    (minute,) = minutes_of(log)
    assert (minute["n"], minute["heart_rate_bpm_min"], minute["heart_rate_bpm_max"]) == (4, 150, 200)


def test_a_minute_without_a_channel_has_no_mean_of_it(log: TestLog) -> None:
    log.frame({"power_w": [200, 220]})
    (minute,) = minutes_of(log)
    assert minute["power_w_mean"] == 210
    assert np.isnan(minute["heart_rate_bpm_mean"])  # type: ignore[call-overload]
    assert minute["heart_rate_count"] == 0


def test_frames_are_cut_at_minutes(log: TestLog) -> None:
    begin = START_US - START_US % (60 * S) + 58 * S
    log.frame({"heart_rate_bpm": [100, 102, 104, 106]}, start=begin)
    log.frame({"heart_rate_bpm": [90]}, start=begin + HOUR_US, user="bea")
    rows = minutes_of(log)
    assert [(r["user_id"], r["n"], r["heart_rate_bpm_mean"]) for r in rows] == [
        ("ada", 2, 101),
        ("ada", 2, 105),
        ("bea", 1, 90),
    ]


def test_no_frames_give_empty_tables(log: TestLog) -> None:
    frames = log.read().carrying("SensorFrame").valid
    found, columns = samples.deduplicated(frames, Takings())
    partials = samples.minute_partials(frames, columns, Takings())
    assert (found.table().num_rows, partials.num_rows, samples.minutes(partials).num_rows) == (0, 0, 0)
