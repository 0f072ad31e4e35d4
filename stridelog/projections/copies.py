"""Comparisons of workouts with those of all athletes: what is said of them, and which others are to be compared too.

What is said of a workout is said in the partition of its athlete only, and in one order; other partitions are told to
look again, not what to say. ADR 0013 has why nothing is missed.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

import msgspec

from domain.copies import first_lookalike, must_look_again
from schemas import hot
from stridelog.batch import Batch
from stridelog.projections.tracks import check_due
from stridelog.readers import Key
from stridelog.state import State
from stridelog.track_reader import Indexed, TrackReader

PRODUCER: Final = "stridelog/copies"
AT_ONCE: Final = 200  # workouts of one query


class Compared(msgspec.Struct, frozen=True):
    """The fact that a lookalike of a workout was found once, so that it is said when there is none any more."""


class Comparisons:
    """One batch of the ``copies`` agent."""

    def __init__(self, batch: Batch, state: State) -> None:
        self.found: list[hot.LookalikeFound] = []
        self.checks: list[hot.CopyCheckDue] = []  # of workouts of any partition
        self._state = state
        self._due: dict[Key, tuple[int, hot.CopyCheckDue]] = {}
        self._changed: set[Key] = set()
        for offset, message in batch.of(hot.CopyCheckDue):
            key = message.user, message.data.workout_id
            self._due[key] = offset, message
            if message.data.changed:
                self._changed.add(key)
        for offset, word in batch.of(hot.LookalikeFound):
            self._heard(word, offset)

    def portions(self) -> Iterator[list[Key]]:
        """The workouts that are to be compared, some at a time."""
        due = sorted(self._due)
        for first in range(0, len(due), AT_ONCE):
            yield due[first : first + AT_ONCE]

    async def compare(self, some: list[Key], reader: TrackReader) -> None:
        """Compare a portion with what the index has now."""
        near = await reader.near(some)
        beside = {one.key: (one, near.beside(one)) for key in some if (one := near.get(key)) is not None}
        for one, others in beside.values():
            self._say(one, others)
            await asyncio.sleep(0)  # others go on meanwhile
        await self._look_again({key: both for key, both in beside.items() if key in self._changed}, reader)

    def _say(self, one: Indexed, others: list[Indexed]) -> None:
        """Say which lookalike is the first; of a workout that never had one, nothing."""
        user, workout_id = one.key
        first = None if one.is_gone else first_lookalike(one.marked, (other.marked for other in others))
        if first is None and self._state.get(user, Compared, workout_id) is None:
            return
        self._note(user, workout_id, self._due[one.key][0])
        part = None if first is None else msgspec.convert(first, hot.Lookalike, from_attributes=True)
        data = hot.LookalikeFoundData(workout_id=workout_id, digest=one.marked.digest, lookalike=part)
        self.found.append(
            hot.LookalikeFound.of(
                user=user, time=one.marked.end_us, zone="UTC", source=PRODUCER, producer=PRODUCER, data=data
            )
        )

    def _heard(self, message: hot.LookalikeFound, offset: int) -> None:
        """A published word that the facts do not know of is of before they were lost, and may be wrong."""
        user, workout_id = message.user, message.data.workout_id
        if message.data.lookalike is None or self._state.get(user, Compared, workout_id) is not None:
            return
        self._note(user, workout_id, offset)
        self.checks.append(check_due(user, message.time, workout_id, changed=False, producer=PRODUCER))

    def _note(self, user: str, workout_id: str, offset: int) -> None:
        if self._state.get(user, Compared, workout_id) is None:
            self._state.put(user, workout_id, Compared(), offset)

    async def _look_again(self, changed: dict[Key, tuple[Indexed, list[Indexed]]], reader: TrackReader) -> None:
        """Have those compared for which a workout that has changed makes a difference."""
        said = await reader.said({other.key for _, others in changed.values() for other in others})
        for one, others in changed.values():
            time_us = self._due[one.key][1].time
            self.checks += [
                check_due(*_named(other, time_us), changed=False, producer=PRODUCER)
                for other in others
                if must_look_again(said.get(other.key), one.marked.order)
            ]


def _named(one: Indexed, time_us: int) -> tuple[str, int, str]:
    return one.marked.user, time_us, one.marked.workout_id
