"""From the workouts that count and what athletes stated to the history of their thresholds."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from domain.efforts import BestEffort
from domain.threshold_days import ThresholdDay, edges_of, stated_edges, threshold_days
from domain.threshold_evidence import StatedKind, WorkoutFact, is_threshold_test, kinds_of
from domain.thresholds import StatedThreshold, Threshold, estimated_history, stated_history
from schemas import hot
from schemas.types import TIME_MAX_US
from verification.boards import Last
from verification.outcomes import Valid

HISTORY_KEY: Final = ("user_id", "kind", "origin", "local_day")
_STATED: Final[tuple[StatedKind, ...]] = ("ftp_w", "lthr_bpm", "threshold_speed_m_s")
_EPOCH: Final = date(1970, 1, 1)

Evidence = Mapping[str, list[WorkoutFact]]
"""Each user's workouts that count."""


def evidence_of(last: Last) -> dict[str, list[WorkoutFact]]:
    """The workouts that count, with all of their best efforts."""
    users: dict[str, list[WorkoutFact]] = {}
    for (user, _), record in last.items():
        if record.message.data.status == "counted":
            users.setdefault(user, []).append(_workout(record.message))
    return users


def stated_by(user_events: Iterable[Valid]) -> dict[str, list[StatedThreshold]]:
    """What each user stated, less what was stated before they were erased."""
    users: dict[str, dict[tuple[str, StatedKind], StatedThreshold]] = {}
    erased_us: dict[str, int] = {}
    for _, _, message in user_events:
        match message:
            case hot.UserRegistered() | hot.ProfileChanged():
                first = isinstance(message, hot.UserRegistered)
                for kind in _STATED:
                    value = getattr(message.data, kind)
                    if value is not None:
                        fact = StatedThreshold(message.time, message.id, kind, value, first, message.zone)
                        users.setdefault(message.user, {})[message.id, kind] = fact
            case hot.UserErased():
                erased_us[message.user] = max(message.time, erased_us.get(message.user, -1))
    return {
        user: [fact for fact in facts.values() if fact.from_us > erased_us.get(user, -1)]
        for user, facts in users.items()
    }


def history_table(evidence: Evidence, stated: Mapping[str, list[StatedThreshold]]) -> pa.Table:
    """Rows of ``threshold_history`` that are not deleted; times in µs, days since 1970."""
    rows: list[tuple[str, str, ThresholdDay]] = []
    for user, facts in evidence.items():
        rows += [(user, "estimated", day) for day in threshold_days(estimated_history(facts), edges_of(facts)).values()]
    for user, said in stated.items():
        rows += [(user, "stated", day) for day in threshold_days(stated_history(said), stated_edges(said)).values()]
    return pa.table(
        {
            "user_id": pa.array([user for user, *_ in rows], pa.string()),
            "kind": pa.array([day.kind for *_, day in rows], pa.string()),
            "origin": pa.array([origin for _, origin, _ in rows], pa.string()),
            "local_day": pa.array([(day.local_day - _EPOCH).days for *_, day in rows], pa.int64()),
            "changed_at": pa.array([day.changed_us for *_, day in rows], pa.int64()),
            "value": np.array([np.nan if day.value is None else day.value for *_, day in rows], dtype=np.float64),
            "method": pa.array([day.method or "" for *_, day in rows], pa.string()),
            "evidence_ids": pa.array([[e.fact_id for e in day.evidence] for *_, day in rows], pa.list_(pa.string())),
            "evidence_names": pa.array([[e.name for e in day.evidence] for *_, day in rows], pa.list_(pa.string())),
        }
    )


def newest(evidence: Evidence) -> dict[tuple[str, str], tuple[hot.ThresholdEstimatedData, str]]:
    """By user and kind the estimate after the latest workout that is evidence of it, and where it came to be."""
    found: dict[tuple[str, str], tuple[hot.ThresholdEstimatedData, str]] = {}
    for user, facts in evidence.items():
        edges = edges_of(facts)
        for span in _latest(facts):
            until = span.until_us if span.until_us is not None and span.until_us <= TIME_MAX_US else None
            data = hot.ThresholdEstimatedData(
                kind=span.kind,
                value=span.value,
                method=span.method,  # type: ignore[arg-type] # an estimate is not stated
                since=span.from_us,
                until=until,
                evidence=tuple(hot.ThresholdEvidence(workout_id=e.fact_id, effort=e.name) for e in span.evidence),
            )
            found[user, span.kind] = (data, edges[span.kind, span.from_us])
    return found


def last_said(messages: Iterable[Valid]) -> dict[tuple[str, str], tuple[hot.ThresholdEstimatedData, str]]:
    """By user and kind the last message that gives a value."""
    said = {(message.user, message.data.kind): (message.data, message.zone) for _, _, message in messages}
    return {key: found for key, found in said.items() if found[0].value is not None}


def _latest(facts: Iterable[WorkoutFact]) -> Iterator[Threshold]:
    given = list(facts)
    ends: dict[str, int] = {}
    for fact in given:
        for kind in kinds_of(fact):
            ends[kind] = max(fact.end_us, ends.get(kind, fact.end_us))
    for span in estimated_history(given):
        if span.from_us <= ends[span.kind] and (span.until_us is None or ends[span.kind] < span.until_us):
            yield span


def _workout(message: hot.WorkoutSummarised) -> WorkoutFact:
    data = message.data
    summary: Any = data.summary
    test = is_threshold_test(data.title) and summary.analysis is not None
    return WorkoutFact(
        workout_id=data.workout_id,
        sport=data.sport,
        end_us=data.end,
        best_efforts=tuple(
            BestEffort(b.kind, b.name, b.duration_s, b.distance_m, b.power_w, b.start_us) for b in summary.best_efforts
        ),
        all_out_30_min_bpm=summary.analysis.minutes_10_to_30_heart_rate_bpm if test else None,
        zone=message.zone,
    )
