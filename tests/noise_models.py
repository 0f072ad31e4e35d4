"""Models that have learned noise: for tests in which something has to be scored, whatever the score."""

from pathlib import Path

import numpy as np
import xgboost as xgb

from domain.features import FEATURE_NAMES, NAMES_VERSION
from domain.sports import FAMILIES
from models.model_file import Manifest, Model
from models.recommend.catalogue import CANDIDATES
from models.recommend.dataset import CANDIDATE_NAMES, STATE_NAMES
from models.recommend.score import popularity_key
from models.registry import Kind, Registry
from stridelog.settings import Settings


def register_models(folder: Path, seed: int = 5) -> Path:
    """Make a registry with a champion of both kinds below ``folder``; its own folder, which may be copied elsewhere."""
    settings = Settings(local=folder)
    registry = Registry(settings)
    random = np.random.default_rng(seed)
    popularity = {popularity_key(family, one): -float(i) for family in FAMILIES for i, one in enumerate(CANDIDATES)}
    kinds: dict[Kind, tuple[tuple[str, ...], dict[str, float]]] = {
        "injury": (FEATURE_NAMES, {"intercept": -1.0, "slope": 1.0, "elevated": 0.2}),
        "recommend": (STATE_NAMES + CANDIDATE_NAMES, popularity),
    }
    card = folder / "card.md"
    card.write_text("noise")
    for kind, (names, facts) in kinds.items():
        columns = random.normal(0, 100, size=(400, len(names))).astype(np.float32)
        labels = (columns[:, 0] + random.normal(0, 50, 400) > 0).astype(np.float32)
        booster = xgb.train({"objective": "binary:logistic", "max_depth": 3}, xgb.DMatrix(columns, labels), 5)
        registered = registry.register(kind, Model(booster, Manifest(kind, NAMES_VERSION, names, facts)), {}, {}, card)
        registry.set_alias(kind, "champion", registered.version)
    return settings.data / "mlflow"
