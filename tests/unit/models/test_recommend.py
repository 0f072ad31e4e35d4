"""The recommender: what counts as done next, ranking better than popularity, and the rule after a spike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES
from domain.sports import FAMILIES, SPORTS
from models.recommend import HORIZON_DAYS
from models.recommend.catalogue import CANDIDATES, INDEX, REST, Candidate, WorkoutKind, kind_of, kinds_done
from models.recommend.dataset import NextData, label_rows, popularity
from models.recommend.reasons import reason_of
from models.recommend.score import SPIKE_LIMIT, TOP, Scorer
from models.recommend.train import TrainedRecommend, train
from models.rows import COLUMN, DAY_US, FeatureRows
from models.split import split
from stridelog.errors import UserError
from tests.unit.models.conftest import Town

START_US = 1_780_000_000_000_000


def sessions(*hours_and_load: tuple[float, float], family: str = "running", gap_days: float = 1.0) -> FeatureRows:
    """An athlete's workouts, one after the other: (hours, load)."""
    count = len(hours_and_load)
    matrix = np.zeros((count, len(FEATURE_NAMES)), dtype=np.float32)
    matrix[:, COLUMN["moving_time_this_s"]] = [hours * 3600 for hours, _ in hours_and_load]
    matrix[:, COLUMN["load_this"]] = [load for _, load in hours_and_load]
    matrix[:, COLUMN[f"family_{family}"]] = 1
    at_us = START_US + (np.arange(count) * gap_days * DAY_US).astype(np.int64)
    return FeatureRows(np.array(["ann"] * count), np.array([str(i) for i in range(count)]), at_us, matrix)


def names(indexes: NDArray[np.int64]) -> list[str]:
    return [CANDIDATES[i].name for i in indexes.tolist()]


@pytest.fixture
def trained(trained_recommend: TrainedRecommend) -> TrainedRecommend:
    return trained_recommend


@pytest.fixture(scope="module")
def few(town: Town) -> NextData:
    """The states of the first athletes: enough to train, and quick."""
    return label_rows(town.rows.take(np.arange(1500)))


@pytest.fixture(scope="module")
def trained_on_few(few: NextData) -> TrainedRecommend:
    """A recommender of the few, of seed 1."""
    return train(few, seed=1)


@pytest.mark.parametrize(
    ("duration", "intensity", "kind"),
    [
        (1.0, 1.0, "easy"),
        (1.5, 1.0, "long"),
        (1.0, 1.15, "tempo"),
        (0.9, 1.3, "interval"),
        (0.6, 0.8, "recovery"),
        (0.6, 1.0, "easy"),
    ],
)
def test_kinds_by_duration_and_load_an_hour_against_what_is_usual(
    duration: float, intensity: float, kind: WorkoutKind
) -> None:
    assert kind_of(duration, intensity) == kind


def test_a_workout_is_judged_by_the_athletes_own_earlier_ones_of_the_family() -> None:
    usual = [(1.0, 50.0)] * 3
    rows = sessions(*usual, (2.0, 100.0), (1.0, 80.0), (0.5, 20.0))
    assert names(kinds_done(rows)) == [*["easy.running"] * 3, "long.running", "interval.running", "recovery.running"]


def test_the_gym_is_strength_whatever_its_load() -> None:
    assert names(kinds_done(sessions(*[(1.0, 50.0)] * 4, (3.0, 500.0), family="gym")))[-1] == "strength.gym"


def test_later_workouts_do_not_change_what_an_earlier_one_was() -> None:
    rows = sessions(*[(1.0, 50.0)] * 3, (2.0, 100.0), (9.0, 9.0), (9.0, 9.0), (9.0, 9.0))
    before = kinds_done(rows.take(np.arange(4)))
    assert np.array_equal(kinds_done(rows)[:4], before)


def test_the_next_workout_within_three_days_is_what_was_done_else_rest() -> None:
    close = label_rows(sessions(*[(1.0, 50.0)] * 5, gap_days=HORIZON_DAYS))
    apart = label_rows(sessions(*[(1.0, 50.0)] * 5, gap_days=HORIZON_DAYS + 0.001))
    assert names(close.chosen) == ["easy.running"] * 4
    assert names(apart.chosen) == ["rest"] * 4
    assert close.censored == apart.censored == 1  # the last one: nobody knows yet


def test_the_next_workout_of_somebody_else_is_not_ones_own() -> None:
    ann, ben = sessions((1.0, 50.0)), sessions((1.0, 50.0), (1.0, 50.0), gap_days=4)
    rows = FeatureRows(
        np.array(["ann", "ben", "ben"]),
        np.array(["0", "0", "1"]),
        np.concatenate([ann.at_us, ben.at_us + 1]),
        np.concatenate([ann.matrix, ben.matrix]),
    )
    assert names(label_rows(rows).chosen) == ["rest", "rest"]


def test_popularity_sums_to_one_and_knows_the_family() -> None:
    running, cycling = FAMILIES.index("running"), FAMILIES.index("cycling")
    run, ride = INDEX[Candidate("easy", "running")], INDEX[Candidate("easy", "cycling")]
    shares = popularity(np.array([running] * 100 + [cycling] * 100), np.array([run] * 100 + [ride] * 100))
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares > 0).all()
    assert shares[running, run] > 0.8
    assert shares[cycling, ride] > 0.8


def test_the_catalogue_names_each_candidate_once_with_a_sport_of_ours() -> None:
    assert len({candidate.name for candidate in CANDIDATES}) == len(CANDIDATES) == len(INDEX)
    assert {candidate.sport for candidate in CANDIDATES} <= set(SPORTS)
    assert REST.sport == "other"


def test_it_ranks_held_out_athletes_better_than_either_popularity(trained: TrainedRecommend) -> None:
    quality = trained.quality
    assert quality["mrr"].value > quality["family_popularity_mrr"].value > quality["popularity_mrr"].value
    assert quality["hit_at_3"].value > quality["popularity_hit_at_3"].value


def test_the_same_seed_gives_the_same_file_and_another_does_not(
    few: NextData, trained_on_few: TrainedRecommend, tmp_path: Path
) -> None:
    for name, seed in (("again.ubj", 1), ("other.ubj", 2)):
        train(few, seed=seed).model.save(tmp_path / name)
    trained_on_few.model.save(tmp_path / "first.ubj")
    first = (tmp_path / "first.ubj").read_bytes()
    assert (tmp_path / "again.ubj").read_bytes() == first
    assert (tmp_path / "other.ubj").read_bytes() != first


def test_what_happens_after_the_cutoff_or_to_the_held_out_does_not_enter_the_model(
    town: Town, few: NextData, trained_on_few: TrainedRecommend
) -> None:
    parts = split(few.rows.user, few.rows.at_us, HORIZON_DAYS)
    matrix, chosen = few.rows.matrix.copy(), few.chosen.copy()
    random = np.random.default_rng(9)
    matrix[~parts.train] = random.normal(size=matrix[~parts.train].shape)
    chosen[~parts.train] = random.integers(0, len(CANDIDATES), int((~parts.train).sum()))
    other = train(replace(few, rows=replace(few.rows, matrix=matrix), chosen=chosen), seed=1)
    probe = town.rows.matrix[:100]
    assert np.array_equal(Scorer(other.model, "a").rank(probe), Scorer(trained_on_few.model, "b").rank(probe))


def test_three_different_suggestions_best_first_from_what_the_model_ranks(
    town: Town, trained: TrainedRecommend
) -> None:
    scorer = Scorer(trained.model, "recommend/1")
    matrix = town.rows.matrix[:300].copy()
    matrix[:, COLUMN["distance_spike_ratio"]] = 1.0
    shares = np.sort(scorer.rank(matrix), axis=1)[:, ::-1]
    for row, items in zip(shares, scorer.recommend(matrix), strict=True):
        assert [item.score for item in items] == pytest.approx(row[:TOP].tolist())
        assert len({(item.workout_kind, item.sport) for item in items}) == TOP
        assert all(0 < len(item.reason) <= 200 for item in items)


def test_after_a_spike_only_recovery_and_rest_are_recommended_and_the_reason_says_so(
    town: Town, trained: TrainedRecommend
) -> None:
    matrix = town.rows.matrix[:300].copy()
    matrix[:, COLUMN["distance_spike_ratio"]] = np.nextafter(np.float32(SPIKE_LIMIT), np.float32(2))
    for items in Scorer(trained.model, "recommend/1").recommend(matrix):
        assert {item.workout_kind for item in items} <= {"recovery", "rest"}
        assert len(items) == TOP
        assert all("1.3 times your longest distance" in item.reason for item in items)


def test_at_the_limit_or_without_a_ratio_the_rule_does_not_hold(town: Town, trained: TrainedRecommend) -> None:
    scorer = Scorer(trained.model, "recommend/1")
    for ratio in (1.3, np.nan):
        matrix = town.rows.matrix[:50].copy()
        matrix[:, COLUMN["distance_spike_ratio"]] = np.float32(ratio)
        assert {"easy"} <= {item.workout_kind for items in scorer.recommend(matrix) for item in items}


@pytest.mark.parametrize("size", [1, 255])
def test_shares_do_not_depend_on_the_batch_and_sum_to_one(town: Town, trained: TrainedRecommend, size: int) -> None:
    scorer = Scorer(trained.model, "recommend/1")
    matrix = town.rows.matrix[:600]  # more than the scorer ranks at once
    whole = scorer.rank(matrix)
    parts = [scorer.rank(matrix[first : first + size]) for first in range(0, 600, size)]
    assert np.allclose(np.concatenate(parts), whole, rtol=0, atol=1e-6)
    assert np.allclose(whole.sum(axis=1), 1)
    assert scorer.recommend(matrix[:0]) == []


@pytest.mark.parametrize("kind", sorted({candidate.kind for candidate in CANDIDATES}))
@pytest.mark.parametrize("fill", [np.nan, 0.0, -20.0, 3e7])
def test_a_reason_is_a_sentence_of_plain_words_for_any_features(kind: WorkoutKind, fill: float) -> None:
    for spiked in (False, True):
        text = reason_of(kind, dict.fromkeys(FEATURE_NAMES, fill), spiked)
        assert 0 < len(text) <= 200
        assert text.endswith(".")
        assert spiked or "nan" not in text


def test_too_few_workouts_are_counted_and_nothing_is_trained(town: Town) -> None:
    with pytest.raises(UserError, match=r"too few workouts: \d+ train rows, at least 200 are needed"):
        train(label_rows(town.rows.take(np.arange(100))), seed=1)
