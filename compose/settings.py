"""Where the stack lives and listens: the project's settings, turned into folders and ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from stridelog.errors import UserError
from stridelog.settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent
HOST: Final = "127.0.0.1"

ServiceName = Literal["kafka", "clickhouse", "mongo", "redis", "postgres", "s3"]
ALL_SERVICES: Final[tuple[ServiceName, ...]] = ("kafka", "clickhouse", "mongo", "redis", "postgres", "s3")
DEFAULT_SERVICES: Final[tuple[ServiceName, ...]] = ("kafka", "clickhouse", "mongo", "redis", "postgres")


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
    s3_access_key: str = ""
    s3_secret_key: str = ""

    @classmethod
    def from_environment(cls, brokers: int = 1) -> "StackSettings":
        """The project's settings, as the stack sees them; raise `UserError` where a value cannot be used."""
        if brokers not in (1, 3):
            raise UserError(f"--brokers is {brokers}: a stack has 1 or 3 Kafka brokers")
        try:
            settings = Settings()
        except ValidationError as error:
            first = error.errors()[0]
            name = "_".join(str(part) for part in first["loc"])
            raise UserError(f"STRIDELOG_{name.upper()} is {first['input']!r}: {first['msg'].lower()}") from error
        ports: dict[ServiceName, int] = {
            "kafka": settings.kafka_port,
            "clickhouse": settings.clickhouse_port,
            "mongo": settings.mongo_port,
            "redis": settings.redis_port,
            "postgres": settings.postgres_port,
            "s3": settings.s3_port,
        }
        for name, port in ports.items():
            # Kafka takes up to six ports in a row, so the highest usable first port is a little lower.
            if not 1 <= port <= 65_530:
                raise UserError(f"{port_setting(name)} is {port}: give a port number from 1 to 65530")
        return cls(
            local=settings.local if settings.local.is_absolute() else ROOT / settings.local,
            ports=ports,
            brokers=brokers,
            s3_access_key=settings.s3_access_key,
            s3_secret_key=settings.s3_secret_key,
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
