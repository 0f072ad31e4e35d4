"""``stridelog topics``: the topics' table, and the broker against topics.yaml."""

import asyncio
import json
import logging
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stridelog import broadcast
from stridelog.broadcast import Completed
from stridelog.cli.schemas import TOPICS_PAGE, write_topics_page
from stridelog.errors import UserError
from stridelog.settings import settings
from stridelog.topic_admin import Change, TopicAdmin, TopicRow
from stridelog.topics import load

topics_app = typer.Typer(help="Topics: table, difference to the broker, apply.", no_args_is_help=True)
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is one line of ours
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@topics_app.command("list")
def list_topics(
    as_json: AsJson = False, sample: Annotated[float, typer.Option(help="Seconds to sample rates.")] = 1.0
) -> None:
    """Every topic: partitions, messages, rate, lag of each role, dead letters, size on disk."""
    rows = asyncio.run(_table(sample))
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    if not rows:
        raise UserError("the broker has none of the topics of topics.yaml: create them with stridelog topics apply")
    Console().print(_rendered(rows))


@topics_app.command()
def plan(as_json: AsJson = False) -> None:
    """What the broker lacks; exits with 1 if something has to be done."""
    changes = asyncio.run(_plan())
    if as_json:
        typer.echo(json.dumps([asdict(change) for change in changes], indent=2))
    else:
        _print(changes, "the broker is as topics.yaml says")
    if any(change.action != "none" for change in changes):
        raise typer.Exit(1)


@topics_app.command()
def apply(
    yes: Annotated[bool, typer.Option("--yes", help="Also make changes that lose records.")] = False,
) -> None:
    """Create topics, add partitions, set configurations. What loses records is only done with --yes."""
    done, left = asyncio.run(_apply(yes))
    _print(done, "nothing to do" if not left else "nothing done")
    if left:
        names = ", ".join(sorted({change.topic for change in left}))
        raise UserError(
            f"records would be lost in {names}: see stridelog topics plan, then apply with --yes if you mean it"
        )


@topics_app.command()
def complete(as_json: AsJson = False) -> None:
    """Send to each partition of the topics for everyone the copies that it lacks: after partitions were added, or when
    a sender died half-way. Doing it again sends nothing.
    """
    done = asyncio.run(_complete())
    if as_json:
        typer.echo(json.dumps([asdict(topic) for topic in done], indent=2))
        return
    for topic in done:
        typer.echo(f"{topic.topic}: {topic.records} records × {topic.partitions} partitions, {topic.sent} copies sent")


@topics_app.command()
def docs() -> None:
    """Write docs/reference/topics.md."""
    typer.echo(f"wrote {TOPICS_PAGE}" if write_topics_page() else f"{TOPICS_PAGE} is up to date")


async def _table(sample_s: float) -> list[TopicRow]:
    async with TopicAdmin(settings()) as admin:
        return await admin.table(load(), sample_s=sample_s)


async def _complete() -> list[Completed]:
    return [await broadcast.complete(topic, settings()) for topic in load().for_everyone]


async def _plan() -> list[Change]:
    async with TopicAdmin(settings()) as admin:
        return await admin.plan(load())


async def _apply(lose_data: bool) -> tuple[list[Change], list[Change]]:
    async with TopicAdmin(settings()) as admin:
        changes = await admin.plan(load())
        done = await admin.apply(load(), changes, lose_data=lose_data)
        return done, [change for change in changes if change.loses_data and change not in done]


def _print(changes: list[Change], otherwise: str) -> None:
    console = Console(soft_wrap=True)
    for change in changes:
        loss = " [red](loses records: needs --yes)[/red]" if change.loses_data else ""
        action = "note" if change.action == "none" else change.action
        console.print(f"[bold]{action}[/bold] {change.topic}: {change.detail}{loss}", highlight=False)
    if not changes:
        console.print(otherwise)


def _rendered(rows: list[TopicRow]) -> Table:
    table = Table("topic", box=None, header_style="bold")
    for name in ("partitions", "messages", "per s", "size"):
        table.add_column(name, justify="right")
    table.add_column("lag")
    table.add_column("dead", justify="right")
    for row in rows:
        lag = ", ".join(f"{role} {count:,}" for role, count in row.lag.items())
        dead = "" if row.dead is None else f"[red]{row.dead:,}[/red]" if row.dead else "0"
        size = "?" if row.size_bytes is None else _size(row.size_bytes)
        table.add_row(row.topic, str(row.partitions), f"{row.messages:,}", f"{row.per_s:,.0f}", size, lag, dead)
    return table


def _size(size_bytes: float) -> str:
    for unit in _UNITS:
        if size_bytes < 1024 or unit == _UNITS[-1]:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    raise AssertionError("unreachable")
