"""``stridelog readings``: what sensors said, taken back."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console

from schemas import hot
from schemas.channels import BY_NAME
from schemas.decode import BadRecord, encode, parse
from stridelog.cli.asking import asked, print_json
from stridelog.errors import UserError
from stridelog.moments import moment_ms
from stridelog.producer import Producer
from stridelog.settings import settings

PRODUCER: Final = "stridelog/readings"
readings_app = typer.Typer(help="Readings: delete a span of them.", no_args_is_help=True)


@readings_app.callback()
def _group() -> None:
    """So that a command alone has a name too."""


@readings_app.command()
def delete(
    user: Annotated[str, typer.Argument(metavar="ATHLETE", help="The athlete's id.")],
    since: Annotated[str, typer.Option("--from", help="2026-11-20T06:00Z, or 2h for two hours ago.")],
    until: Annotated[str, typer.Option("--to", help="The same; readings of that very moment stay.")],
    device: Annotated[str, typer.Option(help="Only what this device said; default: all of the athlete's.")] = "",
    channel: Annotated[
        list[str] | None, typer.Option(help="Only this channel, such as heart_rate; can be given again.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why: by-athlete, by-provider, …")] = "by-operator",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it: they stay deleted, also when they are sent again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the message as JSON.")] = False,
) -> None:
    """Delete an athlete's readings of a span of time; workouts, boards and all that is made of them follow."""
    name = asked(lambda queries: queries.known(user))
    message = deleted(
        user, since=since, until=until, device=device, channels=channel or [], reason=reason, now_us=_now_us()
    )
    what = f"{', '.join(message.data.channels) or 'all readings'} of {name} from {_shown(message.data.start)} to " + (
        _shown(message.data.end) + (f" by {device}" if device else "")
    )
    if not yes:
        raise UserError(f"{what} would be deleted for good: add --yes if you mean it")
    asyncio.run(_send(message))
    if as_json:
        print_json(msgspec.to_builtins(message))
    else:
        Console().print(f"deleted: {what}", highlight=False)


def deleted(
    user: str, *, since: str, until: str, device: str, channels: list[str], reason: str, now_us: int
) -> hot.ReadingsDeleted:
    """The message. Raises ``UserError`` for a span that ends before it begins, a channel that there is not, and words
    that no message has.
    """
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    start_us, end_us = 1_000 * moment_ms(since, now), 1_000 * moment_ms(until, now)
    if end_us <= start_us:
        raise UserError(f"--to {until} is not after --from {since}")
    if unknown := [name for name in channels if name not in BY_NAME]:
        raise UserError(f"no channel {', '.join(unknown)}: there are {', '.join(BY_NAME)}")
    data = hot.ReadingsDeletedData(
        device_id=device or None, start=start_us, end=end_us, channels=tuple(channels), reason=reason
    )
    message = hot.ReadingsDeleted.of(user=user, time=now_us, zone="UTC", source="command", producer=PRODUCER, data=data)
    try:
        parse(encode(message), [type(message).__name__], "msgpack")
    except BadRecord as bad:
        raise UserError(f"no agent would take that: {bad.detail}") from None
    return message


async def _send(message: Any) -> None:
    async with await Producer(settings()).open([type(message).__name__]) as producer:
        await producer.send(message)
        await producer.flush()


def _now_us() -> int:
    return time.time_ns() // 1_000


def _shown(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
