"""The live screen: what flows through the platform right now, drawn from a :class:`Screen` and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domain.boards import BoardKey
from stridelog.answers import FreshRisk, FreshSuggestion, RankRow
from stridelog.boards_file import unit_of
from stridelog.live_board import LiveRow
from stridelog.views import live_board, reading, units

_SPARKS: Final = " ▁▂▃▄▅▆▇█"
HISTORY: Final = 60
"""Seconds of events per second that the header draws."""


@dataclass(frozen=True, slots=True)
class AgentLine:
    """One agent in the last seconds."""

    agent: str
    role: str
    in_per_s: float
    written_per_s: float
    delay_p50_s: float | None  # from the broker's timestamp of a batch's last record to all sinks holding the batch
    delay_p99_s: float | None
    sinks: Mapping[str, float | None]  # sink → median seconds of a write
    behind: int  # records, the sink that is furthest behind
    dead: int


@dataclass(frozen=True, slots=True)
class Mover:
    """A place on the board that moves: how many ranks it has gained lately; ``None``: it is new."""

    row: RankRow
    gained: int | None


@dataclass(slots=True)
class Screen:
    """Everything that is drawn."""

    title: str = "stridelog"
    now_s: float = 0.0  # Unix time
    up_s: float = 0.0
    history: Sequence[float] = ()  # records/s taken in, the newest last
    records_per_s: float = 0.0
    written_per_s: float = 0.0
    fresh_p50_s: float | None = None  # from a completion in the log to its board
    fresh_p99_s: float | None = None
    fresh_count: int = 0
    agents: Sequence[AgentLine] = ()
    board: BoardKey | None = None
    movers: Sequence[Mover] = ()
    feed: Sequence[Mapping[str, Any]] = ()
    risks: Sequence[tuple[str, FreshRisk]] = ()  # name, score
    suggestions: Sequence[tuple[str, FreshSuggestion]] = ()  # name, what to do next
    sessions: Sequence[LiveRow] = ()
    models: Sequence[str] = ()
    dead_by_reason: Mapping[str, int] = field(default_factory=dict)
    memory_bytes: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()  # what does not answer, what to do about it


def render(screen: Screen) -> RenderableType:
    """The whole screen."""
    layout = Layout()
    layout.split_column(
        Layout(_header(screen), name="header", size=4),
        Layout(_agents(screen), name="agents", size=len(screen.agents) + 3),
        Layout(name="middle", ratio=1),
        Layout(_footer(screen), name="footer", size=5),
    )
    layout["middle"].split_row(Layout(_board(screen), ratio=5), Layout(name="right", ratio=6))
    layout["right"].split_column(Layout(_feed(screen), ratio=3), Layout(name="people", ratio=2))
    layout["people"].split_row(Layout(_sessions(screen)), Layout(_scores(screen)))
    return layout


def spark(values: Sequence[float]) -> str:
    """Bars of equal width, the highest value being the highest bar."""
    most = max(values, default=0.0)
    if most <= 0:
        return " " * len(values)
    return "".join(_SPARKS[min(len(_SPARKS) - 1, round(value / most * (len(_SPARKS) - 1)))] for value in values)


def _header(screen: Screen) -> RenderableType:
    figures = Text.assemble(
        ("in ", "dim"),
        (f"{screen.records_per_s:,.0f}/s", "bold green"),
        ("   written ", "dim"),
        (f"{screen.written_per_s:,.0f}/s", "bold green"),
        ("   completed workout → board ", "dim"),
        (units.short_time(screen.fresh_p50_s), "bold cyan"),
        (" p50  ", "dim"),
        (units.short_time(screen.fresh_p99_s), "bold cyan"),
        (f" p99 of {screen.fresh_count}" if screen.fresh_count else " p99", "dim"),
        ("   behind ", "dim"),
        (f"{max((line.behind for line in screen.agents), default=0):,}", "bold yellow"),
    )
    history = Text(spark(list(screen.history)[-HISTORY:]), style="green")
    history.append(f"  records/s of the last {min(len(screen.history), HISTORY)} s", style="dim")
    return Panel(
        Group(_one_line(figures), _one_line(history)),
        title=f"[bold]{escape(screen.title)}[/]  up {units.duration(screen.up_s)}",
        box=box.ROUNDED,
    )


def _agents(screen: Screen) -> RenderableType:
    table = Table(box=None, expand=True, header_style="dim", pad_edge=False)
    table.add_column("agent", no_wrap=True, min_width=12)
    for name, width in (("in/s", 6), ("written/s", 9), ("delay p50", 9), ("p99", 6), ("behind", 7), ("dead", 5)):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    table.add_column("sinks: median write", no_wrap=True, overflow="ellipsis", ratio=1)
    for line in screen.agents:
        sinks = "  ".join(
            f"[dim]{name}[/] {units.short_time(seconds)}" for name, seconds in line.sinks.items() if seconds is not None
        )
        table.add_row(
            f"[bold]{line.agent}[/]",
            _busy(line.in_per_s),
            _busy(line.written_per_s),
            units.short_time(line.delay_p50_s),
            units.short_time(line.delay_p99_s),
            f"[yellow]{line.behind:,}[/]" if line.behind else "[dim]0[/]",
            f"[red]{line.dead:,}[/]" if line.dead else "[dim]0[/]",
            sinks,
        )
    return Panel(table, title="agents, the last 10 s", title_align="left", box=box.ROUNDED)


def _busy(per_s: float) -> str:
    return f"[green]{per_s:,.0f}[/]" if per_s >= 0.5 else "[dim]0[/]"


def _board(screen: Screen) -> RenderableType:
    table = Table(box=None, expand=True, show_header=False, pad_edge=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, width=4)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    metric = screen.board.metric if screen.board else "distance"
    for mover in screen.movers:
        arrow, style = _arrow(mover.gained)
        figure = units.score(unit_of(metric), mover.row.score)
        table.add_row(str(mover.row.rank), arrow, escape(mover.row.name), figure, style=style)
    title = reading.title_of(screen.board) if screen.board else "board"
    return Panel(table, title=f"board: {title}", title_align="left", box=box.ROUNDED)


def _arrow(gained: int | None) -> tuple[str, str]:
    if gained is None:
        return "new", "bold green"
    if gained > 0:
        return f"▲{gained}", "bold green"
    if gained < 0:
        return f"▼{-gained}", "red"
    return "", ""


def _feed(screen: Screen) -> RenderableType:
    table = Table(box=None, expand=True, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for item in screen.feed:
        table.add_row(
            units.ago(max(0.0, screen.now_s - item["end_us"] / 1e6)),
            escape(item["name"]),
            escape(item["title"] or item["sport"].replace("_", " ")),
            units.distance(item["distance_m"]) if item["distance_m"] else "",
            units.duration(item["moving_time_s"]),
        )
    return Panel(table, title="newest in the feeds", title_align="left", box=box.ROUNDED)


def _sessions(screen: Screen) -> RenderableType:
    table = Table(box=None, expand=True, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for row in screen.sessions:
        view = row.view
        table.add_row(escape(row.name), live_board.heart_rate(view), units.pace(view.sport or "", view.speed_m_s))
    return Panel(table, title="training right now", title_align="left", box=box.ROUNDED)


def _scores(screen: Screen) -> RenderableType:
    table = Table(box=None, expand=True, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for name, risk in screen.risks:
        table.add_row(escape(name), f"injury [magenta]{risk.risk:.1%}[/]")
    for name, next_one in screen.suggestions:
        table.add_row(escape(name), f"→ [cyan]{next_one.workout_kind.replace('_', ' ')} {next_one.sport}[/]")
    body: RenderableType = table
    if not screen.risks and not screen.suggestions:
        body = Text("nothing scored yet" if screen.models else "no model yet: nothing is scored", style="dim")
    title = "scores" + (f": {', '.join(screen.models)}" if screen.models else "")
    return Panel(body, title=title, title_align="left", box=box.ROUNDED)


def _footer(screen: Screen) -> RenderableType:
    dead = ", ".join(f"{reason} {count:,}" for reason, count in screen.dead_by_reason.items()) or "none"
    whole = sum(screen.memory_bytes.values())
    each = ", ".join(f"{role} {units.size(size)}" for role, size in screen.memory_bytes.items())
    lines = [
        Text.assemble(("dead letters  ", "dim"), (dead, "red" if screen.dead_by_reason else "")),
        Text.assemble(("workers' memory  ", "dim"), f"{units.size(whole)}: {each}" if whole else "-"),
    ]
    if screen.notes:
        lines.append(Text("; ".join(screen.notes), style="yellow"))
    else:
        lines.append(Text("Ctrl-C stops the workers; what is stored stays", style="dim"))
    return Panel(Group(*(_one_line(line) for line in lines)), box=box.ROUNDED)


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
