"""The stack that is attacked: three brokers and the stores on ports of their own, Toxiproxy between workers and stores,
and a small disk for the lake.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

from compose import process
from compose.install import build_go, install_packages
from compose.services import make_services
from compose.services.base import ProcessSpec
from compose.settings import DEFAULT_SERVICES, HOST, ROOT, ServiceName, StackSettings
from compose.supervisor import Supervisor
from stridelog.errors import UserError
from tests.noise_models import register_models

FOLDER: Final = ROOT / ".local" / "chaos"
FIRST_PORT: Final = int(os.environ.get("CHAOS_PORT", "21000"))
TOXIPROXY: Final = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"
PROXIED: Final[tuple[ServiceName, ...]] = ("clickhouse", "mongo", "redis", "postgres")
LAKE_MIB: Final = 96
FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
START_S: Final = 120.0
END_S: Final = 10.0
BROKERS: Final = 3

Say = Callable[[str, str], None]


class ChaosStack:
    """Starts, kills and restarts what the workers depend on; cuts, slows and fills. One at a time on a machine."""

    def __init__(self, say: Say = lambda name, what: None) -> None:
        ports: dict[ServiceName, int] = {
            "kafka": FIRST_PORT,
            "clickhouse": FIRST_PORT + 10,
            "mongo": FIRST_PORT + 11,
            "redis": FIRST_PORT + 12,
            "postgres": FIRST_PORT + 13,
            "s3": FIRST_PORT + 14,
        }
        self.settings = StackSettings(local=FOLDER, ports=ports, brokers=BROKERS)
        self.services = {service.name: service for service in make_services(DEFAULT_SERVICES, self.settings)}
        self._say = say
        self._own = Supervisor(self.settings, list(self.services.values()), say)
        self._tools = StackSettings.from_environment()
        self._program = self._tools.bin / "toxiproxy"
        self._api = f"http://{HOST}:{FIRST_PORT + 20}"
        self.lake = FOLDER / "lake"
        self._lock: IO[str] | None = None

    # -- what instances of the platform are told

    @property
    def bootstrap(self) -> str:
        """All brokers."""
        return ",".join(f"{HOST}:{FIRST_PORT + 2 * number}" for number in range(BROKERS))

    def overrides(self) -> dict[str, Any]:
        """Settings of an instance on this stack: for whoever looks on, past the proxies."""
        ports = self.settings.ports
        stores = {f"{name}_port": ports[name] for name in PROXIED}
        return {
            "kafka_port": ports["kafka"],
            "kafka": self.bootstrap,
            "replication": BROKERS,
            "lake_url": str(self.lake),
            **stores,
        }

    def through_proxies(self) -> dict[str, str]:
        """Environment of the workers: the stores behind the proxies."""
        return {f"STRIDELOG_{name.upper()}_PORT": str(self.proxy_port(name)) for name in PROXIED}

    def proxy_port(self, name: ServiceName) -> int:
        """Where the proxy of a store listens."""
        return FIRST_PORT + 21 + PROXIED.index(name)

    # -- start and stop

    def take(self) -> None:
        """Make sure that nobody else uses it. Raises ``UserError``."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._lock = (FOLDER / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another chaos run uses {FOLDER}: wait for it, or stop it") from None

    def up(self) -> None:
        """Install what is missing, and start what does not run; nothing, where something fails (``UserError``)."""
        self.take()
        try:
            self._start()
        except BaseException:
            self.down()
            raise

    def _start(self) -> None:
        lib = FOLDER / "lib"
        if not lib.exists():
            lib.symlink_to(self._tools.local / "lib")
        if not self._program.exists():
            self._say("toxiproxy", "building")
            build_go(TOXIPROXY, self._program, self._tools)
        if not FAKETIME.exists() and os.geteuid() == 0 and shutil.which("apt-get"):
            self._say("faketime", "installing")
            with contextlib.suppress(UserError):  # without it, clocks are right: the fault is left out by name
                install_packages(["libfaketime"], self._tools)
        self._own.up()
        self._start_toxiproxy()
        self._mount()
        self._make_models()

    def down(self) -> None:
        """Stop everything and remove what it has stored."""
        proxy = self._spec()
        if (running := self._own.pids.read(proxy.name)) is not None:
            process.stop(running, signal.SIGTERM, END_S)
            self._own.pids.remove(proxy.name)
        self._own.clean()
        if os.path.ismount(self.lake):
            subprocess.run(["/bin/umount", "--lazy", str(self.lake)], check=True)
        shutil.rmtree(self.lake, ignore_errors=True)

    def lacks(self) -> dict[str, str]:
        """Kinds of faults that cannot be here, each with the reason."""
        reasons = {}
        if not os.path.ismount(self.lake):
            reasons["disk-full"] = "a small disk needs root (mount of a tmpfs)"
        if not FAKETIME.exists():
            reasons["clock-skew"] = "libfaketime is not installed"
        return reasons

    # -- services

    def names(self, service: ServiceName) -> list[str]:
        """The processes of a service."""
        return [spec.name for spec in self.services[service].processes()]

    async def kill(self, name: str) -> None:
        """SIGKILL, and wait until the process has gone."""
        running = self._own.pids.read(name)
        assert running is not None, f"{name} was not started"
        os.kill(running.pid, signal.SIGKILL)
        deadline = time.monotonic() + END_S
        while running.alive():
            assert time.monotonic() < deadline, f"{name} does not die"
            await asyncio.sleep(0.02)

    async def restart(self, service: ServiceName) -> None:
        """Start what was killed of a service and wait until it answers."""
        supervisor = Supervisor(self.settings, [self.services[service]], lambda name, what: None)
        deadline = time.monotonic() + START_S
        while True:
            try:
                await asyncio.to_thread(supervisor.up)
                return
            except UserError:  # PostgreSQL's children may hold its memory for a moment longer than it lives
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)

    def revive(self) -> None:
        """Start what a run that was broken off has killed and left."""
        self._own.up()

    # -- proxies

    def give_models(self, folder: Path) -> None:
        """Put the registry of models where an instance with that folder looks for it."""
        registry = folder / "data" / "mlflow"
        registry.mkdir(parents=True)
        shutil.copy(FOLDER / "models" / "data" / "mlflow" / "mlflow.db", registry)

    def heal(self) -> None:
        """All proxies pass everything on; no disk is full."""
        self._ask("POST", "/reset")
        self.filler.unlink(missing_ok=True)

    def enable(self, store: ServiceName, enabled: bool) -> None:
        """Cut a store off (connections are closed, new ones refused), or let it be reached again."""
        self._ask("POST", f"/proxies/{store}", {"enabled": enabled})

    def poison(self, store: ServiceName, toxic: str, attributes: Mapping[str, int]) -> None:
        """Add one of Toxiproxy's toxics in both directions."""
        for stream in ("upstream", "downstream"):
            body = {"name": f"{toxic}-{stream}", "type": toxic, "stream": stream, "attributes": dict(attributes)}
            self._ask("POST", f"/proxies/{store}/toxics", body)

    def cure(self, store: ServiceName, toxic: str) -> None:
        """Remove it again."""
        for stream in ("upstream", "downstream"):
            self._ask("DELETE", f"/proxies/{store}/toxics/{toxic}-{stream}")

    # -- the lake's disk

    @property
    def filler(self) -> Path:
        """What fills the lake's disk."""
        return self.lake / "filler"

    def fill(self) -> None:
        """Take all the room that the lake's disk has left."""
        with self.filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
            while True:
                out.write(b"\0" * 65_536)

    def _make_models(self) -> None:
        folder = FOLDER / "models"
        done = folder / "done"
        if not done.exists():
            self._say("models", "learning noise")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            register_models(folder)
            done.touch()

    def _mount(self) -> None:
        self.lake.mkdir(exist_ok=True)
        if os.path.ismount(self.lake) or os.geteuid() != 0:
            return
        size = f"size={LAKE_MIB}m,mode=755"
        subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.lake)], check=False, stderr=subprocess.DEVNULL
        )

    def _spec(self) -> ProcessSpec:
        port = FIRST_PORT + 20
        argv = [str(self._program), "-host", HOST, "-port", str(port)]
        return ProcessSpec("toxiproxy", "s3", argv, [port], self.settings.log("toxiproxy"), {"LOG_LEVEL": "error"})

    def _start_toxiproxy(self) -> None:
        spec = self._spec()
        running = self._own.pids.read(spec.name)
        if running is None or not running.alive():
            running, _ = process.start(spec)
            self._own.pids.write(running)
        deadline = time.monotonic() + END_S
        while True:
            try:
                self._ask("GET", "/version")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise UserError(f"toxiproxy does not answer at {self._api}: see {spec.log}") from None
                time.sleep(0.1)
        proxies = [
            {
                "name": name,
                "listen": f"{HOST}:{self.proxy_port(name)}",
                "upstream": f"{HOST}:{self.settings.ports[name]}",
                "enabled": True,
            }
            for name in PROXIED
        ]
        self._ask("POST", "/populate", proxies)

    def _ask(self, method: str, path: str, body: Any = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "stridelog-chaos"}
        request = urllib.request.Request(self._api + path, data, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310
            return
