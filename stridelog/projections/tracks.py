"""Marks of tracks, and which workouts say the same, as ClickHouse tables; and which workouts are to be compared."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import pyarrow as pa

from domain.fingerprint import Fingerprint, Tokens
from schemas import hot
from sinks.base import Rows
from sinks.tables import LOOKALIKES, TRACK_MARKS
from stridelog.batch import Batch
from stridelog.state import State

PRODUCER: Final = "stridelog/tracks"
NEVER_US: Final = 0


class KnownMarks(msgspec.Struct, frozen=True):
    """The digest of a workout's marks, and all keys that it has and had: it may be said of others to be like them by
    marks that it had.
    """

    digest: int
    keys: Tokens


@dataclass
class Noted:
    """What a batch says of tracks."""

    rows: list[Rows]
    checks: list[hot.CopyCheckDue] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def note(batch: Batch, state: State) -> Noted:
    """Keep marks as facts; rows of both tables, and a comparison of each workout whose marks have changed."""
    noted = Noted([_lookalike_rows(batch)])
    rows = []
    for offset, message in batch.of(hot.TrackMarked):
        user, data = message.user, message.data
        known = state.get(user, KnownMarks, data.workout_id)
        if known is not None and known.fact.digest == data.digest and known.settled(batch.span):
            noted.dropped["duplicate"] += 1
            continue
        if known is None and not data.digest:
            noted.dropped["no_marks"] += 1
            continue
        keys = Fingerprint(data.position, data.heart_rate, data.power).keys
        fact = KnownMarks(data.digest, tuple(sorted({*keys, *(known.fact.keys if known else ())})))
        state.put(user, data.workout_id, fact, offset)
        rows.append(_marks_row(message, fact.keys, batch.span.partition, offset))
        noted.checks.append(check_due(user, message.time, data.workout_id, changed=True, producer=PRODUCER))
    noted.rows.append(Rows(TRACK_MARKS.name, pa.Table.from_pylist(rows, schema=TRACK_MARKS.schema)))
    return noted


def check_due(user: str, time_us: int, workout_id: str, *, changed: bool, producer: str) -> hot.CopyCheckDue:
    """Say that a workout is to be compared."""
    data = hot.CopyCheckDueData(workout_id=workout_id, changed=changed)
    return hot.CopyCheckDue.of(user=user, time=time_us, zone="UTC", source=producer, producer=producer, data=data)


def _marks_row(message: hot.TrackMarked, keys: Tokens, partition: int, offset: int) -> dict[str, Any]:
    data = message.data
    return {
        "user_id": message.user,
        "workout_id": data.workout_id,
        "accepted_at": data.accepted,
        "start": data.start,
        "end": data.end,
        "digest": data.digest,
        "position": data.position,
        "heart_rate": data.heart_rate,
        "power": data.power,
        "keys": keys,
        "deleted": int(not data.digest),
        "source_partition": partition,
        "source_offset": offset,
    }


def _lookalike_rows(batch: Batch) -> Rows:
    rows = []
    for offset, message in batch.of(hot.LookalikeFound):
        other = message.data.lookalike
        rows.append(
            {
                "user_id": message.user,
                "workout_id": message.data.workout_id,
                "digest": message.data.digest,
                "other_user_id": other.user if other else "",
                "other_workout_id": other.workout_id if other else "",
                "other_accepted_at": other.accepted_us if other else NEVER_US,
                "other_digest": other.digest if other else 0,
                "share": other.share if other else 0.0,
                "channel": other.channel if other else "",
                "deleted": int(other is None),
                "source_partition": batch.span.partition,
                "source_offset": offset,
            }
        )
    return Rows(LOOKALIKES.name, pa.Table.from_pylist(rows, schema=LOOKALIKES.schema))
