"""``stridelog segments``: draw and remove segments, list them, show the board of one."""

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.sports import FAMILIES
from stridelog.cli.asking import asked, print_json
from stridelog.producer import Producer
from stridelog.queries import Queries
from stridelog.segments import SegmentPlace, SegmentRow, board, defined, removed, segment, segments
from stridelog.settings import settings
from stridelog.views import segments as view

segments_app = typer.Typer(help="Segments: add, list, show the board of one, remove.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[str, typer.Option(help="User id of who says so.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The segment's id (UUID); list shows it.")]


@segments_app.command()
def add(
    path: Annotated[Path, typer.Argument(metavar="FILE.gpx", help="A GPX file with one route or one track.")],
    family: Annotated[str, typer.Option(help=f"Which sports are timed: {', '.join(FAMILIES)}.")],
    name: Annotated[str, typer.Option(help="The segment's name; default: that of the line in the file.")] = "",
    by: By = "operator",
    as_json: AsJson = False,
) -> None:
    """Draw a segment along the line of a GPX file. Workouts that were recorded earlier are looked through too."""
    message = defined(path, name=name, family=family, by=by, at_us=_now_us())
    _send(message)
    if as_json:
        print_json({"segment_id": message.data.segment_id, "name": message.data.name, "family": family})
    else:
        typer.echo(f"{message.data.name} is drawn; its board: stridelog segments show {message.data.segment_id}")


@segments_app.command("list")
def list_segments(as_json: AsJson = False) -> None:
    """The segments that there are, with how many have passed each."""
    rows = asked(segments)
    if as_json:
        print_json([dataclasses.asdict(row) for row in rows])
    elif rows:
        Console().print(view.segments(rows))
    else:
        typer.echo("no segment yet: stridelog segments add FILE.gpx --family running")


@segments_app.command()
def show(
    segment_id: Id,
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many places.")] = 10,
    as_json: AsJson = False,
) -> None:
    """The board of a segment: the best effort of each athlete."""

    async def ask(queries: Queries) -> tuple[SegmentRow, list[SegmentPlace]]:
        return await segment(queries, segment_id.lower()), await board(queries, segment_id.lower(), top=top)

    row, places = asked(ask)
    if as_json:
        shown: dict[str, Any] = dataclasses.asdict(row) | {"rows": [dataclasses.asdict(place) for place in places]}
        print_json(shown)
    else:
        Console().print(view.board(row, places))


@segments_app.command()
def remove(segment_id: Id, by: By = "operator", as_json: AsJson = False) -> None:
    """Remove a segment, with its efforts. To add it again later is no mistake."""
    row = asked(lambda queries: segment(queries, segment_id.lower()))
    _send(removed(row.segment_id, by=by, at_us=_now_us()))
    if as_json:
        print_json({"segment_id": row.segment_id, "name": row.name})
    else:
        typer.echo(f"{row.name} is removed")


def _now_us() -> int:
    return time.time_ns() // 1_000


def _send(message: Any) -> None:
    async def send() -> None:
        async with await Producer(settings()).open([message.type]) as producer:
            await producer.send(message)

    asyncio.run(send())
