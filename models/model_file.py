"""The file of a model: XGBoost's own format (UBJSON), with what scoring needs to know in one of its attributes."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES, NAMES_VERSION

MODEL_FILE: Final = "model.ubj"
_ATTRIBUTE: Final = "stridelog"


class BrokenModel(Exception):
    """A model file that cannot be used: not a model, of another kind, or made for other features."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model is. ``names`` are the columns that it was trained on, in order; ``facts`` are the kind's own
    numbers.
    """

    kind: str
    names_version: int
    names: tuple[str, ...]
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """A booster with its manifest. The booster predicts on one thread: small batches are slower on several."""

    booster: Any  # xgboost has no types
    manifest: Manifest

    def margin(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw scores of a matrix of the manifest's columns: (n, len(names)) float32 to (n,) float64."""
        if not len(matrix):
            return np.zeros(0)
        scores = self.booster.inplace_predict(matrix, predict_type="margin", validate_features=False)
        return np.asarray(scores, dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write the file; what it was is replaced."""
        self.booster.set_attr(**{_ATTRIBUTE: msgspec.json.encode(asdict(self.manifest)).decode()})
        self.booster.save_model(path)


def load(path: Path, kind: str) -> Model:
    """Read and check a model of a kind. Raises ``BrokenModel``."""
    import xgboost as xgb  # takes seconds: only processes that score pay for it

    booster = xgb.Booster()
    try:
        booster.load_model(path)
        manifest = msgspec.json.decode(booster.attr(_ATTRIBUTE) or "", type=Manifest)
    except (xgb.core.XGBoostError, msgspec.DecodeError, ValueError, OSError) as error:
        reason = (str(error).strip().splitlines() or ["unreadable"])[0]
        raise BrokenModel(f"{path.name} is not a model of ours: {reason}") from error
    if manifest.kind != kind:
        raise BrokenModel(f"{path.name} is a model of kind {manifest.kind}, expected {kind}")
    if manifest.names_version != NAMES_VERSION:
        raise BrokenModel(
            f"{path.name} was trained on features of version {manifest.names_version}, these are of {NAMES_VERSION}: "
            "train again"
        )
    if booster.num_features() != len(manifest.names):
        raise BrokenModel(f"{path.name} has {booster.num_features()} columns and names {len(manifest.names)}")
    booster.set_param({"nthread": 1})
    return Model(booster, manifest)


def columns_of(names: tuple[str, ...]) -> NDArray[np.intp]:
    """Indexes of feature names in ``FEATURE_NAMES``. Raises ``BrokenModel`` for a name that is not there."""
    missing = [name for name in names if name not in FEATURE_NAMES]
    if missing:
        raise BrokenModel(f"unknown features: {', '.join(missing)}")
    return np.array([FEATURE_NAMES.index(name) for name in names], dtype=np.intp)
