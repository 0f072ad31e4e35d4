"""Irregular ("smart") recording against one sample a second, and invariants of cleaning.

``python -m pytest -s tests/property/domain/test_quality.py -k smart`` prints the measured columns of docs/quality.md.
"""

import math
import re
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from domain.athlete import Athlete
from domain.channel_faults import FAULTS, case_of
from domain.cleaning import COLUMNS, KEPT, cleaned
from domain.distance import distance_series
from domain.quality import quality_of
from domain.sports import Sport
from domain.summary import Stated, Summary, summarise
from domain.timeline import timeline_of
from domain.track import CHANNELS, Track, track_from_columns
from simulator.athletes import Gear, person_of
from simulator.gear import record
from simulator.habits import Kind, Plan
from simulator.physiology import perform

S = 1_000_000
START_US: Final = 1_780_300_800_000_000  # 2026-06-01T08:00Z
WORKOUTS: Final = 42
EVERYTHING: Final = Gear(kind="bike_computer", device_id="test", smart=False)
BAROMETER_M: Final = 0.4  # standard deviation of the noise of one altitude
LEAST_GAIN_M: Final = 30.0  # below, one hill more or less over the threshold of 3 m is everything
SESSIONS: Final[tuple[tuple[Sport, Kind, int], ...]] = (
    ("running", "easy", 45),
    ("running", "interval", 60),
    ("trail_running", "long", 90),
    ("cycling", "long", 120),
    ("cycling", "interval", 75),
    ("mountain_biking", "easy", 90),
    ("walking", "easy", 60),
)
# What is new enough for a watch to keep a row: by how much a channel differs from the row kept last.
NEWS: Final = {"heart_rate_bpm": 3.0, "speed_m_s": 0.5, "altitude_m": 1.0, "power_w": 40.0, "cadence_rpm": 8.0}


def rows_of(track: Track, rows: NDArray[np.intp]) -> Track:
    return Track(time_us=track.time_us[rows], **{name: getattr(track, name)[rows] for name in CHANNELS})


def at_news(track: Track, longest_s: int) -> Track:
    """The rows that a watch keeps: the first, the last, those with news, and one at least every ``longest_s``."""
    columns = np.column_stack([getattr(track, name) / news for name, news in NEWS.items()])
    seconds = (track.time_us - track.time_us[0]) / S
    kept = [0]
    for row in range(1, len(track) - 1):
        late = seconds[row + 1] - seconds[kept[-1]] > longest_s
        if late or bool((np.abs(columns[row] - columns[kept[-1]]) >= 1).any()):
            kept.append(row)
    return rows_of(track, np.array([*kept, len(track) - 1]))


def at_random(track: Track, rng: np.random.Generator) -> Track:
    """Rows 1 to 9 s apart, 5 on average, whatever is in them: worse than any watch."""
    at = np.cumsum(rng.integers(1, 10, len(track)))
    return rows_of(track, np.unique(np.concatenate(([0], at[at < len(track)], [len(track) - 1]))))


def figures(summary: Summary) -> list[tuple[str, str, float | None]]:
    """What docs/quality.md bounds: the name that it has there, which one of that name, the figure."""
    gain = summary.elevation_gain_m
    single = {
        "distance, counter": summary.distance_m,
        "moving time": summary.moving_time_s,
        "elevation gain": gain if gain is not None and gain >= LEAST_GAIN_M else None,
        "mean heart rate": summary.mean_heart_rate_bpm,
        "highest heart rate": summary.max_heart_rate_bpm,
        "TRIMP": summary.trimp,
        "load": summary.load,
        "mean power": summary.mean_power_w,
        "highest power": summary.max_power_w,
        "normalised power": summary.normalised_power_w,
        "highest speed": summary.max_speed_m_s,
        "mean cadence": summary.mean_cadence_rpm,
    }
    if summary.analysis is not None:
        single |= {
            "grade-adjusted speed": summary.analysis.grade_adjusted_speed_m_s,
            "xPower": summary.analysis.xpower_w,
            "intensity factor": summary.analysis.intensity_factor,
            "variability index": summary.analysis.variability_index,
            "efficiency factor": summary.analysis.efficiency_factor,
            "load by heart rate": summary.analysis.heart_rate_load,
        }
    efforts: list[tuple[str, str, float | None]] = []
    for effort in summary.best_efforts:
        if effort.distance_m is not None:
            group = "best time, 400 m to 1 km" if effort.distance_m <= 1000 else "best time, longer"
            efforts.append((group, effort.name, effort.duration_s))
        elif effort.duration_s >= 5:  # the best second is a single sample
            group = "5 s to 29 s" if effort.duration_s < 30 else "30 s to 1 min"
            group = group if effort.duration_s <= 60 else "longer"
            efforts.append((f"best power, {group}", effort.name, effort.power_w))
    return [(name, "", figure) for name, figure in single.items()] + efforts


@pytest.mark.slow
def test_smart_recording_gives_the_figures_of_one_sample_a_second_within_the_stated_bounds() -> None:
    page = (Path(__file__).parents[3] / "docs" / "quality.md").read_text(encoding="utf-8")
    bounds = {
        (name, way): float(bound)
        for name, news, random in re.findall(r"^\| ([^|]+) \| ([\d.]+) % \([^|]*\| ([\d.]+) % \([^|]*\|$", page, re.M)
        for way, bound in (("news", news), ("random", random))
    }
    off: dict[tuple[str, str], list[float]] = defaultdict(list)
    steps_s: dict[str, list[float]] = defaultdict(list)
    for seed in range(WORKOUTS):
        rng = np.random.default_rng((7, seed))
        person = person_of(7, seed, 2026)
        sport, kind, minutes = SESSIONS[seed % len(SESSIONS)]
        plan = Plan(sport, kind, START_US, minutes * 60, by_hand=False)
        workout = perform(person, plan, performance=1.0, fatigue=0.0, sampling_s=1, rng=rng)
        every = record(EVERYTHING, workout, rng)
        noisy = np.rint((every.altitude_m + rng.normal(0, BAROMETER_M, len(every))) * 5) / 5
        every = replace(every, time_us=every.time_us, altitude_m=noisy)
        athlete = Athlete(
            sex=person.sex,
            birth_year=person.birth_year,
            hr_max_bpm=person.hr_max_bpm,
            hr_rest_bpm=person.hr_rest_bpm,
            ftp_w=person.ftp_w,
        )
        nowhere = np.full(len(every), np.nan)

        summary_of = partial(
            summarise,
            sport=sport,
            start_us=workout.start_us,
            end_us=workout.end_us,
            pauses=workout.pauses,
            athlete=athlete,
            stated=Stated(),
            rpe=None,
        )
        whole = summary_of(every)
        by_gps = summary_of(replace(every, time_us=every.time_us, distance_m=nowhere, speed_m_s=nowhere))
        for way, thin in (("news", at_news(every, int(rng.integers(8, 11)))), ("random", at_random(every, rng))):
            steps_s[way].append(float(np.diff(thin.time_us).mean()) / S)
            thinned = summary_of(thin)
            others = {(name, which): figure for name, which, figure in figures(thinned)}
            for name, which, figure in figures(whole):
                other = others.get((name, which))
                if figure and other is not None:
                    off[name, way].append(abs(other - figure) / figure)
            zones = zip(whole.time_in_zones_s, thinned.time_in_zones_s, strict=True)
            off["time in a zone, of all", way].append(max(abs(a - b) for a, b in zones) / whole.timer_time_s)
            if whole.analysis and whole.analysis.aerobic_decoupling is not None:
                assert thinned.analysis is not None
                assert thinned.analysis.aerobic_decoupling is not None
                points = abs(thinned.analysis.aerobic_decoupling - whole.analysis.aerobic_decoupling)
                off["aerobic decoupling, in points", way].append(points)
            unknown = np.full(len(thin), np.nan)
            thin_gps = summary_of(replace(thin, time_us=thin.time_us, distance_m=unknown, speed_m_s=unknown))
            off["distance, GPS alone", way].append(abs(thin_gps.distance_m / by_gps.distance_m - 1))
    print()
    for way, means in steps_s.items():
        print(f"{way}: {np.mean(means):.1f} s from row to row on average, from {min(means):.1f} to {max(means):.1f}")
    for name in dict.fromkeys(name for name, _ in off):
        worst = {way: f"{100 * max(off[name, way]):.2f}" for way in ("news", "random")}
        medians = {way: f"{100 * float(np.median(off[name, way])):.2f}" for way in ("news", "random")}
        print(f"| {name} |", *(f" ({medians[way]} % and {worst[way]} %) |" for way in ("news", "random")))
    assert set(off) == set(bounds), "docs/quality.md bounds other figures than these"
    over = {key: max(values) for key, values in off.items() if 100 * max(values) > bounds[key]}
    assert not over


wild = st.floats(-1e3, 1e5) | st.floats(60, 200) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 65535.0])


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    n = draw(st.integers(0, 60))
    steps = draw(arrays(np.int64, n, elements=st.sampled_from([1, S // 10, S, S, 2 * S, 9 * S, 200 * S])))
    names = draw(st.lists(st.sampled_from(CHANNELS), unique=True))
    return track_from_columns(np.cumsum(steps), **{name: draw(arrays(np.float64, n, elements=wild)) for name in names})


@settings(max_examples=300, deadline=None)
@given(tracks(), st.sampled_from(["running", "cycling", "swimming", "other"]), st.integers(0, 3000 * S))
def test_cleaning_only_takes_away_and_accounts_for_every_second(track: Track, sport: str, end_us: int) -> None:
    timeline = timeline_of(track, 0, end_us, [])
    found = cleaned(track, timeline, sport)
    for name in CHANNELS:
        before, after = getattr(track, name), getattr(found.track, name)
        assert (np.isnan(after) | (after == before)).all(), name
    for channel, rules in found.faults.items():
        caught = np.sum(list(rules.values()), axis=0)
        dropped = np.sum([mask for rule, mask in rules.items() if rule not in KEPT], axis=0)
        assert caught.max() <= 1
        unknown = np.any([np.isnan(getattr(found.track, name)) for name in COLUMNS[channel]], axis=0)
        assert (unknown == (dropped > 0)).all(), channel
    report = quality_of(found, timeline, clock_was_reset=False)
    assert 0 <= report.score <= 100
    for one in report.channels:
        assert one.known_s + sum(seconds for _, seconds in one.faults_s) == pytest.approx(one.recorded_s)
        assert 0 <= one.known_share <= 1


@settings(max_examples=300, deadline=None)
@given(tracks(), st.sampled_from(["running", "cycling", "swimming", "other"]))
def test_what_the_first_look_rules_out_a_closer_look_does_not_find(track: Track, sport: str) -> None:
    if len(track) == 0:
        return
    timeline = timeline_of(track, 0, int(track.time_us[-1]), [])
    case = case_of(track, timeline, sport, distance_series(track, timeline, sport).cumulative_m)
    # With no time between rows the least change is suspicious, and with very long rows the shortest run is.
    suspicious = replace(case, track=track, shortest_s=0.0, longest_s=1e9)
    for channel, faults_of in FAULTS.items():
        quick, close = faults_of(case), faults_of(suspicious)
        assert list(quick) == list(close)
        for rule, mask in quick.items():
            assert (mask == close[rule]).all(), (channel, rule)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 10))
def test_a_sound_workout_is_left_alone_however_it_is_thinned(seed: int, every_s: int) -> None:
    rng = np.random.default_rng(seed)
    plan = Plan("running", "interval", START_US, 1800, by_hand=False)
    workout = perform(person_of(7, seed % 500, 2026), plan, performance=1.0, fatigue=0.0, sampling_s=1, rng=rng)
    track = rows_of(workout.truth, np.arange(0, len(workout.truth), every_s))
    timeline = timeline_of(track, workout.start_us, workout.end_us, workout.pauses)
    found = cleaned(track, timeline, "running")
    for rules in found.faults.values():
        assert not any(mask.any() for rule, mask in rules.items() if rule != "cadence_lock")
    assert quality_of(found, timeline, clock_was_reset=False).gaps == 0
