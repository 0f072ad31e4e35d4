"""The history that is kept up is the one that is worked out from all workouts, whatever came in whatever order."""

from dataclasses import fields
from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.boards import Effort
from domain.training_days import DayColumns, TrainingHistory, training_days

FIRST = date(2026, 1, 1)

efforts = st.builds(
    lambda wid, day, load, metres, sport: Effort(
        wid, sport, 0, FIRST + timedelta(days=day), metres / 10, load, 0.0, load / 100
    ),
    wid=st.sampled_from("abcdef"),
    day=st.integers(0, 90),
    load=st.integers(0, 40_000),
    metres=st.integers(0, 400_000),
    sport=st.sampled_from(["running", "cycling"]),
)
changes = st.lists(st.tuples(efforts, st.booleans(), st.integers(0, 90)), max_size=30)


def same(one: DayColumns, other: DayColumns, first: int) -> bool:
    rows = other.day >= first
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)[rows], equal_nan=field.name != "day")
        for field in fields(DayColumns)
    )


@given(changes)
def test_days_kept_up_with_changes_are_those_worked_out_from_what_is_left(made: list[tuple[Effort, bool, int]]) -> None:
    history, left = TrainingHistory(), dict[str, Effort]()
    for effort, goes, since in made:
        if goes:
            left.pop(effort.workout_id, None)
        else:
            left[effort.workout_id] = effort
        history.put(effort.workout_id, None if goes else effort)
        day = FIRST + timedelta(days=since)
        number = (day - date(1970, 1, 1)).days
        assert same(history.since(day), training_days(left.values()), number)
