"""A user's workouts for the ``workouts`` agent: what overlaps a span, the loads that features look back at, and what
people say of each.

With it a workout costs the same whether the athlete has recorded ten or ten thousand.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from domain.features import FEATURE_WINDOW_DAYS, LoadFact
from domain.workouts import Appeal, Completion, Correction, Deletion, Erasure, Review, Summarised
from stridelog.projections.workouts import load_fact
from stridelog.state import Index

_US_PER_DAY: Final = 86_400_000_000
# Features count local days, at most 26 hours apart for two places, of the start of one workout and the end of another.
_LOOK_BACK_US: Final = (FEATURE_WINDOW_DAYS + 3) * _US_PER_DAY


class History(Index):
    """Where each workout stands and stood, by time; what counts for features, by end; by workout, its edits, appeals
    and reviews.
    """

    kinds = (Completion, Correction, Appeal, Review, Deletion, Erasure, Summarised)

    def __init__(self) -> None:
        self.corrections: defaultdict[str, dict[str, Correction]] = defaultdict(dict)  # workout → fact id →
        self.appeals: defaultdict[str, dict[str, Appeal]] = defaultdict(dict)
        self.reviews: defaultdict[str, dict[str, Review]] = defaultdict(dict)
        self._spans: list[tuple[int, int, str]] = []  # start, end, workout; sorted; one that moved has several
        self._longest_us = 0
        self._ends: list[tuple[int, str]] = []  # end, workout; sorted
        self._loads: dict[str, LoadFact] = {}
        self._starts_us: dict[str, int] = {}  # as last reported: one that was erased is not summarised again
        self._deleted: set[str] = set()
        self._erased_us = -1

    def put(self, id: str, fact: Any) -> None:
        match fact:
            case Completion():
                self._stood(id, fact.start_us, fact.end_us)
                self._starts_us[id] = fact.start_us
            case Summarised():
                for place in fact.places:
                    self._stood(id, place.start_us, place.end_us)
                self._count(id, load_fact(id, fact) if fact.duplicate_of is None else None)
            case Correction():
                self.corrections[id.partition("/")[0]][id] = fact
            case Appeal():
                self.appeals[id.partition("/")[0]][id] = fact
            case Review():
                self.reviews[id.partition("/")[0]][id] = fact
            case Deletion():
                self._deleted.add(id)
                self._count(id, None)
            case Erasure():
                self._erased_us = fact.time_us

    def overlapping(self, start_us: int, end_us: int) -> Iterator[str]:
        """Workouts that stand or stood somewhere from ``start_us`` to ``end_us``, maybe several times; also those that
        were deleted.
        """
        first = bisect_left(self._spans, (start_us - self._longest_us,))
        for start, end, workout_id in self._spans[first : bisect_right(self._spans, (end_us + 1,))]:
            if end >= start_us and start <= end_us:
                yield workout_id

    def known_at(self, at_us: int) -> list[LoadFact]:
        """The loads that features as of ``at_us`` may look back at, and some that they do not."""
        return self._ended(at_us - _LOOK_BACK_US, at_us)

    def looking_back_at(self, first_us: int, last_us: int) -> list[LoadFact]:
        """The workouts whose features may look back at one that ended from ``first_us`` to ``last_us``, and some that
        do not.
        """
        return self._ended(first_us, last_us + _LOOK_BACK_US + self._longest_us)

    def _ended(self, first_us: int, last_us: int) -> list[LoadFact]:
        within = self._ends[bisect_left(self._ends, (first_us,)) : bisect_left(self._ends, (last_us + 1,))]
        return [self._loads[workout_id] for _, workout_id in within if self._starts_us[workout_id] > self._erased_us]

    def _stood(self, workout_id: str, start_us: int, end_us: int) -> None:
        span = (start_us, end_us, workout_id)
        at = bisect_left(self._spans, span)
        if self._spans[at : at + 1] != [span]:
            self._spans.insert(at, span)
            self._longest_us = max(end_us - start_us, self._longest_us)

    def _count(self, workout_id: str, load: LoadFact | None) -> None:
        before = self._loads.pop(workout_id, None)
        if before is not None:
            del self._ends[bisect_left(self._ends, (before.end_us, workout_id))]
        if load is not None and workout_id not in self._deleted:
            self._loads[workout_id] = load
            insort(self._ends, (load.end_us, workout_id))
