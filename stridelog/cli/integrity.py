"""``stridelog integrity``: flagged workouts, listed, appealed and reviewed."""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console

from schemas import hot
from stridelog import integrity_desk as desk
from stridelog.cli.asking import asked, print_json, who_asks
from stridelog.errors import UserError
from stridelog.producer import Outlet, Producer
from stridelog.queries import Queries
from stridelog.settings import settings
from stridelog.views import integrity as view

integrity_app = typer.Typer(help="Flagged workouts: list, appeal, review.", no_args_is_help=True)
Sent = TypeVar("Sent", hot.WorkoutReviewed, hot.WorkoutAppealed)
Workout = Annotated[str, typer.Argument(metavar="WORKOUT", help="The workout's id (UUID).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@integrity_app.command("list")
def list_flagged(
    user: Annotated[str, typer.Option(help="Only this athlete's.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Those too that were reviewed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Flagged workouts that nobody has reviewed, those that were appealed first, and why."""

    found = asked(lambda queries: desk.flagged(queries, user=user, every=every, limit=limit))
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
    elif found:
        Console().print(view.flagged(found))
    else:
        Console().print("no flagged workout" + ("" if every else " waits for a review"))


@integrity_app.command()
def review(
    workout: Workout,
    uphold: Annotated[bool, typer.Option("--uphold", help="The flags are right: it stays off the boards.")] = False,
    reinstate: Annotated[bool, typer.Option("--reinstate", help="They are wrong: it ranks.")] = False,
    why: Annotated[str, typer.Option(help="Why, for the athlete and for whoever looks later.")] = "",
    reviewer: Annotated[str, typer.Option(help="Who judges; default: the name of your account.")] = "",
    as_json: AsJson = False,
) -> None:
    """Judge a flagged workout: the verdict is an event in the log, on the rules that flag it now."""
    if uphold == reinstate:
        raise UserError("give one of --uphold and --reinstate")
    if not why:
        raise UserError("give --why: the athlete reads it")
    verdict: desk.Verdict = "upheld" if uphold else "reinstated"
    who = reviewer or who_asks()
    said = _sent(
        lambda queries, outlet: desk.review(
            queries, outlet, workout, verdict=verdict, why=why, reviewer=who, now_us=time.time_ns() // 1000
        )
    )
    rules = ", ".join(f"{judged.rule} version {judged.rule_version}" for judged in said.data.rules)
    _say(said, f"{verdict}: {said.data.workout_id} of {said.user} ({rules})", as_json=as_json)


@integrity_app.command()
def appeal(
    workout: Workout,
    text: Annotated[str, typer.Option(help="Why the workout is sound.")],
    as_json: AsJson = False,
) -> None:
    """Say what an athlete says against the flags; a list of what waits for a review shows it first."""
    said = _sent(
        lambda queries, outlet: desk.appeal(queries, outlet, workout, text=text, now_us=time.time_ns() // 1000)
    )
    _say(said, f"appealed: {said.data.workout_id} of {said.user}", as_json=as_json)


def _sent(send: Callable[[Queries, Outlet], Awaitable[Sent]]) -> Sent:
    async def run() -> Sent:
        async with Queries(settings()) as queries, await Producer(settings()).open(desk.MESSAGE_TYPES) as producer:
            return await send(queries, producer)

    return asyncio.run(run())


def _say(message: hot.WorkoutReviewed | hot.WorkoutAppealed, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(message))
    else:
        Console().print(text, highlight=False)
