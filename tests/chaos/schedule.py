"""Which faults a seed brings, and when: a function of the seed and of nothing else."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.platform import ROLES

STORES: Final = ("clickhouse", "mongo", "redis", "postgres")
SKEWS_S: Final = (-86_400, -1_800, -90, 90, 1_800)
CROWD: Final = 9
CALM: Final = 5
SHORT: Final = 5
CALM_S: Final = 150.0


@dataclass(frozen=True)
class Fault:
    """One fault: ``at_s`` after the load has begun, for ``seconds`` where it lasts; ``target`` is a role, a store or a
    broker, ``amount`` what else is drawn (milliseconds, bytes, records, seconds of skew).
    """

    kind: str
    at_s: float
    target: str = ""
    seconds: float = 0.0
    amount: int = 0

    def __str__(self) -> str:
        parts = [f"{self.at_s:.1f} {self.kind}", self.target]
        parts += [f"{self.seconds:.1f}s" if self.seconds else "", str(self.amount) if self.amount else ""]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Plan:
    """The faults of one run, in order; ``is_named``: workers have names of their own (static membership).

    In a calm run a fault waits until everything has recovered from the one before: that shows how long each kind takes.
    Else they come at their times, into each other's recovery.
    """

    seed: int
    is_named: bool
    is_calm: bool
    faults: tuple[Fault, ...]

    @property
    def load_s(self) -> float:
        """How long the town is sent: until the last fault is over, and a little longer. Cut short in a calm run."""
        if self.is_calm:
            return CALM_S
        return max(fault.at_s + fault.seconds for fault in self.faults) + 3.0


Draw = Callable[[random.Random], tuple[str, float, int]]


def _role(rng: random.Random) -> str:
    return rng.choice(ROLES)


KINDS: Final[dict[str, Draw]] = {
    "worker-kill": lambda rng: (_role(rng), 0.0, 0),
    "worker-stop": lambda rng: (_role(rng), rng.uniform(0.5, 12.0), 0),  # a session lasts 6 s
    "worker-join": lambda rng: (_role(rng), 0.0, 0),
    "worker-leave": lambda rng: (_role(rng), 0.0, 0),
    "clock-skew": lambda rng: (_role(rng), 0.0, rng.choice(SKEWS_S)),
    "broker-kill": lambda rng: (f"kafka-{rng.randint(1, 3)}", rng.uniform(0.0, 6.0), 0),
    "clickhouse-kill": lambda rng: ("clickhouse", rng.uniform(0.0, 6.0), 0),
    "mongo-kill": lambda rng: ("mongo", rng.uniform(0.0, 6.0), 0),
    "redis-kill": lambda rng: ("redis", rng.uniform(0.0, 6.0), 0),
    "postgres-kill": lambda rng: ("postgres", rng.uniform(0.0, 6.0), 0),
    "link-cut": lambda rng: (rng.choice(STORES), rng.uniform(0.2, 8.0), 0),
    "link-slow": lambda rng: (rng.choice(STORES), rng.uniform(3.0, 10.0), rng.randint(20, 400)),  # ms each way
    "link-hang": lambda rng: (rng.choice(STORES), rng.uniform(2.0, 10.0), 0),
    "link-torn": lambda rng: (rng.choice(STORES), rng.uniform(2.0, 8.0), rng.randint(200, 60_000)),  # bytes
    "disk-full": lambda rng: ("delta", rng.uniform(2.0, 10.0), 0),
    "poison": lambda rng: ("", 0.0, rng.randint(5, 40)),  # records
    "resend": lambda rng: ("", 0.0, rng.randint(50, 400)),  # records
}
"""Every kind of fault, and how its target, its length in seconds and its amount are drawn."""


def plan(seed: int, *, short: bool = False) -> Plan:
    """The faults of a seed, each kind once at most. Every third seed is a calm one."""
    rng = random.Random(seed)
    is_calm = not short and seed % 3 == 0
    kinds = rng.sample(list(KINDS), SHORT if short else CALM if is_calm else CROWD)
    at_s = rng.uniform(1.0, 3.0)
    faults = []
    for kind in kinds:
        target, seconds, amount = KINDS[kind](rng)
        faults.append(Fault(kind, round(at_s, 2), target, round(seconds, 2), amount))
        at_s += rng.uniform(0.5, 3.0) if short else rng.uniform(0.5, 6.0)
    return Plan(seed, rng.random() < 0.5, is_calm, tuple(faults))
