"""However facts arrive, in whatever order and batches and however often, the last word is the same."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import date
from itertools import permutations
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.workouts import workouts
from domain.track import NO_SAMPLES, Track, track_from_columns
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
WORKOUTS = [f"0000000{i}-0000-4000-8000-000000000000" for i in range(7)]
ENTRY = 6  # by hand, and impossible


def start_of(index: int) -> int:
    """The second and third workout are recordings of the same activity by two devices; the fifth and sixth are at the
    same time in two places.
    """
    return T0 + (index - (1 if index in (2, 5) else 0)) * DAY_US


def completed(index: int, minutes: int = 30, days: int = 0) -> hot.WorkoutCompleted:
    begin = start_of(index) + days * DAY_US
    end = begin + minutes * 60_000_000
    data = hot.WorkoutCompletedData(
        workout_id=WORKOUTS[index],
        sport="cycling" if index == 5 else "running",
        start=begin,
        end=end,
        pauses=(),
        stated=hot.Stated(distance_m=50_000.0 if index == ENTRY else 5_000.0 + index),
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


def shown_to(index: int, audience: Any) -> hot.WorkoutEdited:
    data = hot.WorkoutEditedData(workout_id=WORKOUTS[index], visibility=hot.WorkoutVisibility(workout=audience))
    return hot.WorkoutEdited.of(time=T0, data=data, **ENVELOPE)


def deleted(index: int) -> hot.WorkoutDeleted:
    return hot.WorkoutDeleted.of(
        time=T0 + 9 * DAY_US, data=hot.WorkoutDeletedData(workout_id=WORKOUTS[index]), **ENVELOPE
    )


def appealed(index: int, text: str, at: int) -> hot.WorkoutAppealed:
    return hot.WorkoutAppealed.of(
        time=T0 + at, data=hot.WorkoutAppealedData(workout_id=WORKOUTS[index], text=text), **ENVELOPE
    )


def reviewed(index: int, verdict: Any, at: int, rule: str = "impossible_total", version: int = 1) -> Any:
    data = hot.WorkoutReviewedData(
        workout_id=WORKOUTS[index],
        reviewer="Eva",
        verdict=verdict,
        why="Seen.",
        rules=(hot.JudgedRule(rule=rule, rule_version=version),),
    )
    return hot.WorkoutReviewed.of(time=T0 + at, data=data, **ENVELOPE)


REGISTERED = hot.UserRegistered.of(
    time=T0 - DAY_US, data=hot.UserRegisteredData(name="Ada", sex="female", birth_year=1990), **ENVELOPE
)
FITTER = hot.ProfileChanged.of(time=T0 + DAY_US, data=hot.ProfileChangedData(hr_rest_bpm=45.0), **ENVELOPE)
SET: list[tuple[int, Any, tuple[float, ...]]] = [
    (-200, "all", (0.7, 0.8)),
    (12, "running", (0.75, 0.85, 0.95)),
    (48, "running", ()),
]
OWN_ZONES = [
    hot.ZonesSet.of(
        time=T0 + hours * DAY_US // 24,
        data=hot.ZonesSetData(sport=sport, basis="heart_rate_max", upper_bounds=bounds),
        **ENVELOPE,
    )
    for hours, sport, bounds in SET
]

WORK = hot.PrivacyZoneSetData(zone_id=WORKOUTS[1], latitude_deg=60.02, longitude_deg=10.0, radius_m=800)
EARLIER_LIFE = [
    hot.UserRegistered.of(
        time=T0 - 29 * DAY_US,
        data=hot.UserRegisteredData(name="A", sex="male", birth_year=1950, hr_max_bpm=160),
        **ENVELOPE,
    ),
    hot.ProfileChanged.of(time=T0 - 28 * DAY_US, data=hot.ProfileChangedData(hr_max_bpm=155, mass_kg=100), **ENVELOPE),
    hot.ZonesSet.of(
        time=T0 - 27 * DAY_US,
        data=hot.ZonesSetData(sport="cycling", basis="heart_rate_max", upper_bounds=(0.6, 0.8)),
        **ENVELOPE,
    ),
    hot.PrivacyZoneSet.of(time=T0 - 26 * DAY_US, data=WORK, **ENVELOPE),
    hot.UserErased.of(time=T0 - 25 * DAY_US, data=hot.UserErasedData(), **ENVELOPE),
]
HOME = hot.PrivacyZoneSetData(zone_id=WORKOUTS[0], latitude_deg=60.0, longitude_deg=10.0, radius_m=400)
HIDDEN = hot.PrivacyZoneSet.of(time=T0, data=HOME, **ENVELOPE)
FOR_ALL = hot.VisibilityChanged.of(
    time=T0,
    data=hot.VisibilityChangedData(workout="everyone", map="only_me", heart_rate="only_me"),
    **ENVELOPE,
)
FOR_NOBODY = hot.VisibilityChanged.of(
    time=T0 + 1,
    data=hot.VisibilityChangedData(workout="only_me", map="only_me", heart_rate="only_me"),
    **ENVELOPE,
)
MOVED = hot.PrivacyZoneSet.of(time=T0 + 1, data=msgspec.structs.replace(HOME, radius_m=800), **ENVELOPE)

FACTS: dict[str, list[Any]] = {
    "user-events": [*EARLIER_LIFE, REGISTERED, FITTER, *OWN_ZONES, HIDDEN, MOVED, FOR_ALL, FOR_NOBODY],
    "workout-events": [
        completed(0),
        completed(1),
        completed(2),
        completed(3),
        completed(3, minutes=45),
        edited(1, "first", 1),
        edited(1, "second", 2),
        shown_to(3, "followers"),
        deleted(0),
        completed(4),
        completed(5),
        completed(ENTRY),
        appealed(ENTRY, "first", 1),
        appealed(ENTRY, "second", 2),
        reviewed(ENTRY, "upheld", 3),
        reviewed(ENTRY, "reinstated", 4),
        reviewed(ENTRY, "upheld", 5, version=2),
    ],
    "samples-stored": [stored(index) for index in range(6)],
}


def track_of(index: int) -> Track:
    seconds = np.arange(0, 1_800, 5)
    rng = np.random.default_rng(index)
    if index == 2:  # knows less, and something that the other one of the same activity does not
        return track_from_columns(
            start_of(index) + (seconds + 2) * 1_000_000,
            heart_rate_bpm=130 + rng.normal(0, 5, len(seconds)).round(),
            altitude_m=np.asarray(100 + seconds * 0.1, dtype=np.float64),
        )
    return track_from_columns(
        start_of(index) + seconds * 1_000_000,
        heart_rate_bpm=140 + rng.normal(0, 5, len(seconds)).round(),
        distance_m=np.asarray(seconds * 2.8, dtype=np.float64),
        speed_m_s=np.full(len(seconds), 2.8),
        latitude_deg=np.asarray(
            (46.0 + index if index in (4, 5) else 60.0) + seconds * 2.8 / 111_195.0, dtype=np.float64
        ),
        longitude_deg=np.full(len(seconds), 10.0),
    )


TRACKS = {WORKOUTS[index]: track_of(index) for index in range(1, 6)}


class Log:
    """Three topics; batches are taken from them in some interleaving."""

    def __init__(self, topics: dict[str, list[Any]], logged_ms: dict[str, list[int]] | None = None) -> None:
        self.topics = topics
        self.logged_ms = logged_ms or {}
        self.read = dict.fromkeys(topics, 0)

    def batch(self, topic: str, size: int) -> Batch | None:
        first = self.read[topic]
        messages = self.topics[topic][first : first + size]
        if not messages:
            return None
        self.read[topic] += len(messages)
        logged = self.logged_ms.get(topic, [0] * len(self.topics[topic]))[first:]
        records = [Record(first + i, logged[i], message) for i, message in enumerate(messages)]
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
    state = State(store, workouts.facts, 10)
    asyncio.run(state.load([USER]))
    return state


def last_words(
    topics: dict[str, list[Any]],
    steps: Sequence[tuple[int, int]],
    crashes: Collection[int] = (),
    log: Log | None = None,
) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Run the join over batches as ``steps`` (which topic, how many records) say, then over the rest.

    In the batches whose numbers are in ``crashes`` the worker ends after the facts and before anything else is written.
    """
    store = Store()
    state = state_of(store)
    log, names = log or Log(topics), list(topics)
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
    join = Join(state, batch.span, PRIVACY_KEY, {"heart_rate": ("phone*",)})
    join.keep(batch.records)
    for group in join.touched():
        join.summarise({(user, wid): known.get(wid, NO_SAMPLES) for user, wid in group})
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


def test_what_was_said_before_an_erasure_is_as_if_it_had_not_been() -> None:
    events = FACTS["user-events"]
    assert last_words(FACTS, []) == last_words(FACTS | {"user-events": events[len(EARLIER_LIFE) :]}, [])


def test_who_looked_back_at_a_workout_that_moved_is_said_anew_after_a_crash_too() -> None:
    moved = {"workout-events": [*(completed(index) for index in (0, 1, 3)), completed(0, minutes=45, days=60)]}
    assert last_words(moved, [(0, 3)], crashes=[1]) == last_words(moved, [])


def test_workouts_that_became_private_are_said_anew_after_a_crash_too() -> None:
    topics: dict[str, list[Any]] = {
        "user-events": [FOR_ALL, FOR_NOBODY],
        "workout-events": [completed(1), completed(3)],
    }
    said, documents = last_words(topics, [(0, 1), (1, 2), (0, 1)], crashes=[2])
    assert (said, documents) == last_words(topics, [])
    assert [m.data.private for m in said.values() if isinstance(m, hot.WorkoutSummarised)] == [True, True]


@pytest.mark.parametrize("zones", [*permutations(["UTC", "+01:00", "Pacific/Honolulu"])])
def test_a_report_that_names_the_place_prevails_over_the_same_one_that_does_not(zones: tuple[str, ...]) -> None:
    reports = [msgspec.structs.replace(completed(0), zone=zone) for zone in zones]
    said, documents = last_words({"workout-events": reports}, [(0, 1)] * 3)
    word = said[hot.WorkoutSummarised, WORKOUTS[0]]
    assert (word.zone, word.data.local_day) == ("Pacific/Honolulu", date(2025, 10, 8))
    assert documents[WORKOUTS[0]].set["local_day"] == "2025-10-08"


def test_the_last_word_is_what_the_facts_say() -> None:
    said, documents = last_words(FACTS, [])
    summaries = {WORKOUTS.index(wid): m.data for (kind, wid), m in said.items() if kind is hot.WorkoutSummarised}
    assert {index: data.status for index, data in summaries.items()} == {
        0: "deleted",
        1: "counted",
        2: "duplicate",
        3: "counted",
        4: "counted",
        5: "counted",
        ENTRY: "counted",
    }
    assert summaries[2].duplicate_of == WORKOUTS[1]
    assert {one.channel: WORKOUTS.index(one.workout_id) for one in summaries[1].channel_sources} == {
        "heart_rate": 1,
        "speed": 1,
        "distance": 1,
        "position": 1,
        "altitude": 2,
    }
    assert summaries[1].summary.elevation_gain_m == pytest.approx(179, abs=5)
    assert summaries[1].title == "second"
    assert summaries[3].end - summaries[3].start == 45 * 60_000_000, "the longer report of a workout prevails"
    assert documents[WORKOUTS[0]] == Document("workouts", WORKOUTS[0])
    judged = {index: [(f.rule, f.decision, f.verdict) for f in data.flags] for index, data in summaries.items()}
    assert {index: flags for index, flags in judged.items() if flags} == {
        4: [("two_places", "noted", None)],
        5: [("two_places", "flagged", None)],
        ENTRY: [("impossible_total", "flagged", "reinstated")],
    }
    assert {index for index, data in summaries.items() if data.shadowed} == {5}
    assert {index for index, data in summaries.items() if data.private} == {1, 2, 4, 5, ENTRY}
    assert (summaries[ENTRY].appeal, summaries[ENTRY].review) == (
        "second",
        hot.Review(at=T0 + 5, reviewer="Eva", verdict="upheld", why="Seen."),
    )
    assert documents[WORKOUTS[5]].set["flags"] == [msgspec.structs.asdict(flag) for flag in summaries[5].flags]


def test_two_recordings_of_one_time_and_sport_are_one_workout_in_one_place_and_two_in_two() -> None:
    def standing(*indexes: int) -> list[str]:
        runs = [completed(index) for index in indexes]
        runs = [msgspec.structs.replace(run, data=msgspec.structs.replace(run.data, sport="running")) for run in runs]
        facts: dict[str, list[Any]] = {"workout-events": runs, "samples-stored": [stored(index) for index in indexes]}
        said, _ = last_words({"user-events": [REGISTERED], **facts}, [])
        return [said[hot.WorkoutSummarised, WORKOUTS[index]].data.status for index in indexes]

    assert standing(1, 2) == ["counted", "duplicate"]
    assert standing(4, 5) == ["counted", "counted"]


def test_who_is_in_two_places_depends_on_what_the_log_took_in_first() -> None:
    topics = {**FACTS, "workout-events": [completed(5), completed(4)]}

    def decisions(logged_ms: list[int]) -> list[str]:
        log = Log(topics, {"workout-events": logged_ms})
        said, _ = last_words(topics, [], log=log)
        return [said[hot.WorkoutSummarised, WORKOUTS[index]].data.flags[0].decision for index in (4, 5)]

    assert decisions([1, 2]) == ["flagged", "noted"]
    assert decisions([2, 1]) == ["noted", "flagged"]
    topics["workout-events"] += [completed(4, minutes=31)]  # sent again it is as old as it was
    assert decisions([2, 1, 3]) == ["noted", "flagged"]


def test_a_workout_that_is_deleted_takes_the_flag_of_the_other_place_with_it() -> None:
    topics: dict[str, list[Any]] = {
        "workout-events": [completed(4), completed(5), deleted(4)],
        "samples-stored": [stored(4), stored(5)],
    }
    said, _ = last_words(topics, [(0, 2), (1, 2), (0, 1)])
    assert said[hot.WorkoutSummarised, WORKOUTS[5]].data.flags == ()
    assert said[hot.WorkoutSummarised, WORKOUTS[4]].data.status == "deleted"


def test_a_workout_is_in_the_zones_that_held_for_its_sport_when_it_began() -> None:
    said, _ = last_words(FACTS, [])
    found = {WORKOUTS.index(wid): m.data.summary for (kind, wid), m in said.items() if kind is hot.WorkoutSummarised}
    assert found[1].zones_set_by == OWN_ZONES[1].id
    assert (found[1].zone_basis, len(found[1].time_in_zones_s)) == ("heart_rate_max", 4)
    assert found[3].zones_set_by == OWN_ZONES[0].id, "what was set for running was taken back"
    assert len(found[3].time_in_zones_s) == 3


def test_what_was_fused_is_taken_apart_when_the_other_recording_is_deleted() -> None:
    facts = {**FACTS, "workout-events": [*FACTS["workout-events"], deleted(2)]}
    said, _ = last_words(facts, [])
    alone = said[hot.WorkoutSummarised, WORKOUTS[1]].data
    assert (alone.channel_sources, alone.summary.elevation_gain_m) == ((), None)


@given(arrivals(), st.sets(st.integers(0, 22)))
@settings(max_examples=30, deadline=None)
def test_what_is_fused_and_taken_apart_again_does_not_depend_on_arrival(
    arrival: tuple[dict[str, list[Any]], list[tuple[int, int]]], crashes: set[int]
) -> None:
    topics, steps = arrival
    topics = {**topics, "workout-events": [deleted(2), *topics["workout-events"]]}
    later = {**topics, "workout-events": [*topics["workout-events"][1:], deleted(2)]}
    assert last_words(topics, steps, crashes) == last_words(later, [])


def test_a_workout_whose_clock_was_reset_is_summarised_whole_and_counted() -> None:
    right = track_of(3)
    rows = slice(200, None)
    time_us = right.time_us.copy()
    time_us[rows] += 1_546_300_820_000_000 - time_us[200]  # from there on its device thought that it was 2019
    wrong = track_from_columns(time_us, heart_rate_bpm=right.heart_rate_bpm, distance_m=right.distance_m)
    state = state_of(Store())
    found: list[Any] = []
    for track in (right, wrong):
        records = [Record(0, 0, completed(3))]
        join = Join(state, Span("workout-events", 0, 0, 1), PRIVACY_KEY, {})
        join.keep(records)
        join.summarise({key: track for group in join.touched() for key in group})
        said = next(m for m in join.work_out()[0] if isinstance(m, hot.WorkoutSummarised))
        assert said.data.summary is not None
        found.append((said.data.summary.distance_m, said.data.summary.sample_count, dict(join.timing)))
    assert [one[:2] for one in found] == [found[0][:2]] * 2
    assert [one[2] for one in found] == [{}, {"clock_reset": 1}]


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
