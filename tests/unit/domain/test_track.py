"""Samples as columns."""

from dataclasses import replace

import numpy as np
import pytest

from domain.track import track_from_columns

S = 1_000_000


def test_rows_are_sorted_by_time_and_missing_channels_are_unknown() -> None:
    track = track_from_columns(np.array([3, 1, 2]) * S, power_w=np.array([30.0, 10.0, 20.0]))
    assert track.time_us.tolist() == [1 * S, 2 * S, 3 * S]
    assert track.power_w.tolist() == [10.0, 20.0, 30.0]
    assert np.isnan(track.heart_rate_bpm).all()
    assert track.elapsed_s == 2.0


def test_rows_of_one_time_become_one_and_the_later_value_wins() -> None:
    track = track_from_columns(
        np.array([1, 2, 2]) * S, power_w=np.array([10.0, 20.0, 21.0]), speed_m_s=np.array([1.0, 2.0, np.nan])
    )
    assert track.time_us.tolist() == [1 * S, 2 * S]
    assert track.power_w.tolist() == [10.0, 21.0]
    assert track.speed_m_s.tolist() == [1.0, 2.0]


def test_a_window_of_a_track_has_both_of_its_ends() -> None:
    track = track_from_columns(np.arange(10) * S, power_w=np.arange(10.0))
    assert track.between(2 * S, 4 * S).power_w.tolist() == [2.0, 3.0, 4.0]
    assert track.between(0, 9 * S) is track
    assert len(track.between(20 * S, 30 * S)) == 0


def test_what_is_no_track_is_refused() -> None:
    with pytest.raises(TypeError, match="no such channel: watts"):
        track_from_columns(np.arange(2), watts=np.zeros(2))
    with pytest.raises(ValueError, match="power_w has 3 rows, time_us has 2"):
        track_from_columns(np.arange(2), power_w=np.zeros(3))
    track = track_from_columns(np.arange(2))
    with pytest.raises(ValueError, match="must increase"):
        replace(track, time_us=np.array([5, 5]))
    with pytest.raises(ValueError, match="has 2 rows, time_us has 1"):
        replace(track, time_us=np.array([5]))
