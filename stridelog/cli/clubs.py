"""``stridelog groups``, ``challenges``, ``goals``: what a club and its athletes look at."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from domain.days import period_key
from stridelog import clubs
from stridelog.cli.asking import asked, print_json
from stridelog.moments import local_day
from stridelog.queries import Queries
from stridelog.views import clubs as view

groups_app = typer.Typer(help="Groups: list, show, members.", no_args_is_help=True)
challenges_app = typer.Typer(help="Challenges: list, show.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
GroupId = Annotated[str, typer.Argument(metavar="ID", help="The group's id (UUID).")]
User = Annotated[str, typer.Option(help="Of this athlete only.")]


@groups_app.command("list")
def list_groups(
    user: User = "",
    sport: Annotated[str, typer.Option(help="Of this sport only.")] = "",
    as_json: AsJson = False,
) -> None:
    """Groups, the largest first, from MongoDB."""

    async def ask(queries: Queries) -> list[dict[str, Any]]:
        if user:
            await queries.known(user)
        return await clubs.groups(queries, user=user, sport=sport)

    rows = asked(ask)
    if as_json:
        print_json(rows)
    else:
        Console().print(view.groups(rows))


@groups_app.command("show")
def show_group(group_id: GroupId, as_json: AsJson = False) -> None:
    """A group: who runs it, and what was not allowed, from MongoDB."""
    one = asked(lambda queries: clubs.group(queries, group_id.lower()))
    if as_json:
        print_json(one)
    else:
        Console().print(view.group(one))


@groups_app.command("members")
def members(group_id: GroupId, as_json: AsJson = False) -> None:
    """Who is in a group, and in which role, from MongoDB."""
    one = asked(lambda queries: clubs.group(queries, group_id.lower()))
    if as_json:
        print_json({"group_id": one["group_id"], "members": one["members"]})
    else:
        Console().print(view.members(one))


@challenges_app.command("list")
def list_challenges(
    group: Annotated[str, typer.Option(help="Of this group only (its id).")] = "",
    on: Annotated[str, typer.Option(help="That this day is in, like 2026-11-24.")] = "",
    as_json: AsJson = False,
) -> None:
    """Challenges, those that end last first, from MongoDB."""
    day = local_day(on, option="--on") if on else None
    rows = asked(lambda queries: clubs.challenges(queries, group_id=group.lower(), on=day))
    if as_json:
        print_json(rows)
    else:
        Console().print(view.challenges(rows))


@challenges_app.command("show")
def show_challenge(
    challenge_id: Annotated[str, typer.Argument(metavar="ID", help="The challenge's id (UUID).")],
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many places.")] = 10,
    user: Annotated[str, typer.Option(help="The place of this athlete too.")] = "",
    as_json: AsJson = False,
) -> None:
    """A challenge with the ranks of athletes and teams, from MongoDB and ClickHouse."""
    one = asked(lambda queries: clubs.challenge(queries, challenge_id.lower(), top=top, user=user))
    if as_json:
        print_json(one)
    else:
        Console().print(view.challenge(one))


def goals(
    user: Annotated[str, typer.Argument(help="The athlete's user id.")],
    on: Annotated[str, typer.Option(help="A day of the period to show, like 2026-11-24; default: today (UTC).")] = "",
    as_json: AsJson = False,
) -> None:
    """An athlete's goals and how far they are, from MongoDB."""
    day = local_day(on, option="--on") if on else datetime.now(UTC).date()

    async def ask(queries: Queries) -> tuple[str, list[dict[str, Any]]]:
        return await queries.known(user), await clubs.goals(queries, user)

    name, rows = asked(ask)
    if as_json:
        print_json({"user": user, "goals": rows})
    else:
        Console().print(view.goals(name, rows, {row["goal_id"]: _period(row, day) for row in rows}))


def _period(goal: dict[str, Any], day: date) -> str:
    """The name of the goal's period that a day is in; empty: it is in none."""
    if goal["every"]:
        return period_key(day, goal["every"])
    inside = goal["first_day"] <= day.isoformat() <= goal["last_day"]
    return f"{goal['first_day']}/{goal['last_day']}" if inside else ""
