"""From segments, the last summaries and samples to efforts, and from what was said of efforts to tables and boards."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from domain.privacy_zones import HiddenCircle, hidden_circle
from domain.segment_efforts import efforts_on, is_hidden, of_workout
from domain.segment_index import SegmentIndex, cells_of
from domain.segments import Segment, segment_of
from domain.sports import family_of
from domain.track import Track
from schemas import hot
from verification.boards import Last
from verification.integrity import believed
from verification.outcomes import Valid
from verification.workouts import Hidden, keep_zone, zones_of

SEGMENT_KEY: Final = ("segment_id",)
EFFORT_KEY: Final = ("segment_id", "user_id", "workout_id", "start")
BOARD_KEY: Final = ("segment_id", "user_id")
WRITER: Final = 0
"""The partition whose copies of segments are written to ClickHouse."""

Efforts = dict[tuple[str, str], tuple[str, list[dict[str, Any]]]]
"""By user and workout: the zone, and the fields of each effort."""


@dataclass(frozen=True, slots=True)
class Word:
    """The last word on a segment."""

    record: Valid
    segment: Segment | None  # none: removed


def last_words(records: Iterable[Valid]) -> dict[str, Word]:
    """By segment the word of the latest event time; of one time, the one whose id sorts last."""
    last: dict[str, Valid] = {}
    for record in sorted(records, key=lambda record: (record.message.time, record.message.id, -record.offset)):
        last[record.message.data.segment_id] = record
    return {segment_id: Word(record, _segment(record.message)) for segment_id, record in last.items()}


def _segment(message: hot.SegmentDefined | hot.SegmentRemoved) -> Segment | None:
    if isinstance(message, hot.SegmentRemoved):
        return None
    data = message.data
    latitudes, longitudes = zip(*data.points, strict=True)
    return segment_of(data.segment_id, data.name, data.family, latitudes, longitudes)


def hidden_places(events: Iterable[Valid], privacy_key: bytes) -> dict[str, list[HiddenCircle]]:
    """By user what their privacy zones hide."""
    hidden: dict[str, Hidden] = {}
    for _, _, message in events:
        keep_zone(hidden.setdefault(message.user, {}), message)
    return {user: [hidden_circle(zone, privacy_key) for zone in zones_of(words)] for user, words in hidden.items()}


def expected_efforts(
    words: Mapping[str, Word],
    last: Last,
    places: Mapping[str, Sequence[HiddenCircle]],
    track_of: Callable[[str, str], Track | None],
) -> Efforts:
    """The efforts of every workout that boards rank and that has any; ``places`` are what each user hides."""
    index = SegmentIndex([word.segment for word in words.values() if word.segment is not None])
    expected: Efforts = {}
    for (user, workout_id), record in last.items():
        data = record.message.data
        sources = sorted(one.workout_id for one in data.channel_sources if one.channel == "position") or [workout_id]
        tracks = [track_of(user, source) for source in sources] if believed(data) else []
        ways = [of_workout(track, data.start, data.end) for track in tracks if track is not None]
        if not ways:
            continue
        way = max(ways, key=lambda way: np.count_nonzero(~np.isnan(way.latitude_deg)))  # of equals the first
        near = index.candidates(cells_of(way.latitude_deg, way.longitude_deg), family_of(data.sport))
        efforts = [
            {
                "segment_id": segment.segment_id,
                "start": e.start_us,
                "end": e.end_us,
                "covered": e.covered,
                "hidden": is_hidden(segment, places.get(user, ()), workout_id),
            }
            for segment in near
            for e in efforts_on(way, [segment])
        ]
        efforts.sort(key=lambda effort: (effort["start"], effort["segment_id"], effort["end"]))
        if efforts:
            expected[user, workout_id] = (record.message.zone, efforts)
    return expected


def said_efforts(last: Last) -> Efforts:
    """The efforts that the last message about each workout tells, where it tells any."""
    return {
        key: (record.message.zone, [_fields(effort) for effort in record.message.data.efforts])
        for key, record in last.items()
        if record.message.data.efforts
    }


def _fields(effort: hot.SegmentEffort) -> dict[str, Any]:
    return {name: getattr(effort, name) for name in effort.__struct_fields__}


def effort_table(said: Efforts) -> pa.Table:
    """Rows of ``segment_efforts`` that are not deleted; times in µs."""
    rows = [
        {
            **effort,
            "user_id": user,
            "workout_id": workout_id,
            "elapsed_s": (effort["end"] - effort["start"]) / 1e6,
            "hidden": int(effort["hidden"]),
        }
        for (user, workout_id), (_, efforts) in said.items()
        for effort in efforts
    ]
    return pa.Table.from_pylist(
        rows,
        schema=pa.schema(
            [
                ("segment_id", pa.string()),
                ("user_id", pa.string()),
                ("workout_id", pa.string()),
                ("start", pa.int64()),
                ("end", pa.int64()),
                ("elapsed_s", pa.float64()),
                ("covered", pa.float64()),
                ("hidden", pa.int64()),
            ]
        ),
    )


def segment_table(words: Mapping[str, Word]) -> pa.Table:
    """Rows of ``segments``, removed ones too; times in µs."""
    rows = []
    for segment_id, word in words.items():
        message, drawn = word.record.message, word.segment is not None
        rows.append(
            {
                "segment_id": segment_id,
                "name": message.data.name if drawn else "",
                "family": message.data.family if drawn else "",
                "length_m": word.segment.length_m if word.segment else 0.0,
                "start_latitude_deg": message.data.points[0][0] if drawn else 0.0,
                "start_longitude_deg": message.data.points[0][1] if drawn else 0.0,
                "defined_by": message.user,
                "defined_at": message.time,
                "deleted": int(not drawn),
            }
        )
    names = [(name, pa.string()) for name in ("segment_id", "name", "family", "defined_by")]
    floats = [(name, pa.float64()) for name in ("length_m", "start_latitude_deg", "start_longitude_deg")]
    whole = [("defined_at", pa.int64()), ("deleted", pa.int64())]
    return pa.Table.from_pylist(rows, schema=pa.schema([*names, *floats, *whole]))


def board_table(efforts: pa.Table) -> pa.Table:
    """The best of each athlete on each segment, with ranks: of equal seconds who got there first is ahead. What is
    hidden is not ranked.
    """
    best: dict[str, dict[str, tuple[int, int, str]]] = {}  # segment → user → seconds, end, workout
    counts: dict[tuple[str, str], int] = {}
    for row in efforts.to_pylist():
        if row["hidden"]:
            continue
        segment_id, user = row["segment_id"], row["user_id"]
        one = (round(row["elapsed_s"]), row["end"], row["workout_id"])
        held = best.setdefault(segment_id, {})
        held[user] = min(one, held.get(user, one))
        counts[segment_id, user] = counts.get((segment_id, user), 0) + 1
    rows = []
    for segment_id, held in best.items():
        order = sorted(one[:2] for one in held.values())
        for user, (elapsed_s, achieved_us, workout_id) in held.items():
            rank = 1 + bisect_left(order, (elapsed_s, achieved_us))
            rows.append((segment_id, user, rank, elapsed_s, achieved_us, workout_id, counts[segment_id, user]))
    names = ("segment_id", "user_id", "rank", "elapsed_s", "achieved_at", "workout_id", "efforts")
    kinds = (pa.string(), pa.string(), pa.int64(), pa.int64(), pa.int64(), pa.string(), pa.int64())
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], names=names)
