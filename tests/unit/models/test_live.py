"""The model in use: swapped between two batches, kept when the new one or the registry is broken."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from models.injury.train import TrainedInjury
from models.live import LiveInjury, LiveRecommend
from models.model_file import Model
from models.registry import Registered, Registry
from stridelog import metrics
from stridelog.settings import Settings
from tests.unit.models.conftest import Town

CARD = Path(__file__)


@pytest.fixture
def model(trained_injury: TrainedInjury) -> Model:
    """A model of injury risk."""
    return trained_injury.model


def register(registry: Registry, model: Model) -> Registered:
    """A new champion."""
    registered = registry.register("injury", model, {"auc": 0.6}, {"seed": "1"}, CARD)
    registry.set_alias("injury", "champion", registered.version)
    return registered


def break_file(registry: Registry, registered: Registered) -> None:
    run = registry.client.get_run(registered.run_id)
    (Path(run.info.artifact_uri.removeprefix("file://")) / "model" / "model.ubj").write_bytes(b"broken")


def wait_for(condition: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {within_s} s"
        time.sleep(0.01)


def in_use() -> set[str]:
    """Versions that the metric names."""
    samples = next(iter(metrics.MODEL.collect())).samples
    return {sample.labels["version"] for sample in samples if sample.labels["agent"] == "injury"}


def test_without_a_registry_nothing_is_scored_and_one_line_says_so(
    settings_alone: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    live = LiveInjury(settings_alone)
    with caplog.at_level(logging.INFO, "models.live"):
        for _ in range(3):
            live.look()
    assert live.current is None
    assert [record.message for record in caplog.records] == [
        f"no champion of injury in {settings_alone.data / 'mlflow'} yet: nothing is scored"
    ]
    assert not (settings_alone.data / "mlflow").exists()


def test_a_new_champion_is_used_from_the_next_batch_on_and_never_within_one(
    local_settings: Settings, model: Model, town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(local_settings)
    register(registry, model)
    live = LiveInjury(local_settings)
    live.look()
    batch = live.current
    assert batch is not None
    before = batch.score(town.rows.matrix[:50])
    register(registry, model)
    with caplog.at_level(logging.INFO, "models.live"):
        live.look()
        live.look()
    assert batch.version == "injury/1"  # the batch that has begun ends with its model
    assert (batch.score(town.rows.matrix[:50]) == before).all()
    assert live.current is not None
    assert live.current.version == "injury/2"
    assert in_use() == {"injury/2"}
    assert [record.message for record in caplog.records] == ["model in use: injury/2"]


def test_a_broken_file_keeps_the_old_model_and_is_said_once_and_a_mended_registry_goes_on(
    local_settings: Settings, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(local_settings)
    register(registry, model)
    live = LiveInjury(local_settings)
    live.look()
    break_file(registry, register(registry, model))
    with caplog.at_level(logging.INFO, "models.live"):
        for _ in range(3):
            live.look()
    assert live.current is not None
    assert live.current.version == "injury/1"
    assert len(caplog.records) == 1
    assert "injury/2 cannot be used: model.ubj is not a model of ours" in caplog.text
    assert "injury/1 stays in use" in caplog.text
    register(registry, model)
    live.look()
    assert live.current.version == "injury/3"


def test_a_registry_that_goes_away_keeps_the_old_model(
    local_settings: Settings, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(local_settings)
    register(registry, model)
    live = LiveInjury(local_settings)
    live.look()
    folder = local_settings.data / "mlflow"
    (folder / "mlflow.db").rename(folder / "away.db")
    live.look()
    assert "no champion of injury" in caplog.text
    assert "injury/1 stays in use" in caplog.text
    assert live.current is not None
    assert live.current.version == "injury/1"


def test_a_registry_that_is_no_database_is_said_and_stops_nothing(
    settings_alone: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    folder = settings_alone.data / "mlflow"
    folder.mkdir(parents=True)
    (folder / "mlflow.db").write_bytes(b"this is no database" * 100)
    live = LiveInjury(settings_alone)
    live.look()
    assert "cannot load the champion of injury" in caplog.text
    assert live.current is None


def test_a_worker_starts_with_the_champion_and_finds_the_next_one_by_itself(
    local_settings: Settings, model: Model
) -> None:
    registry = Registry(local_settings)
    register(registry, model)

    async def work() -> None:
        live, other = LiveInjury(local_settings), LiveRecommend(local_settings)
        await asyncio.gather(live.open(), other.open())
        assert live.current is not None  # the first batch is scored
        assert live.current.version == "injury/1"
        assert other.current is None
        await asyncio.to_thread(register, registry, model)
        await asyncio.to_thread(
            wait_for, lambda: live.current is not None and live.current.version == "injury/2", "new champion"
        )
        await asyncio.gather(live.close(), other.close())

    asyncio.run(work())


def test_a_server_that_does_not_answer_neither_stops_the_worker_nor_its_end(
    local_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("models.live.FIRST_LOOK_S", 0.2)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = local_settings.model_copy(update={"mlflow_url": "http://127.0.0.1:9"})

    async def work() -> None:
        live = LiveInjury(settings)
        await live.open()
        await asyncio.to_thread(wait_for, lambda: "cannot load the champion" in caplog.text, "line in the log")
        assert live.current is None
        await live.close()

    asyncio.run(work())
