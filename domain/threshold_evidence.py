"""What of a workout is evidence of a threshold, and what it is evidence of.

Power counts on a bike only, because a runner's power is of another scale and an e-bike's of a motor; speed counts on
foot only. A heart rate at threshold comes from a test alone: samples do not tell whether an effort was all-out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from domain.critical_power import LONGEST_EFFORT_S, SHORTEST_EFFORT_S, ftp_of_20_min_w
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
_TEST: Final = re.compile(r"\b(threshold|lthr)\b.*\btest\b|\btest\b.*\b(threshold|lthr)\b", re.IGNORECASE)

StatedKind = Literal["ftp_w", "lthr_bpm", "threshold_speed_m_s"]
Kind = Literal[StatedKind, "critical_power_w", "w_prime_j"]
Method = Literal["stated", "hour_power", "share_of_20_min_power", "all_out_30_min", "riegel", "work_time_model"]


@dataclass(frozen=True, slots=True)
class WorkoutFact:
    """What the thresholds need of a workout that counts; ``end_us`` is its end (UTC, microseconds since 1970), ``zone``
    where it was.

    ``all_out_30_min_bpm`` is :func:`all_out_heart_rate_bpm` of a workout that the athlete named a test
    (:func:`is_threshold_test`), else ``None``.
    """

    workout_id: str
    sport: str
    end_us: int
    best_efforts: tuple[BestEffort, ...]
    all_out_30_min_bpm: float | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """A fact that a threshold rests on: a workout id and its effort ("20 min"), or an event id and "stated"."""

    fact_id: str
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """Evidence in its window. The least one leads: the strongest, then the latest, then by its id."""

    minus_strength: float
    minus_from_us: int
    evidence: Evidence
    value: float
    method: Method
    lane: float  # leaders are found in each lane: the duration, where efforts of several are needed

    @property
    def from_us(self) -> int:
        """From when it counts."""
        return -self.minus_from_us

    @property
    def until_us(self) -> int:
        """From when it does not count any more."""
        return self.from_us + WINDOW_US


def kinds_of(fact: WorkoutFact) -> tuple[Kind, ...]:
    """The thresholds that a workout is evidence of."""
    kinds: list[Kind] = []
    if next(powers(fact), None):
        kinds += ["critical_power_w", "w_prime_j"]
    if next(threshold_powers(fact), None):
        kinds.append("ftp_w")
    if fact.all_out_30_min_bpm is not None:
        kinds.append("lthr_bpm")
    if next(hour_speeds(fact), None):
        kinds.append("threshold_speed_m_s")
    return tuple(kinds)


def with_evidence_only(fact: WorkoutFact) -> WorkoutFact:
    """The workout without the efforts that are evidence of nothing."""
    seen = {one.evidence.name for one in (*powers(fact), *threshold_powers(fact), *hour_speeds(fact))}
    return replace(fact, best_efforts=tuple(effort for effort in fact.best_efforts if effort.name in seen))


def is_threshold_test(title: str | None) -> bool:
    """Whether the athlete named a workout a test of heart rate at threshold: 30 min all-out and alone, recorded by
    itself. Its title has the words "threshold" (or "LTHR") and "test"; that is this project's convention.
    """
    return title is not None and _TEST.search(title) is not None


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


def threshold_powers(fact: WorkoutFact) -> Iterator[Candidate]:
    """What a ride says of functional threshold power."""
    for effort, power_w in _cycled(fact):
        if effort.duration_s == HOUR_S:
            yield _candidate(fact, effort.name, round(power_w, 1), "hour_power")
        elif effort.duration_s == TEST_S:
            yield _candidate(fact, effort.name, round(ftp_of_20_min_w(power_w), 1), "share_of_20_min_power")


def powers(fact: WorkoutFact) -> Iterator[Candidate]:
    """What a ride says of critical power, a lane for each duration."""
    for effort, power_w in _cycled(fact):
        if SHORTEST_EFFORT_S <= effort.duration_s <= LONGEST_EFFORT_S:
            yield _candidate(fact, effort.name, power_w, "work_time_model", lane=effort.duration_s)


def _cycled(fact: WorkoutFact) -> Iterator[tuple[BestEffort, float]]:
    if family_of(fact.sport) == "cycling":
        for effort in fact.best_efforts:
            if effort.power_w is not None and effort.power_w > 0:
                yield effort, effort.power_w


def hour_speeds(fact: WorkoutFact) -> Iterator[Candidate]:
    """What a run says of threshold speed."""
    if family_of(fact.sport) == "running":
        for effort in fact.best_efforts:
            if effort.distance_m is not None and SHORTEST_RUN_S <= effort.duration_s <= LONGEST_RUN_S:
                speed_m_s = hour_speed_m_s(effort.distance_m, effort.duration_s)
                yield _candidate(fact, effort.name, round(speed_m_s, 3), "riegel")


def heart_rate_tests(fact: WorkoutFact) -> Iterator[Candidate]:
    """What a test says of heart rate at threshold. All are of one strength: the latest leads."""
    if fact.all_out_30_min_bpm is not None:
        evidence = Evidence(fact.workout_id, "all-out 30 min")
        yield Candidate(0.0, -fact.end_us, evidence, round(fact.all_out_30_min_bpm, 1), "all_out_30_min", 0.0)


def _candidate(fact: WorkoutFact, name: str, value: float, method: Method, lane: float = 0.0) -> Candidate:
    return Candidate(-value, -fact.end_us, Evidence(fact.workout_id, name), value, method, lane)
