"""Freshness: how long after its completion was sent a workout can be read on its board, feed and rank.

Open loop: each workout is sent when it is due, however long the ones before take, so a slow spell is seen by all that
are sent during it. The clock starts when the completion is handed to the producer, which is before the broker has it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from bench.load import BenchWorkout
from bench.probes import Probe
from stridelog.producer import Producer

POLL_S: Final = 0.02
PROMISE_MS: Final = 500.0  # at the 99th percentile
LAKE_EXTRA_MS: Final = 1_000.0  # of the lake, after its commit interval
PROMISED: Final = ("board", "feed", "rank", "workout")
LATE_S: Final = 60.0  # after the last completion: what cannot be read by then is missing


@dataclass
class Seen:
    """What one probe saw: workout id → seconds from the sending to the answer of the query that had it."""

    after_s: dict[str, float] = field(default_factory=dict)
    looks_s: list[float] = field(default_factory=list)  # time between the answers of two looks: the resolution


@dataclass(frozen=True)
class Result:
    """A measured run."""

    workouts: int
    with_samples: int
    rate_per_s: float
    seconds: float
    seen: dict[str, Seen]
    lake_commit_interval_s: float

    @property
    def promise_ms(self) -> dict[str, float]:
        """What the 99th percentile must not exceed, by place."""
        promise = dict.fromkeys(PROMISED, PROMISE_MS)
        return promise | ({"lake": self.lake_commit_interval_s * 1000 + LAKE_EXTRA_MS} if "lake" in self.seen else {})

    @property
    def ok(self) -> bool:
        """All were seen, and the promise was kept."""
        return all(
            len(self.seen[name].after_s) == self.workouts and _quantile_ms(self.seen[name], 0.99) <= promise_ms
            for name, promise_ms in self.promise_ms.items()
        )

    def as_json(self) -> dict[str, Any]:
        """The result; times in ms."""
        return {
            "workouts": self.workouts,
            "with_samples": self.with_samples,
            "rate_per_s": round(self.rate_per_s, 3),
            "seconds": round(self.seconds, 1),
            "p50_ms": self._quantiles(0.5),
            "p99_ms": self._quantiles(0.99),
            "p99.9_ms": self._quantiles(0.999),
            "max_ms": self._quantiles(1.0),
            "missing": {name: self.workouts - len(seen.after_s) for name, seen in self.seen.items()},
            "resolution_ms": {
                name: round(float(np.median(seen.looks_s)) * 1000, 1) if seen.looks_s else None
                for name, seen in self.seen.items()
            },
            "promise": {"p99_ms": PROMISE_MS, "of": list(PROMISED), "lake_p99_ms": self.promise_ms.get("lake")},
            "ok": self.ok,
        }

    def _quantiles(self, q: float) -> dict[str, float | None]:
        return {name: round(_quantile_ms(seen, q), 1) if seen.after_s else None for name, seen in self.seen.items()}


async def measure(
    workouts: Sequence[BenchWorkout],
    producer: Producer,
    probes: Sequence[Probe],
    *,
    rate_per_s: float,
    lake_commit_interval_s: float,
    say: Callable[[int, int], None],
) -> Result:
    """Send the workouts at a rate and watch all probes until each has seen all, or the time is over.

    ``say`` is told how many were sent and how many every probe has seen.
    """
    run = _Run(workouts, probes)
    began = time.monotonic()
    watching = [asyncio.create_task(run.watch(probe)) for probe in probes]
    try:
        for number, workout in enumerate(workouts):
            await asyncio.sleep(max(0.0, began + number / rate_per_s - time.monotonic()))
            key = workout.user.encode()
            for kind, value in workout.before:
                await producer.send_encoded(kind, key, value)
            run.sent(workout)
            await producer.send_encoded("WorkoutCompleted", key, workout.completion)
            say(number + 1, run.complete)
        await producer.flush()
        sent_s = time.monotonic() - began
        deadline = time.monotonic() + LATE_S
        while run.complete < len(workouts) and time.monotonic() < deadline:
            for watcher in watching:
                if watcher.done():
                    watcher.result()
            await asyncio.sleep(POLL_S)
            say(len(workouts), run.complete)
    finally:
        for watcher in watching:
            watcher.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    sampled = sum(workout.sampled for workout in workouts)
    rate = len(workouts) / sent_s if sent_s else rate_per_s
    return Result(len(workouts), sampled, rate, time.monotonic() - began, run.seen, lake_commit_interval_s)


class _Run:
    def __init__(self, workouts: Sequence[BenchWorkout], probes: Sequence[Probe]) -> None:
        self._count = len(workouts)
        self._sent_s: dict[str, float] = {}
        self._waiting: dict[str, dict[str, BenchWorkout]] = {probe.name: {} for probe in probes}
        self.seen = {probe.name: Seen() for probe in probes}

    @property
    def complete(self) -> int:
        """How many workouts every probe has seen, at least."""
        return min(len(seen.after_s) for seen in self.seen.values())

    def sent(self, workout: BenchWorkout) -> None:
        """The completion leaves now."""
        self._sent_s[workout.workout_id] = time.monotonic()
        for waiting in self._waiting.values():
            waiting[workout.workout_id] = workout

    async def watch(self, probe: Probe) -> None:
        """Look again and again for what is outstanding."""
        waiting, seen = self._waiting[probe.name], self.seen[probe.name]
        last_s = 0.0
        while len(seen.after_s) < self._count:
            began_s = time.monotonic()
            if waiting:
                found = await probe.look(list(waiting.values()))
                answered_s = time.monotonic()
                for workout_id in found:
                    del waiting[workout_id]
                    seen.after_s[workout_id] = answered_s - self._sent_s[workout_id]
                if last_s:
                    seen.looks_s.append(answered_s - last_s)
                last_s = answered_s
            else:
                last_s = 0.0
            await asyncio.sleep(max(0.001, probe.every_s - (time.monotonic() - began_s)))


def _quantile_ms(seen: Seen, q: float) -> float:
    values = list(seen.after_s.values())
    return float(np.quantile(values, q, method="inverted_cdf")) * 1000 if values else float("inf")
