"""What an agent is: a function from a batch to writes, and what it needs around it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeVar, cast

import msgspec

from sinks.keys import Keys
from stridelog.batch import Batch, Writes
from stridelog.settings import Settings
from stridelog.state import State

Role = Literal["sensors", "workouts", "social", "models", "lake"]
Store = Literal["clickhouse", "mongo", "redis", "delta"]


class Resource(Protocol):
    """Something an agent reads from: made once per worker, opened before the first batch."""

    def __init__(self, settings: Settings) -> None: ...

    async def open(self) -> None:
        """Connect. Raises ``SinkUnavailable`` for what a retry may mend."""

    async def close(self) -> None:
        """Disconnect."""


R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds a batch: the users' facts, Redis key names, and what the agent reads from."""

    state: State
    keys: Keys
    resources: dict[type[Any], Any] = field(default_factory=dict)

    def resource(self, kind: type[R]) -> R:
        """One of the resources that the agent declared."""
        return cast(R, self.resources[kind])


Process = Callable[[Batch, Context], Awaitable[Writes]]


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as the engine runs it. Its topics are those of ``topics.yaml`` that name it."""

    name: str
    role: Role
    process: Process
    stores: tuple[Store, ...]
    facts: tuple[type[msgspec.Struct], ...]  # the kinds of facts that it keeps of users
    resources: tuple[type[Any], ...]
    registered_users_only: bool
    large_at_once: int

    @property
    def doc(self) -> str:
        """First line of the agent's module text."""
        module = __import__(self.process.__module__, fromlist=["__doc__"])
        return (module.__doc__ or "").strip().splitlines()[0]


AGENTS: Final[dict[str, Agent]] = {}
"""Every declared agent by name; importing the package ``agents`` fills it."""


def agent(
    *,
    role: Role,
    stores: tuple[Store, ...] = (),
    facts: tuple[type[msgspec.Struct], ...] = (),
    resources: tuple[type[Any], ...] = (),
    registered_users_only: bool = False,
    large_at_once: int = 8,
) -> Callable[[Process], Agent]:
    """Declare an agent by its function; the agent's name is the function's.

    ``registered_users_only`` makes records of users that never registered dead letters; the agent must read user events
    then. ``large_at_once`` bounds a worker's memory: so many large batches are processed and written at the same time,
    the others wait as they were fetched; small ones do not count.
    """

    def declare(process: Process) -> Agent:
        name = getattr(process, "__name__", "")
        declared = Agent(name, role, process, stores, facts, resources, registered_users_only, large_at_once)
        AGENTS[name] = declared
        return declared

    return declare
