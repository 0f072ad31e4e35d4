"""Starts the services, waits until each answers in its own protocol, and stops exactly what it started."""

import contextlib
import errno
import fcntl
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from compose import process
from compose.process import PidFiles, Running
from compose.services import Need, NotReadyError, ProcessSpec, Service
from compose.settings import HOST, StackSettings, port_setting
from stridelog.errors import UserError

START_DEADLINE_S: Final = 90.0
FREE_DISK_BYTES: Final = 1024**3
_POLL_S: Final = 0.1

State = Literal["up", "starting", "died", "down"]
Report = Callable[[str, str], None]


@dataclass(frozen=True)
class Row:
    """One line of the status table. `rss_bytes` is resident memory."""

    name: str
    service: str
    port: int
    version: str
    state: State
    pid: int | None
    rss_bytes: int
    log: Path


class Supervisor:
    """The services of one stack; `report(process, what)` is told of each step."""

    def __init__(self, settings: StackSettings, services: Sequence[Service], report: Report) -> None:
        self.settings = settings
        self.services = services
        self.report = report
        self.pids = PidFiles(settings.run)

    def up(self) -> None:
        """Start what does not run. Raise `UserError` where something is missing, busy, full, or does not come up."""
        with self._lock():
            self._check_needs()
            for service in self.services:
                service.check()
            self._check_disk()
            to_start = [service for service in self.services if not self._all_alive(service)]
            self._check_ports(to_start)
            with ThreadPoolExecutor(max(len(to_start), 1)) as pool:
                futures = [pool.submit(self._start, service) for service in to_start]
            errors = [error for future in futures if (error := future.exception())]
            for error in errors:
                if not isinstance(error, UserError):
                    raise error
            if errors:
                raise UserError("; ".join(str(error) for error in errors))

    def down(self) -> list[str]:
        """Stop the services' processes that the pid files name; return what was done, a line each."""
        with self._lock():
            specs = {spec.name: spec for service in self.services for spec in service.processes()}
            names = [name for name in self.pids.names() if name in specs]
            with ThreadPoolExecutor(max(len(names), 1)) as pool:
                return list(pool.map(lambda name: self._stop(specs[name]), names))

    def clean(self) -> list[str]:
        """Stop all and remove the data folder."""
        done = self.down()
        data = self.settings.local / "data"
        if data.exists():
            shutil.rmtree(data)
            done.append(f"removed {data}")
        return done

    def status(self) -> list[Row]:
        """The state of each process, asked in its own protocol."""
        pairs = [(service, spec) for service in self.services for spec in service.processes()]
        with ThreadPoolExecutor(max(len(pairs), 1)) as pool:
            return list(pool.map(lambda pair: self._row(*pair), pairs))

    def _row(self, service: Service, spec: ProcessSpec) -> Row:
        running = self.pids.read(spec.name)
        if running is None:
            return Row(spec.name, spec.service, spec.port, "", "down", None, 0, spec.log)
        if not running.alive():
            return Row(spec.name, spec.service, running.port, running.version, "died", None, 0, spec.log)
        row = Row(
            spec.name, spec.service, running.port, running.version, "up", running.pid, running.rss_bytes(), spec.log
        )
        try:
            return replace(row, version=service.probe(replace(spec, ports=[running.port])))
        except NotReadyError:
            return replace(row, state="starting")

    def _start(self, service: Service) -> None:
        """Start a service's processes that do not run, and wait for all of them; on failure stop those again."""
        started: list[tuple[Running, subprocess.Popen[bytes], ProcessSpec]] = []
        self.report(service.name, "preparing")
        service.prepare()
        try:
            for spec in service.processes():
                if not self._alive(spec):
                    running, child = process.start(spec)
                    self.pids.write(running)
                    started.append((running, child, spec))
            self.report(service.name, "starting")
            for running, child, spec in started:
                version = self._wait(service, spec, child)
                self.pids.write(replace(running, version=version))
            service.after_start()
        except BaseException:
            for running, _, spec in started:
                process.stop(running, spec.stop_signal, spec.stop_deadline_s)
                self.pids.remove(spec.name)
            raise
        self.report(service.name, "up")

    def _wait(self, service: Service, spec: ProcessSpec, child: "subprocess.Popen[bytes]") -> str:
        end_s = time.monotonic() + START_DEADLINE_S
        seen = "no answer"
        while time.monotonic() < end_s:
            if (code := child.poll()) is not None:
                raise UserError(f"{spec.name} ended with exit code {code} while starting: see {spec.log}")
            try:
                return service.probe(spec)
            except NotReadyError as error:
                seen = " ".join(str(error).split())[:200]
            time.sleep(_POLL_S)
        raise UserError(f"{spec.name} gave no proper answer in {START_DEADLINE_S:.0f} s ({seen}): see {spec.log}")

    def _stop(self, spec: ProcessSpec) -> str:
        running = self.pids.read(spec.name)
        if running is None or not running.alive():
            self.pids.remove(spec.name)
            return f"{spec.name} had already ended"
        self.report(spec.name, "stopping")
        by_itself = process.stop(running, spec.stop_signal, spec.stop_deadline_s)
        self.pids.remove(spec.name)
        self.report(spec.name, "down")
        return f"stopped {spec.name} (pid {running.pid})" + ("" if by_itself else ", which had to be killed")

    def _alive(self, spec: ProcessSpec) -> bool:
        running = self.pids.read(spec.name)
        return running is not None and running.alive()

    def _all_alive(self, service: Service) -> bool:
        return all(self._alive(spec) for spec in service.processes())

    def _check_needs(self) -> None:
        needs: list[Need] = [need for service in self.services for need in service.missing()]
        if needs:
            names = ", ".join(dict.fromkeys(need.what for need in needs))
            raise UserError(f"missing: {names}. `.venv/bin/python -m compose install` gets what is missing")

    def _check_disk(self) -> None:
        self.settings.local.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.settings.local).free
        if free < FREE_DISK_BYTES:
            raise UserError(
                f"only {free // 1024**2} MiB are free at {self.settings.local}, the stack needs "
                f"{FREE_DISK_BYTES // 1024**2}: free some, or set STRIDELOG_LOCAL to a folder on another disk"
            )

    def _check_ports(self, services: Sequence[Service]) -> None:
        for service in services:
            for spec in service.processes():
                for port in [] if self._alive(spec) else spec.ports:
                    if _is_busy(port):
                        setting = port_setting(service.name)
                        raise UserError(
                            f"port {port} for {spec.name} is used by another program: stop that one, or choose "
                            f"another port in {setting} (now {self.settings.ports[service.name]})"
                        )

    @contextlib.contextmanager
    def _lock(self) -> Generator[None, None, None]:
        """Two commands at once take turns."""
        self.settings.run.mkdir(parents=True, exist_ok=True)
        with (self.settings.run / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.report("stack", "waiting for another `python -m compose`")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_busy(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return True
            raise
        return False
