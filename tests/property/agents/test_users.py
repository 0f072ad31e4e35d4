"""Who users are does not depend on when their words come: the latest by its own time counts, none before an erasure."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from domain.workouts import Erasure
from schemas import hot
from sinks.base import RedisCommand, Span
from sinks.keys import Keys
from stridelog.batch import Batch, Record
from stridelog.projections.users import (
    NameSaid,
    ThresholdsSaid,
    keep,
    name_commands,
    name_said,
    threshold_commands,
    thresholds_said,
)
from stridelog.state import State
from verification import live
from verification.outcomes import Valid

T0: Final = 1_795_000_000_000_000
USERS: Final = ("ada", "bea")
KEYS: Final = Keys("users")
HEAD: Final[dict[str, Any]] = {"zone": "UTC", "source": "test", "producer": "test"}


@st.composite
def events(draw: st.DrawFn) -> Any:
    user, time = draw(st.sampled_from(USERS)), T0 + draw(st.integers(0, 9))
    name = draw(st.sampled_from(["Ada", "Bea", "Countess"]))
    figures: dict[str, Any] = {"lthr_bpm": draw(st.sampled_from([None, 160.0, 170.0])), "birth_year": 1990}
    kind = draw(st.sampled_from(["registered", "changed", "changed", "erased", "consent"]))
    if kind == "registered":
        data = hot.UserRegisteredData(name=name, sex="female", **figures)
        return hot.UserRegistered.of(user=user, time=time, data=data, **HEAD)
    if kind == "changed":
        changed = hot.ProfileChangedData(name=draw(st.sampled_from([None, name])), **figures)
        return hot.ProfileChanged.of(user=user, time=time, data=changed, **HEAD)
    if kind == "erased":
        return hot.UserErased.of(user=user, time=time, data=hot.UserErasedData(), **HEAD)
    consent = hot.ConsentChangedData(purpose="research", granted=True)
    return hot.ConsentChanged.of(user=user, time=time, data=consent, **HEAD)


class Redis:
    """Hashes, as far as these commands go."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, Any]] = {}

    def run(self, commands: Sequence[RedisCommand]) -> None:
        for kind, key, *rest in commands:
            held = self.hashes.setdefault(str(key), {})
            if kind == "HSET":
                held.update(zip(map(str, rest[::2]), rest[1::2], strict=True))
            else:
                assert kind == "HDEL"
                for name in rest:
                    held.pop(str(name), None)


def batch(messages: Sequence[Any], first: int) -> Batch:
    span = Span("user-events", 0, first, first + len(messages))
    return Batch(span, [Record(first + i, 0, message) for i, message in enumerate(messages)])


@given(st.lists(events(), max_size=14), st.lists(st.integers(1, 5), max_size=6), st.booleans())
def test_names_and_figures_are_what_users_said_last_by_their_own_clock(
    said: list[Any], cuts: list[int], is_repeated: bool
) -> None:
    redis = Redis()
    state = State(None, (NameSaid, ThresholdsSaid, Erasure), 1_000)
    asyncio.run(state.load(USERS))
    log = said + said if is_repeated else said
    dropped = first = 0
    while first < len(log):
        part = batch(log[first : first + (cuts.pop() if cuts else 3)], first)
        named, told = (keep(part, state, word, other="other") for word in (name_said, thresholds_said))
        redis.run(name_commands(named.offsets, state, KEYS))
        redis.run(threshold_commands(told.offsets, state, KEYS))
        dropped += named.dropped["other"]
        first += len(part.records)
    events_of = [Valid(i, 0, message) for i, message in enumerate(log)]
    assert redis.hashes.get(KEYS.names(), {}) == live.display_names(events_of)
    figures = {user: held for user in USERS if (held := redis.hashes.get(KEYS.thresholds(user)))}
    assert figures == live.thresholds(events_of)
    assert dropped >= sum(isinstance(message, hot.ConsentChanged) for message in log)


def test_what_was_typed_before_an_erasure_and_sent_after_it_brings_nobody_back() -> None:
    registered = hot.UserRegistered.of(
        user="ada", time=T0, data=hot.UserRegisteredData(name="Ada", sex="female"), **HEAD
    )
    erased = hot.UserErased.of(user="ada", time=T0 + 10, data=hot.UserErasedData(), **HEAD)
    late = hot.ProfileChanged.of(user="ada", time=T0 + 9, data=hot.ProfileChangedData(name="Countess"), **HEAD)
    state = State(None, (NameSaid, Erasure), 1_000)
    asyncio.run(state.load(["ada"]))
    said = keep(batch([registered, erased, late], 0), state, name_said, other="other")
    assert name_commands(said.offsets, state, KEYS) == [("HDEL", KEYS.names(), "ada")]
