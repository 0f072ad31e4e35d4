"""Schedules of faults. `make seeds` runs five of them in their short form, `make chaos SEEDS=n` as many as you like."""

from tests.chaos.schedule import KINDS, plan


def test_a_seed_always_brings_the_same_faults() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_kind_of_fault_comes_often() -> None:
    drawn = [fault.kind for seed in range(200) for fault in plan(seed).faults]
    assert all(drawn.count(kind) >= 60 for kind in KINDS)
