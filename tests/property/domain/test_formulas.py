"""Vectorised formulas against the plain loop that they stand for, and summaries of arbitrary tracks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from domain.athlete import Athlete
from domain.distance import device_distance_m
from domain.efforts import fastest
from domain.elevation import WINDOW_S, gain_and_loss_m
from domain.power import normalised_power_w
from domain.summary import Stated, Summary, summarise
from domain.timeline import MAX_HELD_S, timeline_of
from domain.track import CHANNELS, Track, track_from_columns
from domain.zones import HR_MAX_EDGES, time_in_zones_s

S = 1_000_000
Floats = NDArray[np.float64]


@given(arrays(np.float64, st.integers(30, 200), elements=st.floats(0, 1500)))
def test_normalised_power_is_the_fourth_power_mean_of_thirty_second_means(power: Floats) -> None:
    means = [float(np.mean(power[i - 30 : i])) for i in range(30, len(power) + 1)]
    expected = (sum(mean**4 for mean in means) / len(means)) ** 0.25
    assert normalised_power_w(power) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(arrays(np.float64, st.integers(2, 120), elements=st.floats(0, 9)), st.floats(1, 500))
def test_no_window_covers_the_distance_faster_than_the_best_effort(speed: Floats, distance_m: float) -> None:
    metres = np.concatenate(([0.0], np.cumsum(speed)))
    (best,) = fastest(metres, [distance_m])
    if metres[-1] < distance_m:
        assert best is None
        return
    assert best is not None
    seconds = np.arange(len(metres), dtype=np.float64)
    # Every window that begins or ends on a whole second, by linear interpolation.
    starts = [
        (float(np.interp(metres[i] + distance_m, metres, seconds)) - i)
        for i in range(len(metres))
        if metres[i] + distance_m <= metres[-1]
    ]
    duration_s, begin_s = best
    assert duration_s <= min(starts) + 1e-6
    covered = np.interp([begin_s, begin_s + duration_s], seconds, metres)
    assert covered[1] - covered[0] == pytest.approx(distance_m, abs=1e-5)


def _zigzag(altitude: list[float], threshold: float) -> tuple[float, float]:
    """Gain and loss by the definition, point by point: a reversal of the threshold makes a turning point."""
    gain = loss = 0.0
    low = high = altitude[0]
    rising: bool | None = None
    for point in altitude[1:]:
        low, high = (min(low, point), max(high, point)) if rising is None else (low, high)
        if rising is None and point - low >= threshold:
            rising, high = True, point
        elif rising is None and high - point >= threshold:
            rising, low = False, point
        elif rising and point > high:
            high = point
        elif rising and high - point >= threshold:
            gain, rising, low = gain + high - low, False, point
        elif rising is False and point < low:
            low = point
        elif rising is False and point - low >= threshold:
            loss, rising, high = loss + high - low, True, point
    if rising is not None:
        gain, loss = (gain + high - low, loss) if rising else (gain, loss + high - low)
    return gain, loss


def _second_by_second(altitude: list[float], at: list[int]) -> list[float]:
    """Altitudes on whole seconds and smoothed, by the definition: runs of rows at most 60 s apart, each for itself."""
    smooth: list[float] = []
    run = altitude[:1]
    for row in range(1, len(at) + 1):
        gap = at[row] - at[row - 1] if row < len(at) else math.inf
        if gap <= MAX_HELD_S:
            rise = altitude[row] - altitude[row - 1]
            run += [altitude[row - 1] + rise * second / gap for second in range(1, int(gap) + 1)]
            continue
        for second in range(len(run)):
            half = min(WINDOW_S // 2, second, len(run) - 1 - second)
            smooth.append(math.fsum(run[second - half : second + half + 1]) / (2 * half + 1))
        run = altitude[row : row + 1]
    return smooth


# Smoothed altitudes are mostly multiples of simple fractions: a threshold between them is not met by rounding alone.
off_grid = st.integers(50, 800).map(lambda hundredths: hundredths / 100 + 0.0031)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 300), st.floats(0.2, 6), off_grid, st.sampled_from([1, 8, 61, 90]))
def test_elevation_is_the_zigzag_of_the_altitude_smoothed_over_seconds(
    seed: int, n: int, step: float, threshold: float, longest_s: int
) -> None:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, step, n).clip(-4.9, 4.9)).round(1)  # nothing is a jump
    at = np.cumsum(rng.integers(1, longest_s + 1, n))
    ours = gain_and_loss_m(walk, at.astype(np.float64), threshold)
    assert ours == pytest.approx(_zigzag(_second_by_second(walk.tolist(), at.tolist()), threshold), abs=1e-6)


@given(
    arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 300) | st.just(math.nan)),
    st.floats(100, 220),
)
def test_zones_share_out_exactly_the_known_time(values: Floats, reference: float) -> None:
    held_s = np.linspace(0.5, 4.0, len(values))
    zones = time_in_zones_s(values, held_s, reference, HR_MAX_EDGES)
    assert min(zones) >= -1e-9
    assert sum(zones) == pytest.approx(float(held_s[np.isfinite(values)].sum()))


@given(arrays(np.float64, st.integers(2, 60), elements=st.floats(0, 1e7) | st.just(math.nan)))
def test_a_cleaned_counter_never_falls_nor_runs_faster_than_the_sport_allows(counter: Floats) -> None:
    offset_s = np.arange(len(counter), dtype=np.float64)
    cumulative = device_distance_m(counter, offset_s, 12.5)
    if cumulative is None:
        return
    assert not np.isnan(cumulative).any()
    assert (np.diff(cumulative) >= 0).all()
    assert cumulative[-1] <= (len(counter) + 1) * (12.5 * len(counter) + 50)


wild = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 65535.0])


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    n = draw(st.integers(0, 40))
    steps = draw(arrays(np.int64, n, elements=st.integers(1, 90 * S)))
    channels = {
        name: draw(arrays(np.float64, n, elements=wild))
        for name in draw(st.lists(st.sampled_from(CHANNELS), unique=True))
    }
    return track_from_columns(np.cumsum(steps), **channels)


spans = st.lists(st.tuples(st.integers(-S, 4000 * S), st.integers(-S, 4000 * S)), max_size=4)


@settings(max_examples=200, deadline=None)
@given(tracks(), spans, st.integers(0, 4000 * S), st.sampled_from(["running", "cycling", "strength", "other"]))
def test_any_track_has_a_summary_that_holds_together_and_comes_out_again(
    track: Track, pauses: list[tuple[int, int]], end_us: int, sport: str
) -> None:
    def once() -> Summary:
        return summarise(
            track,
            sport=sport,
            start_us=0,
            end_us=end_us,
            pauses=pauses,
            athlete=Athlete(sex="female", ftp_w=200, threshold_speed_m_s=4),
            stated=Stated(),
            rpe=None,
        )

    summary = once()
    assert once() == summary
    assert 0 <= summary.moving_time_s <= summary.timer_time_s + 0.1
    assert summary.timer_time_s <= summary.elapsed_s + 0.1
    assert summary.distance_m >= 0
    assert summary.load >= 0
    assert 0 <= summary.coverage <= 1
    assert all(math.isfinite(x) for x in (summary.distance_m, summary.load, *summary.time_in_zones_s))
    for name in ("mean_heart_rate_bpm", "mean_power_w", "max_speed_m_s", "mean_cadence_rpm", "elevation_gain_m"):
        value = getattr(summary, name)
        assert value is None or (math.isfinite(value) and value >= 0), name


@given(spans, st.lists(st.integers(0, 4000), min_size=2, max_size=30, unique=True))
def test_samples_stand_for_no_more_than_the_timer_ran(pauses: list[tuple[int, int]], seconds: list[int]) -> None:
    track = track_from_columns(np.array(sorted(seconds)) * S)
    timeline = timeline_of(track, 0, 4000 * S, pauses)
    assert (timeline.step_s >= -1e-6).all()
    assert timeline.held_s.sum() <= timeline.timer_time_s + 1e-6


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0, 9) | st.just(math.nan)), max_size=12))
def test_a_track_has_each_time_once_with_the_last_known_value(rows: list[tuple[int, float]]) -> None:
    track = track_from_columns(
        np.array([time for time, _ in rows], dtype=np.int64),
        power_w=np.array([power for _, power in rows], dtype=float),
    )
    expected: dict[int, float] = {}
    for time, power in rows:
        expected[time] = expected.get(time, math.nan) if math.isnan(power) else power
    assert track.time_us.tolist() == sorted(expected)
    assert track.power_w.tolist() == pytest.approx([expected[time] for time in sorted(expected)], nan_ok=True)
