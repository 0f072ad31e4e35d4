"""Summaries as training days: each user's rows from the first day on that a batch changes."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from domain.boards import Effort
from domain.training_days import DayColumns, TrainingHistory
from sinks.base import Rows
from sinks.tables import TRAINING_DAYS
from stridelog.projections.efforts import BoardFact, Kept
from stridelog.state import Index, State

_FIGURES: Final = tuple(field.name for field in fields(DayColumns) if field.name != "day")
_EPOCH: Final = date(1970, 1, 1).toordinal()


class CountedDays(Index):
    """What a user's workouts that count add up to, by day."""

    kinds = (BoardFact,)

    def __init__(self) -> None:
        self.history = TrainingHistory()

    def put(self, id: str, fact: BoardFact) -> None:
        self.history.put(id, fact.effort if fact.counted else None)


def day_rows(kept: Kept, state: State, partition: int) -> Rows:
    """Rows of ``training_days``: what the changed days and those after them are now.

    A day that has no row any more, because the user's first or last workout went, is written as deleted.
    """
    tables = [_of_user(user, forms, kept.offsets[user], state, partition) for user, forms in kept.forms.items()]
    return Rows(TRAINING_DAYS.name, pa.concat_tables(tables) if tables else TRAINING_DAYS.schema.empty_table())


def _of_user(user: str, forms: Sequence[Effort], offset: int, state: State, partition: int) -> pa.Table:
    days = [form.day for form in forms]
    history = state.index(user, CountedDays).history
    first, last = history.around(min(days), max(days))
    found = history.since(first)
    touched = np.arange(first.toordinal(), last.toordinal() + 1, dtype=np.int32) - _EPOCH
    gone = touched[~np.isin(touched, found.day)]
    rows, nothing = len(found) + len(gone), np.zeros(len(gone))
    columns = {name: np.concatenate((getattr(found, name), nothing)) for name in _FIGURES}
    return pa.table(
        {
            **columns,
            "workouts": columns["workouts"].astype(np.uint16),
            "user_id": pa.array([user], pa.string()).take(pa.array(np.zeros(rows, dtype=np.int32))),
            "local_day": pa.array(np.concatenate((found.day, gone)), pa.int32()).cast(pa.date32()),
            "deleted": np.repeat(np.array([0, 1], dtype=np.uint8), (len(found), len(gone))),
            "source_partition": np.full(rows, partition, dtype=np.uint16),
            "source_offset": np.full(rows, offset, dtype=np.uint64),
        }
    ).select(TRAINING_DAYS.schema.names)
