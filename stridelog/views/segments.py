"""Segments and their boards as tables."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from stridelog.segment_board import SegmentPlace
from stridelog.segments import SegmentRow
from stridelog.views import units

_ID = 36  # characters of a UUID


def segments(rows: Sequence[SegmentRow]) -> Table:
    """All segments."""
    table = Table(box=None, header_style="bold")
    table.add_column("segment", overflow="fold")
    table.add_column("sport")
    for heading in ("length", "athletes", "efforts"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("id", min_width=_ID, no_wrap=True, style="dim")
    for row in rows:
        table.add_row(
            escape(row.name),
            row.family,
            units.distance(row.length_m),
            f"{row.athletes:,}",
            f"{row.efforts:,}",
            row.segment_id,
        )
    return table


def board(segment: SegmentRow, places: Sequence[SegmentPlace], *, period_key: str = "all", viewer: str = "") -> Table:
    """The head of a segment's board; of a viewer's without the counts, in which those are whom they may not see."""
    when = "" if period_key == "all" else f", {period_key}"
    title = f"{escape(segment.name)}, {segment.family}, {units.distance(segment.length_m)}{when}"
    table = Table(title=title, title_justify="left")
    table.caption = f"as {viewer} sees it" if viewer else f"{segment.athletes:,} athletes, {segment.efforts:,} efforts"
    table.add_column("#", justify="right")
    table.add_column("athlete", overflow="fold")
    table.add_column("id", style="dim", overflow="fold")
    for heading in ("time", "pace", "efforts"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("achieved", no_wrap=True)
    for place in places:
        table.add_row(
            str(place.rank),
            escape(place.name),
            place.user,
            units.duration(place.elapsed_s),
            units.pace(segment.family, segment.length_m / place.elapsed_s if place.elapsed_s else None),
            f"{place.efforts:,}",
            units.moment(place.achieved_us),
        )
    return table
