"""Training of the recommender: trees that rank what an athlete did next above what others do next."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.features import NAMES_VERSION
from domain.sports import FAMILIES
from models.evaluate import Estimate, Float, estimates, rank_measures
from models.model_file import Manifest, Model, columns_of
from models.recommend import HORIZON_DAYS, KIND
from models.recommend.catalogue import CANDIDATES
from models.recommend.dataset import NAMES, STATE_NAMES, NextData, pairs, popularity
from models.recommend.score import Scorer, popularity_key
from models.rows import FeatureRows
from models.split import split
from stridelog.errors import UserError

MIN_TRAIN_STATES: Final = 200
MIN_HOLDOUT_STATES: Final = 50
TREES: Final = 100
MAX_STATES: Final = 20_000
NEGATIVES: Final = 8


@dataclass(frozen=True, slots=True)
class TrainedRecommend:
    """A model with its quality on the holdout, beside that of the two baselines, and the size of what it came from."""

    model: Model
    quality: dict[str, Estimate]
    holdout: FeatureRows
    holdout_chosen: NDArray[np.int64]
    counts: dict[str, int]


def train(data: NextData, seed: int) -> TrainedRecommend:
    """Train on the training athletes' early states and measure on the held-out athletes' later ones.

    The negatives of a state are drawn by how popular each candidate is after its family of sports. So the trees learn
    by how much the state departs from popularity, and a score is log popularity plus what they say (the correction of
    sampled negatives of Yi et al. 2019, doi 10.1145/3298689.3346996). The same data and seed give the same model.
    Raises ``UserError`` when there are too few states.
    """
    parts = split(data.rows.user, data.rows.at_us, HORIZON_DAYS)
    counts = {
        "train_rows": int(parts.train.sum()),
        "train_athletes": len(np.unique(data.rows.user[parts.train])),
        "holdout_rows": int(parts.holdout.sum()),
        "holdout_athletes": len(np.unique(data.rows.user[parts.holdout])),
        "censored_rows": data.censored,
    }
    _enough(counts)
    family, chosen = data.family[parts.train], data.chosen[parts.train]
    shares = popularity(family, chosen)
    model = _fit(data.rows.matrix[parts.train], family, chosen, shares, seed)

    holdout, truth = data.rows.take(parts.holdout), data.chosen[parts.holdout]
    scores: dict[str, Float] = {
        "": Scorer(model, KIND).rank(holdout.matrix),
        "popularity_": np.tile(np.bincount(chosen, minlength=len(CANDIDATES)).astype(float), (len(truth), 1)),
        "family_popularity_": shares[data.family[parts.holdout]],
    }
    quality = estimates(lambda rows: _measures(truth, scores, rows), holdout.user, seed)
    return TrainedRecommend(model, quality, holdout, truth, counts)


def _measures(truth: NDArray[np.int64], scores: dict[str, Float], rows: NDArray[np.int64]) -> dict[str, float]:
    return {
        prefix + name: value
        for prefix, each in scores.items()
        for name, value in rank_measures(truth[rows], each[rows]).items()
    }


def _fit(
    matrix: NDArray[np.float32], family: NDArray[np.int64], chosen: NDArray[np.int64], shares: Float, seed: int
) -> Model:
    import xgboost as xgb

    random = np.random.default_rng(seed)
    picked = np.sort(random.permutation(len(chosen))[:MAX_STATES])
    matrix, family, chosen = matrix[picked], family[picked], chosen[picked]
    keys = np.log(shares[family]) + random.gumbel(size=(len(chosen), len(CANDIDATES)))  # largest keys: drawn by share
    keys[np.arange(len(chosen)), chosen] = -np.inf
    negatives = np.argsort(-keys, axis=1, kind="stable")[:, :NEGATIVES]
    candidates = np.column_stack([chosen, negatives])
    label = np.zeros(candidates.shape, dtype=np.float32)
    label[:, 0] = 1
    columns = xgb.DMatrix(
        pairs(matrix[:, columns_of(STATE_NAMES)], family, candidates),
        label=label.ravel(),
        qid=np.repeat(np.arange(len(chosen)), candidates.shape[1]),
        feature_names=list(NAMES),
    )
    parameters = {
        "objective": "rank:pairwise",
        "lambdarank_pair_method": "mean",
        "lambdarank_num_pair_per_sample": NEGATIVES,
        "lambdarank_normalization": False,
        "tree_method": "hist",
        "nthread": 1,
        "max_depth": 5,
        "eta": 0.1,
        "min_child_weight": 1,
        "lambda": 10.0,
        "subsample": 0.8,
        "seed": seed,
    }
    facts = {
        popularity_key(f, c): float(np.log(shares[i, j]))
        for i, f in enumerate(FAMILIES)
        for j, c in enumerate(CANDIDATES)
    }
    return Model(xgb.train(parameters, columns, TREES), Manifest(KIND, NAMES_VERSION, NAMES, facts))


def _enough(counts: dict[str, int]) -> None:
    for part, least in (("train", MIN_TRAIN_STATES), ("holdout", MIN_HOLDOUT_STATES)):
        if counts[f"{part}_rows"] < least:
            raise UserError(
                f"too few workouts: {counts[f'{part}_rows']} {part} rows, at least {least} are needed; nothing "
                "was trained. Collect more athletes or days"
            )
