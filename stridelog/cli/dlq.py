"""``stridelog dlq``: dead letters, listed, shown, replayed and dropped."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from stridelog.cli.asking import who_asks
from stridelog.dead_letter_log import DeadLetterLog, Deed, Letter, Wanted
from stridelog.deadletters import ROW
from stridelog.errors import UserError
from stridelog.letter_desk import Done, LetterDesk
from stridelog.moments import moment_ms
from stridelog.settings import settings
from stridelog.topics import load
from stridelog.views import letters

dlq_app = typer.Typer(help="Dead letters: list, show, replay, drop.", no_args_is_help=True)
Place = tuple[str, int, int]
"""Topic, partition and offset of a letter."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Topic = Annotated[str, typer.Option(help="Only of this topic.")]
Reason = Annotated[str, typer.Option(help="Only with this reason.")]
Agent = Annotated[str, typer.Option(help="Only of this agent.")]
Since = Annotated[str, typer.Option(metavar="TIME", help="Only those that died then or later; 2h: two hours ago.")]
Until = Annotated[str, typer.Option(metavar="TIME", help="Only those that died earlier.")]
Places = Annotated[
    list[str] | None, typer.Argument(metavar="[TOPIC:PARTITION:OFFSET]...", help="As dlq list shows them.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it, for all that match.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")]


@dlq_app.command("list")
def list_letters(
    topic: Topic = "",
    reason: Reason = "",
    agent: Agent = "",
    since: Since = "",
    until: Until = "",
    every: Annotated[bool, typer.Option("--all", help="Those too that were replayed or dropped.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest dead letters that nobody has handled, and why no agent could take them."""
    wanted = _wanted(topic, reason, agent, since, until, handled_too=every)

    async def read() -> list[Letter]:
        async with DeadLetterLog(settings(), load()) as log:
            return await log.newest(wanted, limit)

    found = asyncio.run(read())
    if as_json:
        typer.echo(json.dumps([letters.as_json(letter) for letter in found]))
    elif found:
        Console().print(letters.table(found))
        Console().print("\nstridelog dlq show TOPIC:PARTITION:OFFSET shows one with its bytes", style="dim")
    else:
        Console().print("no dead letters" + (" that match" if wanted != Wanted(handled_too=every) else ""))


@dlq_app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="TOPIC:PARTITION:OFFSET", help="As dlq list shows it.")],
    as_json: AsJson = False,
) -> None:
    """One dead letter: headers, reason, and the original bytes as text or hexadecimal."""
    at = _place(place)

    async def read() -> Letter:
        async with DeadLetterLog(settings(), load()) as log:
            return await log.at(*at)

    found = asyncio.run(read())
    if as_json:
        typer.echo(json.dumps(letters.as_json(found)))
    else:
        Console().print(letters.letter(found))


@dlq_app.command()
def replay(
    places: Places = None,
    topic: Topic = "",
    reason: Reason = "",
    agent: Agent = "",
    since: Since = "",
    until: Until = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send the originals to their topics again, once each, and mark their letters as handled."""
    wanted = _wanted(topic, reason, agent, since, until)
    _handle("replayed", places or [], wanted, yes, dry_run, as_json)


@dlq_app.command()
def drop(
    places: Places = None,
    topic: Topic = "",
    reason: Reason = "",
    agent: Agent = "",
    since: Since = "",
    until: Until = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Mark letters as needing nothing: they are no longer listed, and stay where they are."""
    wanted = _wanted(topic, reason, agent, since, until)
    _handle("dropped", places or [], wanted, yes, dry_run, as_json)


def _handle(deed: Deed, places: list[str], wanted: Wanted, yes: bool, dry_run: bool, as_json: bool) -> None:
    if places and wanted != Wanted():
        raise UserError("name letters or say which match, not both")
    at = [_place(place) for place in dict.fromkeys(places)]
    if dry_run or not (yes or places):
        found = asyncio.run(_reasons(deed, at, wanted))
        if not dry_run and found:
            what = ", ".join(f"{n:,} {reason}" for reason, n in found.most_common())
            raise UserError(f"{found.total():,} letters would be {deed} ({what}): add --yes if you mean it")
        if as_json:
            typer.echo(json.dumps({"letters": found.total(), "records": 0, "reasons": found}))
        else:
            typer.echo(f"{found.total():,} letters would be {deed}")
        return
    done = asyncio.run(_carry_out(deed, at, wanted))
    if as_json:
        typer.echo(json.dumps(asdict(done)))
        return
    sent = f", {done.records:,} records sent again" if deed == "replayed" else ""
    typer.echo(f"{done.letters:,} letters {deed}{sent}")
    if done.too_large:
        typer.echo(f"{done.too_large:,} letters are of records that their topic does not take: raise broker_max_bytes")
    if done.not_original:
        typer.echo(
            f"{done.not_original:,} letters hold a row that a store refused, not a record: mend the agent, then set it "
            "back with stridelog agents seek"
        )


async def _reasons(deed: Deed, places: list[Place], wanted: Wanted) -> Counter[str]:
    found: Counter[str] = Counter()
    async with DeadLetterLog(settings(), load()) as log:
        async for some in _chosen(log, places, wanted):
            found.update(letter.reason for letter in some if deed == "dropped" or letter.stage != ROW)
    return found


async def _carry_out(deed: Deed, places: list[Place], wanted: Wanted) -> Done:
    done = Done()
    async with DeadLetterLog(settings(), load()) as log, LetterDesk(settings(), load(), who_asks()) as desk:
        async for some in _chosen(log, places, wanted):
            await (desk.replay(some, done) if deed == "replayed" else desk.drop(some, done))
    return done


async def _chosen(log: DeadLetterLog, places: list[Place], wanted: Wanted) -> AsyncIterator[list[Letter]]:
    """The letters that nobody has handled, some at a time. Raises ``UserError`` for a named one that was."""
    if places:
        named = [await log.at(*place) for place in places]
        for letter in named:
            if letter.handled:
                raise UserError(f"{letter.place} was {letter.handled} already: stridelog dlq list --all shows it")
        yield named
        return
    async for some in log.oldest(wanted):
        yield some


def _wanted(topic: str, reason: str, agent: str, since: str, until: str, *, handled_too: bool = False) -> Wanted:
    now = datetime.now(UTC)
    return Wanted(
        topic=topic,
        reason=reason,
        agent=agent,
        since_ms=moment_ms(since, now) if since else 0,
        until_ms=moment_ms(until, now) if until else None,
        handled_too=handled_too,
    )


def _place(text: str) -> Place:
    match = re.fullmatch(r"(.+):(\d+):(\d+)", text)
    if match is None:
        raise UserError(f"{text!r} is no dead letter: write TOPIC:PARTITION:OFFSET as stridelog dlq list shows it")
    return match[1], int(match[2]), int(match[3])
