"""Threshold histories are a function of the last words, however these arrive, and what verification makes of them."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.days import local_day
from domain.workouts import Erasure
from schemas import hot
from sinks.base import Fact, Span
from stridelog.batch import Batch, Record
from stridelog.projections.evidence import EvidenceFact, StatementFact, keep
from stridelog.projections.thresholds import history_rows, newest_estimates
from stridelog.state import State
from tests.messages import summarised
from verification import boards
from verification import thresholds as verified
from verification.outcomes import Valid

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
EPOCH = date(1970, 1, 1).toordinal()
T0 = 1_760_000_000_000_000
WORKOUTS = [f"0000000{i}-0000-4000-8000-000000000000" for i in range(5)]
HEAD: dict[str, Any] = {"user": "ada", "zone": "Europe/Oslo", "source": "test", "producer": "test"}
ZONES = ("Europe/Oslo", "Pacific/Auckland", "America/Los_Angeles")


def ride(watts: dict[str, float]) -> tuple[hot.BestEffort, ...]:
    seconds = {"5 min": 300.0, "10 min": 600.0, "20 min": 1_200.0, "1 h": 3_600.0}
    return tuple(
        hot.BestEffort(kind="power", name=name, duration_s=seconds[name], power_w=power, start_us=T0)
        for name, power in watts.items()
    )


def run(seconds: float) -> tuple[hot.BestEffort, ...]:
    return (hot.BestEffort(kind="distance", name="10 km", duration_s=seconds, distance_m=10_000.0, start_us=T0),)


EFFORTS = st.one_of(
    st.dictionaries(st.sampled_from(["5 min", "10 min", "20 min", "1 h"]), st.sampled_from([200.0, 250.0, 310.0]))
    .map(ride)
    .map(lambda efforts: ("cycling", efforts)),
    st.sampled_from([2_400.0, 2_700.0, 500.0]).map(run).map(lambda efforts: ("running", efforts)),
)


@st.composite
def summaries(draw: st.DrawFn) -> list[hot.WorkoutSummarised]:
    """What is said of five workouts one after the other, some several times; the last word on each counts."""
    said = []
    for _ in range(draw(st.integers(0, 12))):
        sport, efforts = draw(EFFORTS)
        bpm = draw(st.sampled_from([None, 165.0, 171.0]))
        said.append(
            summarised(
                draw(st.sampled_from(WORKOUTS)),
                T0 + draw(st.sampled_from([0, 10, 24, 480, 1_440, 2_160, 2_170, 4_800])) * HOUR_US,
                zone=draw(st.sampled_from(ZONES)),
                sport=sport,
                status=draw(st.sampled_from(["counted", "counted", "deleted"])),
                title="Threshold test" if bpm else None,
                best_efforts=efforts,
                analysis=hot.Analysis(minutes_10_to_30_heart_rate_bpm=bpm),
            )
        )
    return said


@st.composite
def statements(draw: st.DrawFn) -> list[Any]:
    events: list[Any] = []
    for _ in range(draw(st.integers(0, 4))):
        at_us = T0 + draw(st.integers(0, 3)) * DAY_US
        made = draw(st.integers(0, 5))
        ftp_w = draw(st.sampled_from([None, 0.0, 240.0, 260.0]))
        if made == 0:
            events.append(hot.UserErased.of(time=at_us, data=hot.UserErasedData(), **HEAD))
        elif made == 1:
            data = hot.UserRegisteredData(name="Ada", sex="female", ftp_w=ftp_w, lthr_bpm=160.0)
            events.append(hot.UserRegistered.of(time=at_us, data=data, **HEAD))
        else:
            events.append(hot.ProfileChanged.of(time=at_us, data=hot.ProfileChangedData(ftp_w=ftp_w), **HEAD))
    return events


class Store:
    """Facts as PostgreSQL keeps them."""

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], Fact] = {}

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        return {user: list(self.facts.values()) for user in users}

    def state(self) -> State:
        state = State(self, (EvidenceFact, StatementFact, Erasure), 10)
        asyncio.run(state.load(["ada"]))
        return state


Rows = dict[tuple[str, str, Any], dict[str, Any]]
Said = dict[str, hot.ThresholdEstimated]


def held(topics: dict[str, list[Any]], cuts: Sequence[int], lost: int = 0) -> tuple[Rows, Said]:
    """What the table and the topic hold after the topics' records in batches as ``cuts`` say, topic by topic.

    Of the first ``lost`` batches the facts were kept and the rows lost; another worker then reads all again, with one
    record a batch.
    """
    store = Store()
    rows: Rows = {}
    said: Said = {}
    state = store.state()
    for topic, messages in topics.items():
        batches = list(_batches(topic, messages, [*cuts, 1_000]))
        if lost:
            for batch in batches[:lost]:
                keep(batch, state)
                store.facts |= {(fact.kind, fact.id): fact for fact in state.take_pending()}
            state = store.state()
            batches = list(_batches(topic, messages, [1] * len(messages)))
        for batch in batches:
            kept = keep(batch, state)
            for row in history_rows(kept, state, 0).columns.to_pylist():
                key = row["origin"], row["kind"], row["local_day"]
                if key not in rows or row["source_offset"] >= rows[key]["source_offset"]:
                    rows[key] = row
            said |= {message.data.kind: message for message in newest_estimates(kept, state)}
    return rows, said


def _batches(topic: str, messages: list[Any], sizes: Sequence[int]) -> Any:
    first = 0
    for size in sizes:
        some = messages[first : first + size]
        if some:
            records = [Record(first + i, 0, message) for i, message in enumerate(some)]
            yield Batch(Span(topic, 0, first, first + len(some)), records)
            first += len(some)


def left(rows: Rows) -> dict[Any, dict[str, Any]]:
    meta = {"deleted", "source_offset", "source_partition", "user_id"}
    return {
        key: {name: value for name, value in row.items() if name not in meta}
        for key, row in rows.items()
        if not row["deleted"]
    }


def valid(messages: list[Any]) -> list[Valid]:
    return [Valid(offset, 0, message) for offset, message in enumerate(messages)]


def expected(topics: dict[str, list[Any]]) -> dict[Any, Any]:
    """The same by the code of verification."""
    last = boards.last_of(valid(topics["workout-summaries"]))
    table = verified.history_table(verified.evidence_of(last), verified.stated_by(valid(topics["user-events"])))
    return {(row["origin"], row["kind"], row["local_day"]): row for row in table.to_pylist()}


def comparable(row: dict[str, Any]) -> tuple[Any, ...]:
    value = row["value"]
    return (None if value is None or value != value else value, row["method"], row["evidence_ids"])


def days(found: dict[Any, dict[str, Any]]) -> dict[Any, tuple[Any, ...]]:
    return {
        (origin, kind, day if isinstance(day, int) else day.toordinal() - EPOCH): comparable(row)
        for (origin, kind, day), row in found.items()
    }


CUTS = st.lists(st.integers(1, 4), max_size=6)


@given(summaries(), statements(), CUTS, st.integers(0, 6))
@settings(max_examples=80, deadline=None)
def test_the_table_holds_what_verification_makes_of_the_last_words(
    workouts: list[Any], stated: list[Any], cuts: list[int], lost: int
) -> None:
    topics = {"workout-summaries": workouts, "user-events": stated}
    rows, said = held(topics, cuts, lost)
    assert days(left(rows)) == days(expected(topics))
    last = verified.evidence_of(boards.last_of(valid(workouts)))
    assert verified.last_said(valid(list(said.values()))) == verified.newest(last)


@given(st.permutations(range(6)), CUTS)
@settings(deadline=None)
def test_what_athletes_state_may_come_in_any_order_and_twice(order: list[int], cuts: list[int]) -> None:
    changes = [
        hot.ProfileChanged.of(time=T0 + i * DAY_US, data=hot.ProfileChangedData(ftp_w=200.0 + i), **HEAD)
        for i in range(6)
    ]
    arrived = [changes[i] for i in order]
    assert left(held({"user-events": arrived + arrived[:3]}, cuts)[0]) == left(held({"user-events": changes}, [])[0])


def ftp_of(rows: Rows) -> list[float | None]:
    kept = sorted((row["changed_at"], row["value"]) for row in left(rows).values() if row["kind"] == "ftp_w")
    return [value for _, value in kept]


def test_a_deleted_ride_takes_its_threshold_along() -> None:
    hard, easy = ride({"20 min": 300.0}), ride({"20 min": 200.0})
    log = [
        summarised(WORKOUTS[0], T0, sport="cycling", best_efforts=easy),
        summarised(WORKOUTS[1], T0 + 5 * DAY_US, sport="cycling", best_efforts=hard),
    ]
    rows, said = held({"workout-summaries": log}, [1])
    assert ftp_of(rows) == [190.0, 285.0, None]
    assert said["ftp_w"].data.value == 285.0
    rows, said = held({"workout-summaries": [*log, summarised(WORKOUTS[1], T0 + 5 * DAY_US, status="deleted")]}, [1, 1])
    assert ftp_of(rows) == [190.0, None]
    assert (said["ftp_w"].data.value, said["ftp_w"].data.evidence[0].workout_id) == (190.0, WORKOUTS[0])


def test_a_late_ride_writes_its_ninety_days_and_no_others() -> None:
    easy = ride({"20 min": 200.0})
    season = [
        summarised(f"{i:08d}-0000-4000-8000-000000000000", T0 + i * DAY_US, sport="cycling", best_efforts=easy)
        for i in range(0, 400, 4)
    ]
    late = summarised(WORKOUTS[1], T0 + 201 * DAY_US, sport="cycling", best_efforts=ride({"20 min": 300.0}))
    store = Store()
    state = store.state()
    keep(next(_batches("workout-summaries", season, [1_000])), state)
    batch = Batch(Span("workout-summaries", 0, 1_000, 1_001), [Record(1_000, 0, late)])
    rows = history_rows(keep(batch, state), state, 0).columns.to_pylist()
    first = local_day(T0, "Europe/Oslo").toordinal()
    assert {(row["local_day"].toordinal() - first) for row in rows} <= set(range(201, 292))
    assert {row["source_offset"] for row in rows} == {1_000}
    assert len(rows) < 200


def test_of_two_workouts_that_end_at_one_time_in_two_places_one_says_which_day_it_was() -> None:
    hard = ride({"20 min": 300.0})
    east = summarised(WORKOUTS[0], T0 + 10 * HOUR_US, sport="cycling", best_efforts=hard, zone="Pacific/Auckland")
    west = summarised(WORKOUTS[1], T0 + 10 * HOUR_US, sport="cycling", best_efforts=hard)
    for log in ([west, east], [east, west]):
        rows, _ = held({"workout-summaries": log}, [1])
        assert days(left(rows)) == days(expected({"workout-summaries": log, "user-events": []}))
