"""Two seeds in their short form; `make chaos SEEDS=n` runs the long one, `FIRST=k SEEDS=1` a failing seed again."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.chaos.run import run_plan
from tests.chaos.schedule import KINDS, plan
from tests.chaos.stack import ChaosStack

SEEDS = (2, 15)  # between them: a broker, two stores and workers are killed or stopped, poison, a slow link, repeats


@pytest.fixture(scope="module")
def stack() -> Iterator[ChaosStack]:
    """Three brokers and the stores, ours alone."""
    stack = ChaosStack()
    stack.up()
    try:
        yield stack
    finally:
        stack.down()


def test_a_seed_always_brings_the_same_faults() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_kind_of_fault_comes_often() -> None:
    drawn = [fault.kind for seed in range(200) for fault in plan(seed).faults]
    assert all(drawn.count(kind) >= 60 for kind in KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_no_fault_loses_or_doubles_anything(stack: ChaosStack, seed: int) -> None:
    steps = plan(seed, short=True)
    print(f"seed {seed}: " + ", ".join(map(str, steps.faults)))
    result = asyncio.run(run_plan(stack, steps, short=True, say=print))
    assert result.ok, "\n".join(result.why)
    assert result.account["input"] == sum(result.account[part] for part in ("written", "dropped", "dead"))
