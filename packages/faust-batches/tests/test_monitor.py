"""Faust's own figures, with batches."""

from pathlib import Path
from typing import Any

import pytest
from faust.sensors.prometheus import FaustMetrics
from faust.types import TP
from faust_batches import BatchMonitor
from faust_batches.prometheus import BatchPrometheusMonitor, setup_prometheus_sensors
from kafka_app import hold, new_app, running, send, until, until_committed
from prometheus_client import CollectorRegistry

pytestmark = pytest.mark.stack


@pytest.mark.anyio
async def test_figures_count_records_and_the_lag_is_that_of_records(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"x"] * 30)
    app = new_app(topic, tmp_path, Monitor=BatchMonitor)
    app.batch_max_records = 20
    held = hold(app, topic)
    partition = TP(topic, 0)
    async with running(app):
        await until(lambda: len(held) == 2)
        figures = app.monitor
        assert figures.messages_received_total == figures.messages_received_by_topic[topic] == 30
        assert figures.messages_active == figures.events_active == figures.events_total == 30
        assert sum(figures.events_by_stream.values()) == sum(figures.events_by_task.values()) == 30
        assert figures.tp_read_offsets[partition] == 29
        assert figures.tp_end_offsets[partition] == 30
        held[0].value.ack(held[0])
        assert figures.messages_active == figures.events_active == 10
        await until_committed(topic, 20)
        assert figures.tp_committed_offsets[partition] == 20
        held[1].value.ack(held[1])
        assert figures.messages_active == figures.events_active == 0
        assert len(figures.events_runtime) == 2


@pytest.mark.anyio
async def test_a_stale_batch_is_no_longer_active(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"x"] * 30)
    app = new_app(topic, tmp_path, Monitor=BatchMonitor)
    held = hold(app, topic)

    async def from_20(partitions: set[TP]) -> dict[TP, int | None]:
        return dict.fromkeys(partitions, 20 if held else None)

    app.batch_start_offsets = from_20
    async with running(app):
        await until(lambda: len(held) == 1)
        await app.consumer.restart_batches([TP(topic, 0)])
        await until(lambda: len(held) == 2)
        assert app.monitor.messages_active == 10
        for event in held:
            event.value.ack(event)
        assert app.monitor.messages_active == app.monitor.events_active == 0


@pytest.mark.anyio
async def test_per_event_topics_are_counted_as_before(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"x"] * 5)
    await send(f"{topic}-single", [b'"y"'] * 7)
    app = new_app(topic, tmp_path, Monitor=BatchMonitor)
    held = hold(app, topic)
    single: list[str] = []

    @app.agent(app.topic(f"{topic}-single", value_type=str))
    async def singles(stream: Any) -> None:
        async for value in stream:
            single.append(value)

    async with running(app):
        await until(lambda: len(held) == 1 and len(single) == 7)
        held[0].value.ack(held[0])
        await until(lambda: app.monitor.events_active == 0)
        assert app.monitor.messages_received_by_topic == {topic: 5, f"{topic}-single": 7}
        assert app.monitor.events_total == 12
        assert app.monitor.messages_active == 0


@pytest.mark.anyio
async def test_prometheus_counts_records_too(topic: str, tmp_path: Path) -> None:
    await send(topic, [b"x"] * 30)
    registry = CollectorRegistry()
    app = new_app(topic, tmp_path)
    setup_prometheus_sensors(app, registry=registry, name_prefix="app")
    held = hold(app, topic)
    async with running(app):
        await until(lambda: len(held) == 1)

        def figure(name: str, **labels: str) -> float | None:
            return registry.get_sample_value(f"app_{name}", labels)

        assert figure("messages_received_total") == figure("active_messages") == 30
        assert figure("messages_received_per_topic_total", topic=topic) == 30
        assert figure("total_events_total") == figure("total_active_events") == 30
        held[0].value.ack(held[0])
        assert figure("active_messages") == figure("total_active_events") == 0


def test_the_end_of_a_partition_may_be_unknown_during_a_rebalance() -> None:
    registry = CollectorRegistry()
    for monitor in (BatchMonitor(), BatchPrometheusMonitor(metrics=FaustMetrics.create(registry, "app"))):
        monitor.track_tp_end_offset(TP("topic", 0), None)
        assert not monitor.tp_end_offsets
        monitor.track_tp_end_offset(TP("topic", 0), 3)
        assert monitor.tp_end_offsets == {TP("topic", 0): 3}
