"""From the workouts that count to training days."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Final

import numpy as np
import pyarrow as pa

from domain.boards import Effort
from domain.training_days import DayColumns, training_days

DAY_KEY: Final = ("user_id", "local_day")


def day_table(efforts: Mapping[str, Sequence[Effort]]) -> pa.Table:
    """Rows of ``training_days`` that are not deleted; days since 1970."""
    by_user = {user: training_days(done) for user, done in efforts.items()}
    users = [user for user, days in by_user.items() for _ in range(len(days))]
    figures = {
        field.name: np.concatenate([getattr(days, field.name) for days in by_user.values()] or [np.empty(0)])
        for field in fields(DayColumns)
    }
    figures["local_day"] = figures.pop("day").astype(np.int64)
    figures["workouts"] = figures["workouts"].astype(np.int64)
    return pa.table({"user_id": pa.array(users, pa.string()), **figures})
