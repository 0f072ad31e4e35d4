"""Evidence and statements as threshold histories: the rows and the newest estimates that a batch changes.

A workout changes its athlete's estimates from its end until its evidence ages out, and only of the kinds that it is or
was evidence of. Every row that this span has or may have had is written again, as it is or as deleted: nothing need be
known of what was written before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any, Final, Literal

import pyarrow as pa

from domain.days import local_day
from domain.threshold_days import ThresholdDay, edges_of, stated_edges, threshold_days
from domain.threshold_evidence import WINDOW_US, Kind
from domain.thresholds import Threshold, estimated_history, stated_history, threshold_at
from domain.workouts import Erasure
from schemas import hot
from schemas.types import TIME_MAX_US
from sinks.base import Rows
from sinks.tables import THRESHOLD_HISTORY
from stridelog.projections.evidence import EvidenceInTime, Kept, StatementFact, Trace
from stridelog.state import State

PRODUCER: Final = "stridelog/thresholds"
_MARGIN_US: Final = 3 * 86_400_000_000  # two changes on one local day are nearer to each other, wherever they were

Origin = Literal["estimated", "stated"]
Days = Mapping[tuple[Kind, date], ThresholdDay | None]
"""What a row says; ``None``: it is no more."""


def history_rows(kept: Kept, state: State, partition: int) -> Rows:
    """Rows of ``threshold_history`` in the spans that the batch touches."""
    rows: list[dict[str, Any]] = []
    for user, offset in kept.offsets.items():
        source = {"user_id": user, "source_partition": partition, "source_offset": offset}
        if user in kept.stated:
            rows += [{**source, **row} for row in _rows("stated", _stated_days(user, state))]
        if user in kept.traces:
            evidence = state.index(user, EvidenceInTime)
            rows += [{**source, **row} for row in _rows("estimated", _estimated_days(kept.traces[user], evidence))]
    return Rows(THRESHOLD_HISTORY.name, pa.Table.from_pylist(rows, schema=THRESHOLD_HISTORY.schema))


def newest_estimates(kept: Kept, state: State) -> list[hot.ThresholdEstimated]:
    """What the estimates of the touched kinds are after the latest workout that is evidence of them."""
    return [
        _message(user, kind, [trace for trace in traces if kind in trace.kinds], state.index(user, EvidenceInTime))
        for user, traces in kept.traces.items()
        for kind in _kinds(traces)
    ]


def _kinds(traces: Iterable[Trace]) -> list[Kind]:
    return sorted(set(chain.from_iterable(trace.kinds for trace in traces)))


def _estimated_days(traces: Sequence[Trace], evidence: EvidenceInTime) -> Days:
    kinds = _kinds(traces)
    days: dict[tuple[Kind, date], ThresholdDay | None] = {}
    for first_us, last_us in _spans(traces):
        facts = evidence.ended(kinds, first_us - WINDOW_US - _MARGIN_US, last_us + _MARGIN_US)
        edges = edges_of(facts)
        found = threshold_days(estimated_history(facts), edges)
        touched = {
            (kind, local_day(at_us, zone))
            for (kind, at_us), zone in edges.items()
            if kind in kinds and first_us <= at_us <= last_us
        }
        days |= {key: found.get(key) for key in touched}
        days |= {key: found.get(key) for key in _left_behind(traces, first_us, last_us)}
    return days


def _spans(traces: Iterable[Trace]) -> Iterator[tuple[int, int]]:
    """When evidence counts or counted, overlapping spans as one."""
    begin_us = end_us = None
    for at_us in sorted({trace.end_us for trace in traces}):
        if begin_us is None or end_us is None or at_us > end_us + 2 * _MARGIN_US:
            if begin_us is not None and end_us is not None:
                yield begin_us, end_us
            begin_us = at_us
        end_us = at_us + WINDOW_US
    if begin_us is not None and end_us is not None:
        yield begin_us, end_us


def _left_behind(traces: Iterable[Trace], first_us: int, last_us: int) -> set[tuple[Kind, date]]:
    """Where the workouts' own rows are or were."""
    return {
        (kind, local_day(at_us, trace.zone))
        for trace in traces
        if first_us <= trace.end_us <= last_us
        for at_us in (trace.end_us, trace.end_us + WINDOW_US)
        for kind in trace.kinds
    }


def _stated_days(user: str, state: State) -> Days:
    erasure = state.get(user, Erasure, "erased")
    erased_us = erasure.fact.time_us if erasure else -1
    said = [one for known in state.facts(user, StatementFact).values() for one in known.fact.stated]
    alive = [one for one in said if one.from_us > erased_us]
    found = threshold_days(stated_history(alive), stated_edges(alive))
    return {(one.kind, local_day(one.from_us, one.zone)): None for one in said} | found


def _rows(origin: Origin, days: Days) -> Iterator[dict[str, Any]]:
    for (kind, day), change in days.items():
        yield {
            "kind": kind,
            "origin": origin,
            "local_day": day,
            "changed_at": change.changed_us if change else 0,
            "value": change.value if change else None,
            "method": (change.method or "") if change else "",
            "evidence_ids": [one.fact_id for one in change.evidence] if change else [],
            "evidence_names": [one.name for one in change.evidence] if change else [],
            "deleted": int(change is None),
        }


def _message(user: str, kind: Kind, traces: Sequence[Trace], evidence: EvidenceInTime) -> hot.ThresholdEstimated:
    latest_us = evidence.latest_us(kind)
    span: Threshold | None = None
    since_us, zone = max((trace.end_us, trace.zone) for trace in traces)
    if latest_us is not None:
        # What counted in some of the 90 days before tells since when the estimate is as it is.
        facts = evidence.ended([kind], latest_us - 2 * WINDOW_US, latest_us)
        span = threshold_at(estimated_history(facts), kind, latest_us)
        since_us = span.from_us if span else latest_us
        zone = edges_of(facts)[kind, since_us]
    data = hot.ThresholdEstimatedData(
        kind=kind,
        value=span.value if span else None,
        method=span.method if span else None,  # type: ignore[arg-type] # an estimate is not stated
        since=since_us,
        until=span.until_us if span and span.until_us is not None and span.until_us <= TIME_MAX_US else None,
        evidence=tuple(hot.ThresholdEvidence(workout_id=one.fact_id, effort=one.name) for one in span.evidence)
        if span
        else (),
    )
    return hot.ThresholdEstimated.of(user=user, time=since_us, zone=zone, source=PRODUCER, producer=PRODUCER, data=data)
