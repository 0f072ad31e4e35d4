"""Any column of intervals gives a figure or a fault, and the figure is that of the plain loop."""

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from domain.variability import normal_intervals_ms, reading_of, smallest_worthwhile_change, weekly_mean, with_gaps

Floats = NDArray[np.float64]

wild = (
    st.floats(allow_nan=True, allow_infinity=True) | st.floats(-100, 2500) | st.sampled_from([math.nan, 0.0, 65535.0])
)
faults = st.lists(st.tuples(st.integers(0, 89), st.sampled_from([math.nan, 250.0, 1600.0])), max_size=4)


@settings(max_examples=200)
@given(arrays(np.float64, st.integers(0, 200), elements=wild))
def test_any_intervals_give_a_figure_or_a_fault(rr_ms: Floats) -> None:
    reading = reading_of(rr_ms)
    assert (reading.variability is None) != (reading.fault is None)
    assert 0 <= reading.artefact_share <= 1
    assert reading.duration_s >= 0


@given(st.integers(0, 2**32 - 1), st.integers(90, 150), faults)
def test_rmssd_is_that_of_the_loop_over_accepted_pairs(seed: int, n: int, wrong: list[tuple[int, float]]) -> None:
    rr_ms = np.random.default_rng(seed).uniform(760.0, 840.0, n)
    for beat, value in wrong:
        rr_ms[beat] = value
    good = [value for value in rr_ms.tolist() if 760 <= value <= 840]
    steps = [
        second - first for first, second in pairwise(rr_ms.tolist()) if 760 <= first <= 840 and 760 <= second <= 840
    ]
    reading = reading_of(rr_ms)
    found = reading.variability
    assert found is not None
    assert reading.artefact_share == pytest.approx(1 - len(good) / n)
    assert found.rmssd_ms == pytest.approx(math.sqrt(sum(step**2 for step in steps) / len(steps)))
    assert found.ln_rmssd == pytest.approx(math.log(found.rmssd_ms))
    assert found.pnn50_percent == pytest.approx(100 * sum(abs(step) > 50 for step in steps) / len(steps))
    assert found.sdnn_ms == pytest.approx(statistics.stdev(good))


@given(arrays(np.float64, st.integers(1, 200), elements=wild))
def test_an_accepted_interval_is_an_interval_that_was_given(rr_ms: Floats) -> None:
    nn = normal_intervals_ms(rr_ms)
    kept = np.isfinite(nn)
    assert nn.shape == rr_ms.shape
    assert np.array_equal(nn[kept], rr_ms[kept])
    # Looked at from the other end, the same beats are good.
    assert np.array_equal(normal_intervals_ms(rr_ms[::-1])[::-1], nn, equal_nan=True)


@given(st.lists(st.tuples(st.integers(300, 2000), st.integers(-10, 10)), max_size=60))
def test_marking_gaps_changes_no_interval(beats: list[tuple[int, int]]) -> None:
    rr_ms = np.array([float(ms) for ms, _ in beats])
    time_us = np.cumsum(np.array([ms * 1000 + late_s * 1_000_000 for ms, late_s in beats], dtype=np.int64))
    marked = with_gaps(rr_ms, time_us)
    assert marked[~np.isnan(marked)].tolist() == rr_ms.tolist()
    # A gap is an interval that came over 3 s late, or a time that fell.
    gaps = sum(late_s > 3 or ms * 1000 + late_s * 1_000_000 < 0 for ms, late_s in beats[1:])
    assert int(np.isnan(marked).sum()) == gaps


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 6) | st.just(math.nan)))
def test_a_weekly_mean_lies_among_its_days_and_the_band_around_its_base(daily: Floats) -> None:
    for day, mean in enumerate(weekly_mean(daily).tolist()):
        week = [value for value in daily[max(0, day - 6) : day + 1].tolist() if not math.isnan(value)]
        assert math.isnan(mean) == (len(week) < 3)
        if not math.isnan(mean):
            assert min(week) - 1e-9 <= mean <= max(week) + 1e-9
    band = smallest_worthwhile_change(daily)
    assert (band is None) == (int(np.isfinite(daily).sum()) < 12)
    if band is not None:
        assert band.low <= band.mean <= band.high
