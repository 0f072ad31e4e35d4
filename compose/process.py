"""Processes that outlive the command that started them: pid files that cannot be mistaken for another process.

A pid file holds the process's start time and the machine's boot id next to its pid, so that a pid which the system
has given to somebody else since is never stopped.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from compose.services.base import ProcessSpec
from compose.settings import ROOT

_POLL_S: Final = 0.05
_KEPT_LOG_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True)
class Running:
    """What a pid file says. `start_ticks` is the kernel's start time of the process, in clock ticks since boot."""

    name: str
    pid: int
    start_ticks: int
    boot_id: str
    port: int
    version: str

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.boot_id == _boot_id() and _start_ticks(self.pid) == self.start_ticks

    def rss_bytes(self) -> int:
        """Resident memory of the process and its children (PostgreSQL has some), in bytes; 0 where it has gone."""
        return sum(_rss_bytes(pid) for pid in _group(self.pid))


class PidFiles:
    """The pid files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> Running | None:
        """What is recorded of a process, dead or alive; None where nothing is, or nothing that can be read."""
        try:
            return Running(**json.loads(self._path(name).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, running: Running) -> None:
        """Record a process, replacing the file in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self._path(running.name).with_suffix(".new")
        temporary.write_text(json.dumps(asdict(running)))
        temporary.replace(self._path(running.name))

    def remove(self, name: str) -> None:
        """Forget a process."""
        self._path(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Names of all recorded processes."""
        return sorted(path.stem for path in self.folder.glob("*.pid"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.pid"


def start(spec: ProcessSpec) -> "tuple[Running, subprocess.Popen[bytes]]":
    """Start a process in a session of its own with its output in its log."""
    spec.log.parent.mkdir(parents=True, exist_ok=True)
    if spec.log.exists() and spec.log.stat().st_size > _KEPT_LOG_BYTES:
        spec.log.replace(spec.log.with_suffix(".log.1"))
    with spec.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own programs with our own arguments
            spec.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **spec.env},
            cwd=ROOT,
            start_new_session=True,
        )
    ticks = _start_ticks(child.pid) or 0
    return Running(spec.name, child.pid, ticks, _boot_id(), spec.port, "?"), child


def stop(running: Running, stop_signal: signal.Signals, deadline_s: float) -> bool:
    """Ask a process to end, and kill its process group at the deadline; True where it ended by itself."""
    if not running.alive():
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, stop_signal)
    if _wait_until_gone(running, deadline_s):
        return True
    if running.alive():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    _wait_until_gone(running, 5.0)
    return False


def _wait_until_gone(running: Running, deadline_s: float) -> bool:
    end_s = time.monotonic() + deadline_s
    while running.alive():
        if time.monotonic() > end_s:
            return False
        time.sleep(_POLL_S)
    return True


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat_fields(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the third on (state); None where the process has gone."""
    try:
        # The second field is the program's name in brackets, which may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _start_ticks(pid: int) -> int | None:
    """The kernel's start time of a process; None where it has gone or only waits to be reaped."""
    fields = _stat_fields(pid)
    if fields is None:
        return None
    # A dead leader whose other threads still end keeps its ports: it has not gone yet.
    if fields[0] == "Z" and int(fields[17]) <= 1:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return None
    return int(fields[19])


def _group(pid: int) -> list[int]:
    """The processes of the group that a process leads."""
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [each for each in pids if (fields := _stat_fields(each)) and int(fields[2]) == pid]


def _rss_bytes(pid: int) -> int:
    try:
        # In pages, of which shared ones count once: what the group maps in common is not counted again.
        size, resident, shared = (int(word) for word in Path(f"/proc/{pid}/statm").read_text().split()[:3])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    page = os.sysconf("SC_PAGE_SIZE")
    return (resident if os.getpgid(pid) == pid else resident - shared) * page if size else 0
