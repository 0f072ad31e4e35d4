"""``stridelog dlq``: dead letters, listed and shown."""

import asyncio
import json
import re
from typing import Annotated

import typer
from rich.console import Console

from stridelog.dead_letter_log import DeadLetterLog, Letter
from stridelog.errors import UserError
from stridelog.settings import settings
from stridelog.topics import load
from stridelog.views import letters

dlq_app = typer.Typer(help="Dead letters: list, show.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dlq_app.command("list")
def list_letters(
    topic: Annotated[str, typer.Option(help="Only of this topic.")] = "",
    reason: Annotated[str, typer.Option(help="Only with this reason.")] = "",
    agent: Annotated[str, typer.Option(help="Only of this agent.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest dead letters, and why no agent could take them."""

    async def read() -> list[Letter]:
        async with DeadLetterLog(settings(), load()) as log:
            return await log.newest(topic, reason=reason, agent=agent, limit=limit)

    found = asyncio.run(read())
    if as_json:
        typer.echo(json.dumps([letters.as_json(letter) for letter in found]))
    elif found:
        Console().print(letters.table(found))
        Console().print("\nstridelog dlq show TOPIC:PARTITION:OFFSET shows one with its bytes", style="dim")
    else:
        Console().print("no dead letters" + (" that match" if topic or reason or agent else ""))


@dlq_app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="TOPIC:PARTITION:OFFSET", help="As dlq list shows it.")],
    as_json: AsJson = False,
) -> None:
    """One dead letter: headers, reason, and the original bytes as text or hexadecimal."""
    match = re.fullmatch(r"(.+):(\d+):(\d+)", place)
    if match is None:
        raise UserError(f"{place!r} is no dead letter: write TOPIC:PARTITION:OFFSET as stridelog dlq list shows it")

    async def read() -> Letter:
        async with DeadLetterLog(settings(), load()) as log:
            return await log.at(match[1], int(match[2]), int(match[3]))

    found = asyncio.run(read())
    if as_json:
        typer.echo(json.dumps(letters.as_json(found)))
    else:
        Console().print(letters.letter(found))
