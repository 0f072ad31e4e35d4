"""Figures of quality against values worked by hand or known."""

import math

import numpy as np
import pytest

from models.evaluate import estimates, log_loss, log_odds, platt, rank_measures, risk_measures, sigmoid


def test_a_perfect_risk_and_a_constant_one() -> None:
    label = np.array([True, False, False, True])
    perfect = risk_measures(label, label.astype(float))
    assert (perfect["auc"], perfect["pr_auc"], perfect["brier"], perfect["brier_skill"]) == (1, 1, 0, 1)
    constant = risk_measures(label, np.full(4, 0.5))
    assert (constant["auc"], constant["brier"], constant["brier_skill"]) == (0.5, 0.25, 0)
    assert constant["log_loss"] == pytest.approx(math.log(2))
    assert math.isnan(constant["calibration_slope"])


def test_figures_that_need_both_classes_do_not_exist_without() -> None:
    alone = risk_measures(np.zeros(5, dtype=bool), np.full(5, 0.1))
    assert math.isnan(alone["auc"])
    assert alone["brier"] == pytest.approx(0.01)


def test_platt_finds_the_line_that_the_labels_were_drawn_from() -> None:
    random = np.random.default_rng(3)
    margin = random.normal(size=40_000)
    label = random.random(40_000) < sigmoid(-1.0 + 0.5 * margin)
    intercept, slope = platt(label, margin)
    assert intercept == pytest.approx(-1.0, abs=0.05)
    assert slope == pytest.approx(0.5, abs=0.05)


def test_platt_agrees_with_scikit_learn_on_a_rare_label_far_from_zero() -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(7)
    margin = random.normal(-3.5, 0.4, size=3000)
    label = random.random(3000) < sigmoid(margin)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(margin[:, None], label)
    assert platt(label, margin) == pytest.approx((reference.intercept_[0], reference.coef_[0, 0]), rel=1e-3)


def test_odds_and_risks_are_each_others_inverse_and_certainty_is_finite() -> None:
    assert np.allclose(sigmoid(log_odds(np.array([0.001, 0.5, 0.9]))), [0.001, 0.5, 0.9])
    assert math.isfinite(log_loss(np.array([True]), np.array([0.0])))


def test_ranks_by_hand_and_ties_share_them() -> None:
    scores = np.array([[3.0, 2.0, 1.0, 0.0], [3.0, 2.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    found = rank_measures(np.array([0, 3, 2]), scores)  # ranks 1, 4, 2.5
    assert found["hit_at_3"] == pytest.approx(2 / 3)
    assert found["mrr"] == pytest.approx((1 + 1 / 4 + 1 / 2.5) / 3)


def test_the_interval_is_wider_when_rows_of_an_athlete_are_alike() -> None:
    random = np.random.default_rng(4)
    habit = random.normal(size=40)
    users = np.repeat([f"user-{i}" for i in range(40)], 25)
    values = np.repeat(habit, 25) + 0.01 * random.normal(size=1000)
    by_athlete = estimates(lambda rows: {"mean": float(values[rows].mean())}, users, seed=1)["mean"]
    alone = [f"row-{i}" for i in range(1000)]
    by_row = estimates(lambda rows: {"mean": float(values[rows].mean())}, np.array(alone), seed=1)["mean"]
    assert by_athlete.value == by_row.value
    assert by_athlete.low < by_athlete.value < by_athlete.high
    assert by_athlete.high - by_athlete.low > 3 * (by_row.high - by_row.low)
