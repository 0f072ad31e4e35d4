"""A second place in each store, where a projection is written anew beside the live one and then takes its place."""

from importlib import import_module
from typing import Any, Final

from sinks.shadow.base import Shadow, shadow_settings
from stridelog.settings import Settings

SHADOWS: Final = {
    "clickhouse": ("sinks.shadow.clickhouse", "ClickHouseShadow"),
    "mongo": ("sinks.shadow.mongo", "MongoShadow"),
    "redis": ("sinks.shadow.redis", "RedisShadow"),
    "postgres": ("sinks.shadow.postgres", "PostgresShadow"),
    "delta": ("sinks.shadow.delta", "DeltaShadow"),
}


def make_shadow(sink: str, agent: str, settings: Settings, parts: tuple[str, ...]) -> Shadow[Any]:
    """The shadow of an agent's sink, not yet open; ``parts``: the tables, collections or keys that it fills."""
    module, kind = SHADOWS[sink]
    made: Shadow[Any] = getattr(import_module(module), kind)(agent, settings, parts)
    return made


__all__ = ["SHADOWS", "Shadow", "make_shadow", "shadow_settings"]
