"""What must not depend on the order of facts: duplicates, boards, features, loads."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import load
from domain.athlete import Athlete
from domain.boards import (
    BoardKey,
    Effort,
    Score,
    competition_ranks,
    decode_rank_score,
    encode_rank_score,
)
from domain.days import PERIODS, local_day, period_key, period_start
from domain.duplicates import Candidate, clusters, may_be_copies
from domain.features import LoadFact, features
from domain.ledger import Ledger, scores
from domain.sports import SPORTS
from stridelog import boards_file

RULES = boards_file.load()
BESTS = ("5 km", "20 min", "400 m")  # the last is on no board
DAY = date(2026, 1, 1)
T0_US = 1_767_225_600_000_000
DAY_US = 86_400_000_000
sports = st.sampled_from(["running", "trail_running", "cycling", "ebike", "other", "multisport", "walking"])


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    n = draw(st.integers(0, 12))
    found = []
    for i in range(n):
        start = draw(st.integers(0, 200))
        length = draw(st.integers(0, 100))
        found.append(
            Candidate(f"w{i}", start, start + length, draw(sports), draw(st.integers(1, 3)), draw(st.integers(0, 2)))
        )
    return found


@given(candidates(), st.randoms(use_true_random=False))
def test_clusters_do_not_depend_on_the_order(workouts: list[Candidate], random: object) -> None:
    shuffled = list(workouts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert clusters(shuffled, lambda *_: False) == clusters(workouts, lambda *_: False)


@given(candidates())
def test_clusters_are_the_transitive_closure_of_being_copies(workouts: list[Candidate]) -> None:
    canonical = clusters(workouts, lambda *_: False)
    reached = {w.workout_id: {w.workout_id} for w in workouts}
    for _ in workouts:
        for a in workouts:
            for b in workouts:
                if may_be_copies(a, b) or a.workout_id == b.workout_id:
                    reached[a.workout_id] |= reached[b.workout_id]
    for a in workouts:
        for b in workouts:
            together = canonical[a.workout_id] == canonical[b.workout_id]
            assert together == (b.workout_id in reached[a.workout_id])
        assert canonical[canonical[a.workout_id]] == canonical[a.workout_id]


@given(candidates())
def test_being_copies_is_symmetric(workouts: list[Candidate]) -> None:
    assert all(may_be_copies(a, b) == may_be_copies(b, a) for a in workouts for b in workouts)


amounts = st.floats(0, 1e6).map(lambda value: round(value, 1))


@st.composite
def efforts(draw: st.DrawFn) -> list[Effort]:
    return [
        Effort(
            f"w{i}",
            draw(st.sampled_from(SPORTS)),
            T0_US + draw(st.integers(0, 40)) * DAY_US,
            DAY + timedelta(days=draw(st.integers(0, 40))),
            draw(amounts),
            draw(amounts),
            draw(amounts),
            draw(amounts),
            tuple((name, draw(st.integers(1, 5)) / 2) for name in draw(st.sets(st.sampled_from(BESTS)))),
        )
        for i in range(draw(st.integers(0, 8)))
    ]


@given(efforts(), st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_the_order(workouts: list[Effort], random: object) -> None:
    shuffled = list(workouts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert scores(shuffled, workouts, RULES) == scores(workouts, shuffled, RULES)


@given(efforts(), st.lists(st.tuples(st.integers(0, 7), st.sampled_from([None, -400, -31, -1, 0, 1, 35, 366]))))
def test_a_ledger_says_of_every_board_what_all_efforts_say(
    workouts: list[Effort], changes: list[tuple[int, int | None]]
) -> None:
    ledger = Ledger(RULES)
    counted: dict[str, Effort] = {}
    forms = list(workouts)
    for number, days in [*((n, 0) for n in range(len(workouts))), *changes]:
        if number >= len(workouts):
            continue
        effort = None if days is None else replace(workouts[number], day=workouts[number].day + timedelta(days=days))
        ledger.put(workouts[number].workout_id, effort)
        counted.pop(workouts[number].workout_id, None)
        if effort is not None:
            counted[effort.workout_id] = effort
            forms.append(effort)
        asked = forms[-3:] if days != 1 else forms  # some are asked for the first time after several changes
        assert ledger.scores(asked) == scores(counted.values(), asked, RULES)
    assert ledger.scores(forms) == scores(counted.values(), forms, RULES)


@given(efforts(), st.lists(st.integers(0, 20), min_size=8, max_size=8))
def test_boards_kept_up_workout_by_workout_equal_boards_made_at_once(workouts: list[Effort], edits: list[int]) -> None:
    boards: dict[BoardKey, Score] = {}
    so_far: list[Effort] = []
    for workout, edit in zip(workouts, edits, strict=False):
        if edit < len(so_far):  # one of the earlier workouts gets another distance on another day
            old = so_far.pop(edit)
            edited = replace(old, distance_m=old.distance_m + 1, day=old.day + timedelta(days=8))
            so_far.append(edited)
            boards |= scores(so_far, [old, edited], RULES)
        so_far.append(workout)
        boards |= scores(so_far, [workout], RULES)
    at_once = {key: score for key, score in scores(so_far, so_far, RULES).items() if score.value}
    assert {key: score for key, score in boards.items() if score.value} == at_once


values = st.integers(0, 10**9).map(lambda hundredths: hundredths / 100)
times = st.integers(T0_US - 20 * 365 * DAY_US, T0_US + 20 * 365 * DAY_US)


@given(values, times, values, times)
def test_rank_scores_sort_by_value_and_then_by_who_was_first(a: float, a_us: int, b: float, b_us: int) -> None:
    first, second = encode_rank_score(a, a_us), encode_rank_score(b, b_us)
    if a != b:
        assert (first > second) == (a > b)
    elif a_us <= b_us:
        assert first >= second
    assert max(first, second) < 2**53


@given(values, times)
def test_rank_scores_give_their_value_back_and_survive_redis(value: float, achieved_us: int) -> None:
    score = encode_rank_score(value, achieved_us)
    assert float(f"{score:.17g}") == score  # how Redis prints a score
    decoded, when_us = decode_rank_score(score)
    assert decoded == value
    coarse_us = 2 ** max(0, round(value * 100).bit_length() - 2)
    assert 0 <= when_us - achieved_us < coarse_us


@given(st.lists(st.integers(0, 5)))
def test_a_competition_rank_is_one_more_than_those_who_are_better(points: list[int]) -> None:
    points.sort(reverse=True)
    assert competition_ranks(points) == [1 + sum(other > mine for other in points) for mine in points]


@st.composite
def load_facts(draw: st.DrawFn) -> list[LoadFact]:
    found = []
    for i in range(draw(st.integers(1, 15))):
        days = draw(st.integers(0, 200))
        end_us = T0_US + days * DAY_US + draw(st.integers(0, DAY_US - 1))
        found.append(
            LoadFact(
                f"w{i}",
                draw(st.sampled_from(SPORTS)),
                end_us - draw(st.integers(0, DAY_US // 4)),
                end_us,
                DAY + timedelta(days=days),
                *(draw(amounts) for _ in range(4)),
            )
        )
    return found


@given(load_facts(), st.randoms(use_true_random=False))
def test_features_do_not_depend_on_the_order_of_facts(facts: list[LoadFact], random: object) -> None:
    current = facts[0]
    shuffled = list(facts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = features(facts, current.end_us, current.day, Athlete(), current)
    other = features(shuffled, current.end_us, current.day, Athlete(), current)
    assert one.tobytes() == other.tobytes()


@given(load_facts())
def test_features_of_then_are_the_same_number_today(facts: list[LoadFact]) -> None:
    current = facts[0]
    online = [fact for fact in facts if fact.end_us <= current.end_us]
    in_training = features(facts, current.end_us, current.day, Athlete(), current)
    assert features(online, current.end_us, current.day, Athlete(), current).tobytes() == in_training.tobytes()


@given(st.lists(st.floats(0, 2000), min_size=28, max_size=200))
def test_the_state_of_today_is_the_last_row_of_every_column(loads: list[float]) -> None:
    daily = np.array(loads)
    state = load.state_of(daily)
    columns = {
        "acute_sum": load.rolling_sum(daily, 7),
        "chronic_sum": load.rolling_sum(daily, 28),
        "ewma_acute": load.ewma(daily, 7),
        "ewma_chronic": load.ewma(daily, 28),
        "fitness": load.fitness(daily),
        "fatigue": load.fatigue(daily),
        "form": load.form(daily),
        "monotony": load.monotony(daily),
        "strain": load.strain(daily),
    }
    for name, column in columns.items():
        assert getattr(state, name) == pytest.approx(column[-1], rel=1e-6, abs=1e-6, nan_ok=True), name


@given(st.integers(86_400, 4_000_000_000), st.sampled_from(["UTC", "Europe/Oslo", "-09:30", "Pacific/Kiritimati"]))
def test_a_day_is_in_the_period_that_its_key_names(second: int, zone: str) -> None:
    day = local_day(second * 1_000_000, zone)
    for period in PERIODS:
        first = period_start(day, period)
        assert first <= day
        assert period_key(first, period) == period_key(day, period)
        if period != "all":
            assert period_key(first - timedelta(days=1), period) != period_key(day, period)
