"""What the supervisor needs to know of a service, whatever it is."""

import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from compose.settings import ServiceName, StackSettings
from stridelog.errors import UserError


class NotReadyError(Exception):
    """A probe got no proper answer yet; the message says what it saw."""


@dataclass(frozen=True)
class ProcessSpec:
    """One process to run: `stop_signal` asks it to end cleanly, `ports` are all that it binds on loopback."""

    name: str
    service: ServiceName
    argv: Sequence[str]
    ports: Sequence[int]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_deadline_s: float = 30.0

    @property
    def port(self) -> int:
        """The port that clients use."""
        return self.ports[0]


@dataclass(frozen=True)
class Need:
    """Something a service cannot do without: `debian` are the packages that hold it, if a package does."""

    what: str
    debian: Sequence[str] = ()


class Service(ABC):
    """One service of the stack. All paths and ports come from the settings given at construction."""

    name: ClassVar[ServiceName]

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings

    @abstractmethod
    def missing(self) -> Sequence[Need]:
        """What has to be installed before `processes` can run; empty when all is there."""

    def check(self) -> None:  # noqa: B027 - most services fit any settings
        """Raise `UserError` where what is stored does not fit the settings."""

    @abstractmethod
    def processes(self) -> Sequence[ProcessSpec]:
        """The processes of this service, in the order of their names."""

    @abstractmethod
    def prepare(self) -> None:
        """Make data folders and configuration; called before each start, does nothing twice."""

    @abstractmethod
    def probe(self, process: ProcessSpec) -> str:
        """Speak the real protocol to a process and return its version; raise `NotReadyError` until it answers."""

    def after_start(self) -> None:  # noqa: B027 - most services need nothing here
        """Called once all processes of the service answer."""


def find_java(tool: str = "java") -> str | None:
    """Path of a program of the Java development kit, or None."""
    return shutil.which(tool)


def run_tool(argv: Sequence[str], what: str, log: Path, stdin: str | None = None) -> None:
    """Run a set-up program, append its output to a log, and raise `UserError` where it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        done = subprocess.run(  # noqa: S603 - fixed programs with our own arguments
            argv,
            stdout=out,
            stderr=subprocess.STDOUT,
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            check=False,
        )
    if done.returncode != 0:
        raise UserError(f"{what} failed with exit code {done.returncode}: see {log}")
