"""However facts arrive, in whatever order and batches and however often, the last word is the same."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.shown import ZoneChange
from domain.track import NO_SAMPLES, Track, track_from_columns
from domain.workouts import Completion, Correction, Deletion, Erasure, Profile, Summarised
from schemas import hot
from sinks.base import Document, Fact, Span
from stridelog.batch import Batch, Record
from stridelog.joining import Join
from stridelog.projections.boards import score_rows, touch
from stridelog.projections.efforts import BoardFact, keep
from stridelog.projections.training import day_rows
from stridelog.state import State
from tests.messages import summarised

DAY_US = 86_400_000_000
T0 = 1_760_000_000_000_000
USER = "ada"
PRIVACY_KEY = bytes(32)
ENVELOPE: dict[str, Any] = {"user": USER, "zone": "Europe/Oslo", "source": "test", "producer": "test"}
WORKOUTS = [f"0000000{i}-0000-4000-8000-000000000000" for i in range(4)]


def start_of(index: int) -> int:
    """The second and third workout are recordings of the same activity by two devices."""
    return T0 + (index - (1 if index == 2 else 0)) * DAY_US


def completed(index: int, minutes: int = 30, days: int = 0) -> hot.WorkoutCompleted:
    begin = start_of(index) + days * DAY_US
    end = begin + minutes * 60_000_000
    data = hot.WorkoutCompletedData(
        workout_id=WORKOUTS[index],
        sport="running",
        start=begin,
        end=end,
        pauses=(),
        stated=hot.Stated(distance_m=5_000.0 + index),
    )
    return hot.WorkoutCompleted.of(time=end, data=data, **ENVELOPE)


def stored(index: int) -> hot.SamplesStored:
    data = hot.SamplesStoredData(
        workout_id=WORKOUTS[index], first_time=start_of(index), last_time=start_of(index) + 1, frames=1, samples=1
    )
    return hot.SamplesStored.of(time=start_of(index), data=data, **ENVELOPE)


def edited(index: int, title: str, at: int) -> hot.WorkoutEdited:
    return hot.WorkoutEdited.of(
        time=T0 + at, data=hot.WorkoutEditedData(workout_id=WORKOUTS[index], title=title), **ENVELOPE
    )


def deleted(index: int) -> hot.WorkoutDeleted:
    return hot.WorkoutDeleted.of(
        time=T0 + 9 * DAY_US, data=hot.WorkoutDeletedData(workout_id=WORKOUTS[index]), **ENVELOPE
    )


REGISTERED = hot.UserRegistered.of(
    time=T0 - DAY_US, data=hot.UserRegisteredData(name="Ada", sex="female", birth_year=1990), **ENVELOPE
)
FITTER = hot.ProfileChanged.of(time=T0 + DAY_US, data=hot.ProfileChangedData(hr_rest_bpm=45.0), **ENVELOPE)

HOME = hot.PrivacyZoneSetData(zone_id=WORKOUTS[0], latitude_deg=60.0, longitude_deg=10.0, radius_m=400)
HIDDEN = hot.PrivacyZoneSet.of(time=T0, data=HOME, **ENVELOPE)
MOVED = hot.PrivacyZoneSet.of(time=T0 + 1, data=msgspec.structs.replace(HOME, radius_m=800), **ENVELOPE)

FACTS: dict[str, list[Any]] = {
    "user-events": [REGISTERED, FITTER, HIDDEN, MOVED],
    "workout-events": [
        completed(0),
        completed(1),
        completed(2),
        completed(3),
        completed(3, minutes=45),
        edited(1, "first", 1),
        edited(1, "second", 2),
        deleted(0),
    ],
    "samples-stored": [stored(0), stored(1), stored(2), stored(3)],
}


def track_of(index: int) -> Track:
    seconds = np.arange(0, 1_800, 5)
    rng = np.random.default_rng(index)
    return track_from_columns(
        start_of(index) + seconds * 1_000_000,
        heart_rate_bpm=140 + rng.normal(0, 5, len(seconds)).round(),
        distance_m=np.asarray(seconds * 2.8, dtype=np.float64),
        speed_m_s=np.full(len(seconds), 2.8),
        latitude_deg=np.asarray(60.0 + seconds * 2.8 / 111_195.0, dtype=np.float64),
        longitude_deg=np.full(len(seconds), 10.0),
    )


TRACKS = {WORKOUTS[index]: track_of(index) for index in (1, 2, 3)}


class Log:
    """Three topics; batches are taken from them in some interleaving."""

    def __init__(self, topics: dict[str, list[Any]]) -> None:
        self.topics = topics
        self.read = dict.fromkeys(topics, 0)

    def batch(self, topic: str, size: int) -> Batch | None:
        first = self.read[topic]
        messages = self.topics[topic][first : first + size]
        if not messages:
            return None
        self.read[topic] += len(messages)
        records = [Record(first + i, 0, message) for i, message in enumerate(messages)]
        return Batch(Span(topic, 0, first, first + len(messages)), records)


class Store:
    """Facts as PostgreSQL keeps them."""

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], Fact] = {}

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        return {user: list(self.facts.values()) for user in users}

    def write(self, facts: list[Fact]) -> None:
        self.facts |= {(fact.kind, fact.id): fact for fact in facts}


def state_of(store: Store) -> State:
    state = State(store, (Profile, ZoneChange, Completion, Correction, Deletion, Erasure, Summarised), 10)
    asyncio.run(state.load([USER]))
    return state


def last_words(
    topics: dict[str, list[Any]], steps: Sequence[tuple[int, int]], crashes: Collection[int] = ()
) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Run the join over batches as ``steps`` (which topic, how many records) say, then over the rest.

    In the batches whose numbers are in ``crashes`` the worker ends after the facts and before anything else is written.
    """
    store = Store()
    state = state_of(store)
    log, names = Log(topics), list(topics)
    samples_known: set[str] = set()
    said: dict[Any, Any] = {}
    documents: dict[str, Any] = {}
    for number, (topic, size) in enumerate([*((names[t], n) for t, n in steps), *((name, 1_000) for name in names)]):
        batch = log.batch(topic, size)
        if batch is None:
            continue
        samples_known |= {r.message.data.workout_id for r in batch.records if isinstance(r.message, hot.SamplesStored)}
        known = {wid: TRACKS[wid] for wid in samples_known & TRACKS.keys()}
        messages, written = worked_out(batch, state, known)
        store.write(state.take_pending())
        if number in crashes:
            state = state_of(store)
            messages, written = worked_out(batch, state, known)
            # The store holds this span: what the second attempt makes of facts is not written.
            state.take_pending()
            state = state_of(store)
        said |= {(type(message), message.data.workout_id): message for message in messages}
        documents |= {document.id: document for document in written}
    return said, documents


def worked_out(batch: Batch, state: State, known: dict[str, Track]) -> tuple[list[Any], list[Document]]:
    join = Join(state, batch.span, PRIVACY_KEY)
    join.keep(batch.records)
    join.summarise({(user, wid): known.get(wid, NO_SAMPLES) for user, wid in join.touched()})
    return join.work_out()


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[dict[str, list[Any]], list[tuple[int, int]]]:
    topics = {}
    for name, messages in FACTS.items():
        repeats = draw(st.lists(st.sampled_from(messages), max_size=3))
        topics[name] = draw(st.permutations([*messages, *repeats]))
    steps = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=20))
    return topics, steps


@given(arrivals())
@settings(max_examples=60, deadline=None)
def test_the_last_word_on_workouts_does_not_depend_on_arrival(
    arrival: tuple[dict[str, list[Any]], list[tuple[int, int]]],
) -> None:
    assert last_words(*arrival) == last_words(FACTS, [])


@given(arrivals(), st.sets(st.integers(0, 22)))
@settings(max_examples=60, deadline=None)
def test_the_last_word_on_workouts_does_not_depend_on_crashes_between_facts_and_messages(
    arrival: tuple[dict[str, list[Any]], list[tuple[int, int]]], crashes: set[int]
) -> None:
    assert last_words(*arrival, crashes) == last_words(FACTS, [])


def test_who_looked_back_at_a_workout_that_moved_is_said_anew_after_a_crash_too() -> None:
    moved = {"workout-events": [*(completed(index) for index in (0, 1, 3)), completed(0, minutes=45, days=60)]}
    assert last_words(moved, [(0, 3)], crashes=[1]) == last_words(moved, [])


def test_the_last_word_is_what_the_facts_say() -> None:
    said, documents = last_words(FACTS, [])
    summaries = {WORKOUTS.index(wid): m.data for (kind, wid), m in said.items() if kind is hot.WorkoutSummarised}
    assert {index: data.status for index, data in summaries.items()} == {
        0: "deleted",
        1: "counted",
        2: "duplicate",
        3: "counted",
    }
    assert summaries[2].duplicate_of == WORKOUTS[1]
    assert summaries[1].title == "second"
    assert summaries[3].end - summaries[3].start == 45 * 60_000_000, "the longer report of a workout prevails"
    assert documents[WORKOUTS[0]] == Document("workouts", WORKOUTS[0])


def summary_of(
    index: int, *, status: Any = "counted", day: int = 0, distance_m: float = 5_000.0
) -> hot.WorkoutSummarised:
    begin = start_of(index) + day * DAY_US
    return summarised(WORKOUTS[index], begin, user=USER, status=status, distance_m=distance_m)


# Per workout the order counts, as it does on the topic: the last one is the last word.
SUMMARIES = [
    summary_of(0),
    summary_of(1),
    summary_of(0, day=40),
    summary_of(3),
    summary_of(1, distance_m=6_000.0),
    summary_of(3, status="deleted"),
]


def board_rows(cuts: Sequence[int]) -> dict[Any, Any]:
    """What the boards hold after the summaries, in batches as ``cuts`` say; the newest row of a key counts."""
    state = State(None, (BoardFact,), 10)
    asyncio.run(state.load([USER]))
    rows: dict[Any, Any] = {}
    log = Log({"workout-summaries": SUMMARIES})
    for size in [*cuts, 1_000]:
        batch = log.batch("workout-summaries", size)
        if batch is not None:
            for row in score_rows(touch(batch, state), 0).columns.to_pylist():
                key = tuple(row[name] for name in ("metric", "sport", "period", "period_key"))
                rows[key] = (row["score"], row["achieved_at"], row["workouts"], row["deleted"])
    return {key: row for key, row in rows.items() if not row[-1]}


@given(st.lists(st.integers(1, 4), max_size=6))
@settings(deadline=None)
def test_boards_do_not_depend_on_how_summaries_are_cut_into_batches(cuts: list[int]) -> None:
    assert board_rows(cuts) == board_rows([])


def test_a_workout_that_moves_to_another_day_leaves_no_score_behind() -> None:
    rows = board_rows([])
    totals = {key: row[0] for key, row in rows.items() if key[:3] == ("distance", "running", "all")}
    assert totals == {("distance", "running", "all", "all"): 11_000.0}
    days = sorted(key[3] for key in rows if key[:3] == ("distance", "running", "day"))
    assert days == ["2025-10-10", "2025-11-18"]


def days_of(cuts: Sequence[int], replayed: int = 0, summaries: Sequence[Any] = SUMMARIES) -> dict[Any, Any]:
    """What ``training_days`` holds after the summaries in batches as ``cuts`` say.

    Of the first ``replayed`` batches the facts were kept and the rows lost, before all came again.
    """
    state = State(None, (BoardFact,), 10)
    asyncio.run(state.load([USER]))
    rows: dict[Any, Any] = {}
    log = Log({"workout-summaries": list(summaries)})
    batches = [batch for size in [*cuts, 1_000] if (batch := log.batch("workout-summaries", size)) is not None]
    for batch in batches[:replayed]:
        keep(batch, state)
    for batch in batches:
        for row in day_rows(keep(batch, state), state, 0).columns.to_pylist():
            if row["source_offset"] >= rows.get(row["local_day"], row)["source_offset"]:
                rows[row["local_day"]] = row
    return {day: {k: v for k, v in row.items() if k != "source_offset"} for day, row in rows.items()}


@given(st.lists(st.integers(1, 4), max_size=6), st.integers(0, 6))
@settings(deadline=None)
def test_training_days_depend_neither_on_cuts_nor_on_a_crash_that_kept_the_facts(cuts: list[int], again: int) -> None:
    def left(rows: dict[Any, Any]) -> dict[Any, str]:
        return {day: repr(row) for day, row in rows.items() if not row["deleted"]}

    assert left(days_of(cuts, again)) == left(days_of([]))


def test_days_before_the_first_and_after_the_last_workout_go() -> None:
    rows = days_of([1] * len(SUMMARIES))
    left = sorted(day.isoformat() for day, row in rows.items() if not row["deleted"])
    assert (left[0], left[-1], len(left)) == ("2025-10-10", "2025-11-18", 40)
    assert [rows[date.fromisoformat(left[0])]["load"], rows[date.fromisoformat(left[1])]["load"]] == [30.0, 0.0]


def test_days_of_rest_come_and_go_with_the_workouts_around_them() -> None:
    both = [summary_of(0), summary_of(1, day=4)]  # the first day and the sixth
    assert len([row for row in days_of([1], summaries=both).values() if not row["deleted"]]) == 6
    for gone in ({"index": 0}, {"index": 1, "day": 4}):
        rows = days_of([1, 1], summaries=[*both, summary_of(**gone, status="deleted")])
        assert len([row for row in rows.values() if not row["deleted"]]) == 1
