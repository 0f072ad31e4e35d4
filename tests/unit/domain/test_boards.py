"""Boards: absolute scores, rank scores, competition ranks."""

from dataclasses import replace
from datetime import date

import pytest

from domain.board_rules import rules_from
from domain.boards import BoardKey, Effort, Score, competition_ranks, decode_rank_score, encode_rank_score
from domain.ledger import Ledger, scores

RUN = Effort("run", "trail_running", 1_790_000_000_000_000, date(2026, 11, 24), 10_000.0, 3600.0, 120.0, 80.5)
RIDE = Effort("ride", "cycling", 1_790_100_000_000_000, date(2026, 11, 25), 40_000.0, 5400.0, 300.0, 95.25)

RULES = rules_from(
    {
        "boards": {
            **{
                name: {"title": name, "text": f"All of the {name}.", "total": name}
                for name in ("distance", "moving_time", "elevation", "load", "workouts")
            },
            "fastest_5_km": {
                "title": "Fastest 5 km",
                "text": "The least time over 5 km.",
                "fastest": "5 km",
                "sports": ["running"],
                "periods": ["year", "all"],
            },
            "strongest_20_min": {
                "title": "Strongest 20 min",
                "text": "The highest power over 20 min.",
                "strongest": "20 min",
                "sports": ["running", "cycling"],
                "periods": ["all"],
            },
        }
    }
)


def test_a_board_has_the_whole_score_of_the_user() -> None:
    got = scores([RUN, RIDE], [RUN], RULES)
    assert got[BoardKey("distance", "all", "week", "2026-W48")] == Score(50_000.0, RIDE.end_us, 2)
    assert got[BoardKey("distance", "running", "week", "2026-W48")] == Score(10_000.0, RUN.end_us, 1)
    assert got[BoardKey("workouts", "all", "month", "2026-11")] == Score(2.0, RIDE.end_us, 2)
    assert got[BoardKey("load", "all", "all", "all")] == Score(175.75, RIDE.end_us, 2)
    assert got[BoardKey("elevation", "running", "day", "2026-11-24")] == Score(120.0, RUN.end_us, 1)
    assert not any(key.sport == "cycling" for key in got)


def test_a_deleted_workout_leaves_zeros_where_it_was() -> None:
    got = scores([RIDE], [RUN], RULES)
    assert got[BoardKey("distance", "running", "week", "2026-W48")] == Score(0.0, 0, 0)
    assert got[BoardKey("distance", "all", "week", "2026-W48")] == Score(40_000.0, RIDE.end_us, 1)


def test_an_edit_touches_the_old_and_the_new_day() -> None:
    moved = replace(RUN, day=date(2026, 11, 30))
    got = scores([moved], [RUN, moved], RULES)
    assert got[BoardKey("distance", "running", "week", "2026-W48")].value == 0.0
    assert got[BoardKey("distance", "running", "week", "2026-W49")].value == 10_000.0


def test_an_effort_counts_on_every_board_of_its_family_and_of_all_sports() -> None:
    assert len(scores([RUN], [RUN], RULES)) == 5 * 2 * 5 + 2 + 1


def test_the_best_of_a_period_is_on_its_board_and_of_equal_ones_the_first() -> None:
    slow = replace(RUN, workout_id="slow", bests=(("5 km", 1500.0), ("1 km", 200.0)))
    fast = replace(RUN, workout_id="fast", end_us=RUN.end_us + 1, bests=(("5 km", 1400.5),))
    again = replace(fast, workout_id="again", end_us=RUN.end_us + 2)
    power = replace(RIDE, bests=(("20 min", 250.0),))
    got = scores([slow, fast, again, power], [slow, power], RULES)
    assert got[BoardKey("fastest_5_km", "running", "all", "all")] == Score(1400.5, fast.end_us, 3)
    assert got[BoardKey("strongest_20_min", "cycling", "all", "all")] == Score(250.0, RIDE.end_us, 1)
    assert got[BoardKey("strongest_20_min", "running", "all", "all")] == Score(0.0, 0, 3)
    assert not any(key.metric == "fastest_5_km" and key.period == "month" for key in got)


def test_a_best_that_is_deleted_gives_way_to_the_next() -> None:
    ledger = Ledger(RULES)
    slow = replace(RUN, workout_id="slow", bests=(("5 km", 1500.0),))
    fast = replace(RUN, workout_id="fast", bests=(("5 km", 1400.0),))
    for effort in (slow, fast):
        ledger.put(effort.workout_id, effort)
    board = BoardKey("fastest_5_km", "running", "year", "2026")
    assert ledger.scores([fast])[board] == Score(1400.0, fast.end_us, 2)
    ledger.put("fast", None)
    assert ledger.scores([fast])[board] == Score(1500.0, slow.end_us, 1)


def test_where_less_is_better_the_least_sorts_first_and_then_who_was_first() -> None:
    def encoded(value: float, at_us: int) -> float:
        return encode_rank_score(value, at_us, less_is_better=True)

    assert encoded(1400.0, RUN.end_us) > encoded(1400.01, RUN.end_us) > encoded(9 * 86_400.0, 0) > 0
    assert encoded(1400.0, RUN.end_us) > encoded(1400.0, RUN.end_us + 120_000_000)
    value, achieved_us = decode_rank_score(encoded(1400.25, RUN.end_us), less_is_better=True)
    assert value == 1400.25
    assert 0 <= achieved_us - RUN.end_us < 2**26
    with pytest.raises(ValueError, match="from 0 to 1342177"):
        encoded(16 * 86_400.0, 0)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"total": "distance", "fastest": "5 km"}, "exactly one of total, fastest and strongest"),
        ({}, "exactly one of total, fastest and strongest"),
        ({"total": "steps"}, "total: Input should be 'distance'"),
        ({"fastest": "5 km"}, "give sports, without all"),
        ({"fastest": "6 km", "sports": ["running"]}, "'6 km' is no best effort over a distance: there are 400 m"),
        ({"strongest": "5 km", "sports": ["running"]}, "'5 km' is no best effort over a duration"),
        ({"total": "load", "sports": ["jogging"]}, "'jogging' is no family of sports"),
        ({"total": "load", "sports": ["all", "all"]}, "twice"),
        ({"total": "load", "periods": ["decade"]}, "Input should be 'day'"),
        ({"total": "load", "announce": 101}, "announce: Input should be less than or equal to 100"),
        ({"total": "load", "announce": -1}, "announce: Input should be greater than or equal to 0"),
        ({"total": "load", "period": ["day"]}, "there is no key 'period': there are title"),
    ],
)
def test_a_board_that_cannot_be_is_refused_by_name(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=f"board 'mine': .*{said}"):
        rules_from({"boards": {"mine": {"title": "Mine", "text": "A board of mine.", **fields}}})


def test_a_file_without_boards_or_a_board_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="one key, 'boards'"):
        rules_from({"board": {}})
    with pytest.raises(ValueError, match="board 'mine' has no keys"):
        rules_from({"boards": {"mine": None}})
    with pytest.raises(ValueError, match="small letters"):
        rules_from({"boards": {"My board": {"title": "Mine", "text": "A board of mine.", "total": "load"}}})


def test_a_board_says_how_many_ranks_are_announced() -> None:
    body = {"title": "Mine", "text": "A board of mine.", "total": "load"}
    rules = rules_from({"boards": {"mine": body, "quiet": {**body, "announce": 0}}})
    assert [rules.announced(name) for name in ("mine", "quiet", "no longer declared")] == [10, 0, 0]


def test_an_unknown_number_counts_nothing() -> None:
    got = scores([replace(RUN, elevation_gain_m=float("nan"))], [RUN], RULES)
    assert got[BoardKey("elevation", "all", "all", "all")] == Score(0.0, 0, 1)


def test_a_workout_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        scores([RUN, RUN], [], RULES)


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
