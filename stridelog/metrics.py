"""Every metric that a worker serves, declared once."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_RECORDS: Final = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
_DELAY: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600, 3_600, 86_400)

RECORDS: Final = Counter("stridelog_records_total", "Records by what became of them", ("agent", "topic", "outcome"))
DROPPED: Final = Counter("stridelog_dropped_total", "Records that needed no write, by reason", ("agent", "reason"))
FLAGS: Final = Counter("stridelog_flags_total", "New flags of the rules of integrity", ("agent", "rule", "decision"))
TIMING: Final = Counter(
    "stridelog_timing_total",
    "Frames that are late, out_of_order or of a clock_ahead, and workouts summarised with times corrected: clock_reset",
    ("agent", "case"),
)
DEAD: Final = Counter("stridelog_dead_letters_total", "Dead letters by reason", ("agent", "topic", "reason"))
BATCH_RECORDS: Final = Histogram("stridelog_batch_records", "Records in a batch", ("agent",), buckets=_RECORDS)
BATCH_SECONDS: Final = Histogram(
    "stridelog_batch_seconds", "From a batch's arrival at the agent to its ack", ("agent",), buckets=_SECONDS
)
DELAY: Final = Histogram(
    "stridelog_delay_seconds",
    "From the broker's timestamp of a batch's last record to the batch's ack",
    ("agent",),
    buckets=_DELAY,
)
SINK_SECONDS: Final = Histogram("stridelog_sink_seconds", "Time of a sink's write", ("agent", "sink"), buckets=_SECONDS)
SINK_RETRIES: Final = Counter(
    "stridelog_sink_retries_total", "Writes that a sink did not take at first", ("agent", "sink")
)
WATERMARK: Final = Gauge(
    "stridelog_watermark", "Next offset that a sink needs", ("agent", "sink", "topic", "partition")
)
WATERMARK_TIME: Final = Gauge(
    "stridelog_watermark_timestamp_seconds",
    "When a sink's watermark last moved (Unix time)",
    ("agent", "sink", "topic", "partition"),
)
LAG: Final = Gauge(
    "stridelog_lag",
    "Records behind the end of the partition at the last batch",
    ("agent", "topic", "partition"),
)
PAUSED: Final = Gauge(
    "stridelog_agent_paused", "1 while operators, or a flood of dead letters, hold the agent", ("agent",)
)
FLOODS: Final = Counter(
    "stridelog_floods_total", "Times that an agent paused itself because of dead letters", ("agent",)
)
RANK_CHANGES: Final = Counter("stridelog_rank_changes_total", "Rank changes that were announced, by board", ("metric",))
RANK_OUTBOX: Final = Gauge(
    "stridelog_rank_outbox", "Announced rank changes that are not in Kafka yet, as this worker last saw it", ("agent",)
)
MODEL: Final = Gauge("stridelog_model_info", "The model in use (1)", ("agent", "version"))
