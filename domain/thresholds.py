"""The thresholds of an athlete over time, each with its evidence, from best efforts of workouts and what was stated.

The rules:

1. *Evidence counts for 90 days* from the end of its workout, the last instant not included. So no workout is judged
   by a threshold of its own, and an estimate goes down when its evidence ages out.
2. *The strongest evidence of the window is the estimate*: functional threshold power and threshold speed are the
   highest figure that an effort supports, since efforts of training are seldom all-out and so too low. Heart rate at
   threshold is not a best: there the latest test counts. Critical power and W' are fitted to the best efforts of 2 to
   20 min; where the fit is refused, there is none.
3. *What the athlete states wins* over estimates of its kind, from the time that it is stated for, until the athlete
   states another value.
4. *The history is a function of the set of facts.* Their order does not matter, a fact that is given twice counts once,
   and a workout that was deleted is one that is not given. Only workouts that count are given, no duplicates.

Critical power is a kind of its own and never stands in for functional threshold power: the two are not
interchangeable (Karsten et al. 2021, doi 10.3389/fphys.2020.613151), and a training load that is made with now the one,
now the other would jump where nothing changed but the method.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, zip_longest
from typing import Final, Literal

import numpy as np

from domain.critical_power import LONGEST_EFFORT_S, SHORTEST_EFFORT_S, NoFit, critical_power, ftp_of_20_min_w
from domain.efforts import BestEffort
from domain.sports import family_of
from domain.track import US_PER_S, FloatColumn

WINDOW_US: Final = 90 * 86_400 * US_PER_S
TEST_S: Final = 1200.0
HOUR_S: Final = 3600.0
RIEGEL_EXPONENT: Final = 1.06
# Near enough to the hour that the exponent matters little, long enough that a sprint does not count.
SHORTEST_RUN_S: Final = 600.0
LONGEST_RUN_S: Final = 7200.0
ALL_OUT_S: Final = 1800
SETTLED_FROM_S: Final = 600
ENOUGH_KNOWN: Final = 0.9

StatedKind = Literal["ftp_w", "lthr_bpm", "threshold_speed_m_s"]
Kind = Literal[StatedKind, "critical_power_w", "w_prime_j"]
Method = Literal["stated", "hour_power", "share_of_20_min_power", "all_out_30_min", "riegel", "work_time_model"]


@dataclass(frozen=True, slots=True)
class WorkoutFact:
    """What the thresholds need of a workout that counts; ``end_us`` is its end (UTC, microseconds since 1970).

    ``all_out_30_min_bpm`` is :func:`all_out_heart_rate_bpm` of a workout that the athlete named a test of 30 minutes,
    all-out and alone, else ``None``: samples do not tell whether an effort was all-out.
    """

    workout_id: str
    sport: str
    end_us: int
    best_efforts: tuple[BestEffort, ...]
    all_out_30_min_bpm: float | None = None


@dataclass(frozen=True, slots=True, order=True)
class StatedThreshold:
    """A threshold that the athlete stated, true from ``from_us`` on; of two for one time the greater event id wins."""

    from_us: int
    event_id: str
    kind: StatedKind
    value: float  # in the unit that the kind ends with


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """A fact that a threshold rests on: a workout id and its effort ("20 min"), or an event id and "stated"."""

    fact_id: str
    name: str


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


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    """Evidence in its window. The least one leads: the strongest, then the latest, then by its id."""

    minus_strength: float
    minus_from_us: int
    evidence: Evidence
    value: float
    method: Method
    lane: float  # leaders are found in each lane: the duration, where efforts of several are needed

    @property
    def from_us(self) -> int:
        return -self.minus_from_us

    @property
    def until_us(self) -> int:
        return self.from_us + WINDOW_US


_Estimate = tuple[float, Method, tuple[Evidence, ...]]
_Change = tuple[int, _Estimate | None]


def threshold_history(workouts: Iterable[WorkoutFact], stated: Iterable[StatedThreshold] = ()) -> tuple[Threshold, ...]:
    """The thresholds of one athlete in order of kind and time; the spans of a kind do not overlap, and where there is
    none the threshold is unknown.

    By the rules of :mod:`domain.thresholds`. What the estimates would be had the athlete stated nothing, one gets by
    leaving ``stated`` out. Estimates are rounded: watts, bpm and joules to 0.1, speeds to 0.001 m/s.

    Criticism: an estimate from training is what the athlete happened to do. Who rides easy for 90 days gets a threshold
    that is too low and, with it, loads that are too high. Power meters that disagree, a descent and a tail wind come in
    as fitness; heart rate at threshold is not told apart by sport.

    Raises ``ValueError`` for two different facts of one id and for a stated value that is not above 0.
    """
    facts, said = _workouts_once(workouts), _stated_once(stated)
    critical_powers, w_primes = _modelled([seen for fact in facts for seen in _powers(fact)])
    changes: tuple[tuple[Kind, list[_Change]], ...] = (
        ("critical_power_w", critical_powers),
        ("ftp_w", _strongest([seen for fact in facts for seen in _threshold_powers(fact)])),
        ("lthr_bpm", _strongest([seen for fact in facts for seen in _tests(fact)])),
        ("threshold_speed_m_s", _strongest([seen for fact in facts for seen in _hour_speeds(fact)])),
        ("w_prime_j", w_primes),
    )
    history: list[Threshold] = []
    for kind, series in changes:
        of_kind = [fact for fact in said if fact.kind == kind]
        history += _estimated(kind, series, before_us=of_kind[0].from_us if of_kind else None)
        history += _as_stated(of_kind)
    return tuple(history)


def threshold_at(history: Iterable[Threshold], kind: Kind, at_us: int) -> Threshold | None:
    """The threshold of a kind in force at a time (UTC, microseconds); ``None`` where it is unknown."""
    for threshold in history:
        begun = threshold.kind == kind and threshold.from_us <= at_us
        if begun and (threshold.until_us is None or at_us < threshold.until_us):
            return threshold
    return None


def hour_speed_m_s(distance_m: float, duration_s: float) -> float:
    """Mean speed over an hour that a run of ``distance_m`` in ``duration_s`` foretells: duration grows with distance to
    the power of 1.06.

    Riegel 1981, "Athletic records and human endurance", American Scientist 69, 285-290.

    Criticism: the exponent is of records. For the marathons of recreational runners it was much too fast (Vickers,
    Vertosick 2016, doi 10.1186/s13102-016-0052-y), so the farther from an hour, the less it is to be trusted.

    Raises ``ValueError`` for a duration of 0 or less.
    """
    if not duration_s > 0:
        raise ValueError(f"the run lasted {duration_s} s: it must be above 0")
    return float(distance_m * (HOUR_S / duration_s) ** (1 / RIEGEL_EXPONENT) / HOUR_S)


def all_out_heart_rate_bpm(heart_rate_bpm: FloatColumn) -> float | None:
    """Heart rate at the lactate threshold: the mean of the last 20 min of 30 min all-out, alone; the column (n,) is at
    1 Hz from the start of the effort, faults as NaN.

    ``None`` when it is shorter than 30 min or less than 90 % of those 20 min are known. What comes after 30 min does
    not count. Friel 2009, "The Cyclist's Training Bible", 4th edition.

    Criticism: it depends on an effort that is even and all-out, and heat, caffeine and thirst raise it; a race gives
    more than a test alone.
    """
    if len(heart_rate_bpm) < ALL_OUT_S:
        return None
    settled = heart_rate_bpm[SETTLED_FROM_S:ALL_OUT_S]
    known = settled[np.isfinite(settled)]
    return float(known.mean()) if len(known) >= ENOUGH_KNOWN * len(settled) else None


def _workouts_once(workouts: Iterable[WorkoutFact]) -> list[WorkoutFact]:
    facts: dict[str, WorkoutFact] = {}
    for fact in workouts:
        if facts.setdefault(fact.workout_id, fact) != fact:
            raise ValueError(f"workout {fact.workout_id} is given in two versions: give the latest only")
    return list(facts.values())


def _stated_once(stated: Iterable[StatedThreshold]) -> list[StatedThreshold]:
    """In order of time, and of event id at one time."""
    facts: dict[tuple[str, StatedKind], StatedThreshold] = {}
    for fact in stated:
        if not 0 < fact.value < np.inf:
            raise ValueError(f"event {fact.event_id} states {fact.kind} {fact.value}: it must be above 0")
        if facts.setdefault((fact.event_id, fact.kind), fact) != fact:
            raise ValueError(f"event {fact.event_id} states {fact.kind} in two versions: an event does not change")
    return sorted(facts.values())


def _threshold_powers(fact: WorkoutFact) -> Iterator[_Candidate]:
    for effort, power_w in _cycled(fact):
        if effort.duration_s == HOUR_S:
            yield _candidate(fact, effort.name, round(power_w, 1), "hour_power")
        elif effort.duration_s == TEST_S:
            yield _candidate(fact, effort.name, round(ftp_of_20_min_w(power_w), 1), "share_of_20_min_power")


def _powers(fact: WorkoutFact) -> Iterator[_Candidate]:
    for effort, power_w in _cycled(fact):
        if SHORTEST_EFFORT_S <= effort.duration_s <= LONGEST_EFFORT_S:
            yield _candidate(fact, effort.name, power_w, "work_time_model", lane=effort.duration_s)


def _cycled(fact: WorkoutFact) -> Iterator[tuple[BestEffort, float]]:
    """Efforts of power; only on a bike, because a runner's power is of another scale and an e-bike's of a motor."""
    if family_of(fact.sport) == "cycling":
        for effort in fact.best_efforts:
            if effort.power_w is not None and effort.power_w > 0:
                yield effort, effort.power_w


def _hour_speeds(fact: WorkoutFact) -> Iterator[_Candidate]:
    if family_of(fact.sport) == "running":
        for effort in fact.best_efforts:
            if effort.distance_m is not None and SHORTEST_RUN_S <= effort.duration_s <= LONGEST_RUN_S:
                speed_m_s = hour_speed_m_s(effort.distance_m, effort.duration_s)
                yield _candidate(fact, effort.name, round(speed_m_s, 3), "riegel")


def _tests(fact: WorkoutFact) -> Iterator[_Candidate]:
    """All of one strength: the latest leads."""
    if fact.all_out_30_min_bpm is not None:
        evidence = Evidence(fact.workout_id, "all-out 30 min")
        yield _Candidate(0.0, -fact.end_us, evidence, round(fact.all_out_30_min_bpm, 1), "all_out_30_min", 0.0)


def _candidate(fact: WorkoutFact, name: str, value: float, method: Method, lane: float = 0.0) -> _Candidate:
    return _Candidate(-value, -fact.end_us, Evidence(fact.workout_id, name), value, method, lane)


def _leaders(candidates: Sequence[_Candidate]) -> Iterator[tuple[int, tuple[_Candidate, ...]]]:
    """Each time at which evidence comes or ages out, and what leads in each lane from then on; at the last, nothing."""
    coming = sorted(candidates, key=lambda candidate: candidate.minus_from_us)
    lanes: dict[float, list[_Candidate]] = {candidate.lane: [] for candidate in coming}
    edges = {candidate.from_us for candidate in coming} | {candidate.until_us for candidate in coming}
    for at_us in sorted(edges):
        while coming and coming[-1].from_us == at_us:
            candidate = coming.pop()
            heapq.heappush(lanes[candidate.lane], candidate)
        for heap in lanes.values():
            while heap and heap[0].until_us <= at_us:
                heapq.heappop(heap)
        yield at_us, tuple(lanes[lane][0] for lane in sorted(lanes) if lanes[lane])


def _strongest(candidates: Sequence[_Candidate]) -> list[_Change]:
    """The leader of a single lane is the estimate."""
    return [
        (at_us, (leaders[0].value, leaders[0].method, (leaders[0].evidence,)) if leaders else None)
        for at_us, leaders in _leaders(candidates)
    ]


def _modelled(candidates: Sequence[_Candidate]) -> tuple[list[_Change], list[_Change]]:
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


def _estimated(kind: Kind, changes: Sequence[_Change], before_us: int | None) -> Iterator[Threshold]:
    """Spans of one estimate each, cut off where the athlete begins to state. The last change is always to nothing."""
    runs = [next(run) for _, run in groupby(changes, key=lambda change: change[1])]
    for (from_us, estimate), (until_us, _) in pairwise(runs):
        if estimate is not None and (before_us is None or from_us < before_us):
            value, method, evidence = estimate
            last_us = until_us if before_us is None else min(until_us, before_us)
            yield Threshold(kind, value, method, from_us, last_us, evidence)


def _as_stated(facts: Sequence[StatedThreshold]) -> Iterator[Threshold]:
    for fact, later in zip_longest(facts, facts[1:]):
        until_us = None if later is None else later.from_us
        if until_us != fact.from_us:
            evidence = (Evidence(fact.event_id, "stated"),)
            yield Threshold(fact.kind, fact.value, "stated", fact.from_us, until_us, evidence)
