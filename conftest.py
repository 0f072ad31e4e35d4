"""The test session: quick tests first, and the local stack when a test needs it."""

import os

import pytest
from hypothesis import settings as hypothesis_settings

from compose.services import make_services
from compose.settings import DEFAULT_SERVICES, StackSettings
from compose.supervisor import Supervisor
from stridelog.errors import UserError

# In CI the same examples every time: a run says whether the change is good, not whether the draw was lucky. Elsewhere
# at random, to find more; a failure prints how to see it again.
hypothesis_settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    hypothesis_settings.load_profile("ci")

ORDER = ("unit", "property", "packages", "contract", "stack", "agents", "integration", "chaos")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first; within a folder as they stand."""

    def place(item: pytest.Item) -> tuple[bool, int]:
        parts = item.path.relative_to(item.config.rootpath).parts
        kind = parts[1] if parts[0] == "tests" else parts[0]
        return item.get_closest_marker("stack") is not None, ORDER.index(kind) if kind in ORDER else len(ORDER)

    items.sort(key=place)


_OURS: pytest.StashKey[Supervisor] = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the first test that needs the local stack: start what does not run of it."""
    if item.get_closest_marker("stack") is None or _OURS in item.config.stash or os.environ.get("STACK") == "docker":
        return  # with Docker, `make test` has brought the stack up
    settings = StackSettings.from_environment()
    services = make_services(DEFAULT_SERVICES, settings)
    running = {row.service for row in Supervisor(settings, services, _quiet).status() if row.state == "up"}
    ours = Supervisor(settings, [service for service in services if service.name not in running], _quiet)
    try:
        ours.up()
    except UserError as error:
        pytest.exit(f"the local stack does not start: {error}", returncode=2)
    item.config.stash[_OURS] = ours


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop what was started here."""
    if _OURS in session.config.stash:
        session.config.stash[_OURS].down()


def _quiet(name: str, what: str) -> None:
    """The supervisor's report: pytest has a progress of its own."""
