"""Boards: absolute scores, rank scores, competition ranks."""

from dataclasses import replace
from datetime import date

import pytest

from domain.boards import (
    BOARDS,
    BoardKey,
    Effort,
    Score,
    board_keys,
    competition_ranks,
    decode_rank_score,
    encode_rank_score,
    scores,
)

RUN = Effort("run", "trail_running", 1_790_000_000_000_000, date(2026, 11, 24), 10_000.0, 3600.0, 120.0, 80.5)
RIDE = Effort("ride", "cycling", 1_790_100_000_000_000, date(2026, 11, 25), 40_000.0, 5400.0, 300.0, 95.25)


def test_a_board_has_the_whole_score_of_the_user() -> None:
    got = scores([RUN, RIDE], [RUN])
    assert got[BoardKey("distance", "all", "week", "2026-W48")] == Score(50_000.0, RIDE.end_us)
    assert got[BoardKey("distance", "running", "week", "2026-W48")] == Score(10_000.0, RUN.end_us)
    assert got[BoardKey("workouts", "all", "month", "2026-11")] == Score(2.0, RIDE.end_us)
    assert got[BoardKey("load", "all", "all", "all")] == Score(175.75, RIDE.end_us)
    assert got[BoardKey("elevation", "running", "day", "2026-11-24")] == Score(120.0, RUN.end_us)
    assert not any(key.sport == "cycling" for key in got)


def test_a_deleted_workout_leaves_zeros_where_it_was() -> None:
    got = scores([RIDE], [RUN])
    assert got[BoardKey("distance", "running", "week", "2026-W48")] == Score(0.0, 0)
    assert got[BoardKey("distance", "all", "week", "2026-W48")] == Score(40_000.0, RIDE.end_us)


def test_an_edit_touches_the_old_and_the_new_day() -> None:
    moved = replace(RUN, day=date(2026, 11, 30))
    got = scores([moved], [RUN, moved])
    assert got[BoardKey("distance", "running", "week", "2026-W48")].value == 0.0
    assert got[BoardKey("distance", "running", "week", "2026-W49")].value == 10_000.0


def test_every_key_is_a_board() -> None:
    keys = board_keys(RUN)
    assert len(keys) == len(set(keys)) == 5 * 2 * 5
    assert {key[:3] for key in keys} <= {tuple(board) for board in BOARDS}
    assert set(scores([RUN], [RUN])) == set(keys)


def test_an_unknown_number_counts_nothing() -> None:
    got = scores([replace(RUN, elevation_gain_m=float("nan"))], [RUN])
    assert got[BoardKey("elevation", "all", "all", "all")] == Score(0.0, 0)


def test_a_workout_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        scores([RUN, RUN], [])


def test_equal_scores_rank_who_was_first() -> None:
    first, later = encode_rank_score(37.0, RUN.end_us), encode_rank_score(37.0, RUN.end_us + 1100)
    assert first > later
    assert encode_rank_score(37.01, RIDE.end_us) > first


def test_a_rank_score_says_value_and_time() -> None:
    value, achieved_us = decode_rank_score(encode_rank_score(50_000.0, RUN.end_us))
    assert value == 50_000.0
    assert 0 <= achieved_us - RUN.end_us < 2**21


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e12])
def test_what_cannot_be_ranked_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be ranked"):
        encode_rank_score(value, 0)


def test_equals_share_a_rank_and_the_next_is_skipped() -> None:
    assert competition_ranks([9, 7, 7, 5]) == [1, 2, 2, 4]
    assert competition_ranks([]) == []
    with pytest.raises(ValueError, match="sort"):
        competition_ranks([1, 2])
