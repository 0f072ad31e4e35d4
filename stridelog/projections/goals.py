"""Goals as documents: one a goal, with how far its user got in each period."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import msgspec

from domain.goals import Aim, Goal, GoalEvent, aim_of
from domain.targets import Measure, Progress, Window, progress
from schemas import hot
from sinks.base import Document
from stridelog.projections.targets import CountedWorkouts, Erased, SaidTarget, Sayings
from stridelog.state import Index, State

COLLECTION: Final = "goals"


class KnownGoals(Index):
    """A user's goals."""

    kinds = (GoalEvent, Erased)

    def __init__(self) -> None:
        self._erased_us = -1
        self._events: defaultdict[str, dict[str, GoalEvent]] = defaultdict(dict)
        self._aims: dict[str, Aim | None] = {}

    def put(self, id: str, fact: GoalEvent | Erased) -> None:
        if isinstance(fact, Erased):
            self._erased_us = fact.time_us
            self._aims.clear()
            return
        self._events[fact.goal_id][id] = fact
        self._aims.pop(fact.goal_id, None)

    def aim(self, goal_id: str) -> Aim | None:
        """A goal as it is; ``None``: it was never set, or was erased."""
        if goal_id not in self._aims:
            events = self._events[goal_id].values()
            self._aims[goal_id] = aim_of(event for event in events if event.time_us > self._erased_us)
        return self._aims[goal_id]

    def ids(self) -> list[str]:
        """All goals of which there are events."""
        return sorted(self._events)


def goal_event(message: hot.GoalSet | hot.GoalRemoved) -> GoalEvent:
    """What a user said of a goal."""
    goal = None
    if isinstance(message, hot.GoalSet):
        data = message.data
        window = None
        if data.first_day is not None and data.last_day is not None:
            window = Window(data.first_day, data.last_day)
        goal = Goal(measure_of(data), data.every, window)
    return GoalEvent(message.data.goal_id, message.id, message.time, message.zone, goal)


def measure_of(data: hot.GoalSetData | hot.ChallengeDefinedData) -> Measure:
    """What counts, and how much of it is wanted."""
    return Measure(data.metric, data.effort, data.sports, data.target)


class GoalBoard:
    """What a batch changes of goals: by user and goal the periods, or all of it."""

    def __init__(self, state: State, sayings: Sayings) -> None:
        self._state = state
        self._sayings = sayings
        self._periods: defaultdict[tuple[str, str], dict[str, Progress | None]] = defaultdict(dict)
        self._whole: set[tuple[str, str]] = set()

    def trained(self, user: str, days: Iterable[date], offset: int) -> None:
        """Workouts of these days came, changed or went."""
        goals = self._state.index(user, KnownGoals)
        wanted = list(days)
        for goal_id in goals.ids():
            aim = goals.aim(goal_id)
            if aim is not None:
                self._look(user, goal_id, aim, wanted, offset)

    def erased(self, user: str, offset: int) -> None:
        """What the user said up to now is void."""
        for goal_id in self._state.index(user, KnownGoals).ids():
            self.changed(user, goal_id, offset)

    def changed(self, user: str, goal_id: str, offset: int) -> None:
        """The goal itself came, changed or ended."""
        aim = self._state.index(user, KnownGoals).aim(goal_id)
        self._whole.add((user, goal_id))
        self._periods.pop((user, goal_id), None)
        if aim is not None:
            self._look(user, goal_id, aim, self._state.index(user, CountedWorkouts).days(), offset)
        found = {_target_id(goal_id, key) for key in self._periods[user, goal_id]}
        for target_id in list(self._state.facts(user, SaidTarget)):
            if target_id.startswith(_target_id(goal_id, "")) and target_id not in found:
                self._sayings.say(user, target_id, "goals", None, offset)

    def _look(self, user: str, goal_id: str, aim: Aim, days: Iterable[date], offset: int) -> None:
        workouts = self._state.index(user, CountedWorkouts)
        for key, window in dict(found for day in days if (found := aim.window_of(day)) is not None).items():
            until_us = aim.ended_us
            counting = (one for one in workouts.within(window) if until_us is None or one.end_us <= until_us)
            far = progress(aim.goal.measure, window, counting)
            self._periods[user, goal_id][key] = far if far.workouts else None
            self._sayings.say(user, _target_id(goal_id, key), "goals", far.reached, offset)

    def documents(self) -> list[Document]:
        """The periods that changed; of a goal that changed itself, all of it."""
        found: list[Document] = []
        for user, goal_id in sorted(self._periods.keys() | self._whole):
            periods = self._periods[user, goal_id]
            held = {key: _shown(far) for key, far in periods.items() if far is not None}
            id = f"{user}/{goal_id}"
            if (user, goal_id) in self._whole:
                aim = self._state.index(user, KnownGoals).aim(goal_id)
                found.append(Document(COLLECTION, id, set={**_terms(aim), "periods": held} if aim else {}))
            else:
                fields = {f"periods.{key}": far for key, far in held.items()}
                gone = [f"periods.{key}" for key, far in periods.items() if far is None]
                found.append(Document(COLLECTION, id, set=fields, unset=gone))
        return found


def _target_id(goal_id: str, period: str) -> str:
    return f"goal/{goal_id}:{period}"


def _terms(aim: Aim) -> dict[str, Any]:
    window = aim.goal.window
    return {
        **msgspec.to_builtins(aim.goal.measure),
        "every": aim.goal.every,
        "first_day": window.first.isoformat() if window else None,
        "last_day": window.last.isoformat() if window else None,
        "since": aim.since.isoformat(),
        "ended_at": aim.ended_us,
    }


def _shown(far: Progress) -> dict[str, Any]:
    return {
        "score": far.score,
        "achieved_at": far.achieved_us,
        "workouts": far.workouts,
        "reached_at": far.reached.at_us if far.reached else None,
        "workout_id": far.reached.workout_id if far.reached else None,
    }
