"""Sinks by name. A sink's driver is imported when an agent uses it: together they take a worker seconds to import."""

from importlib import import_module
from typing import Any, Final

from sinks.base import Sink
from stridelog.errors import UserError
from stridelog.settings import Settings

SINKS: Final = {
    "clickhouse": ("sinks.clickhouse", "ClickHouseSink"),
    "mongo": ("sinks.mongo", "MongoSink"),
    "redis": ("sinks.redis", "RedisSink"),
    "postgres": ("sinks.postgres", "FactSink"),
    "delta": ("sinks.delta", "DeltaSink"),
    "topic": ("sinks.topic", "TopicSink"),
}


def make_sink(name: str, agent: str, settings: Settings) -> Sink[Any]:
    """An agent's sink, not yet open. Raises ``UserError`` for a name that is none."""
    if name not in SINKS:
        raise UserError(f"agent {agent}: there is no sink {name!r}; there are {', '.join(sorted(SINKS))}")
    module, kind = SINKS[name]
    sink: Sink[Any] = getattr(import_module(module), kind)(agent, settings)
    return sink
