"""Threshold histories by local day: a row for each kind and day on which it changed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from domain.days import local_day
from domain.threshold_evidence import WINDOW_US, Evidence, Kind, Method, WorkoutFact, kinds_of
from domain.thresholds import StatedThreshold, Threshold

Edges = Mapping[tuple[Kind, int], str]
"""Where the athlete was (zone) at each time at which a threshold of a kind may change."""


@dataclass(frozen=True, slots=True)
class ThresholdDay:
    """A threshold as it is from a local day on; without a value it is unknown from then on."""

    kind: Kind
    local_day: date
    changed_us: int  # UTC, microseconds since 1970
    value: float | None = None  # in the unit that the kind ends with
    method: Method | None = None
    evidence: tuple[Evidence, ...] = ()


def edges_of(workouts: Iterable[WorkoutFact]) -> dict[tuple[Kind, int], str]:
    """Where evidence comes and where it ages out; of two workouts at one time the one with the least id says where."""
    edges: dict[tuple[Kind, int], str] = {}
    for fact in sorted(workouts, key=lambda fact: fact.workout_id):
        for kind in kinds_of(fact):
            edges.setdefault((kind, fact.end_us), fact.zone)
            edges.setdefault((kind, fact.end_us + WINDOW_US), fact.zone)
    return edges


def stated_edges(stated: Iterable[StatedThreshold]) -> dict[tuple[Kind, int], str]:
    """Where the athlete was at each statement."""
    return {(fact.kind, fact.from_us): fact.zone for fact in sorted(stated, key=lambda fact: fact.event_id)}


def threshold_days(history: Iterable[Threshold], edges: Edges) -> dict[tuple[Kind, date], ThresholdDay]:
    """The last change of each kind on each local day. ``history`` is in the order of kind and time."""
    found: dict[tuple[Kind, date], ThresholdDay] = {}
    for change in _changes(history, edges):
        found[change.kind, change.local_day] = change
    return found


def _changes(history: Iterable[Threshold], edges: Edges) -> Iterator[ThresholdDay]:
    before: Threshold | None = None
    for span in history:
        if before is not None and (before.kind, before.until_us) != (span.kind, span.from_us):
            yield from _end(before, edges)
        day = local_day(span.from_us, edges[span.kind, span.from_us])
        yield ThresholdDay(span.kind, day, span.from_us, span.value, span.method, span.evidence)
        before = span
    if before is not None:
        yield from _end(before, edges)


def _end(span: Threshold, edges: Edges) -> Iterator[ThresholdDay]:
    if span.until_us is not None:
        yield ThresholdDay(span.kind, local_day(span.until_us, edges[span.kind, span.until_us]), span.until_us)
