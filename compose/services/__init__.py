"""The services of the stack, each in a module of its own."""

from collections.abc import Sequence
from typing import Final

from compose.services.base import Need, NotReadyError, ProcessSpec, Service
from compose.services.clickhouse import ClickHouse
from compose.services.kafka import Kafka
from compose.services.mongo import Mongo
from compose.services.postgres import Postgres
from compose.services.redis import Redis
from compose.services.s3 import S3
from compose.settings import ServiceName, StackSettings

_CLASSES: Final[dict[ServiceName, type[Service]]] = {
    cls.name: cls for cls in (Kafka, ClickHouse, Mongo, Redis, Postgres, S3)
}

__all__ = ["Need", "NotReadyError", "ProcessSpec", "Service", "make_services"]


def make_services(names: Sequence[ServiceName], settings: StackSettings) -> list[Service]:
    """The named services, in the given order."""
    return [_CLASSES[name](settings) for name in names]
