"""``stridelog live``: who trains right now."""

import dataclasses
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.boards import ALL_SPORTS, BOARD_SPORTS
from domain.live import METRICS
from stridelog.cli.asking import asked, print_json
from stridelog.cli.read import one_of
from stridelog.live_board import LivePage, LiveRow, live_board
from stridelog.queries import Queries
from stridelog.views import live_board as view


def live(
    by: Annotated[str, typer.Option(help=", ".join(METRICS))] = "moving_time",
    sport: Annotated[str, typer.Option(help=", ".join(BOARD_SPORTS))] = ALL_SPORTS,
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many places.")] = 10,
    viewer: Annotated[str, typer.Option("--as", help="As this athlete sees it; default: all of it, as operator.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Who trains right now, ranked, from Redis."""
    metric, family = one_of("figure", by, METRICS), one_of("sport", sport, BOARD_SPORTS)

    async def ask(queries: Queries) -> LivePage:
        if viewer:
            await queries.known(viewer)
        return await live_board(queries, metric=metric, sport=family, top=top, viewer=viewer or None)

    page = asked(ask)
    if as_json:
        mine = None if page.mine is None else _as_json(page.mine)
        rows = [_as_json(row) for row in page.rows]
        print_json({"by": metric, "sport": family, "as": viewer or None, "rows": rows, "mine": mine})
    elif page.rows or page.mine:
        Console().print(view.board(page))
    else:
        whom = "nobody whom they may see trains" if viewer else "nobody trains"
        Console().print(f"Right now {whom}{'' if family == ALL_SPORTS else f' ({family})'}.", highlight=False)


def _as_json(row: LiveRow) -> dict[str, Any]:
    return {"rank": row.rank, "name": row.name, **dataclasses.asdict(row.view)}
