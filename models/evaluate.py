"""How good a model is on athletes and days that it has not seen, with the uncertainty beside every figure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
RESAMPLES: Final = 200
_CLIP: Final = 1e-9
_RIDGE: Final = 1e-6  # keeps the slope finite where a margin separates the classes
_NEWTON_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval (percentiles of a bootstrap over athletes, since rows of one are alike)."""

    value: float
    low: float
    high: float


def estimates(
    measure: Callable[[NDArray[np.int64]], dict[str, float]], users: NDArray[np.str_], seed: int
) -> dict[str, Estimate]:
    """Evaluate ``measure`` (of row indexes) on all rows and on resamples of whole athletes.

    A resample on which a figure does not exist (NaN) is left out of that figure's interval.
    """
    names, index = np.unique(users, return_inverse=True)
    rows_of = [np.flatnonzero(index == i) for i in range(len(names))]
    whole = measure(np.arange(len(users)))
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in whole}
    for _ in range(RESAMPLES):
        sample = np.concatenate([rows_of[i] for i in random.integers(0, len(names), len(names))])
        for name, value in measure(sample).items():
            drawn[name].append(value)
    return {name: _interval(value, np.array(drawn[name])) for name, value in whole.items()}


def _interval(value: float, drawn: Float) -> Estimate:
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def risk_measures(label: NDArray[np.bool_], risk: Float) -> dict[str, float]:
    """Quality of probabilities ``risk`` (n,) of ``label`` (n,): see docs/models.md for each; NaN where one class is
    missing.

    ``log_loss`` and ``brier`` are proper scores (lower is better), ``brier_skill`` compares with always saying the
    prevalence; ``calibration_slope`` is the slope of the label on the log-odds of the risk (1 is calibrated, under 1
    too extreme).
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    prevalence = float(label.mean())
    brier = float(np.mean((risk - label) ** 2))
    both = 0 < prevalence < 1
    return {
        "auc": float(roc_auc_score(label, risk)) if both else float("nan"),
        "pr_auc": float(average_precision_score(label, risk)) if both else float("nan"),
        "brier": brier,
        "brier_skill": 1 - brier / (prevalence * (1 - prevalence)) if both else float("nan"),
        "log_loss": log_loss(label, risk),
        "calibration_slope": platt(label, log_odds(risk))[1] if both else float("nan"),
        "prevalence": prevalence,
    }


def rank_measures(chosen: NDArray[np.int64], scores: Float) -> dict[str, float]:
    """How high the chosen candidate was ranked: ``hit_at_3`` and ``mrr`` (mean of 1/rank).

    ``chosen`` (n,) is the candidate's index, ``scores`` (n, candidates); equal scores share the mean of their ranks.
    """
    own = scores[np.arange(len(chosen)), chosen][:, None]
    rank = 1 + (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    return {"hit_at_3": float(np.mean(rank <= 3)), "mrr": float(np.mean(1 / rank))}


def log_loss(label: NDArray[np.bool_], risk: Float) -> float:
    """Mean negative log-likelihood, in nats."""
    risk = np.clip(risk, _CLIP, 1 - _CLIP)
    return float(-np.mean(np.where(label, np.log(risk), np.log1p(-risk))))


def log_odds(risk: Float) -> Float:
    """ln(p / (1 - p)), with p kept off 0 and 1."""
    risk = np.clip(risk, _CLIP, 1 - _CLIP)
    return np.log(risk) - np.log1p(-risk)


def sigmoid(margin: Float) -> Float:
    """1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-margin))


def platt(label: NDArray[np.bool_], margin: Float) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of the label on the margin (Platt 1999), by Newton's method.

    The slope of a constant margin is not defined: (log-odds of the prevalence, NaN).
    """
    level = float(log_odds(np.array([label.mean()]))[0])
    if np.ptp(margin) < _CLIP:
        return level, float("nan")
    mean, sd = float(margin.mean()), float(margin.std())
    design = np.column_stack([np.ones(len(margin)), (margin - mean) / sd])
    beta = np.array([level, 0.0])  # from here, on standardised margins, Newton's steps do not overshoot
    for _ in range(_NEWTON_STEPS):
        risk = sigmoid(design @ beta)
        gradient = design.T @ (label - risk) - _RIDGE * beta
        step = np.linalg.solve(design.T @ (design * (risk * (1 - risk))[:, None]) + _RIDGE * np.eye(2), gradient)
        beta = beta + step
        if np.abs(step).max() < _CLIP:
            break
    return float(beta[0] - beta[1] * mean / sd), float(beta[1] / sd)
