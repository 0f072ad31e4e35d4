"""PostgreSQL from the distribution, in a cluster of our own: Debian's clusters are neither used nor touched."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import psycopg

from compose.services.base import Need, NotReadyError, ProcessSpec, Service, run_tool
from compose.settings import HOST, ServiceName
from stridelog.errors import UserError

USER: Final = "stridelog"
DATABASE: Final = "stridelog"
OLDEST_VERSION: Final = 15


class Postgres(Service):
    """One cluster; user and database `stridelog`, no password, loopback TCP only.

    PostgreSQL refuses to run as root, so for root it runs as the user `postgres` (or `nobody`).
    """

    name: ClassVar[ServiceName] = "postgres"

    def missing(self) -> Sequence[Need]:
        return [] if _find("postgres") else [Need(f"PostgreSQL {OLDEST_VERSION} or newer", ["postgresql-15"])]

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.settings.data("postgres") / "cluster"

    def processes(self) -> Sequence[ProcessSpec]:
        port = self.settings.ports["postgres"]
        argv = [*self._as_user(), _find("postgres") or "postgres", "-D", str(self.cluster), "-p", str(port)]
        # No Unix socket: its folder would need to be writable by another user. No cluster-wide port clash either.
        argv += ["-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories="]
        argv += ["-c", "shared_buffers=64MB", "-c", "max_connections=100", "-c", "logging_collector=off"]
        # SIGTERM would wait for clients to go; SIGINT is PostgreSQL's fast, clean shutdown.
        log = self.settings.log("postgres")
        return [ProcessSpec("postgres", self.name, argv, [port], log, stop_signal=signal.SIGINT)]

    def prepare(self) -> None:
        """Make the cluster once, owned by the user that will run it."""
        if (self.cluster / "PG_VERSION").exists():
            return
        folder = self.settings.data("postgres")
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            account = _account()
            os.chown(folder, account.pw_uid, account.pw_gid)
        shutil.rmtree(self.cluster, ignore_errors=True)  # what an interrupted initdb left behind
        argv = [*self._as_user(), _find("initdb") or "initdb", "-D", str(self.cluster), "-U", USER]
        argv += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        run_tool(argv, "making the PostgreSQL cluster", self.settings.log("postgres"))

    def probe(self, process: ProcessSpec) -> str:
        try:
            with self._connect("postgres") as connection:
                row = connection.execute("SHOW server_version").fetchone()
        except psycopg.Error as error:
            raise NotReadyError(str(error).strip()) from error
        return str(row[0]).split()[0] if row else "?"

    def after_start(self) -> None:
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        port = self.settings.ports["postgres"]
        return psycopg.connect(host=HOST, port=port, user=USER, dbname=database, autocommit=True, connect_timeout=2)

    def _as_user(self) -> list[str]:
        """Words before a command that make root run it as an unprivileged user; none for anybody else."""
        if os.geteuid() != 0:
            return []
        account = _account()
        change = ["--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups"]
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise UserError("setpriv is missing: PostgreSQL cannot run as root; install the package util-linux")
        if not _can_reach(setpriv, change, self.settings.data("postgres")):
            # A checkout below /root: this capability lets the unprivileged process pass through closed folders.
            change += ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
        return [setpriv, *change]


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise UserError("there is no user postgres or nobody: PostgreSQL cannot run as root, add one with useradd")


def _can_reach(setpriv: str, change: Sequence[str], folder: Path) -> bool:
    test = [setpriv, *change, "test", "-x", str(folder)]
    return subprocess.run(test, check=False, capture_output=True).returncode == 0  # noqa: S603


def _find(program: str) -> str | None:
    """Newest installed PostgreSQL program of that name: Debian keeps them out of PATH, one folder a version."""
    debian = Path("/usr/lib/postgresql")
    versions = [int(path.name) for path in debian.glob("[0-9]*") if (path / "bin" / program).exists()]
    if usable := [version for version in versions if version >= OLDEST_VERSION]:
        return str(debian / str(max(usable)) / "bin" / program)
    return shutil.which(program) if not versions else None
