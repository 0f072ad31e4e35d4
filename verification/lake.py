"""From messages to the rows of the Delta tables: of one key, the row of the latest record counts."""

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from schemas import hot
from verification.boards import Last
from verification.outcomes import Valid

FEATURES_KEY: Final = ("user_id", "workout_id")
INJURIES_KEY: Final = ("user_id", "onset", "body_part")
PREDICTIONS_KEY: Final = ("user_id", "workout_id", "model", "item")


def features_table(last: Last) -> pa.Table:
    """Rows of ``training_features``; times in µs."""
    data = [record.message.data for record in last.values()]
    return pa.table(
        {
            "user_id": pa.array([user for user, _ in last], pa.string()),
            "workout_id": pa.array([wid for _, wid in last], pa.string()),
            "at": pa.array([d.at for d in data], pa.int64()),
            "local_day": pa.array([d.local_day for d in data], pa.date32()).cast(pa.int32()).cast(pa.int64()),
            "status": pa.array([d.status for d in data], pa.string()),
            "names_version": pa.array([d.names_version for d in data], pa.int64()),
            "features": pa.array(
                [[float("nan") if v is None else v for v in d.features] for d in data], pa.list_(pa.float32())
            ),
            "source_offset": pa.array([record.offset for record in last.values()], pa.int64()),
        }
    )


def injuries_table(user_events: Iterable[Valid]) -> pa.Table:
    """Rows of ``injuries``; times in µs."""
    last: dict[tuple[str, int, str], Valid] = {}
    for record in user_events:
        if isinstance(record.message, hot.InjuryReported):
            data = record.message.data
            last[record.message.user, data.onset_time, data.body_part] = record
    rows = last.values()
    return pa.table(
        {
            "user_id": pa.array([user for user, _, _ in last], pa.string()),
            "onset": pa.array([onset for _, onset, _ in last], pa.int64()),
            "body_part": pa.array([part for _, _, part in last], pa.string()),
            "reported_at": pa.array([r.message.time for r in rows], pa.int64()),
            "severity": pa.array([r.message.data.severity for r in rows], pa.string()),
            "days_lost": pa.array([r.message.data.days_lost for r in rows], pa.int64()),
            "source_offset": pa.array([r.offset for r in rows], pa.int64()),
        }
    )


def predictions_table(risks: Iterable[Valid], recommendations: Iterable[Valid]) -> pa.Table:
    """Rows of ``predictions``; times in µs."""
    rows: dict[tuple[str, str, str, str], tuple[Valid, float]] = {}
    for record in risks:
        data = record.message.data
        rows[record.message.user, data.workout_id, "injury", "injury"] = (record, data.risk)
    for record in recommendations:
        data = record.message.data
        for item in data.items:
            what = f"{item.workout_kind}.{item.sport}"
            rows[record.message.user, data.workout_id, "recommend", what] = (record, item.score)
    columns: dict[str, Any] = {
        name: pa.array([key[i] for key in rows], pa.string()) for i, name in enumerate(PREDICTIONS_KEY)
    }
    columns["at"] = pa.array([record.message.data.at for record, _ in rows.values()], pa.int64())
    columns["model_version"] = pa.array([r.message.data.model_version for r, _ in rows.values()], pa.string())
    columns["score"] = pa.array([score for _, score in rows.values()], pa.float64())
    columns["source_offset"] = pa.array([record.offset for record, _ in rows.values()], pa.int64())
    return pa.table(columns)
