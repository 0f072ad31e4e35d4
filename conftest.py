"""The test session: quick tests first, and the local stack when a test needs it."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# In CI the same examples every time: a run says whether the change is good, not whether the draw was lucky. Elsewhere
# at random, to find more; a failure prints how to see it again.
settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

ORDER = ("unit", "property", "packages", "contract", "stack", "agents", "integration", "chaos")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first; within a folder as they stand."""

    def place(item: pytest.Item) -> tuple[bool, int]:
        parts = item.path.relative_to(item.config.rootpath).parts
        kind = parts[1] if parts[0] == "tests" else parts[0]
        return item.get_closest_marker("stack") is not None, ORDER.index(kind) if kind in ORDER else len(ORDER)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def stack(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start what does not run of the local stack, if a test needs it; stop what was started here."""
    if not any(item.get_closest_marker("stack") for item in request.session.items):
        yield
        return
    if os.environ.get("STACK") == "docker":
        yield  # `make test STACK=docker` has brought it up
        return
    from compose.services import make_services
    from compose.settings import DEFAULT_SERVICES, StackSettings
    from compose.supervisor import Supervisor

    settings = StackSettings.from_environment()
    services = make_services(DEFAULT_SERVICES, settings)
    running = {row.service for row in Supervisor(settings, services, _quiet).status() if row.state == "up"}
    down = [service for service in services if service.name not in running]
    ours = Supervisor(settings, down, _quiet)
    ours.up()
    yield
    ours.down()


def _quiet(name: str, what: str) -> None:
    """The supervisor's report: pytest has a progress of its own."""
