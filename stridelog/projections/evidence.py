"""What thresholds rest on, as facts: workouts that are evidence, and what athletes stated."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from domain.efforts import BestEffort
from domain.threshold_evidence import Kind, StatedKind, WorkoutFact, is_threshold_test, kinds_of, with_evidence_only
from domain.thresholds import StatedThreshold
from domain.workouts import Erasure
from schemas import hot
from stridelog.batch import Batch
from stridelog.projections.users import ERASED, erased_us
from stridelog.state import Index, State

STATED: Final[tuple[StatedKind, ...]] = ("ftp_w", "lthr_bpm", "threshold_speed_m_s")


class Trace(NamedTuple):
    """Where a workout is or was evidence: there it may have left rows."""

    kinds: tuple[Kind, ...]
    end_us: int
    zone: str


class EvidenceFact(msgspec.Struct, frozen=True):
    """A workout as thresholds know it, and every other trace that it has left."""

    workout: WorkoutFact
    counted: bool
    earlier: tuple[Trace, ...] = ()

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Where it is evidence, and where it was."""
        kinds = kinds_of(self.workout) if self.counted else ()
        return (*([Trace(kinds, self.workout.end_us, self.workout.zone)] if kinds else ()), *self.earlier)


class StatementFact(msgspec.Struct, frozen=True):
    """What one event states."""

    stated: tuple[StatedThreshold, ...]


class EvidenceInTime(Index):
    """A user's evidence of each kind of threshold by the end of its workout."""

    kinds = (EvidenceFact,)

    def __init__(self) -> None:
        self._facts: dict[str, WorkoutFact] = {}
        self._ends: defaultdict[Kind, list[tuple[int, str]]] = defaultdict(list)  # end, workout; sorted

    def put(self, id: str, fact: EvidenceFact) -> None:
        before = self._facts.pop(id, None)
        if before is not None:
            for kind in kinds_of(before):
                del self._ends[kind][bisect_left(self._ends[kind], (before.end_us, id))]
        if fact.counted:
            self._facts[id] = fact.workout
            for kind in kinds_of(fact.workout):
                insort(self._ends[kind], (fact.workout.end_us, id))

    def ended(self, kinds: Iterable[Kind], first_us: int, last_us: int) -> list[WorkoutFact]:
        """The evidence of these kinds from workouts that ended from ``first_us`` to ``last_us``."""
        ids: set[str] = set()
        for kind in kinds:
            ends = self._ends[kind]
            ids |= {id for _, id in ends[bisect_left(ends, (first_us,)) : bisect_right(ends, (last_us + 1,))]}
        return [self._facts[id] for id in ids]

    def latest_us(self, kind: Kind) -> int | None:
        """When the latest workout ended that is evidence of a kind; ``None``: there is none."""
        return self._ends[kind][-1][0] if self._ends[kind] else None


@dataclass
class Kept:
    """What a batch changes: by user, the traces of its workouts, and who stated something; offsets of the last."""

    traces: dict[str, list[Trace]] = field(default_factory=dict)
    stated: set[str] = field(default_factory=set)
    offsets: dict[str, int] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)


def keep(batch: Batch, state: State) -> Kept:
    """Keep the batch's summaries, statements and erasures as facts."""
    kept = Kept()
    for offset, _, message in batch.records:
        match message:
            case hot.WorkoutSummarised():
                traces = _keep_workout(message, offset, batch, state)
                if traces:
                    kept.traces.setdefault(message.user, []).extend(traces)
                news = bool(traces)
            case hot.UserRegistered() | hot.ProfileChanged() | hot.UserErased():
                news = _keep_statement(message, offset, batch, state)
                if news:
                    kept.stated.add(message.user)
            case _:
                news = False
        if news:
            kept.offsets[message.user] = offset
        else:
            kept.dropped["nothing_new"] += 1
    return kept


def _keep_workout(message: hot.WorkoutSummarised, offset: int, batch: Batch, state: State) -> tuple[Trace, ...]:
    """The traces whose rows must be written again."""
    user, workout_id = message.user, message.data.workout_id
    known = state.get(user, EvidenceFact, workout_id)
    fact = _fact(message, known.fact if known else None)
    if known is None and not fact.traces:
        return ()
    if known is not None and known.fact == fact and known.settled(batch.span):
        return ()
    state.put(user, workout_id, fact, offset)
    return fact.traces


def _keep_statement(message: Any, offset: int, batch: Batch, state: State) -> bool:
    fact: StatementFact | Erasure
    if isinstance(message, hot.UserErased):
        if erased_us(state, message.user) > message.time:
            return False
        id, fact = ERASED, Erasure(message.time)
    else:
        id, fact = message.id, StatementFact(_stated(message))
        if not fact.stated:
            return False
    known = state.get(message.user, type(fact), id)
    if known is not None and known.fact == fact:
        return not known.settled(batch.span)
    state.put(message.user, id, fact, offset)
    return True


def _fact(message: hot.WorkoutSummarised, before: EvidenceFact | None) -> EvidenceFact:
    data = message.data
    summary = data.summary
    analysis = summary.analysis if summary else None
    best = summary.best_efforts if summary else ()
    workout = WorkoutFact(
        workout_id=data.workout_id,
        sport=data.sport,
        end_us=data.end,
        best_efforts=tuple(msgspec.convert(one, BestEffort, from_attributes=True) for one in best),
        all_out_30_min_bpm=(
            analysis.minutes_10_to_30_heart_rate_bpm if analysis and is_threshold_test(data.title) else None
        ),
        zone=message.zone,
    )
    fact = EvidenceFact(with_evidence_only(workout), data.status == "counted")
    traces = dict.fromkeys(before.traces if before else ())
    for trace in fact.traces:
        traces.pop(trace, None)
    return msgspec.structs.replace(fact, earlier=tuple(traces))


def _stated(message: hot.UserRegistered | hot.ProfileChanged) -> tuple[StatedThreshold, ...]:
    said = [(kind, getattr(message.data, kind)) for kind in STATED]
    registration = isinstance(message, hot.UserRegistered)
    return tuple(
        StatedThreshold(message.time, message.id, kind, value, registration, message.zone)
        for kind, value in said
        if value is not None
    )
