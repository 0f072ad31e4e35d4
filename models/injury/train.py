"""Training of the injury model: boosted trees on rows at risk, calibrated on athletes that each fold left out."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES, NAMES_VERSION
from models.evaluate import Estimate, Float, estimates, log_loss, platt, risk_measures, sigmoid
from models.injury import HORIZON_DAYS, KIND
from models.injury.dataset import InjuryData
from models.injury.score import Scorer
from models.model_file import Manifest, Model, columns_of
from models.rows import FeatureRows
from models.split import folds, split
from stridelog.errors import UserError

MIN_TRAIN_POSITIVES: Final = 12
MIN_HOLDOUT_POSITIVES: Final = 3
"""Enough for a model of a small town to be made and shown, not to be trusted: the intervals of its figures say so."""
TREES: Final = 100
FOLDS: Final = 4
ELEVATED_QUANTILE: Final = 0.9
"""Scores above this quantile of the training athletes' out-of-fold risks are elevated: they get their factors."""

# The ratio of acute to chronic load is left out: it adds nothing over acute load (Impellizzeri et al. 2020,
# doi 10.1123/ijspp.2019-0864).
NAMES: Final = tuple(name for name in FEATURE_NAMES if name != "acwr_uncoupled")
# More of these never lowers the risk: one session far beyond the longest of 30 days (RUNSAFE 2025,
# doi 10.1136/bjsports-2024-109380), the load of the week, and strain (Foster 1998, doi
# 10.1097/00005768-199807000-00023).
RISING: Final = ("distance_spike_ratio", "acute_load_7d", "strain_7d")


@dataclass(frozen=True, slots=True)
class TrainedInjury:
    """A model with its quality on the holdout and the size of what it came from."""

    model: Model
    quality: dict[str, Estimate]
    holdout: FeatureRows
    holdout_label: NDArray[np.bool_]
    counts: dict[str, int]


def train(data: InjuryData, seed: int) -> TrainedInjury:
    """Train on the training athletes' early rows and measure on the held-out athletes' later ones.

    The same data and seed give the same model. Raises ``UserError`` when there are too few positive rows to learn or
    measure.
    """
    parts = split(data.rows.user, data.rows.at_us, HORIZON_DAYS)
    counts = _counts(data, parts.train, parts.holdout)
    _enough(counts)
    learn, label = data.rows.take(parts.train), data.label[parts.train]
    matrix = learn.matrix[:, columns_of(NAMES)]
    booster = _fit(matrix, label, seed)
    margin = _out_of_fold(matrix, label, folds(learn.user, FOLDS), seed)
    intercept, slope = calibration(label, margin)
    facts = {
        "intercept": intercept,
        "slope": slope,
        "elevated": float(np.quantile(sigmoid(intercept + slope * margin), ELEVATED_QUANTILE)),
        "prevalence": float(label.mean()),
    }
    model = Model(booster, Manifest(KIND, NAMES_VERSION, NAMES, facts))
    holdout, truth = data.rows.take(parts.holdout), data.label[parts.holdout]
    risk = Scorer(model, KIND).score(holdout.matrix)
    quality = estimates(lambda rows: risk_measures(truth[rows], risk[rows]), holdout.user, seed)
    return TrainedInjury(model, quality, holdout, truth, counts)


def calibration(label: NDArray[np.bool_], margin: Float) -> tuple[float, float]:
    """Intercept and slope that the margins need: Platt's on out-of-fold margins if it lowers the log loss, else none
    (0, 1).
    """
    intercept, slope = platt(label, margin)
    if not slope > 0:  # the folds learned nothing that holds for others: trust the level, shrink the rest
        return 0.0, 1.0
    helps = log_loss(label, sigmoid(intercept + slope * margin)) < log_loss(label, sigmoid(margin))
    return (intercept, slope) if helps else (0.0, 1.0)


def _fit(matrix: NDArray[np.float32], label: NDArray[np.bool_], seed: int) -> Any:
    import xgboost as xgb

    parameters = {
        "objective": "binary:logistic",  # rows are not re-weighted, so that the risks keep the data's prevalence
        "base_score": float(label.mean()),
        "tree_method": "hist",
        "nthread": 1,
        # Few injuries, each behind many rows that are alike: small steps, little depth, broad leaves.
        "max_depth": 2,
        "eta": 0.02,
        "min_child_weight": 20,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "lambda": 20.0,
        "seed": seed,
        "monotone_constraints": tuple(int(name in RISING) for name in NAMES),
    }
    return xgb.train(parameters, xgb.DMatrix(matrix, label=label, feature_names=list(NAMES)), TREES)


def _out_of_fold(matrix: NDArray[np.float32], label: NDArray[np.bool_], fold: NDArray[np.int64], seed: int) -> Float:
    """Margin of each row by a model that has not seen its athlete; the prevalence where a fold has no positive rows."""
    margin = np.zeros(len(label))
    for number in range(FOLDS):
        out = fold == number
        inside = label[~out]
        if not out.any() or inside.all() or not inside.any():
            share = (label.sum() + 0.5) / (len(label) + 1)
            margin[out] = np.log(share / (1 - share))
            continue
        booster = _fit(matrix[~out], inside, seed)
        margin[out] = booster.inplace_predict(matrix[out], predict_type="margin", validate_features=False)
    return margin


def _counts(data: InjuryData, learn: NDArray[np.bool_], holdout: NDArray[np.bool_]) -> dict[str, int]:
    return {
        "train_rows": int(learn.sum()),
        "train_positive": int(data.label[learn].sum()),
        "train_athletes": len(np.unique(data.rows.user[learn])),
        "holdout_rows": int(holdout.sum()),
        "holdout_positive": int(data.label[holdout].sum()),
        "holdout_athletes": len(np.unique(data.rows.user[holdout])),
        "censored_rows": data.censored,
        "not_at_risk_rows": data.away,
    }


def _enough(counts: dict[str, int]) -> None:
    for part, least in (("train", MIN_TRAIN_POSITIVES), ("holdout", MIN_HOLDOUT_POSITIVES)):
        found, rows = counts[f"{part}_positive"], counts[f"{part}_rows"]
        if not least <= found <= rows - least:
            raise UserError(
                f"too few rows with an injury within {HORIZON_DAYS} days: {found} of {rows} {part} rows, at least "
                f"{least} of each class are needed; nothing was trained. Collect more athletes, days or injury reports"
            )
