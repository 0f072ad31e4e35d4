"""Ranking of what to do next, a batch at a time, and the rule that keeps hard sessions from those who overdid it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.features import FEATURE_NAMES
from domain.sports import FAMILIES, Family, Sport
from models.evaluate import Float
from models.model_file import BrokenModel, Model, columns_of
from models.recommend.catalogue import CANDIDATES, GENTLE_KINDS, Candidate, WorkoutKind
from models.recommend.dataset import CANDIDATE_NAMES, STATE_NAMES, pairs
from models.recommend.reasons import reason_of
from models.rows import COLUMN, Matrix

TOP: Final = 3
SPIKE_LIMIT: Final = 1.3
"""After a session of more than 1.3 times the longest distance of the 30 days before, only recovery and rest are
recommended: above 1.1 to 1.3 the hazard of an overuse injury was 1.64 times as high (RUNSAFE 2025, doi
10.1136/bjsports-2024-109380)."""
_CHUNK: Final = 512  # states ranked at once: 52 candidates each
_FAMILY_COLUMNS: Final = np.array([COLUMN[f"family_{family}"] for family in FAMILIES])
_GENTLE: Final = np.array([candidate.kind in GENTLE_KINDS for candidate in CANDIDATES])


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to do next. ``score`` is the model's share of athletes in this state who would do it, 0 to 1."""

    workout_kind: WorkoutKind
    sport: Sport
    score: float
    reason: str


def popularity_key(family: Family, candidate: Candidate) -> str:
    """Name of a log popularity among the facts of a model's manifest."""
    return f"log_popularity/{family}/{candidate.name}"


class Scorer:
    """A recommender, ready to rank; it never changes. ``version`` is its name in events and rows: ``recommend/3``."""

    def __init__(self, model: Model, version: str) -> None:
        """Raises ``BrokenModel`` if the model was made for another catalogue."""
        self.version = version
        self._model = model
        if model.manifest.names != STATE_NAMES + CANDIDATE_NAMES:
            raise BrokenModel("the model ranks other columns than these: train again")
        self._state = columns_of(STATE_NAMES)
        facts = model.manifest.facts
        try:
            self._log_popularity: Float = np.array(
                [[facts[popularity_key(family, candidate)] for candidate in CANDIDATES] for family in FAMILIES]
            )
        except KeyError as error:
            raise BrokenModel(f"the model does not know {error.args[0]}: train again") from error

    def accepts(self, names_version: int) -> bool:
        """Whether features of this version are those that the model was trained on."""
        return names_version == self._model.manifest.names_version

    def rank(self, matrix: Matrix) -> Float:
        """Share of each candidate by state: (n, F) float32 in the order of ``FEATURE_NAMES`` to (n, candidates), rows
        sum to 1.

        The rule of ``recommend`` is not applied. A state's shares do not depend on the states beside it.
        """
        if matrix.shape[1:] != (len(FEATURE_NAMES),):
            raise ValueError(f"features have the shape {matrix.shape}, expected (n, {len(FEATURE_NAMES)})")
        shares = np.zeros((len(matrix), len(CANDIDATES)))
        for first in range(0, len(matrix), _CHUNK):
            shares[first : first + _CHUNK] = self._rank(matrix[first : first + _CHUNK])
        return shares

    def recommend(self, matrix: Matrix) -> list[tuple[Suggestion, ...]]:
        """The best three for each state, best first; only recovery and rest after a spike (see ``SPIKE_LIMIT``)."""
        shares = self.rank(matrix)
        spiked = matrix[:, COLUMN["distance_spike_ratio"]] > SPIKE_LIMIT
        allowed = ~spiked[:, None] | _GENTLE
        best = np.argsort(np.where(allowed, -shares, np.inf), axis=1, kind="stable")[:, :TOP]
        return [
            tuple(_suggestion(CANDIDATES[i], share[i], value, spike) for i in chosen)
            for share, value, spike, chosen in zip(
                shares.tolist(), _by_name(matrix), spiked.tolist(), best.tolist(), strict=True
            )
        ]

    def _rank(self, matrix: Matrix) -> Float:
        family = np.argmax(matrix[:, _FAMILY_COLUMNS], axis=1)
        every = np.broadcast_to(np.arange(len(CANDIDATES)), (len(matrix), len(CANDIDATES)))
        margin = self._model.margin(pairs(matrix[:, self._state], family, every)).reshape(every.shape)
        logits = self._log_popularity[family] + margin
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)


def _suggestion(candidate: Candidate, share: float, value: Mapping[str, float], spiked: bool) -> Suggestion:
    return Suggestion(candidate.kind, candidate.sport, share, reason_of(candidate.kind, value, spiked))


def _by_name(matrix: Matrix) -> Iterator[dict[str, float]]:
    return (dict(zip(FEATURE_NAMES, row, strict=True)) for row in matrix.tolist())
