"""Goals that users set themselves: for each week, month or year from now on, or once, between two days.

A goal is a function of the set of events about it. Setting it again replaces it, from the day on which it was set
again. Once it is removed, workouts that ended later do not count for it; what was reached before stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import msgspec

from domain.days import local_day, period_key, period_start
from domain.targets import Measure, Window

Every = Literal["week", "month", "year"]


class Goal(msgspec.Struct, frozen=True):
    """What is wanted ``every`` week, month or year, or within the ``window`` (one of the two)."""

    measure: Measure
    every: Every | None = None
    window: Window | None = None


class GoalEvent(msgspec.Struct, frozen=True):
    """A user set a goal at ``time_us`` (UTC, µs) in a zone, or removed it."""

    goal_id: str
    event_id: str
    time_us: int
    zone: str
    goal: Goal | None  # ``None``: removed


@dataclass(frozen=True, slots=True)
class Aim:
    """A goal as it is: since which local day, and until when workouts count (UTC, µs)."""

    goal: Goal
    since: date
    ended_us: int | None = None

    def window_of(self, day: date) -> tuple[str, Window] | None:
        """The name and days of the period that a day is in; ``None``: a workout of that day does not count.

        The period in which the goal was set counts from its first day on.
        """
        every, window = self.goal.every, self.goal.window
        if window is not None:
            return (f"{window.first}/{window.last}", window) if day in window else None
        if every is None or day < period_start(self.since, every):
            return None
        first = period_start(day, every)
        after = period_start(first + timedelta(days={"week": 7, "month": 31, "year": 366}[every]), every)
        return period_key(day, every), Window(first, after - timedelta(days=1))


def aim_of(events: Iterable[GoalEvent]) -> Aim | None:
    """What the events about one goal come to, whatever their order; ``None``: it was never set."""
    aim: Aim | None = None
    for event in sorted(events, key=lambda event: (event.time_us, event.event_id)):
        if event.goal is not None:
            aim = Aim(event.goal, local_day(event.time_us, event.zone))
        elif aim is not None and aim.ended_us is None:
            aim = Aim(aim.goal, aim.since, event.time_us)
    return aim
