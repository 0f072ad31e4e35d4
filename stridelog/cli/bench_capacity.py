"""``stridelog bench sensors``, ``workouts``, ``history``, ``soak``, ``feeds``: what the platform's CPU is good for."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import boards as boards_bench
from bench import feeds as feeds_bench
from bench import history as history_bench
from bench import sensors as sensors_bench
from bench import soak as soak_bench
from bench import workouts as workouts_bench
from bench.capacity import Capacity, Say
from stridelog.settings import settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def sensors(
    frames: Annotated[int, typer.Option(min=1_000, max=100_000_000, help="Sensor frames of 60 samples.")] = 200_000,
    users: Annotated[int, typer.Option(min=1, max=10_000_000, help="Athletes whom the frames are of.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of the generated samples.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Samples for each second of a worker's CPU time: into minutes and live sessions, with raw samples and without.

    A sample is one time point with four channels. On an instance of its own, which is removed afterwards.
    """
    runs = {}
    for keep, name in ((True, "with raw samples"), (False, "without raw samples")):
        with _saying(name, as_json) as say:
            work = sensors_bench.run(settings(), count=frames, users=users, keep_samples=keep, seed=seed, say=say)
            runs[keep] = asyncio.run(work)
    result = sensors_bench.as_json(runs[True], runs[False], count=frames, users=users, seed=seed)
    if as_json:
        typer.echo(json.dumps(result))
        return
    table = _table("Samples per CPU second of a worker")
    for name, run in (("with raw samples", runs[True]), ("without raw samples", runs[False])):
        figures = result[name.replace(" ", "_")]
        _add(table, name, figures["samples_per_cpu_s"], figures["wanted_per_cpu_s"], run)
    Console().print(table)


def workouts(
    workouts: Annotated[int, typer.Option(min=10, max=1_000_000, help="Workouts of an hour, 3,600 samples.")] = 1_000,
    users: Annotated[int, typer.Option(min=1, max=1_000_000, help="Athletes whose workouts they are.")] = 500,
    as_json: AsJson = False,
) -> None:
    """Hour-long workouts for each second of the workers' CPU time, through all agents and all stores.

    Their samples are in ClickHouse before the clock starts. On an instance of its own, which is removed afterwards;
    its models are those of the instance that the settings name, if it has any.
    """
    with _saying("workouts", as_json) as say:
        done = asyncio.run(workouts_bench.run(settings(), count=workouts, users=users, say=say))
    result = workouts_bench.as_json(done, count=workouts, users=users, models=workouts_bench.models_of(settings()))
    if as_json:
        typer.echo(json.dumps(result))
        return
    table = _table("Hour-long workouts per CPU second of all workers")
    _add(table, "through all agents", result["workouts_per_cpu_s"], result["wanted_per_cpu_s"], done)
    Console().print(table)
    for kind, version in result["models"].items():
        if version is None:
            Console().print(f"no model {kind}: nothing was scored by it (stridelog models train)", style="yellow")


def boards(
    users: Annotated[int, typer.Option(min=100, max=20_000_000, help="Athletes on the board.")] = 1_000_000,
    efforts: Annotated[int, typer.Option(min=1_000, max=200_000_000, help="Workouts that they have.")] = 10_000_000,
    queries: Annotated[int, typer.Option(min=1, max=1_000_000, help="Reads of each kind.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Of the workouts and of who is read.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Reading a leaderboard: the top 100, a user's place and five neighbours on each side; from ClickHouse and Redis.

    Exits with 1 if an answer is wrong, or the 99th percentile is above 50 ms (ClickHouse) or 2 ms (Redis, own rank).
    Needs both; in a namespace of its own, which is removed afterwards.
    """
    with _saying("boards", as_json) as say:
        work = boards_bench.run(settings(), users=users, efforts=efforts, queries=queries, seed=seed, say=say)
        result = asyncio.run(work)
    figures = result.as_json()
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        table = Table(title=f"Reading a board of {users:,}, {result.changed:,} of them changed since its base")
        for name in ("what", "p50", "p99", "most"):
            table.add_column(name, justify="left" if name == "what" else "right")
        for kind in result.times_ms:
            table.add_row(kind, *(f"{figures[f'{kind}_{name}_ms']:.1f} ms" for name in ("p50", "p99", "max")))
        Console().print(table)
        Console().print(f"{result.wrong} wrong answers; promised p99: {boards_bench.PROMISE_MS}", highlight=False)
    if not result.ok:
        raise typer.Exit(1)


def history(
    before: Annotated[
        list[int] | None, typer.Option(min=1, max=100_000, help="Workouts that the athlete has; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """CPU time of a workout of an athlete who has few, and of one who has many. Needs no stack."""
    with _saying("history", as_json) as say:
        say("working out")
        result = history_bench.run(before or history_bench.HISTORIES)
    if as_json:
        typer.echo(json.dumps(result))
        return
    table = Table("workouts before", title="CPU time of a workout without samples, ms", title_justify="left")
    table.add_column("agent workouts", justify="right")
    table.add_column("agent leaderboards", justify="right")
    for row in result["cpu_ms_per_workout"]:
        table.add_row(f"{row['workouts_before']:,}", f"{row['workouts']:.3f}", f"{row['leaderboards']:.3f}")
    Console().print(table)
    Console().print(f"slowest to fastest: {result['slowest_to_fastest']}")


def feeds(
    readers: Annotated[int, typer.Option(min=2_000, max=1_000_000, help="Readers who have a feed.")] = 10_000,
    pages: Annotated[int, typer.Option(min=100, max=1_000_000, help="Pages of 20 items to read.")] = 2_000,
    seed: Annotated[int, typer.Option(help="Of who follows whom, and who reads.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Time of a page of a feed, with athletes whom few follow and some whom many follow.

    Exits with 1 if the 99th percentile is above 20 ms. On an instance of its own, which is removed afterwards.
    """
    with _saying("feeds", as_json) as say:
        result = asyncio.run(feeds_bench.run(settings(), readers=readers, pages=pages, seed=seed, say=say))
    if as_json:
        typer.echo(json.dumps(result))
    else:
        table = Table("", title=f"A page of a feed, ms; {readers:,} readers, {pages:,} pages", title_justify="left")
        for name in result["page_ms"]:
            table.add_column(name, justify="right")
        rows = {
            "until it is there": "page_ms",
            "CPU of the process that reads": "cpu_ms",
            "one document of MongoDB, for comparison": "store_ms",
        }
        for label, key in rows.items():
            table.add_row(label, *(f"{value:.1f}" for value in result[key].values()))
        Console().print(table)
    if not result["ok"]:
        raise typer.Exit(1)


def soak(
    minutes: Annotated[float, typer.Option(min=0.1, max=10_000, help="How long.")] = 30.0,
    rate: Annotated[float, typer.Option(min=0.1, max=1_000, help="Workouts sent each second, of 600 samples.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Memory of the workers under a steady load for a long time, and verify at the end.

    Exits with 1 if a worker's memory grows, is above 600 MB, or verify finds a difference. On an instance of its own,
    which is removed afterwards.
    """
    with _saying("soak", as_json) as say:
        done = asyncio.run(soak_bench.run(settings(), minutes=minutes, rate=rate, say=say))
    result = done.as_json()
    if as_json:
        typer.echo(json.dumps(result))
    else:
        table = Table("worker", title=f"Memory over {result['seconds'] / 60:.1f} minutes, MB", title_justify="left")
        for name in ("median", "max", "last", "growth"):
            table.add_column(name, justify="right")
        for role, figures in result["memory_mb"].items():
            numbers = [str(figures[name]) for name in ("median", "max", "last")]
            table.add_row(role, *numbers, f"{figures['growth']:+.1%}")
        Console().print(table)
        Console().print(f"{result['workouts']:,} workouts; verify {'ok' if done.verified else 'found differences'}")
    if not done.ok:
        raise typer.Exit(1)


def _table(title: str) -> Table:
    table = Table("", title=title, title_justify="left")
    for name in ("per CPU second", "wanted", "CPU s"):
        table.add_column(name, justify="right")
    table.add_column("where the CPU time goes")
    return table


def _add(table: Table, name: str, per_cpu_s: float, wanted: int, run: Capacity) -> None:
    shares = ", ".join(f"{stage} {share:.0%}" for stage, share in run.shares.items() if share >= 0.01)
    table.add_row(name, f"{per_cpu_s:,}", f"{wanted:,}", f"{run.total_cpu_s:.1f}", shares)


@contextmanager
def _saying(name: str, quiet: bool) -> Iterator[Say]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True) as progress:
        task: Any = progress.add_task(name, total=None)
        yield lambda said: progress.update(task, description=f"{name}: {said}")
