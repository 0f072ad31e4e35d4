"""From what is said of the marks of tracks to which workouts say the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from domain.copies import Lookalike, Marked, first_lookalike
from domain.fingerprint import Fingerprint
from schemas import hot
from verification import boards
from verification.outcomes import Valid

Key = tuple[str, str]
"""User and workout."""


def said_marks(records: Iterable[Valid]) -> dict[Key, tuple[str, hot.TrackMarkedData]]:
    """By workout the zone and the last word on its marks, where it has any."""
    last = {(record.message.user, record.message.data.workout_id): record.message for record in records}
    return {key: (message.zone, message.data) for key, message in last.items() if message.data.digest}


def marked_of(user: str, data: hot.TrackMarkedData) -> Marked:
    """A workout with its marks."""
    marks = Fingerprint(data.position, data.heart_rate, data.power)
    return Marked(user, data.workout_id, data.accepted, data.start, data.end, marks)


def marks_table(records: Sequence[Valid], said: Mapping[Key, tuple[str, hot.TrackMarkedData]]) -> pa.Table:
    """Rows of ``track_marks`` that are not deleted: keys are all that a workout ever had."""
    keys: dict[Key, set[int]] = defaultdict(set)
    for record in records:
        message = record.message
        keys[message.user, message.data.workout_id] |= {*marked_of(message.user, message.data).marks.keys}
    rows = [
        {
            "user_id": user,
            "workout_id": workout_id,
            "accepted_at": data.accepted,
            "start": data.start,
            "end": data.end,
            "digest": data.digest,
            "position": list(data.position),
            "heart_rate": list(data.heart_rate),
            "power": list(data.power),
            "keys": sorted(keys[user, workout_id]),
        }
        for (user, workout_id), (_, data) in said.items()
    ]
    texts = [(name, pa.string()) for name in boards.WORKOUT_KEY]
    numbers = [(name, pa.int64()) for name in ("accepted_at", "start", "end", "digest")]
    lists = [(name, pa.list_(pa.uint64())) for name in ("position", "heart_rate", "power", "keys")]
    return pa.Table.from_pylist(rows, schema=pa.schema([*texts, *numbers, *lists]))


def said_lookalikes(records: Iterable[Valid]) -> dict[Key, tuple[int, Lookalike]]:
    """By workout the last word on which other says the same, where one does, and of which marks that is said."""
    last = {(record.message.user, record.message.data.workout_id): record.message.data for record in records}
    return {key: (data.digest, _lookalike(data.lookalike)) for key, data in last.items() if data.lookalike is not None}


def _lookalike(part: hot.Lookalike) -> Lookalike:
    return Lookalike(**{name: getattr(part, name) for name in part.__struct_fields__})


def lookalikes_table(said: Mapping[Key, tuple[int, Lookalike]]) -> pa.Table:
    """Rows of ``lookalikes`` that are not deleted."""
    rows: list[dict[str, Any]] = [
        {
            "user_id": user,
            "workout_id": workout_id,
            "digest": digest,
            "other_user_id": other.user,
            "other_workout_id": other.workout_id,
            "other_accepted_at": other.accepted_us,
            "other_digest": other.digest,
            "share": other.share,
            "channel": other.channel,
        }
        for (user, workout_id), (digest, other) in said.items()
    ]
    texts = [(name, pa.string()) for name in (*boards.WORKOUT_KEY, "other_user_id", "other_workout_id", "channel")]
    numbers = [(name, pa.int64()) for name in ("digest", "other_accepted_at", "other_digest")]
    return pa.Table.from_pylist(rows, schema=pa.schema([*texts, *numbers, ("share", pa.float64())]))


def expected_lookalikes(marked: Iterable[Marked]) -> dict[Key, tuple[int, Lookalike]]:
    """By workout the digest of its marks and which other says the same, of all athletes'."""
    by_key: dict[int, list[Marked]] = defaultdict(list)
    workouts = list(marked)
    for one in workouts:
        for key in one.marks.keys:
            by_key[key].append(one)
    found: dict[Key, tuple[int, Lookalike]] = {}
    for one in workouts:
        near = {(other.user, other.workout_id): other for key in one.marks.keys for other in by_key[key]}
        first = first_lookalike(one, near.values())
        if first is not None:
            found[one.user, one.workout_id] = one.digest, first
    return found
