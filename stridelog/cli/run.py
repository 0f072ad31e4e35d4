"""``stridelog run``: the whole platform on the stack that is up, with a live view."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from stridelog.cli.replay import ZONE_HELP
from stridelog.errors import UserError
from stridelog.platform_run import Options, PlatformRun
from stridelog.replay import check_user, check_zone
from stridelog.settings import settings

NEXT: Final = (
    ("stridelog board", "this week's leaderboard"),
    ("stridelog feed {athlete}", "the feed of the replayed athlete"),
    ("stridelog rank {athlete} --period all", "their rank and neighbours"),
    ("stridelog verify", "recompute from the log what every store must hold, and compare"),
    ("stridelog topics list", "topics: messages, sizes, lag, dead letters"),
    ("stridelog dlq list", "what could not be used, and why"),
    ("make run", "go on with the same town"),
    ("make down", "stop the stack; make clean removes what it stored"),
)


def run(
    athletes: Annotated[int, typer.Option(min=1, max=1_000_000, help="Athletes in the simulated town.")] = 200,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="Days of their history.")] = 42,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same town.")] = 1,
    activities: Annotated[
        Path | None, typer.Option(help="Recordings to replay: a FIT, GPX or TCX file or a folder of them.")
    ] = None,
    athlete: Annotated[str, typer.Option(help="User id of the athlete whose recordings they are.")] = "you",
    zone: Annotated[str, typer.Option(help=ZONE_HELP)] = "UTC",
    exit_after: Annotated[float, typer.Option(min=0, help="Seconds of the live part; 0: until Ctrl-C.")] = 0.0,
    once: Annotated[bool, typer.Option("--once", help="All steps, then stop: no live part.")] = False,
    view: Annotated[bool, typer.Option(help="Show the live view.")] = True,
    save_picture: Annotated[
        Path | None, typer.Option(help="Save the live view as SVG at the end (with --exit-after or Ctrl-C).")
    ] = None,
) -> None:
    """Topics, workers, a town of athletes, models, recordings, and a live view of what flows.

    Whatever is in the log already is not sent again, or changes nothing: run it as often as you like.
    """
    if activities is not None and not activities.exists():
        raise UserError(f"--activities {activities}: no such file or folder")
    options = Options(
        athletes=athletes,
        days=days,
        seed=seed,
        activities=activities,
        athlete=check_user(athlete),
        zone=check_zone(zone),
        exit_after_s=exit_after,
        once=once,
        view=view,
        picture=save_picture,
    )
    console = Console()
    platform = PlatformRun(options, settings(), console)
    try:
        with _terminable():
            platform.go()
    except KeyboardInterrupt:
        console.print()
    finally:
        platform.stop()
    console.print(_what_next(athlete))


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does: with the workers stopped."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _what_next(athlete: str) -> Table:
    table = Table(
        title="The stack is still up, and all data are stored. After `. .venv/bin/activate` try:",
        title_justify="left",
        box=None,
        show_header=False,
    )
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    for command, what in NEXT:
        table.add_row(command.format(athlete=athlete), what)
    return table
