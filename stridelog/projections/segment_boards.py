"""Efforts on segments as rows: what each workout has, and what it had."""

from collections import Counter
from typing import Any, Final

import msgspec
import pyarrow as pa

from schemas import hot
from sinks.base import Rows
from sinks.tables import SEGMENT_EFFORTS, SEGMENTS
from stridelog.batch import Batch
from stridelog.projections.segment_facts import SegmentFact, drawn, word_of
from stridelog.state import State, everyone

WRITER: Final = 0  # the partition that writes what all partitions have copies of
Key = tuple[str, int]  # segment, start in µs


class EffortsFact(msgspec.Struct, frozen=True):
    """The efforts of a workout, and every other one that it has ever had: there it has left a row."""

    efforts: tuple[hot.SegmentEffort, ...]
    gone: tuple[hot.SegmentEffort, ...] = ()


def effort_rows(batch: Batch, state: State) -> tuple[Rows, Counter[str]]:
    """Rows of ``segment_efforts`` of the batch's workouts, and how many records needed none, by reason."""
    changed: dict[tuple[str, str], tuple[int, EffortsFact]] = {}
    dropped: Counter[str] = Counter()
    for offset, message in batch.of(hot.SegmentEffortsFound):
        user, workout_id = message.user, message.data.workout_id
        known = state.get(user, EffortsFact, workout_id)
        fact = _fact(message.data.efforts, known.fact if known else None)
        if known is not None and known.fact == fact and known.settled(batch.span):
            dropped["duplicate"] += 1
            continue
        state.put(user, workout_id, fact, offset)
        changed[user, workout_id] = (offset, fact)
    rows = [
        {
            "segment_id": effort.segment_id,
            "user_id": user,
            "workout_id": workout_id,
            "start": effort.start,
            "end": effort.end,
            "elapsed_s": (effort.end - effort.start) / 1e6,
            "covered": effort.covered,
            "hidden": int(effort.hidden),
            "deleted": deleted,
            "source_partition": batch.span.partition,
            "source_offset": offset,
        }
        for (user, workout_id), (offset, fact) in changed.items()
        for deleted, efforts in ((0, fact.efforts), (1, fact.gone))
        for effort in efforts
    ]
    return Rows(SEGMENT_EFFORTS.name, pa.Table.from_pylist(rows, schema=SEGMENT_EFFORTS.schema)), dropped


def segment_rows(batch: Batch, state: State) -> list[Rows]:
    """Rows of ``segments``; none where another partition writes them."""
    if batch.span.partition != WRITER:
        return []
    owner = everyone(WRITER)
    rows: dict[str, dict[str, Any]] = {}
    for offset, _, message in batch.records:
        if not isinstance(message, hot.SegmentDefined | hot.SegmentRemoved):
            continue
        segment_id = message.data.segment_id
        known = state.get(owner, SegmentFact, segment_id)
        fact = word_of(message, offset, known.fact if known else None)
        if fact is not None:
            state.put(owner, segment_id, fact, offset)
            rows[segment_id] = _segment_row(segment_id, fact, message.user, offset)
    return [Rows(SEGMENTS.name, pa.Table.from_pylist(list(rows.values()), schema=SEGMENTS.schema))]


def _fact(efforts: tuple[hot.SegmentEffort, ...], before: EffortsFact | None) -> EffortsFact:
    held = {(effort.segment_id, effort.start) for effort in efforts}
    had = {(effort.segment_id, effort.start): effort for effort in (*before.gone, *before.efforts)} if before else {}
    return EffortsFact(efforts, tuple(effort for key, effort in had.items() if key not in held))


def _segment_row(segment_id: str, fact: SegmentFact, user: str, offset: int) -> dict[str, Any]:
    line = drawn(segment_id, fact.name, fact.family, fact.points) if fact.points else None
    return {
        "segment_id": segment_id,
        "name": fact.name,
        "family": fact.family if line else "",
        "length_m": line.length_m if line else 0.0,
        "start_latitude_deg": fact.points[0][0] if line else 0.0,
        "start_longitude_deg": fact.points[0][1] if line else 0.0,
        "defined_by": user,
        "defined_at": fact.time_us,
        "deleted": int(line is None),
        "source_partition": WRITER,
        "source_offset": offset,
    }
