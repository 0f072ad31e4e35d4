"""What operators ask of agents is kept until it is asked otherwise, whoever looks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from agents import lake
from sinks.base import SinkUnavailable, TopicPartition
from stridelog.control import FREE, Control
from stridelog.engine import Runner
from stridelog.settings import Settings
from stridelog.standby import Standby
from stridelog.topics import load

from .proxy import proxy
from .stores import CLOSED_PORT

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

WAIT_S = 60.0


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


async def test_while_postgresql_is_away_workers_go_by_its_last_answer_and_say_so_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    restarts: list[str] = []

    async def restart() -> None:
        restarts.append("restarted")

    async with proxy(settings.host, settings.postgres_port) as between, Control(settings) as operator:
        runner = Runner(lake, load(prefix=""), settings, _no_ends)
        through = Control(settings.model_copy(update={"postgres_port": between.port}))
        standby = Standby(through, [runner], restart, poll_s=0.05)
        await standby.open()
        worker = asyncio.create_task(standby.run())
        await operator.pause("lake", "S3 moves", "ann")
        await _until(lambda: runner.is_paused)
        await between.cut()
        await operator.resume("lake")
        await _until(lambda: "going on as before" in caplog.text)
        with pytest.raises(SinkUnavailable):  # as the worker's next look
            await through.read()
        assert runner.is_paused
        assert caplog.text.count("going on as before") == 1
        await between.mend()
        await _until(lambda: restarts)
        assert not runner.is_paused
        await standby.close()
        await worker


async def _no_ends(sources: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    return dict.fromkeys(sources, 0)


async def _until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not what():
            await asyncio.sleep(0.01)
