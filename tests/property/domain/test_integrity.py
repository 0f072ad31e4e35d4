"""Integrity: limits that fall with distance, fingerprints that know no clock, stretches against the plain loop."""

from dataclasses import replace
from typing import get_args

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from domain.athlete import Athlete, Sex
from domain.fingerprint import SAME_SHARE, fingerprint_of, same_share
from domain.integrity import check
from domain.integrity_flags import Context
from domain.integrity_limits import Race, climb_limit_m_s, record_over, record_within, records_of
from domain.integrity_motion import SUSTAINED_SHARE, stretch
from domain.summary import Stated, summarise
from domain.track import Track, track_from_columns

START_US = 1_780_300_800_000_000
RACES = st.sampled_from(get_args(Race))
SEXES = st.sampled_from(get_args(Sex))


@st.composite
def runs(draw: st.DrawFn) -> Track:
    """Runs that a person can do: 2 to 5.5 m/s, 110 to 185 bpm, hills of up to 5 %, the noise of one device."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(400, 1500))
    metres = np.cumsum(noise.uniform(2.0, draw(st.floats(2.1, 5.5)), n))
    return track_from_columns(
        START_US + np.arange(n) * 1_000_000,
        latitude_deg=draw(st.floats(-60, 60)) + metres / 111_195 + noise.normal(0, 1e-5, n),
        longitude_deg=draw(st.floats(-170, 170)) + noise.normal(0, 1e-5, n),
        altitude_m=100.0 + metres * draw(st.floats(-0.05, 0.05)),
        heart_rate_bpm=np.rint(np.clip(145 + np.cumsum(noise.choice((-1.0, 0.0, 1.0), n)), 110, 185)),
    )


@given(RACES, SEXES)
def test_no_record_is_faster_than_one_over_a_shorter_distance(race: Race, sex: Sex) -> None:
    records = records_of(race, sex)
    assert list(records) == sorted(records, key=lambda record: record.distance_m)
    speeds = [record.speed_m_s for record in records]
    assert speeds == sorted(speeds, reverse=True)


@given(RACES, SEXES, st.floats(1.0, 2e6), st.floats(1.0, 2e6))
def test_a_longer_distance_or_duration_has_no_higher_limit(race: Race, sex: Sex, a: float, b: float) -> None:
    for bound in (record_over, record_within):
        shorter, longer = bound(race, sex, min(a, b)), bound(race, sex, max(a, b))
        if shorter is not None:
            assert longer is not None
            assert longer.speed_m_s <= shorter.speed_m_s
    climb, longer_climb = (climb_limit_m_s(race, sex, 70.0, seconds) for seconds in (min(a, b), max(a, b)))
    assert climb is None or (longer_climb is not None and longer_climb <= climb)


@given(arrays(np.bool_, st.integers(0, 80)), st.integers(1, 20))
def test_a_stretch_is_the_first_run_of_windows_that_hold(holds: NDArray[np.bool_], w: int) -> None:
    good = [i for i in range(len(holds) - w + 1) if holds[i : i + w].sum() >= SUSTAINED_SHARE * w]
    found = stretch(holds, w)
    if not good:
        assert found is None
        return
    last = good[0]
    while last + 1 in good:
        last += 1
    assert found == (good[0], last + w - 1)


@settings(max_examples=25, deadline=None)
@given(runs(), st.integers(-(10**15), 10**15), st.integers(2, 5))
def test_a_fingerprint_knows_neither_date_nor_the_speed_of_a_clock(run: Track, shift_us: int, times: int) -> None:
    other = replace(run, time_us=run.time_us * times + shift_us)
    assert fingerprint_of(other) == fingerprint_of(run)


@settings(max_examples=25, deadline=None)
@given(runs(), runs())
def test_shares_are_symmetric_and_whole_with_oneself(run: Track, other: Track) -> None:
    a, b = fingerprint_of(run), fingerprint_of(other)
    assert same_share(a, a)[0] == 1.0
    assert same_share(a, b) == same_share(b, a)
    assert 0.0 <= same_share(a, b)[0] <= 1.0


@settings(max_examples=25, deadline=None)
@given(runs(), st.integers(6, 9))
def test_rounding_to_the_digits_of_a_format_leaves_a_copy_known(run: Track, digits: int) -> None:
    written = replace(
        run,
        latitude_deg=run.latitude_deg.round(digits),
        longitude_deg=run.longitude_deg.round(digits),
        heart_rate_bpm=np.full(len(run), np.nan),
    )
    assert same_share(fingerprint_of(run), fingerprint_of(written))[0] >= SAME_SHARE


@settings(max_examples=25, deadline=None)
@given(runs(), SEXES, st.sampled_from(["running", "trail_running", "walking", "football", "cycling", "ebike", "other"]))
def test_what_a_person_can_do_is_never_flagged(run: Track, sex: Sex, sport: str) -> None:
    athlete = Athlete(sex=sex)
    first_us, last_us = int(run.time_us[0]), int(run.time_us[-1])
    summary = summarise(
        run, sport=sport, start_us=first_us, end_us=last_us, pauses=(), athlete=athlete, stated=Stated(), rpe=None
    )
    context = Context("me", "w-1", START_US, first_us, last_us)
    assert check(run, summary, sport, athlete, context) == ()


def test_a_race_without_a_table_for_women_has_that_of_men() -> None:
    assert records_of("boat", "female") == records_of("boat", "male")
    assert records_of("foot", "female") != records_of("foot", "unspecified")
    assert record_over("foot", "male", 399.0) is None
    assert record_within("foot", "male", 60.0) == records_of("foot", "male")[0]
