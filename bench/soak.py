"""``stridelog bench soak``: a steady load for a long time: memory must stay flat, and verify be right at the end."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from bench.capacity import Rig, Say, rig
from bench.load import MESSAGE_TYPES, registrations, workout
from stridelog.cli.worker import ROLES
from stridelog.instance import environment
from stridelog.producer import Producer
from stridelog.settings import Settings

LOOK_S: Final = 5.0
MOST_MB: Final = 600.0
GROWTH: Final = 0.05  # from the second third of the run to the last
_PREFIX: Final = "athlete"
_S_US: Final = 1_000_000


@dataclass(frozen=True)
class Soak:
    """What was seen: resident memory in MB of each role's worker, at the seconds ``at_s`` since the start."""

    workouts: int
    at_s: Sequence[float]
    memory_mb: Mapping[str, Sequence[float]]
    verified: bool

    @property
    def growth(self) -> dict[str, float]:
        """Role → growth of the median memory from the second third of the run to the last, as a share."""
        first, last = len(self.at_s) // 3, 2 * len(self.at_s) // 3
        return {
            role: float(np.median(seen[last:]) / np.median(seen[first:last])) - 1
            for role, seen in self.memory_mb.items()
        }

    @property
    def ok(self) -> bool:
        """Verified, flat, and below the limit."""
        flat = all(share <= GROWTH for share in self.growth.values())
        return self.verified and flat and all(max(seen) <= MOST_MB for seen in self.memory_mb.values())

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "workouts": self.workouts,
            "seconds": round(self.at_s[-1], 1),
            "memory_mb": {
                role: {
                    "median": round(float(np.median(seen))),
                    "max": round(max(seen)),
                    "last": round(seen[-1]),
                    "growth": round(self.growth[role], 4),
                }
                for role, seen in self.memory_mb.items()
            },
            "verify_ok": self.verified,
            "ok": self.ok,
        }


@dataclass
class Memory:
    """Looks so far."""

    at_s: list[float] = field(default_factory=list)
    mb: dict[str, list[float]] = field(default_factory=dict)


async def run(base: Settings, *, minutes: float, rate: float, say: Say) -> Soak:
    """Every ``1/rate`` seconds a new athlete registers and sends a workout with 600 samples."""
    async with (
        rig(base, ROLES, {}, say) as bench,
        await Producer(bench.settings, bench.topics).open(MESSAGE_TYPES) as producer,
    ):
        count, began = int(minutes * 60 * rate), time.monotonic()
        seen, over = Memory(), asyncio.Event()
        looking = asyncio.create_task(_look(bench, seen, began, over))
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            now_us = time.time_ns() // 1000
            await producer.send(next(iter(registrations(_PREFIX, 1, now_us - 3_600 * _S_US, first=number))))
            one = workout(_PREFIX, number, now_us, sampled=True)
            for message_type, value in (*one.before, ("WorkoutCompleted", one.completion)):
                await producer.send_encoded(message_type, one.user.encode(), value)
            say(f"{number + 1:,} of {count:,} workouts, {(time.monotonic() - began) / 60:.1f} of {minutes:g} minutes")
        await producer.flush()
        await bench.caught_up()
        over.set()
        await looking
        say("verifying")
        return Soak(count, seen.at_s, seen.mb, await asyncio.to_thread(_verified, bench.settings))


async def _look(bench: Rig, seen: "Memory", began: float, over: asyncio.Event) -> None:
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), LOOK_S)
        found = await bench.memory_bytes()
        if len(found) == len(ROLES):  # all answered
            seen.at_s.append(time.monotonic() - began)
            for role, size in found.items():
                seen.mb.setdefault(role, []).append(size / 1e6)


def _verified(own: Settings) -> bool:
    """``stridelog verify`` on the instance."""
    command = [sys.executable, "-m", "stridelog", "verify", "--json"]
    done = subprocess.run(command, env={**os.environ, **environment(own)}, capture_output=True, check=False)  # noqa: S603 - our own
    return done.returncode == 0
