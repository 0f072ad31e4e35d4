"""A seeded schedule of kills, pauses and joins while a town is sent; when it is quiet, `verify` is ok.

``CHAOS_SEEDS=7,8 pytest tests/chaos`` runs other schedules; a failing one is printed and can be run again.
"""

import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest

from tests.platform import ROLES, Platform

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "1").split(",")]
ROUNDS = 8
TOWN = ("simulate", "--athletes", "40", "--days", "15", "--json")


@dataclass(frozen=True)
class Step:
    """One fault: what, on which role, and for how long a pause is."""

    what: Literal["kill", "pause", "join"]
    role: str
    seconds: float


def schedule(seed: int) -> list[Step]:
    """The faults of a seed, in order."""
    rng = random.Random(seed)
    return [
        Step(rng.choice(["kill", "kill", "pause", "join"]), rng.choice(ROLES), rng.uniform(0.5, 9.0))
        for _ in range(ROUNDS)
    ]


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    """A seed of a schedule."""
    value: int = request.param
    return value


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """All roles, nothing sent yet."""
    name = f"chaos{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name)) as platform:
        platform.start(*ROLES)
        yield platform


def apply(platform: Platform, number: int, step: Step) -> None:
    """One fault; a joining worker takes the place of one that is killed."""
    match step.what:
        case "kill":
            platform.kill(step.role)
            platform.start(step.role)
        case "pause":
            platform.pause(step.role, step.seconds)
        case "join":
            platform.start(f"{step.role}-{number}")


def test_no_fault_of_a_worker_loses_or_doubles_anything(platform: Platform, seed: int) -> None:
    steps = schedule(seed)
    print(f"seed {seed}: " + ", ".join(f"{s.what} {s.role} {s.seconds:.1f}" for s in steps))
    load = subprocess.Popen(
        [sys.executable, "-m", "stridelog", *TOWN, "--seed", str(seed)],
        env=platform.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    for number, step in enumerate(steps, start=2):
        apply(platform, number, step)
    _, said = load.communicate(timeout=300)
    assert load.returncode == 0, said.decode()
    verified = platform.verify()
    assert not platform.dead_workers(), platform.logs()
    differing = {name for name, s in verified["sinks"].items() if s["missing"] or s["extra"] or s["different"]}
    assert not differing, verified["shown"]
    assert verified["ok"]
