"""Scoring of injury risk, a batch at a time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES
from models.evaluate import Float, sigmoid
from models.injury import KIND
from models.model_file import BrokenModel, Model, columns_of
from models.rows import Matrix

TOP_FACTORS: Final = 3


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a feature adds to a score, in log-odds."""

    name: str
    contribution: float


class Scorer:
    """A model of injury risk, ready to score; it never changes. ``version`` is its name in events and rows:
    ``injury/3``.
    """

    def __init__(self, model: Model, version: str) -> None:
        """Raises ``BrokenModel`` if the model lacks what scoring needs."""
        self.version = version
        self._model = model
        self._columns = columns_of(model.manifest.names)
        facts = model.manifest.facts
        try:
            self._intercept, self._slope = facts["intercept"], facts["slope"]
            self.elevated = facts["elevated"]
        except KeyError as error:
            raise BrokenModel(f"the model of {KIND} says nothing of its {error.args[0]}") from error

    def accepts(self, names_version: int) -> bool:
        """Whether features of this version are those that the model was trained on."""
        return names_version == self._model.manifest.names_version

    def score(self, matrix: Matrix) -> Float:
        """Risk of an injury within the horizon: (n, F) float32 in the order of ``FEATURE_NAMES`` to (n,) float64, 0 to
        1.

        One prediction for the whole batch; a row's score does not depend on the rows beside it.
        """
        if matrix.shape[1:] != (len(FEATURE_NAMES),):
            raise ValueError(f"features have the shape {matrix.shape}, expected (n, {len(FEATURE_NAMES)})")
        return sigmoid(self._intercept + self._slope * self._model.margin(self._columns_of(matrix)))

    def top_factors(self, matrix: Matrix, risk: Float) -> list[tuple[Contribution, ...]]:
        """For each row the three features that raise its risk most, strongest first; none unless the risk is elevated.

        Contributions are SHAP values of the trees (Lundberg et al. 2020, doi 10.1038/s42256-019-0138-9).
        """
        factors: list[tuple[Contribution, ...]] = [()] * len(matrix)
        high = np.flatnonzero(risk >= self.elevated)
        if not len(high):
            return factors
        import xgboost as xgb

        names = self._model.manifest.names
        columns = xgb.DMatrix(self._columns_of(matrix[high]), feature_names=list(names), nthread=1)
        shares = self._slope * self._model.booster.predict(columns, pred_contribs=True)[:, :-1]  # the last is the bias
        for row, share in zip(high.tolist(), shares, strict=True):
            best = np.argsort(-share, kind="stable")[:TOP_FACTORS]
            factors[row] = tuple(Contribution(names[i], float(share[i])) for i in best if share[i] > 0)
        return factors

    def _columns_of(self, matrix: Matrix) -> NDArray[np.float32]:
        return np.ascontiguousarray(matrix[:, self._columns], dtype=np.float32)
