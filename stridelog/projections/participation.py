"""The facts of challenges and goals: what a batch brings, and whom it is handed on to."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from domain.challenges import Entry
from schemas import hot
from sinks.base import Span
from stridelog.batch import Record
from stridelog.homes import Homes
from stridelog.projections.challenges import ChallengeBoard, challenge_event
from stridelog.projections.goals import GoalBoard, goal_event
from stridelog.projections.groups import GROUP_MESSAGES, group_event
from stridelog.projections.targets import Erased, Sayings, TargetWorkout, target_workout
from stridelog.state import State, everyone


class Participation:
    """One batch of the ``challenges`` agent."""

    def __init__(self, state: State, span: Span, homes: Homes) -> None:
        self._state = state
        self._span = span
        self._everyone = everyone(span.partition)
        self.sayings = Sayings(state, span)
        self.goals = GoalBoard(state, self.sayings)
        self.challenges = ChallengeBoard(state, span, self._everyone, homes, self.sayings)

    async def keep(self, records: Iterable[Record]) -> Counter[str]:
        """Take the facts in, record by record; how many records needed nothing, by reason."""
        dropped: Counter[str] = Counter()
        for offset, _, message in records:
            reason = await self._keep(message, offset)
            if reason is not None:
                dropped[reason] += 1
            await asyncio.sleep(0)  # a challenge of many takes long: others go on meanwhile
        return dropped

    async def _keep(self, message: Any, offset: int) -> str | None:
        """Keep one fact and hand on what it changes; the reason if there is nothing to do."""
        user = message.user
        match message:
            case hot.WorkoutSummarised():
                return self._workout(message, offset)
            case hot.ChallengeJoined() | hot.ChallengeLeft():
                return self._entry(message, offset)
            case hot.UserErased():
                return self._erased(message, offset)
            case hot.GoalSet() | hot.GoalRemoved():
                goal = goal_event(message)
                if self._is_known(user, goal.event_id, goal, offset):
                    return "duplicate"
                self.goals.changed(user, goal.goal_id, offset)
            case hot.ChallengeDefined() | hot.ChallengeRemoved():
                defined = challenge_event(message)
                if self._is_known(self._everyone, defined.event_id, defined, offset):
                    return "duplicate"
                await self.challenges.changed(defined.challenge_id, offset)
            case _ if isinstance(message, GROUP_MESSAGES):
                event = group_event(message)
                if self._is_known(self._everyone, event.event_id, event, offset):
                    return "duplicate"
                await self.challenges.group_changed(event.group_id, offset)
            case _:
                return "not_for_challenges"
        return None

    def _is_known(self, user: str, id: str, fact: msgspec.Struct, offset: int) -> bool:
        """Keep a fact that never changes; whether an earlier batch had brought it."""
        known = self._state.get(user, type(fact), id)
        if known is None:
            self._state.put(user, id, fact, offset)
        return known is not None and known.settled(self._span)

    def _workout(self, message: hot.WorkoutSummarised, offset: int) -> str | None:
        user, workout_id = message.user, message.data.workout_id
        known = self._state.get(user, TargetWorkout, workout_id)
        fact = target_workout(message, known.fact if known else None, offset)
        if known is not None and known.fact.says_as(fact) and known.settled(self._span):
            return "duplicate"
        # Read again because another store lacks it: what came later must not be undone.
        if known is None or (known.offset < offset and not known.fact.says_as(fact)):
            self._state.put(user, workout_id, fact, offset)
        now = self._state.facts(user, TargetWorkout)[workout_id].fact
        days = (now.effort.day, *now.earlier)
        self.challenges.trained(user, days, offset)
        self.goals.trained(user, days, offset)
        return None

    def _erased(self, message: hot.UserErased, offset: int) -> str | None:
        user = message.user
        known = self._state.get(user, Erased, "erased")
        if known is not None and known.fact.time_us > message.time:
            return "superseded"
        if known is not None and known.fact.time_us == message.time:
            if known.settled(self._span):
                return "duplicate"
        else:
            self._state.put(user, "erased", Erased(message.time, offset), offset)
        self.challenges.erased(user, offset)
        self.goals.erased(user, offset)
        return None

    def _entry(self, message: hot.ChallengeJoined | hot.ChallengeLeft, offset: int) -> str | None:
        user, data = message.user, message.data
        joined = isinstance(message, hot.ChallengeJoined)
        group_id = data.group_id if isinstance(data, hot.ChallengeJoinedData) else None
        entry = Entry(data.challenge_id, user, message.time, message.id, joined, group_id, offset)
        id = f"{data.challenge_id}/{user}"
        known = self._state.get(self._everyone, Entry, id)
        if known is not None and known.fact.order > entry.order:
            return "superseded"
        if known is not None and known.fact.order == entry.order:
            if known.settled(self._span):
                return "duplicate"
        else:
            self._state.put(self._everyone, id, entry, offset)
        self.challenges.entered(user, data.challenge_id, offset)
        return None
