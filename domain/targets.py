"""Targets of challenges and goals: what counts, how far somebody is, and with which workout the target was reached.

A target is a total of a metric that is to be come up to, or a best effort that is to be equalled or bettered, by the
workouts of some sports on some local days. Totals are made of whole hundredths, so they do not depend on the order of
the workouts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from domain.boards import METRICS, SCALE, Effort, Metric, parts_of, scaled
from domain.efforts import DISTANCES, DURATIONS
from domain.sports import family_of

TIMED: Final = frozenset(name for name, _ in DISTANCES)
"""Best efforts over a distance: less is better."""
BESTS: Final = TIMED | {name for name, _ in DURATIONS}
"""All best efforts."""


class Measure(msgspec.Struct, frozen=True):
    """What counts: the total of a ``metric`` or the best ``effort`` (one of the two), and how much of it is wanted.

    ``sports`` are families or sports; none: all. ``amount`` is in metres, seconds, metres climbed, load, a count; of
    best efforts in seconds (at most) or watts (at least).
    """

    metric: Metric | None
    effort: str | None
    sports: tuple[str, ...]
    amount: float

    @property
    def less_is_better(self) -> bool:
        """Whether it is a time over a distance."""
        return self.effort in TIMED

    def counts(self, sport: str) -> bool:
        """Whether workouts of a sport count."""
        return not self.sports or sport in self.sports or family_of(sport) in self.sports

    def figure(self, workout: Effort) -> int:
        """What a workout has of it, in hundredths; 0: nothing."""
        if self.metric is not None:
            return parts_of(workout)[METRICS.index(self.metric)]
        return next((scaled(value) for name, value in workout.bests if name == self.effort), 0)


class Window(msgspec.Struct, frozen=True):
    """Local days from ``first`` to ``last``, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Reached:
    """The workout with which a target was reached: its id, end (UTC, µs) and local day."""

    workout_id: str
    at_us: int
    day: date


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody is: ``score`` is the total or the best, rounded to 0.01; 0: nothing yet.

    ``achieved_us`` is the end of the workout with which the score was reached: the latest that adds to a total, the
    first of equal bests. ``workouts`` are those of the sports and days.
    """

    score: float
    achieved_us: int
    workouts: int
    reached: Reached | None


def progress(measure: Measure, window: Window, workouts: Iterable[Effort]) -> Progress:
    """How far the workouts of one user get, whatever their order. Give each that counts once."""
    wanted = scaled(measure.amount)
    score = achieved_us = count = 0
    reached: Reached | None = None
    for workout in sorted(workouts, key=lambda workout: (workout.end_us, workout.workout_id)):
        if workout.day not in window or not measure.counts(workout.sport):
            continue
        count += 1
        figure = measure.figure(workout)
        if not figure:
            continue
        if measure.metric is not None:
            score, achieved_us = score + figure, workout.end_us
        elif not score or (figure < score if measure.less_is_better else figure > score):
            score, achieved_us = figure, workout.end_us
        if reached is None and (score <= wanted if measure.less_is_better else score >= wanted):
            reached = Reached(workout.workout_id, workout.end_us, workout.day)
    return Progress(score / SCALE, achieved_us, count, reached)
