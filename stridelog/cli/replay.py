"""`stridelog replay`: recordings into the log, as their devices would have sent them."""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.days import zone_info
from stridelog.pace import pace_of
from stridelog.producer import Producer
from stridelog.replay import MESSAGE_TYPES, FileResult, check_user, check_zone, find_files, replay
from stridelog.settings import settings

ZONE_HELP: Final = "IANA time zone of recordings that do not tell where they were made, such as Europe/Oslo."


def replay_command(
    paths: Annotated[list[Path], typer.Argument(help="FIT, GPX and TCX files (also .gz), and folders of them.")],
    athlete: Annotated[str, typer.Option(help="User id of the athlete; registered if need be.")] = "you",
    zone: Annotated[str, typer.Option(help=ZONE_HELP)] = "UTC",
    speed: Annotated[str, typer.Option(help="real, max, or how many times faster than real.")] = "max",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Send recordings as a device would: start, frames of samples during the workout, completion."""
    files = find_files(paths)
    results = asyncio.run(_run(files, check_user(athlete), check_zone(zone), speed, quiet=as_json))
    if as_json:
        typer.echo(json.dumps(_as_json(results, athlete)))
    else:
        _print(results, athlete)
    if not any(result.workouts for result in results):
        raise typer.Exit(1)


async def _run(files: Sequence[Path], user: str, zone: str, speed: str, *, quiet: bool) -> list[FileResult]:
    pace = pace_of(speed, time.monotonic)
    console = Console(stderr=True, quiet=quiet)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    producer = await Producer(settings()).open(MESSAGE_TYPES)
    async with producer:
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
            whole = progress.add_task(f"{len(files)} files", total=len(files))
            part = progress.add_task("", total=100)

            def on_frame(path: Path, share: float) -> None:
                progress.update(part, description=escape(path.name), completed=int(100 * share))

            def on_file(result: FileResult) -> None:
                progress.advance(whole)
                if not result.ok:
                    progress.console.print(
                        f"[red]{escape(str(result.path))}[/]: {escape(result.reason or '')}", highlight=False
                    )

            return await replay(
                files, user=user, zone=zone, producer=producer, pace=pace, on_frame=on_frame, on_file=on_file
            )


def _as_json(results: Sequence[FileResult], user: str) -> dict[str, Any]:
    return {
        "athlete": user,
        "files": [
            {
                "path": str(result.path),
                "ok": result.ok,
                "workouts": [sent.workout_id for sent in result.workouts],
                "reason": result.reason,
                "warnings": list(result.warnings),
            }
            for result in results
        ],
        "workouts": sum(len(result.workouts) for result in results),
        "frames": sum(sent.frames for result in results for sent in result.workouts),
        "samples": sum(sent.samples for result in results for sent in result.workouts),
    }


def _print(results: Sequence[FileResult], user: str) -> None:
    table = Table(title=f"Replayed as {user}", title_justify="left")
    table.add_column("file", overflow="fold")
    for name in ("sport", "date"):
        table.add_column(name, no_wrap=True)
    for name in ("km", "samples"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("result", overflow="fold")
    for result in results:
        said = escape(result.reason or "; ".join(result.warnings) or "sent")
        for sent in result.workouts:
            day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=sent.start_us)).astimezone(
                zone_info(sent.zone)
            )
            km = f"{sent.distance_m / 1000:.2f}" if sent.distance_m else "-"
            table.add_row(escape(result.path.name), sent.sport, f"{day:%Y-%m-%d %H:%M}", km, f"{sent.samples:,}", said)
        if not result.workouts:
            table.add_row(escape(result.path.name), "-", "-", "-", "-", f"[red]{said}[/]")
    console = Console()
    console.print(table)
    bad = sum(not result.ok for result in results)
    workouts = sum(len(result.workouts) for result in results)
    console.print(f"{workouts} workouts from {len(results) - bad} files sent, {bad} files refused")
