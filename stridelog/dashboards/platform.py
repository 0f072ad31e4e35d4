"""Is the platform well: lag, freshness, throughput, dead letters, watermarks, workers. All from Prometheus.

Names with a colon are recorded by deploy/prometheus/rules.yml.
"""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from stridelog.dashboards.panels import (
    A_SECOND,
    COUNT,
    PROMETHEUS,
    figure,
    finished,
    found_several,
    lines,
    listing,
    page,
    promql,
    promql_now,
    stacks,
)

_AGENT = 'agent=~"$agent"'
_JOB = 'job="stridelog-workers"'


def platform() -> Dashboard:
    """The dashboard of operators."""
    board = page(
        "stridelog-platform",
        "Stridelog: platform",
        "Lag, freshness, throughput, dead letters and watermarks of all workers. What to do is in docs/dashboards.md.",
        since="now-1h",
        refresh="10s",
    )
    agents = found_several("agent", "Agent", "label_values(stridelog_batch_records_count, agent)", PROMETHEUS)
    board = board.with_variable(agents.all_value(".+"))
    for panel in (
        figure(
            "Workers up",
            "Workers that Prometheus reaches. Each role needs one at least.",
            COUNT,
            promql(f"sum(up{{{_JOB}}})"),
        ),
        figure(
            "Records a second",
            "Records that agents are done with, whatever became of them. A record counts once for each agent.",
            A_SECOND,
            promql(f"sum(rate(stridelog_records_total{{{_AGENT}}}[$__rate_interval]))"),
        ),
        figure(
            "Lag",
            "Records behind the end of their partitions, as of each partition's last batch at the worker that has it.",
            COUNT,
            promql(f"sum(agent:stridelog_lag:sum{{{_AGENT}}})"),
        ),
        figure(
            "Slowest agent's delay",
            "The largest 99th percentile, over five minutes, from the broker's timestamp of a batch's last record to "
            "the batch's ack. The lake commits every few seconds and is left out.",
            units.Seconds,
            promql(f'max(agent:stridelog_delay_seconds:p99_5m{{{_AGENT},agent!="lake"}})'),
        ),
        figure(
            "Dead letters",
            "Records that became dead letters in the dashboard's time.",
            COUNT,
            promql(f'sum(increase(stridelog_records_total{{{_AGENT},outcome="dead"}}[$__range]))'),
        ),
        figure(
            "Agents paused",
            "Held by an operator or by a flood of dead letters: stridelog agents list says why.",
            COUNT,
            promql(f"sum(max by (agent) (stridelog_agent_paused{{{_AGENT}}}))"),
        ),
        lines(
            "Lag by agent",
            "Records behind the end of the log. It grows: the role has too few workers or a store is slow. It falls: a "
            "flood is being worked off.",
            COUNT,
            promql(f"agent:stridelog_lag:sum{{{_AGENT}}}", "{{agent}}"),
        ),
        lines(
            "Delay by agent, 99th percentile",
            "From the broker's timestamp of a batch's last record to the batch's ack, over five minutes.",
            units.Seconds,
            promql(f"agent:stridelog_delay_seconds:p99_5m{{{_AGENT}}}", "{{agent}}"),
        ),
        lines(
            "Records by agent",
            "Records that the agent is done with.",
            A_SECOND,
            promql(f"sum by (agent) (rate(stridelog_records_total{{{_AGENT}}}[$__rate_interval]))", "{{agent}}"),
        ),
        stacks(
            "Records by outcome",
            "Every record ends as written, dropped with a reason, or dead.",
            A_SECOND,
            promql(f"sum by (outcome) (rate(stridelog_records_total{{{_AGENT}}}[$__rate_interval]))", "{{outcome}}"),
        ),
        stacks(
            "Dead letters by reason",
            "Reasons are explained in docs/schemas.md. stridelog dlq list shows the records.",
            COUNT,
            promql(
                f"sum by (topic, reason) (increase(stridelog_dead_letters_total{{{_AGENT}}}[$__rate_interval]))",
                "{{topic}}: {{reason}}",
            ),
        ),
        lines(
            "Share of dead letters",
            "Of an agent's records of the last 15 minutes, those that became dead letters.",
            units.PercentUnit,
            promql(f"agent:stridelog_dead_letters:ratio_15m{{{_AGENT}}}", "{{agent}}"),
        ),
        lines(
            "Watermarks that wait",
            "Time since a sink's watermark moved, where records wait for it: its partition has lag, or another sink of "
            "the agent is further. An idle topic is not shown.",
            units.DurationSeconds,
            promql(
                f"max by (agent, sink) (agent_sink_topic_partition:stridelog_watermark_waiting:seconds{{{_AGENT}}})",
                "{{agent}} {{sink}}",
            ),
        ),
        lines(
            "Watermark age",
            "Time since the sink's newest watermark moved. An idle topic's grows too; see the panel beside it.",
            units.DurationSeconds,
            promql(
                f"min by (agent, sink) (agent_sink_topic_partition:stridelog_watermark_age:seconds{{{_AGENT}}})",
                "{{agent}} {{sink}}",
            ),
        ),
        lines(
            "Sink write, 99th percentile",
            "Time of one write of one batch.",
            units.Seconds,
            promql(
                "histogram_quantile(0.99, sum by (agent, sink, le) "
                f"(rate(stridelog_sink_seconds_bucket{{{_AGENT}}}[$__rate_interval])))",
                "{{agent}} {{sink}}",
            ),
        ),
        stacks(
            "Writes that a sink did not take at first",
            "Each is tried again until it is taken. Some are normal while a store starts anew.",
            COUNT,
            promql(
                f"sum by (agent, sink) (increase(stridelog_sink_retries_total{{{_AGENT}}}[$__rate_interval]))",
                "{{agent}} {{sink}}",
            ),
        ),
        lines(
            "Batch, 99th percentile",
            "From a batch's arrival at the agent to its ack.",
            units.Seconds,
            promql(
                "histogram_quantile(0.99, sum by (agent, le) "
                f"(rate(stridelog_batch_seconds_bucket{{{_AGENT}}}[$__rate_interval])))",
                "{{agent}}",
            ),
        ),
        stacks(
            "Records that needed no write",
            "By reason. Duplicates are normal: devices resend, and a batch that a crash cut is taken again.",
            COUNT,
            promql(
                f"sum by (agent, reason) (increase(stridelog_dropped_total{{{_AGENT}}}[$__rate_interval]))",
                "{{agent}}: {{reason}}",
            ),
        ),
        lines(
            "Memory of workers",
            "Resident memory.",
            units.BytesIEC,
            promql(f"process_resident_memory_bytes{{{_JOB}}}", "{{instance}}"),
        ),
        lines(
            "CPU of workers",
            "Cores in use; a worker is one process with one busy thread.",
            COUNT,
            promql(f"rate(process_cpu_seconds_total{{{_JOB}}}[$__rate_interval])", "{{instance}}"),
        ),
        listing(
            "Partitions that are furthest behind",
            "One partition behind while the others are not has one busy user or one large batch.",
            promql_now(f"topk(20, agent_topic_partition:stridelog_lag:owner{{{_AGENT}}} > 0)"),
            span=16,
        ),
        listing(
            "Models in use",
            "The champion that each model agent has loaded.",
            promql_now("max by (agent, version) (stridelog_model_info)"),
            span=8,
        ),
    ):
        board = board.with_panel(panel)
    return finished(board)
