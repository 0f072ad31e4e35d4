"""Segments and the ways of workouts as efforts: what a batch says of each workout that it touches.

A segment that comes late is looked for in the workouts that were near: which users were, the facts of a region say (a
coarse cell, as a pseudo-user of the partition); which of their workouts, the cells of each. That may be years of
workouts, so the agent gives it to itself as work, user by user (``SegmentCheckDue``), and does some of it at a time.

What an athlete's privacy zones hide of the segments is worked out from the segments' lines, so that a change of a zone
needs no track.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from domain.privacy_zones import HiddenCircle
from domain.segment_efforts import efforts_on, in_order, is_hidden, of_workout
from domain.segment_index import cells_of, regions_of
from domain.segments import Effort, Segment
from domain.shown import ZoneChange, circles_in_force
from domain.sports import family_of
from domain.track import Track
from schemas import hot
from sinks.base import Span
from stridelog.batch import Batch
from stridelog.projections.efforts import is_believed
from stridelog.projections.segment_facts import Drawn, SegmentFact, TrackFact, Visitor, Visits, word_of
from stridelog.state import State, everyone
from stridelog.workout_facts import zone_change_of

PRODUCER: Final = "stridelog/segments"
AT_ONCE: Final = 500
"""Because of changed segments a batch looks at about so many workouts, so that those that end now do not wait long."""


@dataclass(slots=True)
class Look:
    """A workout whose efforts are worked out: those on all segments, or anew those on some (``None``: removed).

    ``is_kept_anew``: its facts are written also where they are what this worker knows; the store may know others.
    """

    offset: int
    fact: TrackFact
    segments: dict[str, Segment | None] | None = None
    is_kept_anew: bool = False
    others: tuple[Effort, ...] = field(init=False)  # efforts that stay as they are
    positions: int = field(default=-1, init=False)  # of the fullest track so far

    def __post_init__(self) -> None:
        self.others = self.fact.efforts

    @property
    def needs_track(self) -> bool:
        """Whether its positions must be read."""
        return self.segments is None or any(self.segments.values())


class Passes:
    """One batch of the ``segments`` agent."""

    def __init__(self, state: State, span: Span, privacy_key: bytes) -> None:
        self.dropped: Counter[str] = Counter()
        self._state = state
        self._span = span
        self._privacy_key = privacy_key
        self._everyone = everyone(span.partition)
        self._drawn = state.index(self._everyone, Drawn)
        self._looks: dict[tuple[str, str], Look] = {}
        self._wanted: defaultdict[tuple[str, str], list[Look]] = defaultdict(list)  # by user and recording
        self._circles: dict[str, list[HiddenCircle]] = {}
        self._changed: set[str] = set()  # regions of segments that have changed
        self._changed_us = 0  # time of the last word about them
        self._left: list[hot.SegmentCheckDue] = []  # work for later

    def keep(self, batch: Batch) -> None:
        """Take segments in as facts, and see which workouts are to be looked at."""
        for offset, _, message in batch.records:
            match message:
                case hot.SegmentDefined() | hot.SegmentRemoved():
                    self._define(message, offset)
                case hot.WorkoutSummarised():
                    self._summarised(message, offset)
                case hot.SegmentCheckDue():
                    self._check(message, offset)
                case hot.PrivacyZoneSet() | hot.PrivacyZoneRemoved():
                    self._hide_place(message, offset)

    def tracks(self) -> list[tuple[str, str]]:
        """The (user, recording) pairs whose positions are needed."""
        for (user, workout_id), look in self._looks.items():
            if look.needs_track:
                for recording in look.fact.recordings or (workout_id,):
                    self._wanted[user, recording].append(look)
        return list(self._wanted)

    def match(self, user: str, recording: str, track: Track) -> None:
        """Take the positions of one of them; they are not kept. Of several recordings of one activity the fullest
        counts, of equals the one that came first.
        """
        for look in self._wanted[user, recording]:
            self._match(look, track)

    def _match(self, look: Look, track: Track) -> None:
        way = of_workout(track, look.fact.start_us, look.fact.end_us)
        positions = int(np.count_nonzero(np.isfinite(way.latitude_deg)))
        if positions <= look.positions:
            return
        look.positions = positions
        if look.segments is None:
            cells = cells_of(way.latitude_deg, way.longitude_deg)
            efforts = efforts_on(way, self._drawn.index.candidates(cells, look.fact.family))
            look.fact = msgspec.structs.replace(look.fact, cells=tuple(cells.tolist()), efforts=tuple(efforts))
        else:
            found = efforts_on(way, (segment for segment in look.segments.values() if segment))
            look.fact = msgspec.structs.replace(look.fact, efforts=tuple(in_order([*look.others, *found])))

    def places(self) -> set[str]:
        """The pseudo-users of regions whose facts ``work_out`` needs."""
        return {self._region(name) for name in self._changed.union(*(new for _, _, new in self._new_regions()))}

    def work_out(self) -> list[Any]:
        """Keep what was found as facts; the efforts of the workouts whose efforts have changed, and work for later."""
        messages: list[Any] = []
        for user, offset, new in self._new_regions():
            for region in sorted(new):
                self._state.put(self._region(region), user, Visitor(), offset)
        for (user, workout_id), look in self._looks.items():
            known = self._state.get(user, TrackFact, workout_id)
            if self._put(user, workout_id, look):
                messages.append(_said(user, workout_id, look.fact))
                if known is not None and known.loaded and known.offset >= look.offset:
                    self._left += self._to_be_kept(user, workout_id, known.fact, look.fact)
        return [*messages, *self._work(), *self._left]

    # -- what comes in

    def _define(self, message: hot.SegmentDefined | hot.SegmentRemoved, offset: int) -> None:
        segment_id = message.data.segment_id
        known = self._state.get(self._everyone, SegmentFact, segment_id)
        fact = word_of(message, offset, known.fact if known else None)
        is_known = known is not None and known.fact.event_id == message.id
        if fact is None or (known is not None and is_known and known.settled(self._span)):
            self.dropped["duplicate" if is_known else "superseded"] += 1
            return
        if not is_known:
            self._state.put(self._everyone, segment_id, fact, offset)
        self._changed.update(fact.regions)
        self._changed_us = max(self._changed_us, message.time)

    def _summarised(self, message: hot.WorkoutSummarised, offset: int) -> None:
        data = message.data
        known = self._state.get(message.user, TrackFact, data.workout_id)
        fact = TrackFact(
            family_of(data.sport),
            message.zone,
            data.start,
            data.end,
            self._drawn.next_offset,
            was_said=known is not None and known.fact.was_said,
            recordings=tuple(sorted(one.workout_id for one in data.channel_sources if one.channel == "position")),
        )
        self._looks[message.user, data.workout_id] = Look(offset, fact, None if is_believed(data) else {})

    def _hide_place(self, message: hot.PrivacyZoneSet | hot.PrivacyZoneRemoved, offset: int) -> None:
        user, change = message.user, zone_change_of(message)
        known = self._state.get(user, ZoneChange, message.id)
        if known is not None and known.fact == change and known.settled(self._span):
            self.dropped["duplicate"] += 1
            return
        self._state.put(user, message.id, change, offset)
        for workout_id, track in self._state.facts(user, TrackFact).items():
            if track.fact.efforts:
                self._looks[user, workout_id] = Look(offset, track.fact, {})

    def _check(self, message: hot.SegmentCheckDue, offset: int) -> None:
        user, data = message.user, message.data
        if data.workout_id is not None:
            self._look_whole(user, data.workout_id, offset)
            return
        changed = self._drawn.changed(data.first, data.next)
        last = data.after or ""
        for workout_id in sorted(id for id in self._state.facts(user, TrackFact) if id > last):
            if len(self._looks) >= AT_ONCE:
                self._left.append(_check_due(user, message.time, data.first, data.next, after=last or None))
                return
            self._look_again(user, workout_id, changed.of(self._state.facts(user, TrackFact)[workout_id].fact), offset)
            last = workout_id

    def _look_whole(self, user: str, workout_id: str, offset: int) -> None:
        before, known = self._looks.get((user, workout_id)), self._state.get(user, TrackFact, workout_id)
        fact = before.fact if before else known.fact if known else None
        if fact is not None:
            counts = fact.cells or (before and before.segments is None)
            fact = msgspec.structs.replace(fact, known_to=self._drawn.next_offset)
            self._looks[user, workout_id] = Look(offset, fact, None if counts else {}, is_kept_anew=True)

    def _look_again(self, user: str, workout_id: str, segments: dict[str, Segment | None], offset: int) -> None:
        before = self._looks.get((user, workout_id))
        if not segments or (before and before.segments is None):
            return
        fact = before.fact if before else self._state.facts(user, TrackFact)[workout_id].fact
        others = tuple(effort for effort in fact.efforts if effort.segment_id not in segments)
        asked = {**(before.segments or {} if before else {}), **segments}
        self._looks[user, workout_id] = Look(offset, msgspec.structs.replace(fact, efforts=others), asked)

    # -- what goes out

    def _put(self, user: str, workout_id: str, look: Look) -> bool:
        """Keep the fact; whether the efforts are to be said.

        After a crash facts may be written and messages not. Or messages say what facts do not: a batch that is read
        again knows segments that came meanwhile, and the store, which holds the span, keeps its older form.
        """
        known = self._state.get(user, TrackFact, workout_id)
        hidden = self._hidden(user, workout_id, look.fact)
        was_said = look.fact.was_said or bool(look.fact.efforts)
        look.fact = msgspec.structs.replace(look.fact, hidden=hidden, was_said=was_said)
        if known is None and not look.fact.cells:
            return False
        # A loaded one is said again once.
        if known is None or known.loaded or known.fact != look.fact or look.is_kept_anew:
            self._state.put(user, workout_id, look.fact, look.offset)
        if known is None or not known.loaded:
            return look.fact.was_said and (known is None or _words(known.fact) != _words(look.fact))
        return True

    def _to_be_kept(self, user: str, workout_id: str, kept: TrackFact, said: TrackFact) -> list[hot.SegmentCheckDue]:
        """Work for later, if this batch says of a workout what its facts do not.

        A worker died after the facts of this batch were written. Read again it knows the segments that came meanwhile,
        but the store holds the span and keeps its older form. Another batch has to write the facts.
        """
        if _words(kept) == _words(said):
            return []
        now = self._drawn.next_offset
        return [_check_due(user, said.end_us, now, now, workout_id=workout_id)]

    def _hidden(self, user: str, workout_id: str, fact: TrackFact) -> tuple[str, ...]:
        """The segments with efforts that are for the athlete alone; one that is gone is on its way out."""
        if user not in self._circles:
            changes = [known.fact for known in self._state.facts(user, ZoneChange).values()]
            self._circles[user] = circles_in_force(changes, self._privacy_key)
        circles = self._circles[user]
        if not circles:
            return ()
        passed = sorted({effort.segment_id for effort in fact.efforts})
        lines = {id: self._drawn.segment(id) for id in passed}
        return tuple(id for id, line in lines.items() if line is None or is_hidden(line, circles, workout_id))

    def _work(self) -> list[hot.SegmentCheckDue]:
        """Everybody who was near a segment that has changed is to be looked at."""
        users = {user for region in self._changed for user in self._state.facts(self._region(region), Visitor)}
        return [_check_due(user, self._changed_us, self._span.first, self._span.next) for user in sorted(users)]

    def _new_regions(self) -> list[tuple[str, int, set[str]]]:
        """User, offset of the record that says so, and the regions that the user was not known to have been in."""
        found = []
        for (user, _), look in self._looks.items():
            new = regions_of(look.fact.cells) - self._state.index(user, Visits).regions
            if new:
                found.append((user, look.offset, new))
        return found

    def _region(self, name: str) -> str:
        return f"{self._everyone}/{name}"


def _words(fact: TrackFact) -> tuple[Any, ...]:
    return fact.zone, fact.end_us, fact.efforts, fact.hidden


def _said(user: str, workout_id: str, fact: TrackFact) -> hot.SegmentEffortsFound:
    efforts = tuple(
        hot.SegmentEffort(
            segment_id=e.segment_id,
            start=e.start_us,
            end=e.end_us,
            covered=e.covered,
            hidden=e.segment_id in fact.hidden,
        )
        for e in fact.efforts
    )
    data = hot.SegmentEffortsFoundData(workout_id=workout_id, efforts=efforts)
    return hot.SegmentEffortsFound.of(
        user=user, time=fact.end_us, zone=fact.zone, source=PRODUCER, producer=PRODUCER, data=data
    )


def _check_due(
    user: str, time_us: int, first: int, next: int, *, after: str | None = None, workout_id: str | None = None
) -> hot.SegmentCheckDue:
    data = hot.SegmentCheckDueData(first=first, next=next, after=after, workout_id=workout_id)
    return hot.SegmentCheckDue.of(user=user, time=time_us, zone="UTC", source=PRODUCER, producer=PRODUCER, data=data)
