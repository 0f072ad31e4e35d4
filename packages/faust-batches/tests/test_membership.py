"""A consumer that drops out of its group says so."""

from pathlib import Path
from typing import Any

import pytest
from kafka_app import collect, new_app, running, until

pytestmark = [pytest.mark.stack, pytest.mark.anyio]


def broken(topic: str, folder: Path) -> Any:
    """An application whose assignor fails on what it is assigned, which is the end of aiokafka's coordination."""
    app = new_app(topic, folder)
    collect(app, topic)

    def fail(*_: Any) -> None:
        raise AssertionError("not what was asked for")

    app.assignor.on_assignment = fail
    return app


async def test_the_application_is_told_when_its_membership_ends(topic: str, tmp_path: Path) -> None:
    app = broken(topic, tmp_path)
    lost: list[BaseException] = []
    app.batch_coordination_lost = lost.append
    async with running(app):
        await until(lambda: bool(lost))
    assert "not what was asked for" in str(lost[0])
    assert len(lost) == 1


async def test_without_a_handler_the_worker_crashes(topic: str, tmp_path: Path) -> None:
    app = broken(topic, tmp_path)
    async with running(app):
        await until(lambda: app.crashed)
    assert "not what was asked for" in str(app.crash_reason)


async def test_an_application_that_stops_has_lost_nothing(topic: str, tmp_path: Path) -> None:
    app = new_app(topic, tmp_path)
    collect(app, topic)
    lost: list[BaseException] = []
    app.batch_coordination_lost = lost.append
    async with running(app):
        await until(lambda: app.consumer_generation_id > 0)
    assert not lost
