"""Faust's Prometheus metrics, with batches: they count records."""

from typing import TYPE_CHECKING, Any

from faust.sensors import prometheus as faust_prometheus
from faust.types import TP

from faust_batches.monitor import CountsRecords

if TYPE_CHECKING:
    from faust.types import StreamT


class BatchPrometheusMonitor(CountsRecords, faust_prometheus.PrometheusMonitor):
    """Faust's Prometheus monitor for applications with batch topics."""

    def add_messages_in(self, tp: TP, more: int) -> None:
        """Count further records of a message that was counted as one."""
        super().add_messages_in(tp, more)
        self._metrics.messages_received.inc(more)
        self._metrics.messages_received_per_topics.labels(topic=tp.topic).inc(more)
        self._metrics.active_messages.inc(more)

    def add_messages_out(self, more: int) -> None:
        """Count further records that are done."""
        super().add_messages_out(more)
        self._metrics.active_messages.dec(more)

    def add_events_in(self, stream: "StreamT[Any]", more: int) -> None:
        """Count further records of an event that was counted as one."""
        super().add_events_in(stream, more)
        self._metrics.total_events.inc(more)
        self._metrics.total_active_events.inc(more)
        self._metrics.total_events_per_stream.labels(stream=f"stream.{self._stream_label(stream)}.events").inc(more)

    def add_events_out(self, more: int) -> None:
        """Count further records that an agent is done with."""
        super().add_events_out(more)
        self._metrics.total_active_events.dec(more)


def setup_prometheus_sensors(app: Any, *args: Any, **options: Any) -> None:
    """Faust's function of this name, for applications with batch topics; it takes the same arguments."""
    faust_prometheus.setup_prometheus_sensors(app, *args, **options)
    app.monitor = BatchPrometheusMonitor(metrics=app.monitor._metrics)
