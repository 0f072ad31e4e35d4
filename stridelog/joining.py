"""The join of the ``workouts`` agent: facts of a batch → touched workouts → what is now true of them.

Everything is worked out from the user's facts, so that the last word does not depend on their order. What a batch
touches is said again even if it is not new, unless the fact came with an earlier batch, whose writes are done
(``Known.settled``).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from domain.copies import Marked, SaidLookalike
from domain.features import FEATURE_WINDOW_DAYS
from domain.feeds import ChosenAudiences
from domain.fingerprint import Fingerprint
from domain.fusing import Priorities
from domain.shown import ZoneChange, circles_in_force
from domain.track import Track
from domain.visibility import UNCHOSEN, Audience
from domain.workouts import Completion, Deletion, Erasure, Place, Profile, Summarised, corrected, reported
from domain.zones import ZoneSetting
from schemas import hot
from sinks.base import Document, Span
from stridelog.batch import Record
from stridelog.history import History
from stridelog.projections import workouts as out
from stridelog.projections.users import ERASED, erased_us
from stridelog.readers import Key
from stridelog.state import Known, State
from stridelog.summarising import AthleteFacts, meeting, summarised
from stridelog.workout_facts import (
    CHOSEN,
    added_to,
    chosen_of,
    completion_of,
    profile_of,
    said_lookalike,
    zone_change_of,
)

S = TypeVar("S", Profile, ZoneSetting, ZoneChange)


class Join:
    """One batch of the ``workouts`` agent: ``keep``, ``touched``, ``summarise``, ``work_out``, in order."""

    def __init__(self, state: State, span: Span, privacy_key: bytes, priorities: Priorities) -> None:
        self.state = state
        self.span = span
        self.privacy_key = privacy_key
        self.priorities = priorities
        self.users: dict[str, set[str]] = defaultdict(set)  # user → touched workouts
        self.offsets: dict[str, int] = {}  # user → offset of the last record about them
        self.near: dict[str, set[str]] = {}  # user → touched workouts and what overlaps them
        self.alive: dict[str, dict[str, Completion]] = {}  # user → those of them that were not deleted
        self.summaries: dict[str, dict[str, Summarised]] = defaultdict(dict)  # user → workout → as samples say
        self.marked: dict[str, dict[str, Marked]] = defaultdict(dict)  # user → workout → marks of its track
        self.flagged: Counter[tuple[str, str]] = Counter()  # rule and decision of flags that are new
        self.timing: Counter[str] = Counter()  # workouts by what was wrong with their times

    # -- facts

    def keep(self, records: Iterable[Record]) -> Counter[str]:
        """Take the facts in; how many records needed nothing, by reason."""
        dropped: Counter[str] = Counter()
        for offset, logged_ms, message in records:
            touched = self._keep(message, offset, logged_ms)
            if isinstance(touched, str):
                dropped[touched] += 1
            elif touched:
                self.users[message.user] |= touched
                self.offsets[message.user] = offset
        return dropped

    def _keep(self, message: Any, offset: int, logged_ms: int) -> set[str] | str:
        """The workouts that a fact touches, or why it needs nothing."""
        user = message.user
        match message:
            case hot.SamplesStored():
                workout_id = message.data.workout_id
                return {workout_id} if self.state.get(user, Completion, workout_id) else "not_completed"
            case hot.UserRegistered() | hot.ProfileChanged():
                profile = profile_of(message)
                if not self._put(user, message.id, profile, offset):
                    return "duplicate"
                since = 0 if profile.registration else profile.time_us
                return {wid for wid, known in self._completions(user) if known.fact.end_us >= since}
            case hot.ZonesSet():
                zones = message.data
                setting = ZoneSetting(message.id, message.time, zones.sport, zones.basis, zones.upper_bounds)
                if not self._put(user, message.id, setting, offset):
                    return "duplicate"
                return {wid for wid, known in self._completions(user) if known.fact.end_us >= message.time}
            case hot.PrivacyZoneSet() | hot.PrivacyZoneRemoved():
                if not self._put(user, message.id, zone_change_of(message), offset):
                    return "duplicate"
                return {wid for wid, _ in self._completions(user)}
            case hot.VisibilityChanged():
                return self._choose(message, offset)
            case hot.UserErased():
                if erased_us(self.state, user) > message.time:
                    return "duplicate"
                if not self._put(user, ERASED, Erasure(message.time), offset):
                    return "duplicate"
                return {wid for wid, _ in self._completions(user)}
            case hot.WorkoutCompleted():
                wid = message.data.workout_id
                known = self.state.get(user, Completion, wid)
                completion = reported(completion_of(message, logged_ms), known.fact if known else None)
                return self._touch(user, wid, wid, completion, offset)
            case hot.WorkoutEdited() | hot.WorkoutAppealed() | hot.WorkoutReviewed():
                wid = message.data.workout_id
                return self._touch(user, wid, f"{wid}/{message.id}", added_to(message), offset)
            case hot.WorkoutDeleted():
                wid = message.data.workout_id
                return self._touch(user, wid, wid, Deletion(message.time), offset)
            case hot.LookalikeFound():
                wid = message.data.workout_id
                if not self._put(user, wid, said_lookalike(message), offset):
                    return "duplicate"
                return {wid} if self.state.get(user, Completion, wid) else "not_completed"
        return "not_for_workouts"

    def _choose(self, message: hot.VisibilityChanged, offset: int) -> set[str] | str:
        """Who sees workouts that say nothing themselves: some become private or stop being so."""
        user, chosen = message.user, chosen_of(message)
        known = self.state.get(user, ChosenAudiences, CHOSEN)
        if known is not None and (known.fact.time_us, known.fact.event_id) > (chosen.time_us, chosen.event_id):
            return "outdated"
        before = self._profile_audience(user)
        if not self._put(user, CHOSEN, chosen, offset):
            return "duplicate"
        # After a crash the fact may be written and what follows from it not said.
        is_said_again = known is not None and known.fact == chosen
        if not is_said_again and (before == "only_me") == (chosen.workout == "only_me"):
            return set()
        return {wid for wid, _ in self._completions(user) if self._corrected(user, wid).visibility.workout is None}

    def _profile_audience(self, user: str) -> Audience:
        """Who sees the workouts of a user that say nothing themselves."""
        chosen = self.state.get(user, ChosenAudiences, CHOSEN)
        return chosen.fact.workout if chosen else UNCHOSEN.workout

    def _touch(self, user: str, workout_id: str, fact_id: str, fact: msgspec.Struct, offset: int) -> set[str] | str:
        return {workout_id} if self._put(user, fact_id, fact, offset) else "duplicate"

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

    def touched(self) -> list[list[Key]]:
        """The (user, workout) pairs whose samples are needed, in groups whose samples are needed together: those
        touched, and what overlaps them in time.
        """
        for user, touched in self.users.items():
            near = self.near[user] = self._beside(user, touched)
            self.alive[user] = {wid: c for wid in near if (c := self._alive(user, wid)) is not None}
        return [[(user, wid) for wid in group] for user, alive in self.alive.items() for group in meeting(alive)]

    def summarise(self, tracks: Mapping[Key, Track]) -> None:
        """Take the samples of some of these groups; they are not kept."""
        given: dict[str, dict[str, Track]] = defaultdict(dict)
        for (user, wid), track in tracks.items():
            given[user][wid] = track
        for user, its in given.items():
            athlete = self._athlete(user)
            for group in meeting({wid: self.alive[user][wid] for wid in its}):
                found = summarised(athlete, {wid: self.alive[user][wid] for wid in group}, its)
                self.summaries[user] |= found.summaries
                self.marked[user] |= found.marked
                self.timing += Counter(clock_reset=found.corrected_times)

    def work_out(self) -> tuple[list[Any], list[Document]]:
        """Summaries and features as messages, and the documents, of all that the batch touched."""
        messages: list[Any] = []
        documents: list[Document] = []
        for user, touched in self.users.items():
            said, kept = self._of_user(user, touched)
            messages += said
            documents += kept
        return messages, documents

    def _of_user(self, user: str, touched: set[str]) -> tuple[list[Any], list[Document]]:
        profiles, history = self._said(user, Profile), self.state.index(user, History)
        summaries = self.state.facts(user, Summarised)
        alive = self.alive[user]
        before = {wid: summaries[wid].fact for wid in self.near[user] if wid in summaries}
        now = {wid: _after(before.get(wid), done) for wid, done in self.summaries[user].items()}
        changed = {wid for wid, done in now.items() if done != before.get(wid)}
        # After a crash their facts may be written and their messages not, so loaded ones are said again.
        changed |= {wid for wid in now.keys() & before.keys() if summaries[wid].loaded}
        # Those that only were worked out again too: if the store holds this span already, it keeps its older form, and
        # the next span that touches the workout must mend that.
        for wid in changed | (touched & now.keys()):
            self.state.put(user, wid, now[wid], self.offsets[user])
        for wid in changed:
            known_flags = before[wid].flags if wid in before else ()
            self.flagged.update((f.rule, f.decision) for f in now[wid].flags if f not in known_flags)
        said = {wid for wid in touched if self.state.get(user, Completion, wid)} | changed
        completions = {wid: alive.get(wid) or self._corrected(user, wid) for wid in said}
        messages: list[Any] = []
        documents: list[Document] = []
        for wid in sorted(said):
            judged = out.Judged.of(
                now.get(wid), history.reviews.get(wid, {}).values(), history.appeals.get(wid, {}).values()
            )
            messages.append(
                out.summarised(user, wid, completions[wid], now.get(wid), judged, self._profile_audience(user))
            )
            documents.append(out.document(user, wid, completions[wid], now.get(wid), judged))
            marks = self.marked[user].get(wid) or out.marked_of(user, wid, completions[wid], Fingerprint())
            messages.append(out.track_marked(marks, completions[wid].zone))
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

    def _beside(self, user: str, touched: set[str]) -> set[str]:
        """``touched`` and what overlaps them in time, also by way of others: whose standing they may change."""
        history, summaries = self.state.index(user, History), self.state.facts(user, Summarised)
        front: list[tuple[int, int]] = []
        for wid in touched:
            if (completion := self._alive(user, wid)) is not None:
                front.append((completion.start_us, completion.end_us))
            if wid in summaries:
                front += [(place.start_us, place.end_us) for place in summaries[wid].fact.places]
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
        if completion.fact.start_us <= erased_us(self.state, user):
            return None
        return self._corrected(user, workout_id)

    def _athlete(self, user: str) -> AthleteFacts:
        return AthleteFacts(
            user=user,
            profiles=self._said(user, Profile),
            zones=self._said(user, ZoneSetting),
            hidden=circles_in_force(self._said(user, ZoneChange), self.privacy_key),
            priorities=self.priorities,
            lookalikes={
                wid: known.fact.lookalike
                for wid, known in self.state.facts(user, SaidLookalike).items()
                if known.fact.lookalike is not None
            },
        )

    def _said(self, user: str, kind: type[S]) -> list[S]:
        """What the user said of themselves that no erasure made void."""
        void_us = erased_us(self.state, user)
        return [known.fact for known in self.state.facts(user, kind).values() if known.fact.time_us > void_us]

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
