"""``stridelog sink``: what each agent keeps in each store, whether it is what the log says, and building it anew."""

import asyncio
import dataclasses
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from stridelog import topics
from stridelog.cli.verify import verify
from stridelog.moments import moment_ms
from stridelog.rebuild.build import rebuild as build_anew
from stridelog.rebuild.projections import named, projections, rebuildable
from stridelog.rebuild.standing import Standing, standings
from stridelog.seek import EARLIEST
from stridelog.settings import settings
from stridelog.views import units
from verification.run import SINKS

sink_app = typer.Typer(
    help="What agents keep in stores: where it stands, compare it with the log, build it anew.", no_args_is_help=True
)
NAME_WIDTH: Final = 34
Name = Annotated[str, typer.Argument(metavar="AGENT.STORE", help="As stridelog sink list names it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@sink_app.command("list")
def list_sinks(
    partitions: Annotated[bool, typer.Option("--partitions", help="One line a partition, not their sum.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every projection: its tables, collections or keys, and how far it has taken each topic."""
    rows = asyncio.run(standings(settings(), projections(topics.load()), by_partition=partitions))
    if as_json:
        typer.echo(json.dumps([_as_json(row, partitions) for row in rows], indent=2))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("projection", max_width=NAME_WIDTH)
    table.add_column("topic", no_wrap=True)
    for name in (*(["part."] if partitions else []), "watermark", "behind", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    shown: set[str] = set()
    for row in rows:
        name = "" if row.projection in shown else f"{row.projection}\n[dim]{', '.join(row.parts)}[/]"
        shown.add(row.projection)
        number = [str(row.partition)] if partitions else []
        behind = f"[yellow]{row.behind:,}[/]" if row.behind else "0"
        age = f"[yellow]{units.ago(row.age_s)}[/]" if row.behind else "-"
        table.add_row(name, row.topic, *number, f"{row.watermark:,}", behind, age)
    Console().print(table)


@sink_app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="AGENT.STORE, or one store of stridelog verify.")],
    show: Annotated[int, typer.Option(min=0, help="List so many differences of each kind and store.")] = 0,
    settle: Annotated[
        float, typer.Option(min=0, help="Wait so many seconds for the agents to catch up; 0: compare at once.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; everything else goes to stderr.")] = False,
) -> None:
    """Compare one projection with what the log says. Exits with 1 if anything differs."""
    checks = [name] if name in SINKS else list(named(name, topics.load()).checks)
    verify(as_json=as_json, sink=checks, show=show, settle=settle)


@sink_app.command()
def rebuild(
    name: Name,
    since: Annotated[
        str, typer.Option("--from", metavar="earliest|TIME", help="Leave out what was logged before.")
    ] = EARLIEST,
    as_json: AsJson = False,
) -> None:
    """Build a projection anew from the log, beside the live one; then the new one takes its place.

    Readers see the old one until then, and never a half-built one; agents go on meanwhile.
    """
    table = topics.load()
    projection = rebuildable(name, table)
    since_ms = None if since == EARLIEST else moment_ms(since, datetime.now(UTC))
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True, soft_wrap=True), transient=True) as progress:
        done = asyncio.run(build_anew(settings(), table, projection, _Shown(progress), since_ms))
    if as_json:
        typer.echo(json.dumps({**dataclasses.asdict(done), "from": since}))
        return
    rate = done.records / max(done.seconds, 1e-9)
    typer.echo(
        f"{name} is new: {done.records:,} records in {done.seconds:.1f} s ({rate:,.0f}/s), "
        f"{projection.agent.name} paused for {done.paused_s:.1f} s"
    )
    if done.is_paused:
        typer.echo(f"{projection.agent.name} is still paused: stridelog agents resume {projection.agent.name}")


class _Rate(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


class _Shown:
    """Progress of a rebuild on a bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("connecting", total=None)

    def say(self, text: str) -> None:
        """What is being done now."""
        self._progress.update(self._task, description=text)

    def step(self, done: int, total: int) -> None:
        """How many records of how many are taken."""
        self._progress.update(self._task, completed=done, total=total)


def _as_json(row: Standing, partitions: bool) -> dict[str, Any]:
    fields = dataclasses.asdict(row)
    if not partitions:
        del fields["partition"]
    return fields
