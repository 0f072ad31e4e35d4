"""Where the stack lives and listens: everything that a person may change, read from the environment once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from stridelog.errors import UserError

ROOT: Final = Path(__file__).resolve().parent.parent
HOST: Final = "127.0.0.1"

ServiceName = Literal["kafka", "clickhouse", "mongo", "redis", "postgres", "s3"]
ALL_SERVICES: Final[tuple[ServiceName, ...]] = ("kafka", "clickhouse", "mongo", "redis", "postgres", "s3")
DEFAULT_SERVICES: Final[tuple[ServiceName, ...]] = ("kafka", "clickhouse", "mongo", "redis", "postgres")

_DEFAULT_PORTS: Final[dict[ServiceName, int]] = {
    "kafka": 19092,
    "clickhouse": 18123,
    "mongo": 17017,
    "redis": 16379,
    "postgres": 15432,
    "s3": 17070,
}


def port_setting(service: ServiceName) -> str:
    """Name of the environment variable that moves a service to another port."""
    return f"STRIDELOG_{service.upper()}_PORT"


@dataclass(frozen=True)
class StackSettings:
    """One stack: its folder, its ports and the number of Kafka brokers.

    `ports` holds the first port of each service; Kafka's brokers use every second port from there and the
    controllers the ports in between.
    """

    local: Path
    ports: Mapping[ServiceName, int]
    brokers: int = 1
    s3_access_key: str = "stridelog"
    s3_secret_key: str = "stridelog-secret"  # noqa: S105 - the public default of a loopback-only test server

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, brokers: int = 1) -> "StackSettings":
        """Read the settings; raise `UserError` that names the variable where a value cannot be used."""
        if brokers not in (1, 3):
            raise UserError(f"--brokers is {brokers}: a stack has 1 or 3 Kafka brokers")
        local = Path(environ.get("STRIDELOG_LOCAL") or ".local")
        return cls(
            local=local if local.is_absolute() else ROOT / local,
            ports={name: _port(environ, name) for name in ALL_SERVICES},
            brokers=brokers,
            s3_access_key=environ.get("STRIDELOG_S3_ACCESS_KEY") or cls.s3_access_key,
            s3_secret_key=environ.get("STRIDELOG_S3_SECRET_KEY") or cls.s3_secret_key,
        )

    def data(self, service: ServiceName) -> Path:
        """Folder with all that a service stores."""
        return self.local / "data" / service

    def lib(self, service: ServiceName) -> Path:
        """Folder with a service's downloaded jars."""
        return self.local / "lib" / service

    @property
    def bin(self) -> Path:
        """Folder with the programs that were built here."""
        return self.local / "bin"

    @property
    def run(self) -> Path:
        """Folder with the pid files and the lock."""
        return self.local / "run"

    def log(self, process: str) -> Path:
        """Log file of a process."""
        return self.local / "logs" / f"{process}.log"


def _port(environ: Mapping[str, str], service: ServiceName) -> int:
    setting = port_setting(service)
    text = environ.get(setting) or str(_DEFAULT_PORTS[service])
    # Kafka takes up to six ports in a row, so the highest usable first port is a little lower.
    if not text.isdigit() or not 1 <= int(text) <= 65_530:
        raise UserError(f"{setting} is {text!r}: give a port number from 1 to 65530")
    return int(text)


def chosen_services(text: str | None) -> tuple[ServiceName, ...]:
    """The services named in a comma-separated list, in the usual order; all but S3 where the list is None."""
    if text is None:
        return DEFAULT_SERVICES
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    if unknown := sorted(wanted - set(ALL_SERVICES)):
        raise UserError(f"no service is called {', '.join(unknown)}: choose from {', '.join(ALL_SERVICES)}")
    if not wanted:
        raise UserError(f"--services is empty: choose from {', '.join(ALL_SERVICES)}")
    return tuple(name for name in ALL_SERVICES if name in wanted)
