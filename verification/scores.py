"""Scores of models: each is scored again from the features that it answers, and each workout that counts has one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES, NAMES_VERSION
from verification.boards import Last
from verification.log import LogRecord
from verification.outcomes import Valid
from verification.tally import Tally, same

Matrix = NDArray[np.float32]
Kind = Literal["injury", "recommend"]
SOURCE: Final = "sl-source"
"""Header of a published message: topic:partition:next offset of what caused it."""
ADOPTION_MS: Final = 30_000
"""Workers look for a new model every few seconds: features logged later than this after the first score have one."""


class Answers(Protocol):
    """A loaded version of a model: what it says of rows of features, as the messages say it."""

    def answer(self, matrix: Matrix) -> Sequence[Any]:
        """For (n, F) features n answers, comparable with ``said``."""

    def said(self, data: Any) -> Any:
        """The answer that a message carries."""


Loader = Callable[[str], Answers | None]
"""Version, as messages name it → the model, or ``None`` if it cannot be loaded."""


@dataclass
class ScoreCheck:
    """One kind of model over all partitions; ``notes`` say what could not be checked."""

    load: Loader
    tally: Tally
    notes: dict[str, int] = field(default_factory=dict)  # version that is not loadable → scores
    _models: dict[str, Answers | None] = field(default_factory=dict)

    def check(
        self,
        features: Sequence[Valid],
        scores: Sequence[Valid],
        records: Iterable[LogRecord],
        first_score_ms: float,
    ) -> None:
        """Compare one partition's ``scores`` (messages) with its ``features``.

        A score answers the latest features of its workout before the end of the batch that caused it. A workout whose
        latest features count, and were logged when the kind had a model for a while, must have a score of them.
        """
        ends = {record.offset: source_end(record) for record in records}
        by_workout: dict[tuple[str, str], list[Valid]] = {}
        for record in features:
            by_workout.setdefault((record.message.user, record.message.data.workout_id), []).append(record)
        last: dict[tuple[str, str], Valid] = {}
        for record in scores:
            last[record.message.user, record.message.data.workout_id] = record
        required = {key for key, known in by_workout.items() if _must_be_scored(known[-1], first_score_ms)}
        self.tally.expected += len(required | (last.keys() & by_workout.keys()))
        self.tally.found += len(last)
        for key in sorted(required - last.keys()):
            self.tally.note("missing", key, f"a score of the features at offset {by_workout[key][-1].offset}")
        answered: list[tuple[Valid, Valid]] = []
        for key, record in last.items():
            before = [f for f in by_workout.get(key, ()) if f.offset < ends[record.offset] and _counts(f)]
            if not before:
                self.tally.note("extra", key, "", f"offset {record.offset} answers no features")
            elif key in required and before[-1] is not by_workout[key][-1]:
                self.tally.note(
                    "different", key, f"of features at {by_workout[key][-1].offset}", f"of those at {before[-1].offset}"
                )
            else:
                answered.append((record, before[-1]))
        self._score_again(answered)

    def _score_again(self, answered: Sequence[tuple[Valid, Valid]]) -> None:
        by_version: dict[str, list[tuple[Valid, Valid]]] = {}
        for pair in answered:
            by_version.setdefault(pair[0].message.data.model_version, []).append(pair)
        for version, pairs in by_version.items():
            if version not in self._models:
                self._models[version] = self.load(version)
            model = self._models[version]
            if model is None:
                self.notes[version] = self.notes.get(version, 0) + len(pairs)
                continue
            again = model.answer(matrix_of([features for _, features in pairs]))
            for (score, features), wanted in zip(pairs, again, strict=True):
                data, had = score.message.data, model.said(score.message.data)
                key = (score.message.user, data.workout_id)
                if data.at != features.message.data.at:
                    self.tally.note("different", key, f"at {features.message.data.at}", f"at {data.at}")
                elif not same(wanted, had):
                    self.tally.note("different", key, wanted, had)


def matrix_of(features: Sequence[Valid]) -> Matrix:
    """Rows of features, (n, F), NaN where unknown."""
    flat = [np.nan if value is None else value for record in features for value in record.message.data.features]
    return np.array(flat, dtype=np.float32).reshape(len(features), len(FEATURE_NAMES))


def first_score_ms(scores: Iterable[Valid]) -> float:
    """When the first score was logged; infinite: never."""
    return min((float(record.timestamp_ms) for record in scores), default=float("inf"))


def _counts(features: Valid) -> bool:
    data = features.message.data
    usable = data.names_version == NAMES_VERSION and len(data.features) == len(FEATURE_NAMES)
    return bool(data.status == "counted" and usable)


def _must_be_scored(features: Valid, first_ms: float) -> bool:
    return _counts(features) and features.timestamp_ms > first_ms + ADOPTION_MS


def source_end(record: LogRecord) -> int:
    """Offset after the batch that caused a message; without the header any features may be the cause."""
    said = dict(record.headers).get(SOURCE, b"").decode(errors="replace").rsplit(":", 2)
    return int(said[2]) if len(said) == 3 and said[2].isdigit() else 2**63


def injury_table(last: Last) -> pa.Table:
    """Rows of ClickHouse's ``injury_scores``; times in µs."""
    data = [record.message.data for record in last.values()]
    return pa.table(
        {
            "user_id": pa.array([user for user, _ in last], pa.string()),
            "workout_id": pa.array([wid for _, wid in last], pa.string()),
            "at": pa.array([d.at for d in data], pa.int64()),
            "model_version": pa.array([d.model_version for d in data], pa.string()),
            "risk": pa.array([d.risk for d in data], pa.float64()),
        }
    )


RECOMMENDATION_KEY: Final = ("user_id", "workout_id", "rank")


def recommendation_table(last: Last) -> pa.Table:
    """Rows of ClickHouse's ``recommendations`` that are of the newest list of their workout; times in µs."""
    rows: list[Mapping[str, Any]] = [
        {
            "user_id": user,
            "workout_id": wid,
            "rank": rank,
            "at": record.message.data.at,
            "model_version": record.message.data.model_version,
            "workout_kind": item.workout_kind,
            "sport": item.sport,
            "score": item.score,
        }
        for (user, wid), record in last.items()
        for rank, item in enumerate(record.message.data.items, start=1)
    ]
    schema = pa.schema(
        {
            "user_id": pa.string(),
            "workout_id": pa.string(),
            "rank": pa.int64(),
            "at": pa.int64(),
            "model_version": pa.string(),
            "workout_kind": pa.string(),
            "sport": pa.string(),
            "score": pa.float64(),
        }
    )
    return pa.Table.from_pylist(rows, schema=schema)
