"""Segments as people handle them: from a GPX file to a message, and lists of them from ClickHouse."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from domain.segments import segment_of
from domain.sports import FAMILIES
from recordings.segment_file import read_line
from schemas import hot
from schemas.decode import BadRecord, encode, parse
from schemas.identity import event_id
from stridelog.errors import UserError
from stridelog.queries import Queries

PRODUCER: Final = "stridelog-segments"
_APP: Final = "command line"
_DECIMALS: Final = 6  # of degrees: 0.1 m
_COLUMNS: Final = (
    "segment_id, name, family, length_m, start_latitude_deg, start_longitude_deg, defined_by, "
    "toUnixTimestamp64Micro(defined_at)"
)
M = TypeVar("M", hot.SegmentDefined, hot.SegmentRemoved)


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment, and who has passed it."""

    segment_id: str
    name: str
    family: str
    length_m: float
    start_latitude_deg: float
    start_longitude_deg: float
    defined_by: str
    defined_us: int
    athletes: int
    efforts: int


def defined(path: Path, *, name: str, family: str, by: str, at_us: int) -> hot.SegmentDefined:
    """The message that draws the one line of a GPX file as a segment; ``name`` empty: that of the file.

    The same line under the same name is the same segment. Raises ``UserError`` for a file without one line, and for a
    line, a name or a family that will not do.
    """
    known = next((one for one in FAMILIES if one == family), None)
    if known is None:
        raise UserError(f"no family of sports {family!r}: there are {', '.join(FAMILIES)}")
    line = read_line(path)
    title = name or line.name
    if not title:
        raise UserError(f"{path} does not name its line: give the segment a name (--name)")
    try:
        segment = segment_of(path.name, title, known, line.latitude_deg, line.longitude_deg)
    except ValueError as error:
        raise UserError(str(error)) from None
    points = tuple(
        (round(latitude, _DECIMALS), round(longitude, _DECIMALS))
        for latitude, longitude in zip(segment.latitude_deg.tolist(), segment.longitude_deg.tolist(), strict=True)
    )
    segment_id = event_id("Segment", title, family, *(str(point) for point in points))
    data = hot.SegmentDefinedData(segment_id=segment_id, name=title, family=known, points=points)
    return _checked(
        hot.SegmentDefined.of(user=by, time=at_us, zone="UTC", source=_APP, producer=PRODUCER, data=data), path.name
    )


def removed(segment_id: str, *, by: str, at_us: int) -> hot.SegmentRemoved:
    """The message that removes a segment. Raises ``UserError`` for an id or user that cannot be one."""
    data = hot.SegmentRemovedData(segment_id=segment_id)
    return _checked(
        hot.SegmentRemoved.of(user=by, time=at_us, zone="UTC", source=_APP, producer=PRODUCER, data=data), segment_id
    )


def _checked(message: M, what: str) -> M:
    try:
        parse(encode(message), [type(message).__name__])
    except BadRecord as bad:
        raise UserError(f"{what} makes no segment: {bad.detail}") from None
    return message


async def segments(queries: Queries, *, only: str = "") -> list[SegmentRow]:
    """The segments that there are, by name, or one; with how many athletes and efforts each has that are
    not hidden."""
    where = "NOT deleted" + (" AND segment_id = {only:String}" if only else "")
    found = await queries.clickhouse(
        f"SELECT {_COLUMNS} FROM segments FINAL WHERE {where} ORDER BY name, segment_id",  # noqa: S608 - names of ours
        only=only,
    )
    counts = await queries.clickhouse(
        "SELECT segment_id, uniqExact(user_id), count() FROM segment_efforts FINAL"  # noqa: S608
        f" WHERE {where} AND NOT hidden GROUP BY segment_id",
        only=only,
    )
    by_segment = {segment_id: (athletes, efforts) for segment_id, athletes, efforts in counts}
    whole = [(*row, *by_segment.get(row[0], (0, 0))) for row in found]
    return [SegmentRow(*row) for row in whole]


async def segment(queries: Queries, segment_id: str) -> SegmentRow:
    """One segment. Raises ``UserError`` if there is none."""
    found = await segments(queries, only=segment_id)
    if not found:
        raise UserError(
            f"no segment {segment_id!r}: it was never drawn, was removed, or is not here yet (stridelog agents lag); "
            "there are ids in stridelog segments list"
        )
    return found[0]
