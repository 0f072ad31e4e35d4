"""``stridelog agents``: which there are, and how far behind the log each of their sinks is."""

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from stridelog import topics
from stridelog.agent import Agent
from stridelog.errors import UserError
from stridelog.lag import Lag, LagReader, declared, sinks_of
from stridelog.settings import settings

agents_app = typer.Typer(help="Agents: what they read and write, how far they are.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@agents_app.command("list")
def list_agents(as_json: AsJson = False) -> None:
    """Every agent: its role, what it reads and writes, where it stores, what it does."""
    known = topics.load()
    found: list[dict[str, Any]] = [
        {
            "agent": agent.name,
            "role": agent.role,
            "reads": [topic.name for topic in known.inputs_of(agent.name)],
            "writes": [topic.name for topic in known.outputs_of(agent.name)],
            "stores": [sink for sink in sinks_of(agent) if sink != "topic"],
            "doc": agent.doc,
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
        table.add_row(name, str(row["doc"]), "\n".join(flow), "\n".join(row["stores"]))
    Console().print(table)


@agents_app.command()
def lag(
    agent: Annotated[str, typer.Option(help="Only this agent.")] = "",
    partitions: Annotated[bool, typer.Option("--partitions", help="One line a partition, not their sum.")] = False,
    as_json: AsJson = False,
) -> None:
    """Records that each sink has yet to take: its own watermark against the end of the log.

    The consumer group's committed offset is shown beside it as a hint: workers start at the watermarks.
    """
    rows = asyncio.run(_read(_chosen(agent)))
    if not partitions:
        rows = summed(rows)
    if as_json:
        typer.echo(json.dumps([_as_json(row, partitions) for row in rows], indent=2))
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
        table.add_row(row.agent, row.sink, row.topic, *number, f"{row.watermark:,}", behind, group)
    Console().print(table)


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


async def _read(agents: list[Agent] | None) -> list[Lag]:
    async with LagReader(settings(), agents) as reader:
        return await reader.read()


def _as_json(row: Lag, partitions: bool) -> dict[str, Any]:
    fields = {**dataclasses.asdict(row), "behind": row.behind}
    if not partitions:
        del fields["partition"]
    return fields
