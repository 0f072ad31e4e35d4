"""The thresholds of an athlete over time, each with its evidence, from best efforts of workouts and what was stated.

The rules:

1. *Evidence counts for 90 days* from the end of its workout, the last instant not included. So no workout is judged
   by a threshold of its own, and an estimate goes down when its evidence ages out.
2. *The strongest evidence of the window is the estimate*: functional threshold power and threshold speed are the
   highest figure that an effort supports, since efforts of training are seldom all-out and so too low. Heart rate at
   threshold is not a best: there the latest test counts. Critical power and W' are fitted to the best efforts of 2 to
   20 min; where the fit is refused, there is none.
3. *What the athlete states is a history of its own, and stays in charge*: zones and loads are made with the profile
   alone (``domain.workouts.athlete_at``). An estimate is shown beside it and moves neither, or the load of every ride
   would change with one hard ride before it, and with the deletion of that.
4. *The history is a function of the set of facts.* Their order does not matter, a fact that is given twice counts once,
   and a workout that was deleted is one that is not given. Only workouts that count are given, no duplicates.

Critical power is a kind of its own and never stands in for functional threshold power: the two are not
interchangeable (Karsten et al. 2021, doi 10.3389/fphys.2020.613151).
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, zip_longest

import numpy as np

from domain.critical_power import NoFit, critical_power
from domain.threshold_evidence import (
    Candidate,
    Evidence,
    Kind,
    Method,
    StatedKind,
    WorkoutFact,
    heart_rate_tests,
    hour_speeds,
    powers,
    threshold_powers,
)


@dataclass(frozen=True, slots=True)
class StatedThreshold:
    """A threshold that the athlete stated, true from ``from_us`` on; of two for one time the greater event id wins.

    What was stated at registration counts for the time before it too, until the first change.
    """

    from_us: int
    event_id: str
    kind: StatedKind
    value: float  # in the unit that the kind ends with; 0 takes it back
    registration: bool = False
    zone: str = "UTC"  # where the athlete was


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold in force from ``from_us`` until before ``until_us`` (UTC, microseconds; ``None``: until further
    notice).
    """

    kind: Kind
    value: float  # in the unit that the kind ends with
    method: Method
    from_us: int
    until_us: int | None
    evidence: tuple[Evidence, ...]


_Estimate = tuple[float, Method, tuple[Evidence, ...]]
_Change = tuple[int, _Estimate | None]


def estimated_history(workouts: Iterable[WorkoutFact]) -> tuple[Threshold, ...]:
    """The estimates of one athlete's thresholds in order of kind and time; the spans of a kind do not overlap, and
    where there is none the threshold is unknown. Watts, bpm and joules are rounded to 0.1, speeds to 0.001 m/s.

    Evidence counts for 90 days from the end of its workout. The strongest of the window is the estimate: of functional
    threshold power the mean power of an hour or 95 % of that of 20 min, of threshold speed what the best run of 10 min
    to 2 h foretells of an hour. Of heart rate at threshold the latest test counts. Critical power and W' are fitted to
    the best powers over 2 to 20 min.

    Criticism: an estimate from training is what the athlete happened to do. Who rides easy for 90 days gets a threshold
    that is too low. Power meters that disagree, a descent and a tail wind come in as fitness; heart rate at threshold
    is not told apart by sport.

    Raises ``ValueError`` for two different facts of one id.
    """
    facts = _workouts_once(workouts)
    critical_powers, w_primes = _modelled([seen for fact in facts for seen in powers(fact)])
    changes: tuple[tuple[Kind, list[_Change]], ...] = (
        ("critical_power_w", critical_powers),
        ("ftp_w", _strongest([seen for fact in facts for seen in threshold_powers(fact)])),
        ("lthr_bpm", _strongest([seen for fact in facts for seen in heart_rate_tests(fact)])),
        ("threshold_speed_m_s", _strongest([seen for fact in facts for seen in hour_speeds(fact)])),
        ("w_prime_j", w_primes),
    )
    return tuple(span for kind, series in changes for span in _spans(kind, series))


def stated_history(stated: Iterable[StatedThreshold]) -> tuple[Threshold, ...]:
    """What an athlete stated, in order of kind and time, each until the next of its kind, the last for good.

    Raises ``ValueError`` for a value below 0, and for two different statements of one event and kind.
    """
    by_kind: dict[StatedKind, dict[str, StatedThreshold]] = {}
    for fact in stated:
        if not 0 <= fact.value < np.inf:
            raise ValueError(f"event {fact.event_id} states {fact.kind} {fact.value}: it must not be below 0")
        if by_kind.setdefault(fact.kind, {}).setdefault(fact.event_id, fact) != fact:
            raise ValueError(f"event {fact.event_id} states {fact.kind} in two versions: an event does not change")
    return tuple(span for kind in sorted(by_kind) for span in _as_stated(list(by_kind[kind].values())))


def threshold_at(history: Iterable[Threshold], kind: Kind, at_us: int) -> Threshold | None:
    """The threshold of a kind in force at a time (UTC, microseconds); ``None`` where it is unknown."""
    for threshold in history:
        begun = threshold.kind == kind and threshold.from_us <= at_us
        if begun and (threshold.until_us is None or at_us < threshold.until_us):
            return threshold
    return None


def _workouts_once(workouts: Iterable[WorkoutFact]) -> list[WorkoutFact]:
    facts: dict[str, WorkoutFact] = {}
    for fact in workouts:
        if facts.setdefault(fact.workout_id, fact) != fact:
            raise ValueError(f"workout {fact.workout_id} is given in two versions: give the latest only")
    return list(facts.values())


def _leaders(candidates: Sequence[Candidate]) -> Iterator[tuple[int, tuple[Candidate, ...]]]:
    """Each time at which evidence comes or ages out, and what leads in each lane from then on; at the last, nothing."""
    coming = sorted(candidates, key=lambda candidate: candidate.minus_from_us)
    lanes: dict[float, list[Candidate]] = {candidate.lane: [] for candidate in coming}
    edges = {candidate.from_us for candidate in coming} | {candidate.until_us for candidate in coming}
    for at_us in sorted(edges):
        while coming and coming[-1].from_us == at_us:
            candidate = coming.pop()
            heapq.heappush(lanes[candidate.lane], candidate)
        for heap in lanes.values():
            while heap and heap[0].until_us <= at_us:
                heapq.heappop(heap)
        yield at_us, tuple(lanes[lane][0] for lane in sorted(lanes) if lanes[lane])


def _strongest(candidates: Sequence[Candidate]) -> list[_Change]:
    """The leader of a single lane is the estimate."""
    return [
        (at_us, (leaders[0].value, leaders[0].method, (leaders[0].evidence,)) if leaders else None)
        for at_us, leaders in _leaders(candidates)
    ]


def _modelled(candidates: Sequence[Candidate]) -> tuple[list[_Change], list[_Change]]:
    """Critical power and W' of the leaders of all durations, fitted anew only where they change."""
    critical_powers: list[_Change] = []
    w_primes: list[_Change] = []
    for leaders, run in groupby(_leaders(candidates), key=lambda change: change[1]):
        at_us = next(run)[0]
        fit = critical_power(
            np.array([leader.lane for leader in leaders]), np.array([leader.value for leader in leaders])
        )
        if isinstance(fit, NoFit):
            critical_powers.append((at_us, None))
            w_primes.append((at_us, None))
            continue
        evidence = tuple(leader.evidence for leader in leaders)
        critical_powers.append((at_us, (round(fit.cp_w, 1), "work_time_model", evidence)))
        w_primes.append((at_us, (round(fit.w_prime_j, 1), "work_time_model", evidence)))
    return critical_powers, w_primes


def _spans(kind: Kind, changes: Sequence[_Change]) -> Iterator[Threshold]:
    """Spans of one estimate each. The last change is always to nothing."""
    runs = [next(run) for _, run in groupby(changes, key=lambda change: change[1])]
    for (from_us, estimate), (until_us, _) in pairwise(runs):
        if estimate is not None:
            value, method, evidence = estimate
            yield Threshold(kind, value, method, from_us, until_us, evidence)


def _as_stated(facts: Sequence[StatedThreshold]) -> Iterator[Threshold]:
    """Of one kind. A registration comes before all changes, whatever its time."""
    first_us = min(fact.from_us for fact in facts)
    ordered = sorted(facts, key=lambda fact: (not fact.registration, fact.from_us, fact.event_id))
    begins = [first_us if fact.registration else fact.from_us for fact in ordered]
    for fact, from_us, until_us in zip_longest(ordered, begins, begins[1:]):
        if until_us != from_us and fact.value:
            yield Threshold(fact.kind, fact.value, "stated", from_us, until_us, (Evidence(fact.event_id, "stated"),))
