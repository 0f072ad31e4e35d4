"""The index of a user's workouts in time says what all their facts say, in whatever order they were put."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.summary import Stated, Summary
from domain.workouts import Completion, Correction, Deletion, Erasure, Place, Summarised
from stridelog.history import History

DAY_US = 86_400_000_000
SUMMARY = Summary(**dict.fromkeys(Summary.__dataclass_fields__, 1.0))  # type: ignore[arg-type]

TIMES = [day * DAY_US for day in (1, 2, 3, 100, 170, 172, 175, 300)]
times = st.sampled_from(TIMES)
ids = st.sampled_from(["a", "b", "c"])


def completion(start_us: int, length_us: int) -> Completion:
    return Completion("e", 0, "UTC", "running", None, start_us, start_us + length_us, (), Stated(), None, None)


@st.composite
def summarised(draw: st.DrawFn) -> Summarised:
    start_us, length_us = draw(times), draw(st.integers(0, 5)) * DAY_US
    earlier = tuple(Place(at, at + DAY_US, date(2026, 1, 1)) for at in draw(st.lists(times, max_size=2)))
    other = draw(st.sampled_from([None, None, "z"]))
    return Summarised(
        "running", start_us, start_us + length_us, date(2026, 1, 1), 1, 10, SUMMARY, other, earlier=earlier
    )


facts = st.one_of(
    st.tuples(ids, st.builds(completion, times, st.integers(0, 5).map(lambda days: days * DAY_US))),
    st.tuples(ids, summarised()),
    st.tuples(ids, summarised()),
    st.tuples(ids, st.just(Deletion(0))),
    st.tuples(st.just("erased"), st.builds(Erasure, times)),
)


def put_all(puts: list[tuple[str, Any]]) -> tuple[History, dict[type, dict[str, Any]]]:
    """The index after all, and what was put last of each kind and id. A completion comes first, as it does in life."""
    history, last = History(), dict[type, dict[str, Any]]()
    for id, fact in [*((id, completion(1, 1)) for id in "abc"), *puts]:
        history.put(id, fact)
        last.setdefault(type(fact), {})[id] = fact
    return history, last


@given(st.lists(facts, max_size=25), times, times)
def test_what_overlaps_a_span_is_found(puts: list[tuple[str, Any]], start_us: int, end_us: int) -> None:
    history, last = put_all(puts)
    start_us, end_us = sorted((start_us, end_us))
    found = set(history.overlapping(start_us, end_us))
    now = {(id, place) for id, done in last.get(Summarised, {}).items() for place in done.places}
    ever = {(id, (fact.start_us, fact.end_us)) for id, fact in puts if isinstance(fact, Completion | Summarised)}
    ever |= {(id, place[:2]) for id, fact in puts if isinstance(fact, Summarised) for place in fact.earlier}
    assert {id for id, place in now if place.start_us <= end_us and place.end_us >= start_us} <= found
    assert found <= {id for id, (start, end) in ever if start <= end_us and end >= start_us}


@given(st.lists(facts, max_size=25))
def test_loads_are_those_of_the_workouts_that_count(puts: list[tuple[str, Any]]) -> None:
    history, last = put_all(puts)
    erased_us = last[Erasure]["erased"].time_us if Erasure in last else -1
    counted = {
        id: done
        for id, done in last.get(Summarised, {}).items()
        if done.duplicate_of is None and id not in last.get(Deletion, {}) and last[Completion][id].start_us > erased_us
    }
    for at_us in TIMES:
        before = [load.workout_id for load in history.known_at(at_us)]
        assert before == sorted(
            (id for id, done in counted.items() if at_us - 171 * DAY_US <= done.end_us <= at_us),
            key=lambda id: (counted[id].end_us, id),
        )
        after = {load.workout_id for load in history.looking_back_at(at_us, at_us + DAY_US)}
        assert after >= {
            id for id, done in counted.items() if at_us <= done.end_us and done.start_us <= at_us + 169 * DAY_US
        }
        assert after <= {id for id, done in counted.items() if at_us <= done.end_us}


def test_corrections_are_kept_by_workout() -> None:
    history = History()
    first, second = Correction("1", 0, "x", None, None), Correction("2", 0, "y", None, None)
    for id, correction in (("a/1", first), ("ab/2", second), ("a/1", first)):
        history.put(id, correction)
    assert dict(history.corrections) == {"a": {"a/1": first}, "ab": {"ab/2": second}}
