"""What the agent ``segments`` knows: segments as everyone's facts, the ways of workouts as their users'."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec

from domain.segment_index import SegmentIndex, around, cells_of, regions_of, start_regions
from domain.segments import Effort, Segment, segment_of
from domain.sports import Family
from schemas import hot
from stridelog.state import Index

Points = tuple[tuple[float, float], ...]
NO_POINTS: Final[Points] = ()


class SegmentFact(msgspec.Struct, frozen=True):
    """The last word on a segment; ``points`` are empty where it was removed.

    ``regions`` are those of all starts that it ever had, whose visitors may have efforts on it.
    """

    time_us: int
    event_id: str
    offset: int  # of the word, on topic segments
    name: str
    family: Family
    points: Points
    regions: tuple[str, ...]


class TrackFact(msgspec.Struct, frozen=True):
    """The way of a workout: the cells that it touched, and its efforts on the segments before offset ``known_to`` of
    topic segments, and on those that were looked for since; ``hidden`` are the segments among them whose efforts are
    for the athlete alone. A workout that does not count touches nothing.
    """

    family: Family
    zone: str
    start_us: int
    end_us: int
    known_to: int
    cells: tuple[int, ...] = ()
    efforts: tuple[Effort, ...] = ()
    hidden: tuple[str, ...] = ()
    was_said: bool = False  # that it has efforts, so that it must be said if it has none any more
    recordings: tuple[str, ...] = ()  # of the same activity, which positions may be of; none: its own


class Visitor(msgspec.Struct, frozen=True):
    """That a user (the fact's id) has been in a region (whose pseudo-user has the fact). It is never taken back."""


class Visits(Index):
    """The regions that a user's workouts touch, or touched: there the user is known as a visitor."""

    kinds = (TrackFact,)

    def __init__(self) -> None:
        self.regions: set[str] = set()

    def put(self, id: str, fact: TrackFact) -> None:
        self.regions |= regions_of(fact.cells)


@dataclass(frozen=True)
class Changed:
    """The segments whose last words lie in a range of offsets; ``None`` for one that was removed."""

    segments: dict[str, tuple[int, Segment | None]]  # by id, with the offset of the word

    @cached_property
    def _starts(self) -> frozenset[int]:
        """Cells at the starts: who touches none of them passes none of the segments."""
        found = [around(cells_of(s.latitude_deg[:1], s.longitude_deg[:1])) for _, s in self.segments.values() if s]
        return frozenset(int(cell) for cells in found for cell in cells)

    @cached_property
    def _index(self) -> SegmentIndex:
        return SegmentIndex([segment for _, segment in self.segments.values() if segment])

    def of(self, fact: TrackFact) -> dict[str, Segment | None]:
        """Those that the efforts of a workout may change by, as far as it does not know them already."""
        near = {effort.segment_id for effort in fact.efforts} & self.segments.keys()
        if not self._starts.isdisjoint(fact.cells):
            near |= {segment.segment_id for segment in self._index.candidates(fact.cells, fact.family)}
        new = {id: self.segments[id] for id in near}
        return {id: segment for id, (offset, segment) in new.items() if offset >= fact.known_to}


class Drawn(Index):
    """The segments that there are, and where to look for them."""

    kinds = (SegmentFact,)

    def __init__(self) -> None:
        self.next_offset = 0  # after the last word on topic segments
        self._words: dict[str, tuple[int, Segment | None]] = {}
        self._index: SegmentIndex | None = None
        self._changed: dict[tuple[int, int], Changed] = {}

    def put(self, id: str, fact: SegmentFact) -> None:
        self._words[id] = (fact.offset, drawn(id, fact.name, fact.family, fact.points) if fact.points else None)
        self.next_offset = max(self.next_offset, fact.offset + 1)
        self._index = None
        self._changed.clear()

    @property
    def index(self) -> SegmentIndex:
        """All segments that were not removed."""
        if self._index is None:
            self._index = SegmentIndex([segment for _, segment in self._words.values() if segment])
        return self._index

    def segment(self, segment_id: str) -> Segment | None:
        """A segment as it is drawn now; ``None``: it was removed, or is not known."""
        return self._words.get(segment_id, (0, None))[1]

    def changed(self, first: int, next: int) -> Changed:
        """The segments whose last words are of these offsets."""
        if (first, next) not in self._changed:
            words = {id: word for id, word in self._words.items() if first <= word[0] < next}
            self._changed[first, next] = Changed(words)
        return self._changed[first, next]


def drawn(segment_id: str, name: str, family: Family, points: Points) -> Segment:
    """The segment along points (latitude, longitude), which the message's rules have accepted."""
    return segment_of(segment_id, name, family, [at for at, _ in points], [at for _, at in points])


def word_of(
    message: hot.SegmentDefined | hot.SegmentRemoved, offset: int, before: SegmentFact | None
) -> SegmentFact | None:
    """The fact that a message makes of what was known before; ``None`` if a newer word is known. Of two words of one
    time the one whose id sorts last counts.
    """
    if before is not None and (before.time_us, before.event_id) > (message.time, message.id):
        return None
    regions = set(before.regions) if before else set()
    if isinstance(message, hot.SegmentRemoved):
        return SegmentFact(message.time, message.id, offset, "", "other", NO_POINTS, tuple(sorted(regions)))
    data = message.data
    regions |= start_regions(drawn(data.segment_id, data.name, data.family, data.points))
    return SegmentFact(message.time, message.id, offset, data.name, data.family, data.points, tuple(sorted(regions)))
