"""What every contender in Python shares: its arguments, the clock from the first record to the last, and the report.

Only the standard library and msgspec: it runs in the peers' environments.
"""

import argparse
import gc
import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import uuid4

import msgspec


class Event(msgspec.Struct, gc=False):
    """One event as it is in the topic, all of its fields. ``time`` is in ms since 1970, UTC."""

    user: str
    time: int
    sport: str
    heart_rate_bpm: int
    power_w: int
    cadence_rpm: int
    speed_m_s: float
    distance_m: float


MINUTE_MS = 60_000
GC_THRESHOLDS = (100_000, 20, 50)


@dataclass(frozen=True)
class Task:
    """What a contender is told: where the events are and how many."""

    bootstrap: str
    topic: str
    events: int
    group: str = field(default_factory=lambda: f"bench-{uuid4().hex[:8]}")


def task(*modes: str) -> tuple[Task, str]:
    """The task from the command line, and the mode where the program has several."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("events", type=int)
    if modes:
        parser.add_argument("mode", choices=modes)
    said = parser.parse_args()
    return Task(said.bootstrap, said.topic, said.events), said.mode if modes else ""


class Tally:
    """Sums of power by user and minute, and the clock. ``sums`` is public so that hot loops may keep it in a local."""

    def __init__(self, expected: int) -> None:
        self.sums: dict[tuple[str, int], int] = {}
        self._left = expected
        self._expected = expected
        self._first = 0
        self._began_s = self._seconds = 0.0

    def begin(self, count: int) -> None:
        """The first ``count`` records are here, at once, and nothing was done with them yet. Later calls do nothing.

        Every contender in Python gets the garbage collector's settings of ``stridelog worker``.
        """
        if not self._began_s:
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            self._first = count
            self._began_s = time.perf_counter()

    def add(self, events: Iterable[Event]) -> None:
        """Add events that were decoded."""
        sums = self.sums
        get = sums.get
        for event in events:
            key = (event.user, event.time // MINUTE_MS)
            sums[key] = get(key, 0) + event.power_w

    def done(self, count: int) -> bool:
        """Say that ``count`` more events were dealt with; whether these were the last."""
        self._left -= count
        if self._left > 0:
            return False
        self._seconds = time.perf_counter() - self._began_s
        return True

    def report(self) -> None:
        """Print the result as one line of JSON."""
        result = {
            "events": self._expected - self._left,
            "first": self._first,
            "seconds": self._seconds,
            "digest": digest(self.sums) if self.sums else None,
        }
        print(json.dumps(result), flush=True)


def digest(sums: dict[tuple[str, int], int]) -> str:
    """SHA-256 of the lines ``user minute sum``, sorted as bytes."""
    lines = sorted(f"{user} {minute} {total}\n" for (user, minute), total in sums.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
