"""``stridelog segments``: draw and remove segments, list them, show the board of one."""

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.sports import FAMILIES
from stridelog import scopes
from stridelog.cli.asking import asked, print_json
from stridelog.cli.read import Age, Country, FriendsOf, Group, Key, Only, PeriodName, Sex, period_of
from stridelog.producer import Producer
from stridelog.queries import Queries
from stridelog.segment_board import SegmentBoard, SegmentPlace, board, board_for
from stridelog.segments import SegmentRow, defined, removed, segment, segments
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
    period: PeriodName = "all",
    key: Key = "",
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many places.")] = 10,
    viewer: Annotated[str, typer.Option("--as", help="As this athlete sees it; default: all of it, as operator.")] = "",
    only: Only = None,
    group: Group = "",
    friends_of: FriendsOf = "",
    sex: Sex = "",
    age: Age = "",
    country: Country = "",
    as_json: AsJson = False,
) -> None:
    """The board of a segment: the best effort of each athlete in a period (days of UTC), among all or some."""
    when = period_of(period, key)

    async def ask(queries: Queries) -> tuple[SegmentRow, list[SegmentPlace]]:
        row = await segment(queries, segment_id.lower())
        narrowed = {"group": group, "friends_of": friends_of, "sex": sex, "age": age, "country": country}
        among = await scopes.among(queries, when[0], when[1], only=only or (), **narrowed)
        wanted = SegmentBoard(row.segment_id, *when, among)
        if not viewer:
            return row, await board(queries, wanted, top=top)
        await queries.known(viewer)
        return row, await board_for(queries, wanted, viewer, top=top)

    row, places = asked(ask)
    if as_json:
        shown: dict[str, Any] = dataclasses.asdict(row)
        if viewer:  # how many there are is counted with those whom they may not see
            shown = {name: value for name, value in shown.items() if name not in ("athletes", "efforts")}
        asked_for = {"as": viewer or None, "period": when[0], "period_key": when[1]}
        print_json(shown | asked_for | {"rows": [dataclasses.asdict(place) for place in places]})
    else:
        Console().print(view.board(row, places, period_key=when[1], viewer=viewer))


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
