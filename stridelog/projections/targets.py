"""What challenges and goals share: a user's workouts as facts, and what was said of the targets they reached."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import msgspec

from domain.achievement_rules import Deed
from domain.boards import Effort
from domain.targets import BESTS, Reached, Window
from schemas import hot
from sinks.base import Span
from stridelog.projections.efforts import as_others_see, effort_of, is_believed
from stridelog.state import Index, Known, State

PRODUCER: Final = "stridelog/challenges"


class TargetWorkout(msgspec.Struct, frozen=True):
    """A workout as targets know it, what others see of it where that is less (nothing, if it is private), every other
    day that it was on, and the offset of the record that says so.
    """

    effort: Effort
    counted: bool
    zone: str
    offset: int
    earlier: tuple[date, ...] = ()
    shown: Effort | None = None
    private: bool = False

    def says_as(self, other: "TargetWorkout") -> bool:
        """Whether the two say the same of the workout."""
        mine, its = (msgspec.structs.replace(one, offset=0, earlier=()) for one in (self, other))
        return mine == its


class SaidTarget(msgspec.Struct, frozen=True):
    """The last word on a target: as it was reached, and whether it still is."""

    deed: Deed
    workout_id: str
    at_us: int
    day: date
    zone: str
    holds: bool


class Erased(msgspec.Struct, frozen=True):
    """The user had everything erased: what they said up to then is void."""

    time_us: int
    offset: int  # of the record that says so


class CountedWorkouts(Index):
    """A user's workouts that count, by local day, and up to when everything that they said is void.

    ``revision`` grows with every word on any of it, and is the same for the same words: rows that are made of it are
    versions by it.
    """

    kinds = (TargetWorkout, Erased)

    def __init__(self) -> None:
        self.revision = 0
        self.erased: Erased | None = None
        self._facts: dict[str, TargetWorkout] = {}
        self._days: list[tuple[date, str]] = []  # sorted; those that count

    def put(self, id: str, fact: TargetWorkout | Erased) -> None:
        if isinstance(fact, Erased):
            self.revision += fact.offset - (self.erased.offset if self.erased else -1)
            self.erased = fact
            return
        before = self._facts.get(id)
        if before is not None:
            self.revision -= before.offset + 1
            if before.counted:
                del self._days[bisect_left(self._days, (before.effort.day, id))]
        self._facts[id] = fact
        self.revision += fact.offset + 1
        if fact.counted:
            insort(self._days, (fact.effort.day, id))

    def holds(self, time_us: int) -> bool:
        """Whether what the user said at a time is not void."""
        return self.erased is None or time_us > self.erased.time_us

    def within(self, window: Window, *, as_others_see: bool = False) -> Iterator[Effort]:
        """Those on the days of a window, whole or as others see them."""
        for place in range(bisect_left(self._days, (window.first, "")), len(self._days)):
            day, id = self._days[place]
            if day > window.last:
                return
            fact = self._facts[id]
            if not as_others_see:
                yield fact.effort
            elif not fact.private:
                yield fact.shown or fact.effort

    def days(self) -> list[date]:
        """The days that have one, each once and in order."""
        return list(dict.fromkeys(day for day, _ in self._days))

    def zone(self, workout_id: str) -> str:
        """Where a workout was."""
        return self._facts[workout_id].zone


def target_workout(message: hot.WorkoutSummarised, before: TargetWorkout | None, offset: int) -> TargetWorkout:
    """The word on a workout that a record brings after an earlier one."""
    effort = effort_of(message.data, BESTS)
    shown = None if message.data.shown is None else effort_of(as_others_see(message.data), BESTS)
    days = {*before.earlier, before.effort.day} - {effort.day} if before is not None else set()
    return TargetWorkout(
        effort, is_believed(message.data), message.zone, offset, tuple(sorted(days)), shown, message.data.private
    )


class Sayings:
    """What a batch says of targets, now or when it was taken before."""

    def __init__(self, state: State, span: Span) -> None:
        self._state = state
        self._span = span
        self._last: dict[tuple[str, str], SaidTarget] = {}  # by user and target

    def say(self, user: str, target_id: str, deed: Deed, reached: Reached | None, offset: int) -> None:
        """What a record at an offset makes of a target; ``None``: it is not reached."""
        told = self._state.get(user, SaidTarget, target_id)
        if reached is not None:
            zone = self._state.index(user, CountedWorkouts).zone(reached.workout_id)
            word = SaidTarget(deed, reached.workout_id, reached.at_us, reached.day, zone, True)
        elif told is not None:
            word = msgspec.structs.replace(told.fact, holds=False)
        else:
            return
        if told is None or told.fact != word:
            told = Known(word, offset)
            self._state.put(user, target_id, word, offset)
        if self._span.first <= told.offset < self._span.next:
            self._last[user, target_id] = word

    def messages(self) -> list[Any]:
        """The last word on each target that was spoken of."""
        return [_message(user, id, word) for (user, id), word in sorted(self._last.items(), key=lambda item: item[0])]


def _message(user: str, target_id: str, word: SaidTarget) -> hot.TargetReached | hot.TargetRevoked:
    head: dict[str, Any] = {
        "user": user,
        "time": word.at_us,
        "zone": word.zone,
        "source": PRODUCER,
        "producer": PRODUCER,
    }
    said: dict[str, Any] = {
        "target_id": target_id,
        "deed": word.deed,
        "at": word.at_us,
        "local_day": word.day,
        "workout_id": word.workout_id,
    }
    if word.holds:
        return hot.TargetReached.of(**head, data=hot.TargetReachedData(**said))
    return hot.TargetRevoked.of(**head, data=hot.TargetRevokedData(**said))
