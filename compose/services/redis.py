"""Redis from the distribution, with an append-only file so that a restart keeps rankings and sessions."""

import shutil
from collections.abc import Sequence
from typing import ClassVar, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from compose.services.base import Need, NotReadyError, ProcessSpec, Service
from compose.settings import HOST, ServiceName


class Redis(Service):
    """`redis-server` or its successor `valkey-server`, whichever is installed."""

    name: ClassVar[ServiceName] = "redis"

    def missing(self) -> Sequence[Need]:
        return [] if self._program() else [Need("redis-server", ["redis-server"])]

    def _program(self) -> str | None:
        return shutil.which("redis-server") or shutil.which("valkey-server")

    def processes(self) -> Sequence[ProcessSpec]:
        port = self.settings.ports["redis"]
        argv = [self._program() or "redis-server", "--port", str(port), "--bind", HOST]
        argv += ["--dir", str(self.settings.data("redis")), "--daemonize", "no", "--appendonly", "yes", "--save", ""]
        return [ProcessSpec("redis", self.name, argv, [port], self.settings.log("redis"))]

    def prepare(self) -> None:
        self.settings.data("redis").mkdir(parents=True, exist_ok=True)

    def probe(self, process: ProcessSpec) -> str:
        client = redis.Redis(HOST, process.port, socket_timeout=2, retry=Retry(NoBackoff(), 0))
        try:
            info = cast(dict[str, str], client.info("server"))
        except redis.RedisError as error:
            raise NotReadyError(str(error)) from error
        finally:
            client.close()
        return info.get("valkey_version") or info["redis_version"]
