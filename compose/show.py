"""What a person sees: the status table and the progress of a command."""

import json
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from compose.settings import ROOT
from compose.supervisor import Report, Row

_COLOURS: Final = {"up": "green", "starting": "yellow", "died": "red", "down": "dim"}


def show_rows(console: Console, rows: Sequence[Row]) -> None:
    """Print the status table."""
    folders = " ".join(dict.fromkeys(_short(row.log.parent) for row in rows))
    table = Table(
        title=f"Stridelog's local stack, logs in {folders}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for heading in ("service", "port", "version", "state", "pid", "memory", "log"):
        table.add_column(heading, justify="right" if heading in ("port", "pid", "memory") else "left", no_wrap=True)
    for row in rows:
        memory = f"{row.rss_bytes / 1024**2:.0f} MiB" if row.rss_bytes else ""
        state = f"[{_COLOURS[row.state]}]{row.state}[/]"
        table.add_row(row.name, str(row.port), row.version, state, str(row.pid or ""), memory, row.log.name)
    console.print(table)


def rows_as_json(rows: Sequence[Row]) -> str:
    """The status table as a JSON array of objects."""
    return json.dumps([{**asdict(row), "log": str(row.log)} for row in rows], indent=2)


@contextmanager
def progress(console: Console) -> Generator[Report, None, None]:
    """Show what each process does and for how long; without a terminal, one line a step."""
    if not console.is_terminal:
        began_s = time.monotonic()
        yield lambda name, what: console.print(f"{time.monotonic() - began_s:6.1f} s  {name}: {what}", soft_wrap=True)
        return
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(name: str, what: str) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task("", total=1)
            finished = what in ("up", "down", "done")
            bars.update(tasks[name], description=f"{name}: {what}", completed=1 if finished else 0)

        yield report


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
