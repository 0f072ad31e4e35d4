"""What a worker's CPU second is good for: a topic is filled while the agent is paused, and then it has all at once.

The clock is the CPU time that the worker itself reports on /metrics; what it used before (start-up, registrations) does
not count, nor does what brokers and stores use.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from stridelog.control import Control
from stridelog.errors import UserError
from stridelog.settings import Settings
from stridelog.worker_metrics import Scraper, Snapshot
from stridelog.workers import Workers

LOOK_S: Final = 0.5
STILL_S: Final = 60.0  # without any progress the run is given up

Say = Callable[[int], None]


@dataclass(frozen=True)
class Capacity:
    """What workers did of one load: records of one topic by all agents that read it, and the CPU time it took."""

    records: int
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
        return {stage: round(seconds / total, 3) for stage, seconds in ordered} if total else {}

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "seconds": round(self.seconds, 2),
            "cpu_s": {role: round(seconds, 2) for role, seconds in self.cpu_s.items()},
            "share": self.shares,
            "memory_mb": {role: round(size / 1e6) for role, size in self.memory_bytes.items()},
        }


@asynccontextmanager
async def paused(settings: Settings, *agents: str) -> AsyncIterator[None]:
    """Hold agents while their topic is filled; they go on at the end."""
    control = Control(settings)
    await control.open()
    try:
        for agent in agents:
            await control.pause(agent, "a benchmark fills its topic", "bench")
        yield
        for agent in agents:
            await control.resume(agent)
    finally:
        await control.close()


async def measured(
    workers: Workers, fill: Callable[[], Awaitable[None]], agents: Mapping[str, int], settings: Settings, say: Say
) -> Capacity:
    """Fill topics while ``agents`` (name → records that it shall take) are paused, let them go, and watch.

    Raises ``UserError`` when nothing moves any more.
    """
    scraper = Scraper(workers.urls)
    try:
        async with paused(settings, *agents):
            while (await scraper.look()).total("stridelog_agent_paused") < len(agents):  # noqa: ASYNC110 - of others
                await asyncio.sleep(LOOK_S)
            await fill()
            before = await scraper.look()
            began = time.monotonic()
        now, moved_at, done = before, began, 0
        while done < sum(agents.values()):
            await asyncio.sleep(LOOK_S)
            workers.check()
            now = await scraper.look()
            seen = sum(_taken(now, name) - _taken(before, name) for name in agents)
            if seen > done:
                done, moved_at = seen, time.monotonic()
                say(done)
            elif time.monotonic() - moved_at > STILL_S:
                raise UserError(f"the workers stopped at {done:,} of {sum(agents.values()):,} records: see their logs")
        return Capacity(
            records=done,
            seconds=moved_at - began,
            cpu_s={role: now.cpu_s[role] - before.cpu_s[role] for role in now.cpu_s},
            stages={
                stage: seconds - before.by("stridelog_cpu_seconds_total", "stage").get((stage,), 0.0)
                for (stage,), seconds in now.by("stridelog_cpu_seconds_total", "stage").items()
            },
            memory_bytes=now.memory_bytes,
        )
    finally:
        await scraper.close()


def _taken(snapshot: Snapshot, agent: str) -> int:
    return int(snapshot.total("stridelog_records_total", agent=agent))
