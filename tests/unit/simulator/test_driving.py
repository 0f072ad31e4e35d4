"""Who drives home with the watch still on: seldom, and so that the rules of integrity see it."""

import numpy as np
import pytest

from domain.athlete import Athlete
from domain.integrity import check
from domain.integrity_flags import Context
from domain.sports import Sport
from domain.summary import Stated, summarise
from domain.track import Track
from simulator.athletes import Gear, person_of
from simulator.driving import driven_home, drives_home
from simulator.faults import CAR_SHARE
from simulator.gear import record
from simulator.habits import Plan
from simulator.physiology import perform

PERSON = person_of(1, 2, 2026)
START_US = 1_790_000_000_000_000


def recorded(sport: Sport, kind: str, duration_s: int = 3_600) -> Track:
    plan = Plan(sport, "easy", START_US, duration_s, by_hand=False)
    workout = perform(PERSON, plan, performance=1.0, fatigue=0.0, sampling_s=5, rng=np.random.default_rng(3))
    gear = Gear(kind, "d", smart=True)  # type: ignore[arg-type]  # a kind of device, as the tests give it
    return record(gear, workout, np.random.default_rng(4))


def rules_against(track: Track, sport: Sport) -> list[tuple[str, str]]:
    athlete = Athlete(hr_rest_bpm=PERSON.hr_rest_bpm, hr_max_bpm=PERSON.hr_max_bpm)
    first_us, last_us = int(track.time_us[0]), int(track.time_us[-1])
    summary = summarise(
        track, sport=sport, start_us=first_us, end_us=last_us, pauses=(), athlete=athlete, stated=Stated(), rpe=None
    )
    context = Context("me", "w", START_US, first_us, last_us)
    return [(flag.rule, flag.decision) for flag in check(track, summary, sport, athlete, context)]


@pytest.mark.parametrize(
    ("sport", "kind"), [("running", "watch"), ("running", "simple_watch"), ("cycling", "bike_computer")]
)
def test_the_drive_is_flagged_and_the_workout_without_it_is_not(sport: Sport, kind: str) -> None:
    track = recorded(sport, kind)
    assert rules_against(track, sport) == []
    assert ("vehicle", "flagged") in rules_against(driven_home(track, np.random.default_rng(5)), sport)


def test_the_drive_keeps_times_and_what_came_before_and_adds_no_channel() -> None:
    track = recorded("running", "watch")
    driven = driven_home(track, np.random.default_rng(5))
    assert np.array_equal(driven.time_us, track.time_us)
    early = track.time_us < track.time_us[-1] - 900_000_000
    assert np.array_equal(driven.distance_m[early], track.distance_m[early])
    assert driven.distance_m[-1] > track.distance_m[-1]
    assert np.isnan(driven.power_w).all()


def test_few_drive_home_and_nobody_from_the_pool_or_a_short_run() -> None:
    run, short = recorded("running", "watch"), recorded("running", "watch", 900)
    rng = np.random.default_rng(6)
    share = np.mean([drives_home("running", run, rng) for _ in range(20_000)])
    assert share == pytest.approx(CAR_SHARE, rel=0.5)
    assert not any(drives_home("swimming", run, rng) or drives_home("running", short, rng) for _ in range(5_000))
