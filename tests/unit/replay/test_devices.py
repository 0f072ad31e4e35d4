"""Frames carry every sample, in order, whatever the rhythm of the recording."""

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.track import Track, track_from_columns
from schemas import hot
from schemas.decode import decoder_for
from schemas.frames import unpack_columns
from stridelog import topics
from stridelog.devices import Beats, Frame, Session, channels_of, completed, frames_of, rows_of, workout_id_of

START_US = 1_763_900_000_000_000
SESSION = Session("ada", workout_id_of("ada", "file"), "watch-1", "Europe/Oslo", "device:watch", "test")
Seconds = NDArray[np.float64]


def track_at(seconds: Seconds) -> Track:
    rows = len(seconds)
    moved_deg = np.linspace(0.0, rows * 1e-5, rows, dtype=np.float64)
    return track_from_columns(
        START_US + (seconds * 1e6).astype(np.int64),
        heart_rate_bpm=np.asarray(100 + np.arange(rows) % 60, dtype=np.float64),
        latitude_deg=np.add(60.0, moved_deg, dtype=np.float64),
        longitude_deg=np.add(5.0, moved_deg, dtype=np.float64),
        altitude_m=np.where(np.arange(rows) % 7 == 0, np.nan, 40.0),
    )


def decoded(frames: list[Frame]) -> list[hot.SensorFrame]:
    decoder = decoder_for(topics.load(prefix="").topic_of_message("SensorFrame"))
    messages = [decoder.decode(b"ada", frame.value) for frame in frames]
    return [message for message in messages if isinstance(message, hot.SensorFrame)]


@pytest.mark.parametrize("rows", [1, 2, 59, 60, 61, 1000])
def test_a_regular_track_comes_back_whole(rows: int) -> None:
    track = track_at(np.arange(rows, dtype=np.float64))
    frames = list(frames_of(track, SESSION))
    columns = unpack_columns(decoded(frames))
    assert sum(frame.samples for frame in frames) == rows
    np.testing.assert_array_equal(columns.time_us, track.time_us)
    np.testing.assert_array_equal(columns.values["heart_rate_bpm"], track.heart_rate_bpm)
    np.testing.assert_allclose(columns.values["latitude_deg"], track.latitude_deg, atol=1e-7)


def test_an_irregular_track_comes_back_whole() -> None:
    rng = np.random.default_rng(1)
    track = track_at(np.cumsum(rng.integers(1, 9, 500)).astype(np.float64))
    columns = unpack_columns(decoded(list(frames_of(track, SESSION))))
    np.testing.assert_array_equal(columns.time_us, track.time_us)


def test_a_gap_longer_than_a_frame_can_say_begins_another_frame() -> None:
    days = 86_400.0
    track = track_at(np.array([0.0, 1.0, 60 * days, 60 * days + 1]))
    frames = decoded(list(frames_of(track, SESSION)))
    assert [frame.n for frame in frames] == [2, 2]
    np.testing.assert_array_equal(unpack_columns(frames).time_us, track.time_us)


def test_a_value_that_no_sensor_can_say_is_missing_and_the_rest_stays() -> None:
    track = track_at(np.arange(10, dtype=np.float64))
    track.heart_rate_bpm[3] = 254.0
    columns = unpack_columns(decoded(list(frames_of(track, SESSION))))
    assert np.flatnonzero(np.isnan(columns.values["heart_rate_bpm"])).tolist() == [3]


def test_rr_intervals_travel_with_the_samples_next_to_them() -> None:
    track = track_at(np.arange(120, dtype=np.float64))
    beats = Beats(np.array([800.0, 810.0, 20_000.0, 790.0]), START_US + np.array([0, 1, 2, 100]) * 1_000_000)
    frames = decoded(list(frames_of(track, SESSION, beats=beats)))
    columns = unpack_columns(frames).lists["rr_ms"]
    assert columns.values.tolist() == [800.0, 810.0, 790.0]  # what no heart can do is left out
    assert columns.offsets.tolist() == [0, 2, 3]


def test_sequences_count_on_and_name_the_same_frame_again() -> None:
    track = track_at(np.arange(150, dtype=np.float64))
    once, again = list(frames_of(track, SESSION)), list(frames_of(track, SESSION))
    assert once == again
    assert [frame.sequence for frame in decoded(once)] == [0, 1, 2]


def test_a_completion_names_the_channels_and_counts_the_samples() -> None:
    track = track_at(np.arange(30, dtype=np.float64))
    message = completed(SESSION, sport="running", start_us=START_US, end_us=START_US + 29_000_000, track=track)
    assert message.data.channels == ("heart_rate", "latitude", "longitude", "altitude") == channels_of(track)
    assert message.data.samples == 30
    assert len(rows_of(track, 10, 20)) == 10


def test_a_workout_id_depends_on_who_and_what_and_nothing_else() -> None:
    assert workout_id_of("ada", "abc", 0) == workout_id_of("ada", "abc", 0)
    assert len({workout_id_of("ada", "abc", 0), workout_id_of("bob", "abc", 0), workout_id_of("ada", "abc", 1)}) == 3
