"""Sinks by name."""

from collections.abc import Callable
from typing import Any, Final

from sinks.base import Sink
from sinks.clickhouse import ClickHouseSink
from sinks.delta import DeltaSink
from sinks.mongo import MongoSink
from sinks.postgres import FactSink
from sinks.redis import RedisSink
from sinks.topic import TopicSink
from stridelog.errors import UserError
from stridelog.settings import Settings

SINKS: Final[dict[str, Callable[[str, Settings], Sink[Any]]]] = {
    kind.name: kind for kind in (ClickHouseSink, MongoSink, RedisSink, FactSink, DeltaSink, TopicSink)
}


def make_sink(name: str, agent: str, settings: Settings) -> Sink[Any]:
    """An agent's sink, not yet open. Raises ``UserError`` for a name that is none."""
    try:
        return SINKS[name](agent, settings)
    except KeyError:
        raise UserError(f"agent {agent}: there is no sink {name!r}; there are {', '.join(sorted(SINKS))}") from None
