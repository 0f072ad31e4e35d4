"""How long samples stand for, pauses, gaps, and moving time."""

import numpy as np
import pytest

from domain.moving import moving_time_s
from domain.timeline import merged_pauses, timeline_of, weighted_mean
from domain.track import track_from_columns

S = 1_000_000


def test_pauses_are_merged_clipped_and_sorted() -> None:
    assert merged_pauses([(50, 60), (-5, 10), (8, 20), (90, 200), (30, 30)], 0, 100) == [(0, 20), (50, 60), (90, 100)]


def test_one_sample_a_second_is_regular() -> None:
    timeline = timeline_of(track_from_columns(np.arange(11) * S), 0, 10 * S, [])
    assert timeline.regular
    assert timeline.held_s.sum() == 10.0
    assert timeline.elapsed_s == timeline.timer_time_s == 10.0


def test_samples_stand_for_the_time_until_the_next_without_pauses_and_long_gaps() -> None:
    track = track_from_columns(np.array([0, 5, 10, 200, 205]) * S)
    timeline = timeline_of(track, 0, 210 * S, [(7 * S, 9 * S)])
    assert timeline.step_s.tolist() == [5.0, 3.0, 190.0, 5.0]
    assert timeline.held_s.tolist() == [5.0, 3.0, 60.0, 5.0, 5.0]
    assert timeline.timer_time_s == 208.0


def test_a_pause_may_hold_several_samples() -> None:
    track = track_from_columns(np.arange(11) * S)
    timeline = timeline_of(track, 0, 10 * S, [(2 * S, 3 * S), (4 * S, 8 * S)])
    assert timeline.step_s.tolist() == [1, 1, 0, 1, 0, 0, 0, 0, 1, 1]
    assert timeline.timer_time_s == timeline.held_s.sum() == 5.0


def test_means_weigh_by_time() -> None:
    assert weighted_mean(np.array([100.0, np.nan, 200.0]), np.array([30.0, 500.0, 10.0])) == pytest.approx(125.0)
    assert weighted_mean(np.array([np.nan]), np.array([1.0])) is None


def test_standing_at_the_lights_is_not_moving() -> None:
    speed = np.concatenate((np.full(300, 8.0), np.zeros(60), np.full(240, 8.0)))
    track = track_from_columns(np.arange(600) * S, speed_m_s=speed)
    timeline = timeline_of(track, 0, 599 * S, [])
    moving = moving_time_s(np.cumsum(speed), track.speed_m_s, timeline, "cycling")
    assert moving == pytest.approx(540.0, abs=1.0)


def test_moving_is_told_by_distance_where_there_is_no_speed() -> None:
    # Walking at 1.2 m/s, counted in whole metres, with a minute's rest.
    metres = np.concatenate((np.arange(300) * 1.2, np.full(60, 299 * 1.2), 299 * 1.2 + np.arange(300) * 1.2))
    track = track_from_columns(np.arange(660) * S)
    timeline = timeline_of(track, 0, 659 * S, [])
    assert moving_time_s(np.floor(metres), track.speed_m_s, timeline, "walking") == pytest.approx(600.0, abs=5.0)


def test_without_speed_and_distance_nothing_tells() -> None:
    track = track_from_columns(np.arange(10) * S)
    assert moving_time_s(np.zeros(10), track.speed_m_s, timeline_of(track, 0, 9 * S, []), "strength") is None
