"""The live board as a rich renderable."""

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from domain.boards import ALL_SPORTS
from domain.live_view import LiveView
from stridelog.live_board import LivePage, LiveRow
from stridelog.views import units

ZONE_COLOURS = ("bright_black", "blue", "green", "yellow", "red")


def board(page: LivePage) -> Table:
    """The head of the board, and the viewer's own place below it if it is further down."""
    sports = "all sports" if page.sport == ALL_SPORTS else page.sport
    table = Table(title=f"training right now by {page.metric.replace('_', ' ')}, {sports}", title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("athlete", overflow="fold")
    table.add_column("sport")
    for name in ("moving", "distance", "pace", "heart rate"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in page.rows:
        _add(table, row, is_mine=page.mine is not None and row.view.user == page.mine.view.user)
    if page.mine is not None and page.mine.view.user not in {row.view.user for row in page.rows}:
        table.add_section()
        _add(table, page.mine, is_mine=True)
    return table


def _add(table: Table, row: LiveRow, *, is_mine: bool) -> None:
    view = row.view
    table.add_row(
        "" if row.rank is None else str(row.rank),
        escape(row.name),
        (view.sport or "").replace("_", " "),
        "" if view.moving_time_s is None else units.duration(view.moving_time_s),
        "" if view.distance_m is None else units.distance(view.distance_m),
        "in a privacy zone" if view.in_privacy_zone else units.pace(view.sport or "", view.speed_m_s),
        heart_rate(view),
        style="bold" if is_mine else None,
    )


def heart_rate(view: LiveView) -> Text:
    """``♥ 151 Z3`` in the zone's colour; nothing where it is not known or not to be seen."""
    if view.heart_rate_bpm is None or view.heart_rate_zone is None:
        return Text()
    text = f"♥ {view.heart_rate_bpm:.0f} Z{view.heart_rate_zone}"
    return Text(text, style=ZONE_COLOURS[view.heart_rate_zone - 1])
