"""ClickHouse: the engine that chDB packs as a Python wheel, behind the HTTP front in `compose.chfront`."""

import importlib.util
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import ClassVar

from compose.services.base import Need, NotReadyError, ProcessSpec, Service
from compose.settings import HOST, ServiceName


class ClickHouse(Service):
    """One process that owns the data folder and serves any number of HTTP clients."""

    name: ClassVar[ServiceName] = "clickhouse"

    def missing(self) -> Sequence[Need]:
        return [] if importlib.util.find_spec("chdb") else [Need("the Python package chdb (run `make setup`)")]

    def processes(self) -> Sequence[ProcessSpec]:
        port = self.settings.ports["clickhouse"]
        argv = [sys.executable, "-m", "compose.chfront", "--port", str(port)]
        argv += ["--path", str(self.settings.data("clickhouse"))]
        env = {"TZ": "UTC", "PYTHONUNBUFFERED": "1"}
        return [ProcessSpec("clickhouse", self.name, argv, [port], self.settings.log("clickhouse"), env)]

    def prepare(self) -> None:
        self.settings.data("clickhouse").mkdir(parents=True, exist_ok=True)

    def probe(self, process: ProcessSpec) -> str:
        request = urllib.request.Request(f"http://{HOST}:{process.port}/", data=b"SELECT version()", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 - our own loopback address
                return f"{response.read().decode().strip()} chDB"
        except (urllib.error.URLError, OSError) as error:
            raise NotReadyError(str(error)) from error
