"""Versions of models, loaded to score again what the log says that they scored."""

from collections.abc import Sequence
from typing import Any

from models.injury.score import Scorer as InjuryScorer
from models.model_file import BrokenModel, Model
from models.recommend.score import Scorer as Recommender
from models.registry import Registered, Registry
from stridelog.settings import Settings
from verification.scores import Answers, Kind, Loader, Matrix


class InjuryAnswers:
    """A version of the injury model."""

    def __init__(self, model: Model, version: str) -> None:
        self._scorer = InjuryScorer(model, version)

    def answer(self, matrix: Matrix) -> Sequence[Any]:
        """The risks."""
        risks: list[float] = self._scorer.score(matrix).tolist()
        return risks

    def said(self, data: Any) -> Any:
        """The risk of a message."""
        return data.risk


class Recommendations:
    """A version of the recommender."""

    def __init__(self, model: Model, version: str) -> None:
        self._recommender = Recommender(model, version)

    def answer(self, matrix: Matrix) -> Sequence[Any]:
        """What is recommended, best first: kind, sport, score, reason."""
        return [
            [(item.workout_kind, item.sport, item.score, item.reason) for item in items]
            for items in self._recommender.recommend(matrix)
        ]

    def said(self, data: Any) -> Any:
        """The same of a message."""
        return [(item.workout_kind, item.sport, item.score, item.reason) for item in data.items]


def loader(kind: Kind, settings: Settings) -> Loader:
    """Loads versions of a kind from the registry that the settings name."""
    registry = Registry(settings)
    versions: dict[str, Registered] = {}

    def load(version: str) -> Answers | None:
        try:
            if not versions:
                versions.update({each.name: each for each in registry.versions()})
            if version not in versions:
                return None
            model = registry.load(versions[version])
            return InjuryAnswers(model, version) if kind == "injury" else Recommendations(model, version)
        except BrokenModel:
            return None
        except Exception:
            return None

    return load
