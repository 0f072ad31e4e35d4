"""``stridelog verify``: recompute from the log what every store must hold, and compare."""

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from stridelog.settings import settings
from verification.report import Report
from verification.run import verify as run_verification
from verification.tally import KINDS


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; everything else goes to stderr.")] = False,
    sink: Annotated[list[str] | None, typer.Option(help="Compare only this; may be given several times.")] = None,
    show: Annotated[int, typer.Option(min=0, help="List so many differences of each kind and store.")] = 0,
    settle: Annotated[
        float, typer.Option(min=0, help="Wait so many seconds for the agents to catch up; 0: compare at once.")
    ] = 60.0,
) -> None:
    """Recompute from the whole log what every store must hold, and compare. Exits with 1 if anything differs."""
    for client in ("aiokafka", "clickhouse_connect", "asyncio"):
        logging.getLogger(client).setLevel(logging.CRITICAL)  # a store that is away is one line of ours
    errors = Console(stderr=True, soft_wrap=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        shown = _Shown(progress)
        report = asyncio.run(run_verification(settings(), shown, only=sink or (), show=show, settle_s=settle))
    console = errors if as_json else Console(soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        console.print(_table(report))
    for note in report.notes:
        console.print(note, style="yellow", highlight=False, markup=False)
    for line in _differences(report):
        console.print(line, highlight=False, markup=False)
    if not as_json:
        console.print(_verdict(report), highlight=False)
    raise typer.Exit(0 if report.ok else 1)


class _Shown:
    """Progress of a verification on a bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("reading where the log ends", total=None)

    def say(self, text: str) -> None:
        """What is being done now."""
        self._progress.update(self._task, description=text)

    def step(self, done: int, total: int) -> None:
        """How much of the work is done."""
        self._progress.update(self._task, completed=done, total=total)


def _table(report: Report) -> Table:
    table = Table(title="What the log says against what the stores hold")
    table.add_column("store")
    for heading in ("expected", "found", *KINDS):
        table.add_column(heading, justify="right")
    for name, tally in report.sinks.items():
        figures = (f"{count:,}" for count in tally.counts().values())
        table.add_row(name, *figures, style="" if tally.ok else "bold red")
    return table


def _differences(report: Report) -> Iterable[str]:
    for name, tally in report.sinks.items():
        for one in tally.examples:
            wanted = f"; expected {one.expected}" if one.expected else ""
            had = f"; found {one.found}" if one.found else ""
            yield f"{name}: {one.kind}: {one.key}{wanted}{had}"


def _verdict(report: Report) -> str:
    records = sum(each.records for each in report.outcomes.values())
    said = f"{records:,} records, {report.dead:,} of them dead"
    if report.ok:
        return f"[green]ok[/]: every store holds what the log says ({said})"
    wrong = [name for name, tally in report.sinks.items() if not tally.ok]
    reason = f"{', '.join(wrong)} differ" if wrong else "agents lag"
    return f"[red]not ok[/]: {reason} ({said})"
