"""Boards, ranks, feeds, workouts and scores as rich renderables."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from domain.boards import BoardKey
from stridelog.answers import BoardPage, BoardRow, FeedPage, RankPage, RiskRow, SuggestionRow
from stridelog.boards_file import unit_of
from stridelog.views import integrity, units

_ID: Final = 36  # characters of a UUID
_BAR: Final = 30  # characters of the longest bar
_ZONE_COLOURS: Final = ("bright_black", "blue", "green", "yellow", "red")
_FIGURES: Final = (
    ("distance", "distance_m", units.distance),
    ("moving time", "moving_time_s", units.duration),
    ("elapsed", "elapsed_s", units.duration),
    ("climbed", "elevation_gain_m", lambda value: f"{value:,.0f} m"),
    ("descended", "elevation_loss_m", lambda value: f"{value:,.0f} m"),
    ("heart rate, mean", "mean_heart_rate_bpm", lambda value: f"{value:.0f} bpm"),
    ("heart rate, highest", "max_heart_rate_bpm", lambda value: f"{value:.0f} bpm"),
    ("power, mean", "mean_power_w", lambda value: f"{value:.0f} W"),
    ("power, normalised", "normalised_power_w", lambda value: f"{value:.0f} W"),
    ("cadence", "mean_cadence_rpm", lambda value: f"{value:.0f} rpm"),
    ("energy", "energy_kcal", lambda value: f"{value:,.0f} kcal"),
    ("load", "load", lambda value: f"{value:,.1f}"),
)
_ANALYSED: Final = (
    ("load by heart rate", "heart_rate_load", lambda value: f"{value:,.1f}"),
    ("intensity factor", "intensity_factor", lambda value: f"{value:.2f}"),
    ("efficiency factor", "efficiency_factor", lambda value: f"{value:.2f}"),
    ("aerobic decoupling", "aerobic_decoupling", lambda value: f"{value:.1%}"),
    ("xPower", "xpower_w", lambda value: f"{value:.0f} W"),
    ("quality", "quality_score", lambda value: f"{value:.0f} of 100"),
)


def title_of(board: BoardKey) -> str:
    """A board's name: ``distance, all sports, week 2026-W48``."""
    sports = "all sports" if board.sport == "all" else board.sport
    when = "all time" if board.period == "all" else f"{board.period} {board.period_key}"
    return f"{board.metric.replace('_', ' ')}, {sports}, {when}"


def board(page: BoardPage, user: str = "") -> RenderableType:
    """The head of a leaderboard; with a user, their place on it and the ones around."""
    head = _board(page, page.rows, user, title_of(page.board), f"{page.users:,} on this board")
    if not user:
        return head
    if page.rank is None:
        return Group(head, Text(f"{user} is not on this board"))
    return Group(head, _board(page, page.around, user, "", f"rank {page.rank:,} of {page.users:,}"))


def _board(page: BoardPage, rows: Sequence[BoardRow], user: str, title: str, caption: str) -> Table:
    table = Table(title=title, title_justify="left", caption=caption)
    table.add_column("#", justify="right")
    table.add_column("athlete", overflow="fold")
    table.add_column("id", style="dim", overflow="fold")
    table.add_column(page.board.metric.replace("_", " "), justify="right", no_wrap=True)
    table.add_column("workouts", justify="right")
    table.add_column("reached", no_wrap=True)
    for row in rows:
        figure = units.score(unit_of(page.board.metric), row.score)
        reached, style = units.moment(row.achieved_us), "bold cyan" if row.user == user else ""
        cells = (f"{row.rank:,}", escape(row.name), escape(row.user), figure, f"{row.workouts:,}", reached)
        table.add_row(*cells, style=style)
    return table


def rank(user: str, page: RankPage) -> Table:
    """A user's place among the neighbours."""
    caption = f"rank {page.rank:,} of {page.users:,}"
    table = Table(title=title_of(page.board), title_justify="left", caption=caption)
    table.add_column("#", justify="right")
    table.add_column("athlete", overflow="fold")
    table.add_column("id", style="dim", overflow="fold")
    table.add_column(page.board.metric.replace("_", " "), justify="right", no_wrap=True)
    for row in page.rows:
        figure = units.score(unit_of(page.board.metric), row.score)
        style = "bold cyan" if row.user == user else ""
        table.add_row(f"{row.rank:,}", escape(row.name), escape(row.user), figure, style=style)
    return table


def feed(name: str, page: FeedPage) -> Table:
    """A page of a feed."""
    table = Table(title=f"Feed of {escape(name)}", title_justify="left", caption=_more(page))
    table.add_column("ended, UTC", no_wrap=True)
    table.add_column("athlete", overflow="fold")
    table.add_column("what", overflow="fold", min_width=_ID)
    table.add_column("load", justify="right")
    for item in page.items:
        what = Text(item["title"] or item["sport"].replace("_", " "))
        how = [units.distance(item["distance_m"])] if item["distance_m"] else []
        what.append("  " + ", ".join([*how, units.duration(item["moving_time_s"]), *_reactions(item)]), style="cyan")
        what.append(f"\n{item['workout_id']}", style="dim")
        ended = units.moment(item["end_us"]).removesuffix(" UTC")
        table.add_row(ended, escape(item["name"]), what, f"{item['load']:.0f}")
    return table


def _more(page: FeedPage) -> str | None:
    if not page.items:
        return "nothing here yet"
    return f"older ones: --before {page.next}" if page.next else None


def _reactions(item: Mapping[str, Any]) -> list[str]:
    kudos = len(item.get("kudos", ()))
    said = [f"{kudos} kudos"] if kudos else []
    return said + [f"“{comment['text']}”" for comment in item.get("comments", ())]


def workout(document: Mapping[str, Any]) -> RenderableType:
    """A workout: figures, time in zones as bars, best efforts."""
    summary = document.get("summary") or {}
    zone = document["zone"]
    head = Text.assemble(
        (document["title"] or document["sport"].replace("_", " "), "bold"),
        f"  {document['name']}, {document['sport'].replace('_', ' ')}, ",
        f"{units.moment(document['start'], zone)} ({zone})",
    )
    parts: list[RenderableType] = [head]
    if document["status"] == "duplicate":
        parts.append(Text(f"a duplicate of {document['duplicate_of']}, which counts instead", style="yellow"))
    parts += integrity.said_of(document)
    if sources := document.get("channel_sources"):
        givers: dict[str, set[bool]] = {}  # by channel, whether this one and whether another one gave values
        for one in sources:
            givers.setdefault(one["channel"].replace("_", " "), set()).add(one["workout_id"] == document["workout_id"])
        taken = [("part of " if True in mine else "") + name for name, mine in givers.items() if False in mine]
        said = f"recorded more than once: {', '.join(taken) or 'nothing'} from another recording"
        parts.append(Text(said, style="dim"))
    parts.append(_figures(document["sport"], summary))
    if summary.get("time_in_zones_s"):
        parts.append(_zones(summary))
    if summary.get("best_efforts"):
        parts.append(_efforts(document["sport"], summary["best_efforts"]))
    rests_on = f"{summary.get('sample_count', 0):,} samples, {summary.get('coverage', 0):.0%} of the time"
    parts.append(Text(f"{rests_on}; distance by {summary.get('distance_source', 'none')}", style="dim"))
    parts += [Text(f"- {reason}", style="dim") for reason in (summary.get("analysis") or {}).get("quality_reasons", ())]
    return Group(*parts)


def _figures(sport: str, summary: Mapping[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for label, name, show in _FIGURES:
        if summary.get(name) is not None:
            table.add_row(label, show(summary[name]))
    analysis = summary.get("analysis") or {}
    for label, speed in (("", summary.get("mean_speed_m_s")), ("level ", analysis.get("grade_adjusted_speed_m_s"))):
        if shown := units.pace(sport, speed):
            table.add_row(label + ("pace" if "/km" in shown or "/100m" in shown else "speed"), shown)
    for label, name, show in _ANALYSED:
        if analysis.get(name) is not None:
            table.add_row(label, show(analysis[name]))
    return table


def _zones(summary: Mapping[str, Any]) -> Table:
    basis, seconds = summary["zone_basis"], summary["time_in_zones_s"]
    whose = ", the athlete's own" if summary.get("zones_set_by") else ""
    title = f"time in zones, by {basis.replace('_', ' ')}{whose}"
    table = Table(title=title, title_justify="left", box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, min_width=_BAR)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    longest = max([*seconds, 1.0])
    bounds = [*summary.get("zone_bounds", ()), None]
    for number, (each, bound) in enumerate(zip_longest(seconds, bounds), start=1):
        colour = _ZONE_COLOURS[(number - 1) * (len(_ZONE_COLOURS) - 1) // max(1, len(seconds) - 1)]
        bar = Text("█" * round(_BAR * each / longest), style=colour)
        below = "" if bound is None else f"below {_bound(basis, bound)}"
        table.add_row(f"Z{number}", bar, units.duration(each), below)
    return table


def _bound(basis: str, bound: float) -> str:
    if basis == "pace":
        return units.pace("running", bound)
    return f"{bound:.0f} W" if basis == "power" else f"{bound:.0f} bpm"


def _efforts(sport: str, efforts: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="best efforts", title_justify="left")
    table.add_column("over")
    table.add_column("time", justify="right")
    table.add_column("pace or power", justify="right")
    for effort in efforts:
        if effort.get("power_w") is not None:
            figure = f"{effort['power_w']:.0f} W"
        else:
            figure = units.pace(sport, (effort.get("distance_m") or 0) / effort["duration_s"])
        table.add_row(effort["name"], units.duration(effort["duration_s"]), figure)
    return table


def scores(name: str, risks: Sequence[RiskRow], suggestions: Sequence[SuggestionRow]) -> RenderableType:
    """Injury risks and what to train next."""
    risk_table = Table(title=f"Injury risk of {escape(name)}", title_justify="left")
    for heading in ("after", "workout"):
        risk_table.add_column(heading, overflow="fold")
    risk_table.add_column("risk, 14 days", justify="right")
    risk_table.add_column("model")
    for row in risks:
        risk_table.add_row(units.moment(row.at_us), row.workout_id, f"{row.risk:.1%}", row.model_version)
    if not risks:
        risk_table.caption = "none yet: there was no model when they trained (stridelog models train)"
    next_table = Table(title="What to train next", title_justify="left")
    next_table.add_column("#", justify="right")
    for heading in ("what", "sport"):
        next_table.add_column(heading)
    next_table.add_column("score", justify="right")
    next_table.add_column("model")
    for each in suggestions:
        kind = each.workout_kind.replace("_", " ")
        next_table.add_row(str(each.rank), kind, each.sport, f"{each.score:.2f}", each.model_version)
    if not suggestions:
        next_table.caption = "none yet"
    return Group(risk_table, next_table)
