"""``stridelog bench``: benchmarks on the stack that runs."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.freshness import Result, measure
from bench.load import MESSAGE_TYPES, registrations, workout
from bench.probes import probes_of
from models.registry import KINDS, Registry
from stridelog.cli.bench_capacity import boards, feeds, history, sensors, soak, workouts
from stridelog.cli.bench_transport import transport
from stridelog.instance import environment, own_instance
from stridelog.lag import LagReader, caught_up
from stridelog.producer import Producer
from stridelog.settings import Settings, settings
from stridelog.topics import Topics, load
from stridelog.workers import Workers

bench_app = typer.Typer(help="Benchmarks.", no_args_is_help=True)
CAUGHT_UP_S: Final = 120.0
WARM_UP: Final = 20  # workouts sent before, and not measured: the first ones wait for imports and connections
_S_US: Final = 1_000_000


bench_app.command()(sensors)
bench_app.command()(workouts)
bench_app.command()(boards)
bench_app.command()(history)
bench_app.command()(feeds)
bench_app.command()(soak)
bench_app.command()(transport)


@bench_app.callback()
def _benchmarks() -> None:
    """Benchmarks."""


@bench_app.command()
def freshness(
    workouts: Annotated[int, typer.Option(min=1, max=100_000, help="Completed workouts to send and measure.")] = 1_000,
    rate: Annotated[float, typer.Option(min=0.1, max=10_000, help="Workouts sent each second, open loop.")] = 5.0,
    samples: Annotated[float, typer.Option(min=0, max=1, help="Share of workouts with samples (600 each).")] = 0.5,
    attach: Annotated[
        bool, typer.Option("--attach", help="Use the workers that run, and leave the athletes in the log.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time from a completed workout to its board (ClickHouse), feed and read model (MongoDB), rank (Redis) and lake.

    Exits with 1 if the 99th percentile of one of them is above half a second, or that of the lake above its commit
    interval and a second. By default it starts workers of its own, with
    their own topics and databases, and removes all of it afterwards.
    """
    result = asyncio.run(_freshness(workouts, rate, samples, attach=attach, quiet=as_json))
    if as_json:
        typer.echo(json.dumps(result.as_json()))
    else:
        _print(result)
    if not result.ok:
        raise typer.Exit(1)


async def _freshness(count: int, rate: float, share: float, *, attach: bool, quiet: bool) -> Result:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    console = Console(stderr=True, quiet=quiet)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("starting workers", total=None, said="")
        async with _running(attach, progress, task) as (chosen, topics):
            prefix = f"bench-{token_hex(3)}"
            producer = await Producer(chosen, topics).open(MESSAGE_TYPES)
            async with producer, contextlib.AsyncExitStack() as stack:
                progress.update(task, description="registering athletes", total=None)
                now_us = time.time_ns() // 1000
                for message in registrations(prefix, count + WARM_UP, now_us):
                    await producer.send(message)
                await producer.flush()
                async with LagReader(chosen, known=topics) as reader:
                    await caught_up(reader, timeout_s=CAUGHT_UP_S)
                probes = probes_of(chosen, models=_has_model(chosen))
                for probe in probes:
                    await probe.open()
                    stack.push_async_callback(probe.close)
                begin_us = time.time_ns() // 1000
                planned = [
                    workout(
                        prefix,
                        number,
                        begin_us + int(number / rate * _S_US),
                        sampled=int((number + 1) * share) > int(number * share),
                    )
                    for number in range(count + WARM_UP)
                ]

                def say(sent: int, complete: int) -> None:
                    progress.update(task, completed=sent, said=f"{sent:,} sent, {complete:,} readable everywhere")

                progress.update(task, description="warming up", total=WARM_UP)
                await measure(
                    planned[:WARM_UP],
                    producer,
                    probes,
                    rate_per_s=rate,
                    lake_commit_interval_s=chosen.lake_commit_interval_s,
                    say=say,
                )
                progress.update(task, description="measuring", total=count)
                return await measure(
                    planned[WARM_UP:],
                    producer,
                    probes,
                    rate_per_s=rate,
                    lake_commit_interval_s=chosen.lake_commit_interval_s,
                    say=say,
                )


@contextlib.asynccontextmanager
async def _running(attach: bool, progress: Progress, task: TaskID) -> AsyncIterator[tuple[Settings, Topics]]:
    """Settings and topics of the instance to measure, with workers that are ready."""
    if attach:
        yield settings(), load()
        return
    async with own_instance(settings(), "bench") as (own, topics):
        with Workers(own.local / "logs", own.host, environment=environment(own)) as workers:
            workers.start()

            def say(ready: int) -> None:
                progress.update(task, said=f"{ready} of 5 ready")

            await asyncio.to_thread(workers.wait_ready, say)
            yield own, topics


def _has_model(chosen: Settings) -> bool:
    registry = Registry(chosen)
    return registry.exists and registry.with_alias(KINDS[0], "champion") is not None


def _print(result: Result) -> None:
    figures_of = result.as_json()
    table = Table(title="Time from a completed workout to where it is read", title_justify="left")
    table.add_column("where")
    for name in ("p50", "p99", "p99.9", "max", "missing", "resolution"):
        table.add_column(name, justify="right")
    for name in result.seen:
        times = [figures_of[key][name] for key in ("p50_ms", "p99_ms", "p99.9_ms", "max_ms")]
        figures = ["-" if value is None else f"{value:,.0f} ms" for value in times]
        resolution = figures_of["resolution_ms"][name]
        style = "" if name in result.promise_ms else "dim"
        shown = "-" if resolution is None else f"{resolution:.0f} ms"
        table.add_row(name, *figures, str(figures_of["missing"][name]), shown, style=style)
    console = Console()
    console.print(table)
    said = ", ".join(f"{limit_ms:,.0f} ms ({name})" for name, limit_ms in result.promise_ms.items())
    verdict = "[green]kept[/]" if result.ok else "[red]not kept[/]"
    console.print(
        f"{result.workouts:,} workouts, {result.with_samples:,} with samples, {result.rate_per_s:.1f} a second; "
        f"promise: p99 within {said}: {verdict}",
        highlight=False,
    )
