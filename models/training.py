"""One training, from the lake to the registry: read, label, train, measure, register, and decide who is champion."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.evaluate import Estimate, log_loss, rank_measures
from models.injury import dataset as injury_data
from models.injury import train as injury_train
from models.injury.score import Scorer as InjuryScorer
from models.lake import Injuries
from models.model_file import BrokenModel, Model
from models.recommend import dataset as recommend_data
from models.recommend import train as recommend_train
from models.recommend.score import Scorer as RecommendScorer
from models.registry import Alias, Kind, Registry
from models.rows import FeatureRows

Decides: Final[dict[Kind, str]] = {"injury": "log_loss", "recommend": "mrr"}
"""The figure on the holdout that makes a champion: lower log loss, higher mean reciprocal rank."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training brought: the registered version, its alias and quality, and the champion that it met."""

    kind: Kind
    version: str
    alias: Alias
    decided_by: str
    quality: dict[str, Estimate]
    counts: dict[str, int]
    rival: str | None  # the champion of before
    rival_value: float | None  # of the deciding figure on the same holdout; None if it cannot score these features


@dataclass(frozen=True, slots=True)
class _Trained:
    """A trained model of either kind; ``loss`` of any model of the kind on its holdout, lower is better."""

    model: Model
    quality: dict[str, Estimate]
    counts: dict[str, int]
    loss: Callable[[Model], float]
    sign: float  # of the deciding figure in the loss


def train(
    kind: Kind, rows: FeatureRows, injuries: Injuries, registry: Registry, *, seed: int, say: Callable[[str], None]
) -> Outcome:
    """Train one kind and register it: champion if it is better on the holdout than the champion, else challenger.

    ``say`` is told each step. Raises ``UserError`` when the data are too few; nothing is registered then.
    """
    say(f"{kind}: training")
    trained = _train_injury(rows, injuries, seed) if kind == "injury" else _train_recommend(rows, seed)
    say(f"{kind}: comparing with the champion")
    champion = registry.with_alias(kind, "champion")
    rival_loss: float | None = None
    if champion is not None:
        try:
            rival_loss = trained.loss(registry.load(champion))
        except BrokenModel:  # of other features or another catalogue, or not readable: it must go anyway
            rival_loss = None
    alias: Alias = "champion" if rival_loss is None or trained.loss(trained.model) < rival_loss else "challenger"
    say(f"{kind}: registering")
    registered = registry.register(
        kind,
        trained.model,
        _flat(trained.quality),
        {"seed": str(seed), **{name: str(count) for name, count in trained.counts.items()}},
        Path(__file__).parent / kind / "card.md",
    )
    registry.set_alias(kind, alias, registered.version)
    return Outcome(
        kind=kind,
        version=registered.name,
        alias=alias,
        decided_by=Decides[kind],
        quality=trained.quality,
        counts=trained.counts,
        rival=champion.name if champion else None,
        rival_value=None if rival_loss is None else trained.sign * rival_loss,
    )


def _train_injury(rows: FeatureRows, injuries: Injuries, seed: int) -> _Trained:
    done = injury_train.train(injury_data.label_rows(rows, injuries), seed)

    def loss(model: Model) -> float:
        return log_loss(done.holdout_label, InjuryScorer(model, "rival").score(done.holdout.matrix))

    return _Trained(done.model, done.quality, done.counts, loss, sign=1.0)


def _train_recommend(rows: FeatureRows, seed: int) -> _Trained:
    done = recommend_train.train(recommend_data.label_rows(rows), seed)

    def loss(model: Model) -> float:
        scores = RecommendScorer(model, "rival").rank(done.holdout.matrix)
        return -rank_measures(done.holdout_chosen, scores)["mrr"]

    return _Trained(done.model, done.quality, done.counts, loss, sign=-1.0)


def _flat(quality: dict[str, Estimate]) -> dict[str, float]:
    """Metrics as MLflow keeps them: the figure and the ends of its interval, without those that do not exist."""
    flat = {
        name + suffix: value
        for name, each in quality.items()
        for suffix, value in (("", each.value), ("_low", each.low), ("_high", each.high))
    }
    return {name: value for name, value in flat.items() if value == value}
