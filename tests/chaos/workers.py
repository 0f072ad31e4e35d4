"""The workers of a run, and whoever starts them again when one ends by itself, as Kubernetes does."""

import asyncio
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from tests.platform import ROLES, Platform

LOOK_S: Final = 0.25
BACK_OFF_S: Final = 1.0


class Workers:
    """Starts, kills and restarts workers; ``exits`` are those that ended without being asked to."""

    def __init__(self, platform: Platform, environment: Mapping[str, str], *, is_named: bool) -> None:
        self._platform = platform
        self._environment = environment
        self._is_named = is_named
        self._added = 1
        self.exits: list[dict[str, Any]] = []

    def start(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a worker."""
        both = {**self._environment, **(environment or {})}
        self._platform.start(name, is_named=self._is_named, environment=both)

    def start_all(self) -> None:
        """One worker a role."""
        for role in ROLES:
            self.start(role)

    def add(self, role: str) -> None:
        """One more worker of a role."""
        self._added += 1
        self.start(f"{role}-{self._added}")

    async def one_of(self, role: str) -> str:
        """The longest-serving worker of a role; waits for one if the only one has just ended."""
        while True:
            for name in self._platform.workers:
                if name.partition("-")[0] == role:
                    return name
            await asyncio.sleep(LOOK_S)

    def process(self, name: str) -> "subprocess.Popen[bytes]":
        """A worker's process."""
        return self._platform.workers[name]

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self._platform.kill(name)

    def leave(self, name: str) -> "subprocess.Popen[bytes]":
        """SIGTERM; the process is the caller's from now on."""
        process = self._platform.workers.pop(name)
        process.terminate()
        return process

    async def keep_up(self) -> None:
        """Start workers again that end by themselves; for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            for name, process in list(self._platform.workers.items()):
                if process.poll() is not None:
                    self.exits.append({"worker": name, "code": process.returncode, "said": self._last_words(name)})
                    del self._platform.workers[name]
                    await asyncio.sleep(BACK_OFF_S)
                    self.start(name)

    def _last_words(self, name: str) -> str:
        path = self._platform.folder / f"worker-{name.partition('-')[0]}.log"
        lines = path.read_text(errors="replace").splitlines()
        ends = [line for line in lines[-200:] if "process ends" in line or "Error" in line]
        return (ends or lines or [""])[-1][-400:]
