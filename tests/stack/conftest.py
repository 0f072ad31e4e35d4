"""Private pieces of the stack: each test module gets its own folder and free ports, and leaves nothing running."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from compose.services import make_services
from compose.settings import ROOT, ServiceName, StackSettings
from compose.supervisor import Supervisor


def free_port(count: int = 1) -> int:
    """The first of `count` ports in a row that nobody listens on at the moment."""
    while True:
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            for each in range(port + 1, port + count):
                held.enter_context(socket.socket()).bind(("127.0.0.1", each))
            if port + count < 65_000:
                return port


def private_settings(local: Path, brokers: int = 1) -> StackSettings:
    """A stack of its own in a folder, with the jars and programs that are already installed."""
    installed = StackSettings.from_environment().local
    local.mkdir(parents=True, exist_ok=True)
    for name in ("lib", "bin"):
        if (installed / name).exists():
            (local / name).symlink_to(installed / name)
    names: tuple[ServiceName, ...] = ("clickhouse", "mongo", "redis", "postgres", "s3")
    ports: dict[ServiceName, int] = {name: free_port() for name in names}
    return StackSettings(local, {**ports, "kafka": free_port(6)}, brokers, "key", "secret-key")


MakeStack = Callable[..., Supervisor]


@contextlib.contextmanager
def stacks(folder: Path) -> Iterator[MakeStack]:
    """Makes supervisors of private stacks below a folder and stops whatever they started."""
    made: list[Supervisor] = []

    def make(*names: ServiceName, brokers: int = 1) -> Supervisor:
        settings = private_settings(folder / str(len(made)), brokers)
        made.append(Supervisor(settings, make_services(names, settings), lambda name, what: None))
        return made[-1]

    try:
        yield make
    finally:
        for stack in made:
            stack.down()


@pytest.fixture
def make_stack(tmp_path: Path) -> Generator[MakeStack, None, None]:
    """Makes private stacks for one test."""
    with stacks(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def make_module_stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[MakeStack, None, None]:
    """Makes private stacks that all tests of a module share."""
    with stacks(tmp_path_factory.mktemp("stack")) as make:
        yield make


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on at the moment."""
    return free_port()


@pytest.fixture
def command() -> "Callable[..., subprocess.CompletedProcess[str]]":
    """Runs `python -m compose` as a person does, with these settings on top of the environment."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "compose", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
