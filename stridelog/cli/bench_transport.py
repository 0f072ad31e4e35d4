"""``stridelog bench transport``: the batch engine beside its peers."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.transport import measure
from bench.transport_chart import draw
from bench.transport_peers import chosen
from bench.transport_result import OURS, TARGETS, Result
from compose.settings import StackSettings
from stridelog.errors import UserError
from stridelog.settings import settings


def transport(
    events: Annotated[int, typer.Option(min=10_000, max=50_000_000, help="Events in the topic.")] = 500_000,
    only: Annotated[str | None, typer.Option(help="Contenders, separated by commas; default: all.")] = None,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="How often each contender runs.")] = 3,
    chart: Annotated[Path | None, typer.Option(help="Draw the result into this SVG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Events a second of the batch engine and of its peers, on one topic, each in a process of its own.

    Peers are installed into the local folder when they are missing. One that cannot be is named with the reason.
    Exits with 1 if the engine itself has no figures.
    """
    contenders = chosen(only)
    if chart is not None and not chart.parent.is_dir():
        raise UserError(f"--chart is {chart}: there is no folder {chart.parent}")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def say(what: str, done: int, steps: int) -> None:
            progress.update(task, description=what, completed=done, total=steps)

        stack = StackSettings.from_environment()
        result = measure(settings(), stack, contenders, events=events, rounds=rounds, say=say)
    if chart is not None:
        chart.write_text(draw(result))
    if as_json:
        typer.echo(json.dumps(result.as_json()))
    else:
        _print(result)
    if OURS in result.failures:
        raise typer.Exit(1)


def _print(result: Result) -> None:
    table = Table(title="Events a second, one process each, on one topic", title_justify="left")
    table.add_column("")
    for name in ("events/s", "events/CPU-s", "engine is", "by CPU", "target"):
        table.add_column(name, justify="right")
    for name, standing in result.standings.items():
        said = standing.as_json()
        title = standing.title if standing.job == "decode and sum" else f"{standing.title} (fetch)"
        if "failure" in said:
            table.add_row(title, *["-"] * 5, style="dim")
            continue
        ratio, target = result.ratio(name), TARGETS.get(name)
        colour = "" if ratio is None or target is None else "[green]" if ratio >= target else "[red]"
        ratios = ["" if value is None else f"{value:,.2f} ×" for value in (ratio, result.ratio_cpu(name))]
        table.add_row(
            title,
            f"{said['events_per_s']:,}",
            "-" if said["events_per_cpu_s"] is None else f"{said['events_per_cpu_s']:,}",
            *(["", ""] if name == OURS else ratios),
            "" if target is None else f"{colour}≥ {target:g} ×",
        )
    console = Console()
    console.print(table)
    for name, failure in result.failures.items():
        console.print(f"{result.standings[name].title}: {failure}", highlight=False, soft_wrap=True)
    console.print(
        f"{result.events:,} events of {result.event_bytes:.0f} bytes, decode and sum by user and minute, from the "
        f"first record to the last, median of {result.rounds} rounds; load average {result.load[0]:.1f} before, "
        f"{result.load[1]:.1f} after",
        highlight=False,
        soft_wrap=True,
    )
