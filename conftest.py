"""The test session: quick tests first, and the local stack when a test needs it."""

import fcntl
import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings as hypothesis_settings

from compose.services import make_services
from compose.settings import DEFAULT_SERVICES, StackSettings
from compose.supervisor import Supervisor
from stridelog.errors import UserError

# In CI the same examples every time: a run says whether the change is good, not whether the draw was lucky. Elsewhere
# at random, to find more; a failure prints how to see it again. An example may take as long as a busy machine needs.
hypothesis_settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
hypothesis_settings.register_profile("here", deadline=None)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "here")

ORDER = ("unit", "property", "packages", "contract", "stack", "agents", "integration", "chaos")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first; within a folder as they stand, but the longest file before the others: whichever process has
    it is not to be alone with it at the end.
    """

    def place(item: pytest.Item) -> tuple[bool, int, bool]:
        parts = item.path.relative_to(item.config.rootpath).parts
        kind = parts[1] if parts[0] == "tests" else parts[0]
        order = ORDER.index(kind) if kind in ORDER else len(ORDER)
        return item.get_closest_marker("stack") is not None, order, item.path.name != "test_town.py"

    items.sort(key=place)


_SESSION: Final = "STRIDELOG_TEST_SESSION"
_HAS_STACK: pytest.StashKey[bool] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """The processes to which tests are given out (xdist) know by the environment whose they are."""
    if not hasattr(config, "workerinput"):
        os.environ[_SESSION] = str(os.getpid())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the first test that needs the local stack: start what does not run of it."""
    if (
        item.get_closest_marker("stack") is None
        or _HAS_STACK in item.config.stash
        or os.environ.get("STACK") == "docker"
    ):
        return  # with Docker, `make test` has brought the stack up
    settings = StackSettings.from_environment()
    settings.run.mkdir(parents=True, exist_ok=True)
    with (settings.run / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other process wants it too
        services = make_services(DEFAULT_SERVICES, settings)
        running = {row.service for row in Supervisor(settings, services, _quiet).status() if row.state == "up"}
        ours = [service for service in services if service.name not in running]
        with _started(settings).open("a") as started:  # before: what is left half started is to be stopped as well
            started.writelines(f"{service.name}\n" for service in ours)
        try:
            Supervisor(settings, ours, _quiet).up()
        except UserError as error:
            pytest.exit(f"the local stack does not start: {error}", returncode=2)
    item.config.stash[_HAS_STACK] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop what was started, once all processes are done."""
    settings = StackSettings.from_environment()
    started = _started(settings)
    if not hasattr(session.config, "workerinput") and started.exists():
        names = started.read_text().split()
        services = make_services(DEFAULT_SERVICES, settings)
        Supervisor(settings, [service for service in services if service.name in names], _quiet).down()
        started.unlink()


def _started(settings: StackSettings) -> Path:
    """Names the services that were started for this session's tests, by whichever process."""
    return settings.run / f"tests-{os.environ[_SESSION]}"


def _quiet(name: str, what: str) -> None:
    """The supervisor's report: pytest has a progress of its own."""
