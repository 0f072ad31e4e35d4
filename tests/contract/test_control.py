"""What operators ask of agents is kept until it is asked otherwise, whoever looks."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from sinks.base import SinkUnavailable
from stridelog.control import FREE, Control
from stridelog.settings import Settings

from .stores import CLOSED_PORT

pytestmark = [pytest.mark.anyio, pytest.mark.stack]


@pytest.fixture
async def settings(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Settings]:
    settings = Settings(namespace=f"t{uuid4().hex[:16]}", local=tmp_path)
    yield settings
    async with await psycopg.AsyncConnection.connect(settings.postgres, autocommit=True) as connection:
        await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(settings.namespace)))


async def test_a_pause_is_seen_by_everybody_until_the_agent_is_resumed(settings: Settings) -> None:
    async with Control(settings) as operator, Control(settings) as worker:
        assert (await worker.read()).get("feed", FREE) == FREE
        assert await operator.pause("feed", "Mongo moves", "ann")
        paused = (await worker.read())["feed"]
        assert (paused.paused, paused.reason, paused.paused_by) == (True, "Mongo moves", "ann")
        assert await operator.resume("feed")
        resumed = (await worker.read())["feed"]
        assert not resumed.paused
        assert resumed.generation > paused.generation
        assert resumed.at >= paused.at


async def test_who_paused_first_stays_the_one_who_did(settings: Settings) -> None:
    async with Control(settings) as control:
        assert await control.pause("feed", "first", "ann")
        assert not await control.pause("feed", "second", "bob")
        assert (await control.read())["feed"].reason == "first"


async def test_an_agent_that_is_not_paused_is_not_resumed(settings: Settings) -> None:
    async with Control(settings) as control:
        assert not await control.resume("feed")
        await control.pause("feed", "", "ann")
        await control.resume("feed")
        generation = (await control.read())["feed"].generation
        assert not await control.resume("feed")
        assert (await control.read())["feed"].generation == generation


async def test_without_postgresql_it_is_unavailable(settings: Settings) -> None:
    away = Control(settings.model_copy(update={"postgres_port": CLOSED_PORT}))
    with pytest.raises(SinkUnavailable):
        await away.open()
    with pytest.raises(SinkUnavailable):
        await away.read()
    await away.close()
