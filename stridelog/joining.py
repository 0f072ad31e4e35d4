"""The join of the ``workouts`` agent: facts of a batch → touched workouts → what is now true of them.

Everything is worked out from the user's facts, so that the last word does not depend on their order. What a batch
touches is said again even if it is not new, unless the fact came with an earlier batch, whose writes are done
(``Known.settled``).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from domain.duplicates import Candidate, clusters
from domain.features import FEATURE_WINDOW_DAYS
from domain.fusing import Priorities
from domain.track import NO_SAMPLES, Track
from domain.workouts import (
    Completion,
    Correction,
    Deletion,
    Erasure,
    Place,
    Profile,
    Summarised,
    corrected,
    prevails,
)
from schemas import hot
from sinks.base import Document, Span
from stridelog.batch import Record
from stridelog.history import History
from stridelog.projections import workouts as out
from stridelog.reported import completion_of, profile_of
from stridelog.state import Known, State
from stridelog.summarising import alone, from_recordings

Key = tuple[str, str]  # user, workout


@dataclass(frozen=True, slots=True)
class _Settled:
    """What a batch touches of one user, and what overlaps it in time; all by workout."""

    alive: dict[str, Completion]
    before: dict[str, Summarised]
    now: dict[str, Summarised]


class Join:
    """One batch of the ``workouts`` agent: ``keep``, ``summarise``, ``to_fuse``, ``fuse``, ``work_out``, in order."""

    def __init__(self, state: State, span: Span, priorities: Priorities) -> None:
        self.state = state
        self.span = span
        self.priorities = priorities
        self.users: dict[str, set[str]] = defaultdict(set)  # user → touched workouts
        self.offsets: dict[str, int] = {}  # user → offset of the last record about them
        self.summaries: dict[Key, Summarised] = {}  # as its own samples say
        self.settled: dict[str, _Settled] = {}  # by user
        self.timing: Counter[str] = Counter()  # workouts by what was wrong with their times
        self.fusing: dict[Key, tuple[str, ...]] = {}  # workout → the other recordings of its activity

    # -- facts

    def keep(self, records: Iterable[Record]) -> Counter[str]:
        """Take the facts in; how many records needed nothing, by reason."""
        dropped: Counter[str] = Counter()
        for offset, _, message in records:
            touched = self._keep(message, offset)
            if touched is None:
                dropped["duplicate" if not isinstance(message, hot.SamplesStored) else "not_completed"] += 1
            elif touched:
                self.users[message.user] |= touched
                self.offsets[message.user] = offset
        return dropped

    def _keep(self, message: Any, offset: int) -> set[str] | None:
        """The workouts that a fact touches; ``None`` if it says nothing new."""
        user = message.user
        match message:
            case hot.SamplesStored():
                workout_id = message.data.workout_id
                return {workout_id} if self.state.get(user, Completion, workout_id) else None
            case hot.UserRegistered() | hot.ProfileChanged():
                profile = profile_of(message)
                if not self._put(user, message.id, profile, offset):
                    return None
                since = 0 if profile.registration else profile.time_us
                return {wid for wid, known in self._completions(user) if known.fact.end_us >= since}
            case hot.UserErased():
                erased = self.state.get(user, Erasure, "erased")
                if erased is not None and erased.fact.time_us > message.time:
                    return None
                if not self._put(user, "erased", Erasure(message.time), offset):
                    return None
                return {wid for wid, _ in self._completions(user)}
            case hot.WorkoutCompleted():
                completion = completion_of(message)
                known = self.state.get(user, Completion, message.data.workout_id)
                if known is not None and known.fact != completion and not prevails(completion, known.fact):
                    return None
                return self._touch(user, message.data.workout_id, message.data.workout_id, completion, offset)
            case hot.WorkoutEdited():
                edit = message.data
                fact = Correction(message.id, message.time, edit.title, edit.sport, edit.rpe)
                return self._touch(user, edit.workout_id, f"{edit.workout_id}/{message.id}", fact, offset)
            case hot.WorkoutDeleted():
                wid = message.data.workout_id
                return self._touch(user, wid, wid, Deletion(message.time), offset)
        return set()

    def _touch(self, user: str, workout_id: str, fact_id: str, fact: msgspec.Struct, offset: int) -> set[str] | None:
        return {workout_id} if self._put(user, fact_id, fact, offset) else None

    def _put(self, user: str, fact_id: str, fact: msgspec.Struct, offset: int) -> bool:
        """Keep a fact; ``False`` if an earlier batch did."""
        known = self.state.get(user, type(fact), fact_id)
        if known is not None and known.fact == fact:
            return not known.settled(self.span)
        self.state.put(user, fact_id, fact, offset)
        return True

    def _completions(self, user: str) -> Iterator[tuple[str, Known[Completion]]]:
        yield from self.state.facts(user, Completion).items()

    # -- what is now true

    def touched(self) -> list[Key]:
        """The (user, workout) pairs whose samples are needed."""
        return [(user, wid) for user, ids in self.users.items() for wid in ids if self._alive(user, wid) is not None]

    def summarise(self, tracks: Mapping[Key, Track]) -> None:
        """Take the samples of some of the touched workouts; they are not kept."""
        for (user, wid), track in tracks.items():
            done, clock_was_reset = alone(self._corrected(user, wid), track, self._profiles(user))
            self.timing += Counter(clock_reset=int(clock_was_reset))
            self.summaries[user, wid] = done

    def to_fuse(self) -> list[list[Key]]:
        """Groups of workouts whose samples are needed together: the one that counts of an activity, then its other
        recordings; alone, one that counted for others before.
        """
        for user, touched in self.users.items():
            self.settled[user] = self._settle(user, touched)
        return [[(user, wid), *((user, other) for other in others)] for (user, wid), others in self.fusing.items()]

    def fuse(self, tracks: Mapping[Key, Track]) -> None:
        """Take the samples of some of the groups; they are not kept."""
        for (user, wid), others in self.fusing.items():
            if not tracks.keys() >= {(user, wid), *((user, other) for other in others)}:
                continue
            settled = self.settled[user]
            its = {one: tracks[user, one] for one in (wid, *others)}
            made = from_recordings((wid, *others), settled.alive, its, self._profiles(user), self.priorities)
            settled.now[wid] = msgspec.structs.replace(
                settled.now[wid], summary=made.summary, fused=others, sources=made.sources
            )

    def work_out(self) -> tuple[list[Any], list[Document]]:
        """Summaries and features as messages, and the documents, of all that the batch touched."""
        messages: list[Any] = []
        documents: list[Document] = []
        for user, touched in self.users.items():
            said, kept = self._of_user(user, touched)
            messages += said
            documents += kept
        return messages, documents

    def _settle(self, user: str, touched: set[str]) -> _Settled:
        """Which recordings are of one activity, and which of them counts."""
        profiles, summaries = self._profiles(user), self.state.facts(user, Summarised)
        alive = {wid: c for wid in touched if (c := self._alive(user, wid)) is not None}
        near = self._beside(user, touched, alive)
        before = {wid: summaries[wid].fact for wid in near if wid in summaries}
        now: dict[str, Summarised] = {}
        for wid in near:
            if wid in alive:
                now[wid] = _after(before.get(wid), self.summaries[user, wid])
            elif wid not in touched and (completion := self._alive(user, wid)) is not None:
                alive[wid] = completion
                now[wid] = before.get(wid) or alone(completion, NO_SAMPLES, profiles)[0]
        canonical = clusters(
            Candidate(wid, done.start_us, done.end_us, done.sport, done.channels, done.samples)
            for wid, done in now.items()
        )
        others: dict[str, list[str]] = defaultdict(list)
        for wid, leader in sorted(canonical.items()):
            other = leader if leader != wid else None
            if other is not None:
                others[leader].append(wid)
            if now[wid].duplicate_of != other:
                now[wid] = msgspec.structs.replace(now[wid], duplicate_of=other)
        for wid, done in now.items():
            fused = tuple(others.get(wid, ()))
            if fused != done.fused or touched.intersection(fused):
                self.fusing[user, wid] = fused
        return _Settled(alive, before, now)

    def _of_user(self, user: str, touched: set[str]) -> tuple[list[Any], list[Document]]:
        profiles, history = self._profiles(user), self.state.index(user, History)
        summaries, settled = self.state.facts(user, Summarised), self.settled[user]
        alive, before, now = settled.alive, settled.before, settled.now
        changed = {wid for wid, done in now.items() if done != before.get(wid)}
        # After a crash their facts may be written and their messages not, so loaded ones are said again.
        changed |= {wid for wid in now.keys() & before.keys() if summaries[wid].loaded}
        # Those that only were worked out again too: if the store holds this span already, it keeps its older form, and
        # the next span that touches the workout must mend that.
        for wid in changed | (touched & now.keys()):
            self.state.put(user, wid, now[wid], self.offsets[user])
        said = {wid for wid in touched if self.state.get(user, Completion, wid)} | changed
        completions = {wid: alive.get(wid) or self._corrected(user, wid) for wid in said}
        messages: list[Any] = [out.summarised(user, wid, completions[wid], now.get(wid)) for wid in sorted(said)]
        documents = [out.document(user, wid, completions[wid], now.get(wid)) for wid in sorted(said)]
        moved = [
            place
            for wid in changed | (said - now.keys())
            for done in (before.get(wid), now.get(wid))
            if done
            for place in done.places
        ]
        for wid in sorted(said | _looking_back_at(moved, history)):
            completion = completions.get(wid) or self._corrected(user, wid)
            done = now[wid] if wid in now else summaries[wid].fact if wid not in said else None
            facts = history.known_at(completion.end_us)
            messages.append(out.features_computed(user, wid, completion, done, facts, profiles))
        return messages, documents

    def _beside(self, user: str, touched: set[str], alive: Mapping[str, Completion]) -> set[str]:
        """``touched`` and what overlaps them in time, also by way of others: whose standing they may change."""
        history, summaries = self.state.index(user, History), self.state.facts(user, Summarised)
        front = [(self.summaries[user, wid].start_us, self.summaries[user, wid].end_us) for wid in alive]
        front += [(p.start_us, p.end_us) for wid in touched if wid in summaries for p in summaries[wid].fact.places]
        found = set(touched)
        while front:
            for wid in set(history.overlapping(*front.pop())) - found:
                found.add(wid)
                known = summaries.get(wid)
                places = known.fact.places if known else (self._corrected(user, wid),)
                front += [(place.start_us, place.end_us) for place in places]
        return found

    def _alive(self, user: str, workout_id: str) -> Completion | None:
        """The workout as corrected, unless it was deleted, erased or never completed."""
        completion = self.state.get(user, Completion, workout_id)
        if completion is None or self.state.get(user, Deletion, workout_id) is not None:
            return None
        erasure = self.state.get(user, Erasure, "erased")
        if erasure is not None and completion.fact.start_us <= erasure.fact.time_us:
            return None
        return self._corrected(user, workout_id)

    def _profiles(self, user: str) -> list[Profile]:
        return [known.fact for known in self.state.facts(user, Profile).values()]

    def _corrected(self, user: str, workout_id: str) -> Completion:
        edits = self.state.index(user, History).corrections.get(workout_id, {})
        return corrected(self.state.facts(user, Completion)[workout_id].fact, edits.values())


def _after(before: Summarised | None, done: Summarised) -> Summarised:
    """``done``, remembering where it stood before."""
    if before is None:
        return done
    places = dict.fromkeys((*before.earlier, before.places[0]))
    places.pop(done.places[0], None)
    return msgspec.structs.replace(done, earlier=tuple(places)) if places else done


def _looking_back_at(moved: Sequence[Place], history: History) -> set[str]:
    """The counted workouts whose features look back at a workout that changed, in any place that it ever had: a crash
    after facts were written and before messages were leaves those of its last move to be said now.
    """
    if not moved:
        return set()
    first_us, last_us = min(place.end_us for place in moved), max(place.end_us for place in moved)
    last_day = max(place.day for place in moved) + timedelta(days=FEATURE_WINDOW_DAYS)
    return {load.workout_id for load in history.looking_back_at(first_us, last_us) if load.day <= last_day}
