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
from domain.threshold_evidence import WINDOW_US, Kind, kinds_of
from domain.thresholds import Threshold, estimated_history, stated_history, threshold_at
from schemas import hot
from schemas.types import TIME_MAX_US
from sinks.base import Rows
from sinks.tables import THRESHOLD_HISTORY
from stridelog.projections.evidence import EvidenceInTime, Kept, StatementFact, Trace
from stridelog.projections.users import erased_us
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
        message
        for user, traces in kept.traces.items()
        for message in _newest(user, traces, state.index(user, EvidenceInTime))
    ]


def _kinds(traces: Iterable[Trace]) -> list[Kind]:
    return sorted(set(chain.from_iterable(trace.kinds for trace in traces)))


def _estimated_days(traces: Sequence[Trace], evidence: EvidenceInTime) -> Days:
    kinds = _kinds(traces)
    days: dict[tuple[Kind, date], ThresholdDay | None] = {}
    for first_us, last_us in _spans(traces):
        facts = evidence.ended(kinds, first_us - WINDOW_US - _MARGIN_US, last_us + _MARGIN_US)
        found = threshold_days(estimated_history(facts), edges_of(facts))
        standing = (Trace(kinds_of(fact), fact.end_us, fact.zone) for fact in facts)
        touched = _edge_days(chain(traces, standing), first_us, last_us)
        days |= {key: found.get(key) for key in touched if key[0] in kinds}
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


def _edge_days(traces: Iterable[Trace], first_us: int, last_us: int) -> set[tuple[Kind, date]]:
    """The days on which evidence comes or ages out in a span, where each workout was: of two at one time, either."""
    return {
        (kind, local_day(at_us, trace.zone))
        for trace in traces
        for at_us in (trace.end_us, trace.end_us + WINDOW_US)
        if first_us <= at_us <= last_us
        for kind in trace.kinds
    }


def _stated_days(user: str, state: State) -> Days:
    void_us = erased_us(state, user)
    said = [one for known in state.facts(user, StatementFact).values() for one in known.fact.stated]
    alive = [one for one in said if one.from_us > void_us]
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


def _newest(user: str, traces: Sequence[Trace], evidence: EvidenceInTime) -> Iterator[hot.ThresholdEstimated]:
    latest = {kind: evidence.latest_us(kind) for kind in _kinds(traces)}
    for at_us in sorted({at_us for at_us in latest.values() if at_us is not None}):
        kinds = [kind for kind, its_us in latest.items() if its_us == at_us]
        # What counted in some of the 90 days before tells since when the estimate is as it is.
        facts = evidence.ended(kinds, at_us - 2 * WINDOW_US, at_us)
        history, edges = estimated_history(facts), edges_of(facts)
        for kind in kinds:
            span = threshold_at(history, kind, at_us)
            since_us = span.from_us if span else at_us
            yield _message(user, kind, since_us, edges[kind, since_us], span)
    for kind, its_us in latest.items():
        if its_us is None:
            since_us, zone = max((trace.end_us, trace.zone) for trace in traces if kind in trace.kinds)
            yield _message(user, kind, since_us, zone, None)


def _message(user: str, kind: Kind, since_us: int, zone: str, span: Threshold | None) -> hot.ThresholdEstimated:
    data = hot.ThresholdEstimatedData(kind=kind, since=since_us)
    if span is not None:
        data = hot.ThresholdEstimatedData(
            kind=kind,
            value=span.value,
            method=span.method,  # type: ignore[arg-type] # an estimate is not stated
            since=since_us,
            until=span.until_us if span.until_us is not None and span.until_us <= TIME_MAX_US else None,
            evidence=tuple(hot.ThresholdEvidence(workout_id=one.fact_id, effort=one.name) for one in span.evidence),
        )
    return hot.ThresholdEstimated.of(user=user, time=since_us, zone=zone, source=PRODUCER, producer=PRODUCER, data=data)
