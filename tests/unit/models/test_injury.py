"""The injury model: labels that look only where they may, training that repeats, scores that no batch changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from domain.features import FEATURE_NAMES
from models.injury import AWAY_DAYS, HORIZON_DAYS
from models.injury.dataset import label_rows
from models.injury.score import Scorer
from models.injury.train import NAMES, TrainedInjury, train
from models.lake import Injuries
from models.rows import COLUMN, DAY_US, FeatureRows
from models.split import split
from stridelog.errors import UserError
from tests.unit.models.conftest import Town

START_US = 1_780_000_000_000_000


def daily(days: int, user: str = "ann") -> FeatureRows:
    """A workout a day."""
    return FeatureRows(
        np.array([user] * days),
        np.array([str(day) for day in range(days)]),
        START_US + np.arange(days, dtype=np.int64) * DAY_US,
        np.zeros((days, len(FEATURE_NAMES)), dtype=np.float32),
    )


def onset(*us: int, user: str = "ann") -> Injuries:
    return Injuries({user: np.array(us, dtype=np.int64)})


def labels(injuries: Injuries, days: int = 80) -> dict[str, bool]:
    """Label by workout."""
    data = label_rows(daily(days), injuries)
    return dict(zip(data.rows.workout_id.tolist(), data.label.tolist(), strict=True))


@pytest.fixture
def trained(trained_injury: TrainedInjury) -> TrainedInjury:
    return trained_injury


def test_a_row_is_positive_up_to_14_days_before_an_onset_and_not_a_microsecond_more() -> None:
    at_day_40 = START_US + 40 * DAY_US
    exactly, later = labels(onset(at_day_40)), labels(onset(at_day_40 + 1))
    assert [day for day, positive in exactly.items() if positive] == [str(d) for d in range(40 - HORIZON_DAYS, 40)]
    assert [day for day, positive in later.items() if positive] == [str(d) for d in range(41 - HORIZON_DAYS, 41)]


def test_rows_at_an_onset_and_for_28_days_after_it_are_not_at_risk() -> None:
    found = labels(onset(START_US + 20 * DAY_US), days=90)
    assert [int(day) for day in found] == [*range(20), *range(20 + AWAY_DAYS, 90 - HORIZON_DAYS)]


def test_rows_whose_window_is_not_over_are_left_out_even_with_a_known_injury() -> None:
    data = label_rows(daily(30), onset(START_US + 29 * DAY_US))
    assert data.rows.workout_id.tolist() == [str(day) for day in range(30 - HORIZON_DAYS)]
    assert data.censored == HORIZON_DAYS


def test_moving_an_injury_that_lies_after_the_window_changes_nothing() -> None:
    base = onset(START_US + 40 * DAY_US)
    assert labels(base) == labels(onset(START_US + 40 * DAY_US, START_US + 300 * DAY_US))


def test_an_injury_of_somebody_else_changes_nothing() -> None:
    assert labels(onset(START_US + 40 * DAY_US, user="ben")) == labels(Injuries({}))


def test_two_trainings_with_the_same_seed_are_the_same_file_and_with_another_are_not(
    town: Town, trained: TrainedInjury, tmp_path: Path
) -> None:
    data = label_rows(town.rows, town.injuries)
    for name, seed in (("again.ubj", 1), ("other.ubj", 2)):
        train(data, seed=seed).model.save(tmp_path / name)
    trained.model.save(tmp_path / "first.ubj")
    first = (tmp_path / "first.ubj").read_bytes()
    assert (tmp_path / "again.ubj").read_bytes() == first
    assert (tmp_path / "other.ubj").read_bytes() != first


def test_what_happens_after_the_cutoff_or_to_the_held_out_does_not_enter_the_model(
    town: Town, trained: TrainedInjury
) -> None:
    data = label_rows(town.rows, town.injuries)
    parts = split(data.rows.user, data.rows.at_us, HORIZON_DAYS)
    matrix, label = data.rows.matrix.copy(), data.label.copy()
    random = np.random.default_rng(9)
    matrix[~parts.train] = random.normal(size=matrix[~parts.train].shape)
    label[~parts.train] = random.random(int((~parts.train).sum())) < 0.5
    other = train(replace(data, rows=replace(data.rows, matrix=matrix), label=label), seed=1)
    probe = town.rows.matrix[:200]
    assert np.array_equal(Scorer(other.model, "a").score(probe), Scorer(trained.model, "b").score(probe))


def test_it_ranks_held_out_athletes_better_than_chance_and_says_how_sure_that_is(trained: TrainedInjury) -> None:
    auc = trained.quality["auc"]
    assert 0.5 < auc.low < auc.value < auc.high < 1
    assert trained.quality["prevalence"].value == pytest.approx(trained.holdout_label.mean())


def test_the_mean_risk_is_near_the_share_of_injured_not_of_a_balanced_sample(trained: TrainedInjury) -> None:
    risk = Scorer(trained.model, "injury/1").score(trained.holdout.matrix)
    prevalence = trained.quality["prevalence"]
    assert prevalence.low - 0.05 < risk.mean() < prevalence.high + 0.05


def test_the_ratio_of_acute_to_chronic_load_is_not_used(trained: TrainedInjury) -> None:
    assert "acwr_uncoupled" not in trained.model.manifest.names
    assert set(NAMES) | {"acwr_uncoupled"} == set(FEATURE_NAMES)


def test_a_larger_spike_never_lowers_the_risk(town: Town, trained: TrainedInjury) -> None:
    scorer = Scorer(trained.model, "injury/1")
    matrix = np.repeat(town.rows.matrix[:20], 30, axis=0)
    matrix[:, COLUMN["distance_spike_ratio"]] = np.tile(np.linspace(0.2, 3, 30), 20)
    risk = scorer.score(matrix).reshape(20, 30)
    assert (np.diff(risk, axis=1) >= -1e-9).all()
    assert (risk[:, -1] > risk[:, 0]).any()


@pytest.mark.parametrize("size", [1, 2, 255, 256])
def test_a_score_does_not_depend_on_the_batch(town: Town, trained: TrainedInjury, size: int) -> None:
    scorer = Scorer(trained.model, "injury/1")
    matrix = town.rows.matrix[:512]
    whole = scorer.score(matrix)
    parts = [scorer.score(matrix[first : first + size]) for first in range(0, 512, size)]
    assert np.allclose(np.concatenate(parts), whole, rtol=0, atol=1e-6)
    assert whole.dtype == np.float64
    assert ((whole > 0) & (whole < 1)).all()


def test_only_elevated_risks_get_factors_three_at_most_and_strongest_first(town: Town, trained: TrainedInjury) -> None:
    scorer = Scorer(trained.model, "injury/1")
    matrix = town.rows.matrix[:2000]
    risk = scorer.score(matrix)
    factors = scorer.top_factors(matrix, risk)
    assert 0 < (risk >= scorer.elevated).sum() < 1000
    for row_risk, row in zip(risk, factors, strict=True):
        shares = [factor.contribution for factor in row]
        assert shares == sorted(shares, reverse=True)
        assert all(share > 0 for share in shares)
        assert len(row) <= 3
        assert bool(row) == (row_risk >= scorer.elevated)
    assert "strain_7d" in {factor.name for row in factors for factor in row}


def test_an_empty_batch_has_no_scores_and_another_width_is_refused(trained: TrainedInjury) -> None:
    scorer = Scorer(trained.model, "injury/1")
    assert scorer.score(np.zeros((0, len(FEATURE_NAMES)), dtype=np.float32)).shape == (0,)
    with pytest.raises(ValueError, match="features have the shape"):
        scorer.score(np.zeros((1, 3), dtype=np.float32))
    assert scorer.accepts(trained.model.manifest.names_version)
    assert not scorer.accepts(trained.model.manifest.names_version + 1)


def test_too_few_injuries_are_counted_and_nothing_is_trained(town: Town) -> None:
    few = Injuries(dict(list(town.injuries.onsets_us.items())[:1]))
    with pytest.raises(UserError, match=r"too few rows with an injury within 14 days: \d+ of \d+ train rows"):
        train(label_rows(town.rows, few), seed=1)


def test_no_rows_at_all_are_too_few(town: Town) -> None:
    with pytest.raises(UserError, match="0 of 0 train rows"):
        train(label_rows(town.rows.take(np.zeros(len(town.rows), dtype=bool)), town.injuries), seed=1)
