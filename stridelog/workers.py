"""Workers as child processes: a process for each role, with its log and its port of /metrics and /health."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.error import URLError
from urllib.request import urlopen

from stridelog.app import free_port
from stridelog.cli.worker import ROLES
from stridelog.errors import UserError

READY_S: Final = 180.0  # imports take seconds each, and on two cores five workers start at once
STOP_S: Final = 25.0
_POLL_S: Final = 0.25
_TAIL: Final = 3  # lines of a log that an error quotes


class Workers:
    """The workers of some roles. As a context manager it stops them at the end, and only them."""

    def __init__(
        self,
        logs: Path,
        host: str,
        roles: Sequence[str] = ROLES,
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._logs = logs
        self._host = host
        self._roles = roles
        self._options = options  # of stridelog worker
        self._environment = {**os.environ, **(environment or {})}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}

    def start(self) -> None:
        """Start a process for each role; ``wait_ready`` says when they work."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for role in self._roles:
            self.ports[role] = free_port(self._host)
            command = [sys.executable, "-m", "stridelog", "worker", role, "--metrics-port", str(self.ports[role])]
            command += self._options
            with self.log(role).open("wb") as log:
                self._children[role] = subprocess.Popen(  # noqa: S603 - our own command
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                    start_new_session=True,  # Ctrl-C at the terminal is for us; we tell them in time
                )

    def log(self, role: str) -> Path:
        """The log of a role's worker."""
        return self._logs / f"worker-{role}.log"

    @property
    def urls(self) -> dict[str, str]:
        """Role → address of its /metrics and /health."""
        return {role: f"http://{self._host}:{port}" for role, port in self.ports.items()}

    @property
    def pids(self) -> dict[str, int]:
        """Role → process id of those that run."""
        return {role: child.pid for role, child in self._children.items() if child.poll() is None}

    def check(self) -> None:
        """Raises ``UserError`` if a worker has ended, with what it said last."""
        for role, child in self._children.items():
            code = child.poll()
            if code is not None:
                raise UserError(
                    f"worker {role} ended with exit code {code}: {self._last_words(role)} (all of it: {self.log(role)})"
                )

    def wait_ready(self, say: Callable[[int], None], timeout_s: float = READY_S) -> None:
        """Wait until each has its partitions; ``say`` is told how many have. Raises ``UserError``."""
        deadline = time.monotonic() + timeout_s
        waiting = set(self._children)
        while waiting:
            self.check()
            waiting -= {role for role in waiting if self._is_ready(role)}
            say(len(self._children) - len(waiting))
            if waiting and time.monotonic() > deadline:
                role = sorted(waiting)[0]
                raise UserError(f"worker {role} is not ready after {timeout_s:.0f} s: see {self.log(role)}")
            time.sleep(_POLL_S if waiting else 0)

    def stop(self) -> list[str]:
        """Stop those that run; waits until they have finished their batches. Returns their roles."""
        running = {role: child for role, child in self._children.items() if child.poll() is None}
        for child in running.values():
            child.terminate()
        deadline = time.monotonic() + STOP_S
        for child in running.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()
        return list(running)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _is_ready(self, role: str) -> bool:
        try:
            with urlopen(f"{self.urls[role]}/health", timeout=2) as answer:  # noqa: S310 - our own worker
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _last_words(self, role: str) -> str:
        lines = self.log(role).read_text(errors="replace").strip().splitlines()
        return " | ".join(line.strip() for line in lines[-_TAIL:]) or "it said nothing"
