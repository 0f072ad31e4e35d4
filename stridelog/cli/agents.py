"""``stridelog agents``: which there are, how far behind the log their sinks are, pause, resume and seek."""

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sinks.base import SinkUnavailable
from stridelog import topics
from stridelog.agent import Agent
from stridelog.cli.asking import who_asks
from stridelog.control import FREE, Control, Standing
from stridelog.errors import UserError
from stridelog.lag import Lag, LagReader, declared, sinks_of
from stridelog.moments import moment_ms
from stridelog.seek import EARLIEST, Move, Place, Seek, skipped, taken_again
from stridelog.settings import settings
from stridelog.views import units

agents_app = typer.Typer(
    help="Agents: what they read and write, how far they are; pause, resume, seek.", no_args_is_help=True
)
T = TypeVar("T")
Name = Annotated[str, typer.Argument(help="The agent, as stridelog agents list names it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@agents_app.command("list")
def list_agents(as_json: AsJson = False) -> None:
    """Every agent: its role, what it reads and writes, where it stores, what it does, whether it is paused."""
    known = topics.load()
    asked = _standings()
    found: list[dict[str, Any]] = [
        {
            "agent": agent.name,
            "role": agent.role,
            "reads": [topic.name for topic in known.inputs_of(agent.name)],
            "writes": [topic.name for topic in known.outputs_of(agent.name)],
            "stores": [sink for sink in sinks_of(agent) if sink != "topic"],
            "doc": agent.doc,
            "paused": None if asked is None else _paused(asked.get(agent.name, FREE)),
        }
        for agent in declared().values()
    ]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table("agent", "does", "reads ←  writes →", "stores", box=None, header_style="bold", padding=(0, 2, 1, 0))
    for row in found:
        flow = [f"← {name}" for name in row["reads"]] + [f"→ {name}" for name in row["writes"]]
        name = f"[bold]{row['agent']}[/]\n[dim]role {row['role']}[/]"
        standing = (asked or {}).get(row["agent"], FREE)
        doc = str(row["doc"]) + (f"\n{_how_to_go_on(row['agent'], standing)}" if standing.paused else "")
        table.add_row(name, doc, "\n".join(flow), "\n".join(row["stores"]))
    Console().print(table)
    if asked is None:
        Console().print("[dim]PostgreSQL does not answer: which agents are paused is not known[/]")


@agents_app.command()
def lag(
    agent: Annotated[str, typer.Option(help="Only this agent.")] = "",
    partitions: Annotated[bool, typer.Option("--partitions", help="One line a partition, not their sum.")] = False,
    as_json: AsJson = False,
) -> None:
    """Records that each sink has yet to take: its own watermark against the end of the log.

    The consumer group's committed offset is shown beside it as a hint: workers start at the watermarks.
    """
    rows, asked = asyncio.run(_read(_chosen(agent)))
    if not partitions:
        rows = summed(rows)
    if as_json:
        typer.echo(json.dumps([_as_json(row, partitions, asked) for row in rows], indent=2))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("agent", "sink", "topic"):
        table.add_column(name, no_wrap=True)
    for name in (*(["part."] if partitions else []), "watermark", "behind", "(group)"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        behind = f"[yellow]{row.behind:,}[/]" if row.behind else "0"
        group = "-" if row.committed is None else f"{max(0, row.end - row.committed):,}"
        number = [str(row.partition)] if partitions else []
        name = f"[yellow]{row.agent} (paused)[/]" if asked.get(row.agent, FREE).paused else row.agent
        table.add_row(name, row.sink, row.topic, *number, f"{row.watermark:,}", behind, group)
    Console().print(table)
    for name in dict.fromkeys(row.agent for row in rows if asked.get(row.agent, FREE).paused):
        Console().print(_how_to_go_on(name, asked[name]))


@agents_app.command()
def pause(
    name: Name, reason: Annotated[str, typer.Option(help="Why: whoever wonders why it stands still reads this.")]
) -> None:
    """Let the workers leave an agent alone until it is resumed; they finish the batch at hand."""
    (agent,) = _chosen(name) or []
    if asyncio.run(_controlled(lambda control: control.pause(agent.name, reason, who_asks()))):
        typer.echo(f"{name} is paused: its workers see it within {settings().control_poll_s:g} s")
    else:
        standing = asyncio.run(_controlled(Control.read))[name]
        typer.echo(f"{name} was paused already, by {standing.paused_by}: {standing.reason}")


@agents_app.command()
def resume(name: Name) -> None:
    """Let an agent go on where its sinks are."""
    (agent,) = _chosen(name) or []
    if asyncio.run(_controlled(lambda control: control.resume(agent.name))):
        typer.echo(f"{name} goes on: its workers see it within {settings().control_poll_s:g} s")
    else:
        typer.echo(f"{name} was not paused")


@agents_app.command()
def seek(
    name: Name,
    to: Annotated[str, typer.Option(metavar="earliest|OFFSET|TIME", help="Where its sinks shall need records from.")],
    topic: Annotated[str, typer.Option(help="Only this topic.")] = "",
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    sink: Annotated[str, typer.Option(help="Only this sink of the agent.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Also skip records, for good.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set the watermarks of an agent: back, to take records again, or forward, to skip them."""
    (agent,) = _chosen(name) or []
    place: Place = to if to == EARLIEST else int(to) if to.isdecimal() else float(moment_ms(to, datetime.now(UTC)))

    async def move() -> tuple[list[Move], bool]:
        async with Seek(agent, topics.load(), settings(), sink) as work:
            moves = await work.plan(place, topic, partition)
            if (lost := skipped(moves)) and not yes:
                raise UserError(f"{name} would skip {lost:,} records for good: add --yes if you mean it")
            return moves, await work.carry_out(moves, f"seek to {to}", who_asks()) if moves else True

    moves, goes_on = asyncio.run(move())
    if as_json:
        shown = [{"sink": one.sink, **one.source._asdict(), "from": one.at, "to": one.to} for one in moves]
        typer.echo(json.dumps({"agent": name, "moves": shown, "skipped": skipped(moves), "resumed": goes_on}))
    elif not moves:
        typer.echo(f"{name} is there already")
    else:
        typer.echo(f"{name} takes {taken_again(moves):,} records again and skips {skipped(moves):,}")
        if not goes_on:
            typer.echo(f"it is still paused: stridelog agents resume {name}")


def summed(rows: Sequence[Lag]) -> list[Lag]:
    """The rows of all partitions of a topic as one, partition -1; ``committed`` is known if any partition's is."""
    found = []
    for _, group in groupby(rows, key=lambda row: (row.agent, row.sink, row.topic)):
        some = list(group)
        committed = [row.committed or 0 for row in some] if any(row.committed is not None for row in some) else None
        found.append(
            dataclasses.replace(
                some[0],
                partition=-1,
                watermark=sum(row.watermark for row in some),
                end=sum(row.end for row in some),
                committed=None if committed is None else sum(committed),
            )
        )
    return found


def _chosen(name: str) -> list[Agent] | None:
    agents = declared()
    if not name:
        return None
    if name not in agents:
        raise UserError(f"no agent {name!r}: there are {', '.join(agents)}")
    return [agents[name]]


async def _read(agents: list[Agent] | None) -> tuple[list[Lag], Mapping[str, Standing]]:
    async with LagReader(settings(), agents) as reader:
        return await reader.read(), await _controlled(Control.read)


async def _controlled(call: Callable[[Control], Awaitable[T]]) -> T:
    """Ask the table of pauses. Raises ``UserError`` if it does not answer."""
    try:
        async with Control(settings()) as control:
            return await call(control)
    except SinkUnavailable as error:
        raise UserError(f"{error}: is the stack up? make up") from error


def _standings() -> Mapping[str, Standing] | None:
    try:
        return asyncio.run(_controlled(Control.read))
    except UserError:
        return None  # the list says the rest without the stack too


def _paused(standing: Standing) -> dict[str, str] | None:
    if not standing.paused:
        return None
    return {"reason": standing.reason, "by": standing.paused_by, "since": standing.at.isoformat()}


def _how_to_go_on(name: str, standing: Standing) -> str:
    since = units.moment(int(standing.at.timestamp() * 1_000_000))
    why = f"paused since {since} by {standing.paused_by}: {standing.reason}"
    return f"[yellow]{escape(why)}[/]\n[dim]to go on: stridelog agents resume {name}[/]"


def _as_json(row: Lag, partitions: bool, asked: Mapping[str, Standing]) -> dict[str, Any]:
    fields = {**dataclasses.asdict(row), "behind": row.behind, "paused": asked.get(row.agent, FREE).paused}
    if not partitions:
        del fields["partition"]
    return fields
