"""Features as what models score and training reads, and scores as rows and messages."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES
from models.injury.score import Scorer as InjuryScorer
from models.recommend.score import Scorer as Recommender
from schemas import hot
from sinks.base import Rows
from sinks.lake_tables import INJURIES, PREDICTIONS, TRAINING_FEATURES
from sinks.tables import INJURY_SCORES, RECOMMENDATIONS
from stridelog.batch import Batch

Scorable = Sequence[tuple[int, hot.FeaturesComputed]]  # offset, message
INJURY_PRODUCER: Final = "stridelog/injury"
RECOMMEND_PRODUCER: Final = "stridelog/recommend"


class Accepts(Protocol):
    """A model as far as the choice of messages is concerned."""

    def accepts(self, names_version: int) -> bool:
        """Whether features of this version are those that it was trained on."""


def scorable(batch: Batch, model: Accepts) -> Scorable:
    """The messages that the model can score: those of workouts that count, with the features that it knows."""
    return [
        (offset, m)
        for offset, m in batch.of(hot.FeaturesComputed)
        if m.data.status == "counted"
        and len(m.data.features) == len(FEATURE_NAMES)
        and model.accepts(m.data.names_version)
    ]


def matrix_of(messages: Scorable) -> NDArray[np.float32]:
    """Their features, shape (messages, features), NaN where unknown."""
    flat = [np.nan if value is None else value for _, m in messages for value in m.data.features]
    return np.array(flat, dtype=np.float32).reshape(len(messages), len(FEATURE_NAMES))


def injury_scores(messages: Scorable, scorer: InjuryScorer, partition: int) -> tuple[list[Rows], list[Any]]:
    """Rows of ``injury_scores`` and the messages that say the same."""
    matrix = matrix_of(messages)
    risks = scorer.score(matrix)
    factors = scorer.top_factors(matrix, risks)
    said = []
    for (_, message), risk, top in zip(messages, risks.tolist(), factors, strict=True):
        data = hot.InjuryRiskScoredData(
            workout_id=message.data.workout_id,
            at=message.data.at,
            model_version=scorer.version,
            risk=risk,
            top_factors=tuple(hot.Factor(name=factor.name, contribution=factor.contribution) for factor in top),
        )
        said.append(
            hot.InjuryRiskScored.of(
                user=message.user,
                time=message.time,
                zone=message.zone,
                source=INJURY_PRODUCER,
                producer=INJURY_PRODUCER,
                data=data,
            )
        )
    columns = {**_of(messages, partition), "risk": risks, "model_version": [scorer.version] * len(messages)}
    return [Rows(INJURY_SCORES.name, pa.table(columns))], said


def recommendations(messages: Scorable, recommender: Recommender, partition: int) -> tuple[list[Rows], list[Any]]:
    """Rows of ``recommendations`` and the messages that say the same."""
    suggested = recommender.recommend(matrix_of(messages))
    rows, said = [], []
    for (offset, message), items in zip(messages, suggested, strict=True):
        data = hot.RecommendationsReadyData(
            workout_id=message.data.workout_id,
            at=message.data.at,
            model_version=recommender.version,
            items=tuple(
                hot.Recommendation(workout_kind=i.workout_kind, sport=i.sport, score=i.score, reason=i.reason)
                for i in items
            ),
        )
        said.append(
            hot.RecommendationsReady.of(
                user=message.user,
                time=message.time,
                zone=message.zone,
                source=RECOMMEND_PRODUCER,
                producer=RECOMMEND_PRODUCER,
                data=data,
            )
        )
        for rank, item in enumerate(items, start=1):
            rows.append(
                {
                    "user_id": message.user,
                    "workout_id": message.data.workout_id,
                    "rank": rank,
                    "at": message.data.at,
                    "model_version": recommender.version,
                    "workout_kind": item.workout_kind,
                    "sport": item.sport,
                    "score": item.score,
                    "source_partition": partition,
                    "source_offset": offset,
                }
            )
    return [Rows(RECOMMENDATIONS.name, pa.Table.from_pylist(rows, schema=RECOMMENDATIONS.schema))], said


def training_rows(batch: Batch) -> list[Rows]:
    """Delta rows of a batch of features, scores or user events: whichever it holds."""
    features = batch.of(hot.FeaturesComputed)
    injuries = batch.of(hot.InjuryReported)
    rows = []
    if features:
        nan = float("nan")
        columns = {
            **_of(features, batch.span.partition),
            "local_day": [m.data.local_day for _, m in features],
            "status": [m.data.status for _, m in features],
            "names_version": [m.data.names_version for _, m in features],
            "features": [[nan if value is None else value for value in m.data.features] for _, m in features],
        }
        rows.append(Rows(TRAINING_FEATURES.name, pa.table(columns)))
    if injuries:
        reported = [_injury(offset, message, batch.span.partition) for offset, message in injuries]
        rows.append(Rows(INJURIES.name, pa.Table.from_pylist(reported, schema=INJURIES.schema)))
    predicted = _predictions(batch)
    if predicted:
        rows.append(Rows(PREDICTIONS.name, pa.Table.from_pylist(predicted, schema=PREDICTIONS.schema)))
    return rows


def _predictions(batch: Batch) -> list[dict[str, Any]]:
    rows = []
    for offset, scored in batch.of(hot.InjuryRiskScored):
        rows.append(_prediction(offset, scored, batch, "injury", "injury", scored.data.risk))
    for offset, ready in batch.of(hot.RecommendationsReady):
        rows += [
            _prediction(offset, ready, batch, "recommend", f"{item.workout_kind}.{item.sport}", item.score)
            for item in ready.data.items
        ]
    return rows


def _prediction(
    offset: int,
    message: hot.InjuryRiskScored | hot.RecommendationsReady,
    batch: Batch,
    model: str,
    item: str,
    score: float,
) -> dict[str, Any]:
    return {
        "user_id": message.user,
        "workout_id": message.data.workout_id,
        "at": message.data.at,
        "model": model,
        "model_version": message.data.model_version,
        "item": item,
        "score": score,
        "source_partition": batch.span.partition,
        "source_offset": offset,
    }


def _injury(offset: int, message: hot.InjuryReported, partition: int) -> dict[str, Any]:
    return {
        "user_id": message.user,
        "onset": message.data.onset_time,
        "reported_at": message.time,
        "body_part": message.data.body_part,
        "severity": message.data.severity,
        "days_lost": message.data.days_lost,
        "source_partition": partition,
        "source_offset": offset,
    }


def _of(messages: Scorable, partition: int) -> dict[str, Any]:
    """The columns that every row about a message has."""
    return {
        "user_id": [m.user for _, m in messages],
        "workout_id": [m.data.workout_id for _, m in messages],
        "at": pa.array([m.data.at for _, m in messages], pa.timestamp("us", "UTC")),
        "source_partition": [partition] * len(messages),
        "source_offset": [offset for offset, _ in messages],
    }
