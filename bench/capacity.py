"""What a worker's CPU second is good for: a topic is filled while its agent is paused, and then it has all at once.

The clock is the CPU time that the workers report on /metrics; what they used before (start-up, registrations) does not
count, nor does what brokers and stores use.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from stridelog.control import Control
from stridelog.instance import environment, own_instance
from stridelog.lag import LagReader, caught_up, declared
from stridelog.settings import Settings
from stridelog.topics import Topics
from stridelog.worker_metrics import Scraper
from stridelog.workers import Workers

LOOK_S: Final = 0.5
CAUGHT_UP_S: Final = 600.0

Say = Callable[[str], None]
Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Capacity:
    """What the workers of some roles needed for one load."""

    seconds: float
    cpu_s: Mapping[str, float]  # role → CPU seconds
    stages: Mapping[str, float]  # stage → CPU seconds, sampled (stridelog.sampling)
    memory_bytes: Mapping[str, float]  # role → resident memory at the end

    @property
    def total_cpu_s(self) -> float:
        """CPU seconds of all workers."""
        return sum(self.cpu_s.values())

    @property
    def shares(self) -> dict[str, float]:
        """Stage → its share of the CPU time, largest first."""
        total = sum(self.stages.values())
        ordered = sorted(self.stages.items(), key=lambda pair: -pair[1])
        return {stage: round(seconds / total, 3) for stage, seconds in ordered if seconds} if total else {}

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "seconds": round(self.seconds, 2),
            "cpu_s": {role: round(seconds, 2) for role, seconds in self.cpu_s.items()},
            "share": self.shares,
            "memory_mb": {role: round(size / 1e6) for role, size in self.memory_bytes.items()},
        }


class Rig:
    """Workers of some roles on an instance of their own, profiled."""

    def __init__(self, own: Settings, topics: Topics, workers: Workers, roles: Sequence[str], say: Say) -> None:
        self.settings = own
        self.topics = topics
        self._workers = workers
        self._agents = [agent for agent in declared().values() if agent.role in roles]
        self._say = say
        self._scraper = Scraper(workers.urls)

    async def close(self) -> None:
        """Disconnect."""
        await self._scraper.close()

    async def caught_up(self) -> None:
        """Wait until every sink of these roles has everything. Raises ``UserError`` if that takes too long."""
        async with LagReader(self.settings, self._agents, self.topics) as reader:
            await caught_up(reader, timeout_s=CAUGHT_UP_S, say=lambda behind: self._say(f"{behind:,} behind"))

    async def memory_bytes(self) -> Mapping[str, float]:
        """Role → resident memory of its worker; one that does not answer is left out."""
        return (await self._scraper.look()).memory_bytes

    async def measure(self, agent: str, fill: Work) -> Capacity:
        """Fill the topics of ``agent`` while it is paused, let it go, and wait until all have caught up."""
        look = self._scraper.look
        async with _paused(self.settings, agent):
            while not (await look()).total("stridelog_agent_paused", agent=agent):  # noqa: ASYNC110 - its own
                await asyncio.sleep(LOOK_S)
            await fill()
            before, began = await look(), time.monotonic()
        await self.caught_up()
        self._workers.check()
        now, seconds = await look(), time.monotonic() - began
        stages = before.by("stridelog_cpu_seconds_total", "stage")
        return Capacity(
            seconds=seconds,
            cpu_s={role: now.cpu_s[role] - before.cpu_s[role] for role in now.cpu_s},
            stages={
                stage: total - stages.get((stage,), 0.0)
                for (stage,), total in now.by("stridelog_cpu_seconds_total", "stage").items()
            },
            memory_bytes=now.memory_bytes,
        )


@asynccontextmanager
async def rig(base: Settings, roles: Sequence[str], variables: Mapping[str, str], say: Say) -> AsyncIterator[Rig]:
    """Make an instance, start a worker for each role; all of it is removed afterwards."""
    async with own_instance(base, "bench") as (own, topics):
        say("starting workers")
        logs, chosen = own.local / "logs", {**environment(own), **variables}
        with Workers(logs, own.host, roles, chosen, ["--profile"]) as workers:
            workers.start()
            await asyncio.to_thread(workers.wait_ready, lambda _: None)
            made = Rig(own, topics, workers, roles, say)
            try:
                yield made
            finally:
                await made.close()


@asynccontextmanager
async def _paused(settings: Settings, agent: str) -> AsyncIterator[None]:
    control = Control(settings)
    await control.open()
    try:
        await control.pause(agent, "a benchmark fills its topic", "bench")
        yield
        await control.resume(agent)
    finally:
        await control.close()
