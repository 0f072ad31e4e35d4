"""What commands share."""

import asyncio
import getpass
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import typer

from stridelog.queries import Queries
from stridelog.settings import settings

T = TypeVar("T")


def asked(ask: Callable[[Queries], Awaitable[T]]) -> T:
    """What a question to the stores of the settings gives."""

    async def run() -> T:
        async with Queries(settings()) as queries:
            return await ask(queries)

    return asyncio.run(run())


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def who_asks() -> str:
    """Who runs the command; a container's user may have a number and no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
