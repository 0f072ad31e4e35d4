"""What users say of themselves, as facts: the last word is the latest by its own time, not the one that came last.

A phone that was offline may send on Friday what was typed on Monday, also of a user whom everything was erased of on
Wednesday.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from domain.residents import Word, in_force
from domain.workouts import Erasure
from schemas import hot
from sinks.base import RedisCommand
from sinks.keys import Keys
from stridelog.batch import Batch
from stridelog.state import State

W = TypeVar("W", bound=Word)

ERASED: Final = "erased"
"""Id of the fact of a user's erasure."""
THRESHOLDS: Final = ("lthr_bpm", "hr_max_bpm", "birth_year")


class NameSaid(msgspec.Struct, frozen=True):
    """A user's display name as of a time; ``None`` says nothing."""

    event_id: str
    time_us: int
    registration: bool
    name: str | None


class ThresholdsSaid(msgspec.Struct, frozen=True):
    """The figures of a profile that heart rate zones are made of, as of a time; ``None`` says nothing."""

    event_id: str
    time_us: int
    registration: bool
    lthr_bpm: float | None
    hr_max_bpm: float | None
    birth_year: int | None


@dataclass
class Said:
    """Of whom a batch has new words, with the last one's offset, and what was dropped."""

    offsets: dict[str, int] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)


def keep(
    batch: Batch, state: State, word_of: Callable[[Any], Word | None], *, other: str, beside: tuple[type, ...] = ()
) -> Said:
    """Keep the batch's words and erasures as facts; what is neither is dropped for the reason ``other``.

    ``beside``: messages of the agent that are not about who users are.
    """
    said = Said()
    for offset, _, message in batch.records:
        if isinstance(message, beside):
            continue
        user, fact_id = message.user, message.id
        fact: Any = word_of(message)
        if isinstance(message, hot.UserErased):
            fact_id, fact = ERASED, Erasure(max(message.time, erased_us(state, user)))
        if fact is None:
            said.dropped[other] += 1
            continue
        known = state.get(user, type(fact), fact_id)
        if known is not None and known.fact == fact:
            if known.settled(batch.span):
                said.dropped["duplicate"] += 1
                continue
        else:
            state.put(user, fact_id, fact, offset)
        said.offsets[user] = offset
    return said


def erased_us(state: State, user: str) -> int:
    """Up to when (µs) what the user said is void; -1: nothing is."""
    erasure = state.get(user, Erasure, ERASED)
    return erasure.fact.time_us if erasure else -1


def words(state: State, user: str, kind: type[W]) -> list[W]:
    """What the user said that is not void, in the order in which it counts; nothing of who is not registered."""
    return in_force((known.fact for known in state.facts(user, kind).values()), erased_us(state, user))  # type: ignore[type-var]


def name_said(message: object) -> NameSaid | None:
    """What a user event says of a name."""
    match message:
        case hot.UserRegistered(data=data):
            return NameSaid(message.id, message.time, True, data.name)
        case hot.ProfileChanged(data=data) if data.name is not None:
            return NameSaid(message.id, message.time, False, data.name)
    return None


def thresholds_said(message: object) -> ThresholdsSaid | None:
    """What a user event says of heart rate zones."""
    match message:
        case hot.UserRegistered(data=data) | hot.ProfileChanged(data=data):
            figures = [getattr(data, name) for name in THRESHOLDS]
            is_registration = isinstance(message, hot.UserRegistered)
            if is_registration or any(figure is not None for figure in figures):
                return ThresholdsSaid(message.id, message.time, is_registration, *figures)
    return None


def name_commands(users: Iterable[str], state: State, keys: Keys) -> list[RedisCommand]:
    """Display names of registered users; others have none."""
    said: list[RedisCommand] = []
    for user in users:
        names = [word.name for word in words(state, user, NameSaid) if word.name is not None]
        said.append(("HSET", keys.names(), user, names[-1]) if names else ("HDEL", keys.names(), user))
    return said


def threshold_commands(users: Iterable[str], state: State, keys: Keys) -> list[RedisCommand]:
    """The figures of profiles that heart rate zones are made of."""
    said: list[RedisCommand] = []
    for user in users:
        found: dict[str, float] = {}
        for word in words(state, user, ThresholdsSaid):
            found |= {name: value for name in THRESHOLDS if (value := getattr(word, name)) is not None}
        if found:
            said.append(("HSET", keys.thresholds(user), *(part for pair in found.items() for part in pair)))
        if gone := [name for name in THRESHOLDS if name not in found]:
            said.append(("HDEL", keys.thresholds(user), *gone))
    return said
