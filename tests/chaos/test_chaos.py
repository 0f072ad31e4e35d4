"""Schedules of faults. `make seeds` runs five of them in their short form, `make chaos SEEDS=n` as many as you like."""

import re
from pathlib import Path

from tests.chaos.schedule import KINDS, plan


def test_a_seed_always_brings_the_same_faults() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_kind_of_fault_comes_often() -> None:
    drawn = [fault.kind for seed in range(200) for fault in plan(seed).faults]
    assert all(drawn.count(kind) >= 60 for kind in KINDS)


def test_the_short_seeds_of_ci_bring_every_kind_of_fault() -> None:
    makefile = Path(__file__).parents[2] / "Makefile"
    found = re.search(r"--short --first (\d+) --seeds (\d+)", makefile.read_text())
    assert found
    first, seeds = map(int, found.groups())
    plans = [plan(seed, short=True) for seed in range(first, first + seeds)]
    assert {fault.kind for one in plans for fault in one.faults} == KINDS.keys()
