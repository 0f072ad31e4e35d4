"""``stridelog bench sensors`` and ``stridelog bench workouts``: what a worker's CPU second is good for."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import sensors as sensors_bench
from bench.capacity import Capacity
from stridelog.settings import settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Seed = Annotated[int, typer.Option(help="Of the generated input.")]


def sensors(
    frames: Annotated[
        int, typer.Option(min=1_000, max=100_000_000, help="Sensor frames, of 60 samples each.")
    ] = 200_000,
    users: Annotated[int, typer.Option(min=1, max=10_000_000, help="Athletes whom the frames are of.")] = 50_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Samples for each second of a worker's CPU time: into minutes and live sessions, with raw samples and without.

    A sample is one time point with four channels. On an instance of its own, which is removed afterwards.
    """
    with _progress(as_json) as progress:
        runs = {}
        for keep, name in ((True, "with raw samples"), (False, "without raw samples")):
            task = progress.add_task(f"{name}: filling the topic", total=frames)

            def say(done: int, task: object = task, name: str = name) -> None:
                progress.update(task, completed=done, description=name)  # type: ignore[arg-type] # rich's TaskID

            runs[keep] = asyncio.run(
                sensors_bench.run(settings(), count=frames, users=users, keep_samples=keep, seed=seed, say=say)
            )
    result = sensors_bench.as_json(runs[True], runs[False], users=users, seed=seed)
    if as_json:
        typer.echo(json.dumps(result))
        return
    table = Table(title="Samples per worker CPU second", title_justify="left")
    for name in ("", "samples/CPU s", "wanted", "CPU s", "where the CPU time goes"):
        table.add_column(name, justify="left" if name in ("", "where the CPU time goes") else "right")
    for name, run in (("with raw samples", runs[True]), ("without raw samples", runs[False])):
        figures = result[name.replace(" ", "_")]
        table.add_row(
            name,
            f"{figures['samples_per_cpu_s']:,}",
            f"{figures['wanted_per_cpu_s']:,}",
            f"{run.total_cpu_s:.1f}",
            _shares(run),
        )
    Console().print(table)


def _shares(run: Capacity) -> str:
    return ", ".join(f"{stage} {share:.0%}" for stage, share in run.shares.items() if share >= 0.01)


def _progress(quiet: bool) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True, quiet=quiet), transient=True)
