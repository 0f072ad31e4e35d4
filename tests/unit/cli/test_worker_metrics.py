"""Figures between two looks at workers' metrics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridelog.worker_metrics import bucket_quantile, quantile, rate, snapshot_of

BEFORE = """
stridelog_records_total{agent="feed",outcome="written",topic="a"} 10.0
stridelog_records_total{agent="feed",outcome="dead",topic="a"} 1.0
stridelog_delay_seconds_bucket{agent="feed",le="0.1"} 4.0
stridelog_delay_seconds_bucket{agent="feed",le="1.0"} 4.0
stridelog_delay_seconds_bucket{agent="feed",le="+Inf"} 4.0
process_resident_memory_bytes 1000.0
"""
AFTER = """
stridelog_records_total{agent="feed",outcome="written",topic="a"} 30.0
stridelog_records_total{agent="feed",outcome="dead",topic="a"} 1.0
stridelog_delay_seconds_bucket{agent="feed",le="0.1"} 6.0
stridelog_delay_seconds_bucket{agent="feed",le="1.0"} 8.0
stridelog_delay_seconds_bucket{agent="feed",le="+Inf"} 8.0
process_resident_memory_bytes 2000.0
"""


def test_a_rate_is_growth_per_second_over_all_workers() -> None:
    before = snapshot_of({"social": BEFORE, "lake": BEFORE}, 100.0)
    now = snapshot_of({"social": AFTER, "lake": AFTER}, 110.0)
    assert rate(before, now, "stridelog_records_total") == pytest.approx(4.0)
    assert rate(before, now, "stridelog_records_total", outcome="dead") == 0
    assert now.memory_bytes == {"social": 2000.0, "lake": 2000.0}


def test_a_worker_that_does_not_answer_is_left_out_and_one_that_began_anew_has_no_negative_rate() -> None:
    before, now = snapshot_of({"social": AFTER, "lake": ""}, 0.0), snapshot_of({"social": BEFORE, "lake": ""}, 1.0)
    assert rate(before, now, "stridelog_records_total") == 0
    assert now.memory_bytes == {"social": 1000.0}


def test_a_quantile_is_of_what_happened_between_the_looks() -> None:
    before, now = snapshot_of({"social": BEFORE}, 0.0), snapshot_of({"social": AFTER}, 10.0)
    assert quantile(before, now, "stridelog_delay_seconds", 0.5, agent="feed") == pytest.approx(0.1)
    assert quantile(before, now, "stridelog_delay_seconds", 0.75, agent="feed") == pytest.approx(0.55)
    assert quantile(now, now, "stridelog_delay_seconds", 0.5, agent="feed") is None
    assert quantile(before, now, "stridelog_delay_seconds", 0.5, agent="nobody") is None


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.floats(0, 1), st.floats(0, 1))
def test_quantiles_grow_with_q_and_stay_within_the_buckets(counts: list[int], one: float, other: float) -> None:
    bounds = [*range(1, len(counts)), float("inf")]
    cumulative = [(float(bound), float(sum(counts[: i + 1]))) for i, bound in enumerate(bounds)]
    low, high = (bucket_quantile(cumulative, q) for q in sorted((one, other)))
    if sum(counts) == 0:
        assert low is None
        assert high is None
    else:
        assert low is not None
        assert high is not None
        assert 0 <= low <= high <= len(counts)
