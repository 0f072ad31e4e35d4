"""Samples of a clock that was reset go where they belong, or nowhere."""

import numpy as np
import pytest

from domain.athlete import Athlete
from domain.clock import RESET_US, placed
from domain.summary import Stated, Summary, summarise
from domain.track import Track, track_from_columns

S = 1_000_000
START_US = 1_795_000_000 * S
END_US = START_US + 1_800 * S
IN_2019_US = 1_546_300_820 * S
SECONDS = np.arange(0, 1_801, 5)


def recorded(first_wrong_s: int, right_again_s: int = 10_000) -> Track:
    """A run of half an hour; from one second to another its clock thought that it was 2019."""
    wrong = (first_wrong_s <= SECONDS) & (right_again_s > SECONDS)
    time_us = np.where(wrong, IN_2019_US + (SECONDS - first_wrong_s) * S, START_US + SECONDS * S)
    return track_from_columns(
        time_us, heart_rate_bpm=100.0 + SECONDS / 60, distance_m=np.asarray(SECONDS * 3.0, dtype=np.float64)
    )


RIGHT = recorded(10_000)


@pytest.mark.parametrize(("first", "again"), [(900, 10_000), (0, 10_000), (600, 1_200), (0, 300)])
def test_a_block_goes_back_to_where_it_was_recorded(first: int, again: int) -> None:
    track, moved = placed(recorded(first, again), START_US, END_US)
    assert moved == np.count_nonzero((first <= SECONDS) & (again > SECONDS))
    assert track.time_us.tolist() == RIGHT.time_us.tolist()
    assert track.heart_rate_bpm.tolist() == RIGHT.heart_rate_bpm.tolist()


def test_a_track_with_the_right_times_is_left_as_it_is() -> None:
    assert placed(RIGHT, START_US, END_US) == (RIGHT, 0)
    a_day_off = placed(RIGHT, START_US + RESET_US, END_US + RESET_US)
    assert a_day_off == (RIGHT, 0), "a zone's mistake is no reset"


def test_a_block_without_room_stays_out_of_the_workout() -> None:
    track = recorded(900)
    assert placed(track, START_US, START_US + 1_000 * S) == (track, 0)


def test_two_resets_cannot_be_told_apart_and_stay_out() -> None:
    one = recorded(900)
    time_us = one.time_us.copy()
    time_us[:30] += 200 * RESET_US  # again, later in 2019
    two = track_from_columns(time_us, heart_rate_bpm=one.heart_rate_bpm)
    assert placed(two, START_US, END_US) == (two, 0)


def test_the_summary_is_that_of_the_whole_workout_and_says_so() -> None:
    def summary_of(track: Track, *, clock_was_reset: bool = False) -> Summary:
        return summarise(
            track,
            sport="running",
            start_us=START_US,
            end_us=END_US,
            pauses=(),
            athlete=Athlete(),
            stated=Stated(),
            rpe=None,
            clock_was_reset=clock_was_reset,
        )

    track, moved = placed(recorded(900), START_US, END_US)
    found, right = summary_of(track, clock_was_reset=moved > 0), summary_of(RIGHT)
    assert (found.distance_m, found.sample_count, found.load) == (right.distance_m, right.sample_count, right.load)
    assert found.analysis is not None
    assert "the clock was reset on the way (-5)" in found.analysis.quality_reasons
    assert summary_of(recorded(900)).distance_m < right.distance_m / 1.9
