"""Workouts are like those of people: heart rate follows effort, hills slow, distance is speed over time."""

from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pytest

from domain.athlete import Athlete
from domain.summary import Stated, summarise
from simulator.athletes import Person, person_of
from simulator.form import Form
from simulator.gear import record
from simulator.habits import Kind, Plan, plan_day
from simulator.injuries import hazard
from simulator.physiology import Workout, perform

NOON_US = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000


def runner() -> Person:
    return next(p for p in (person_of(1, i, 2026) for i in range(100)) if p.sports[0] == "running")


def rider() -> Person:
    return next(p for p in (person_of(1, i, 2026) for i in range(100)) if p.sports[0] == "cycling" and p.bike_gear)


def workout(person: Person, sport: str, kind: Kind, minutes: int = 60) -> Workout:
    plan = Plan(sport, kind, NOON_US, minutes * 60, by_hand=False)  # type: ignore[arg-type]
    return perform(person, plan, performance=1.0, fatigue=0.0, sampling_s=5, rng=np.random.default_rng(11))


def test_heart_rate_stays_within_the_body_and_follows_intervals_with_a_lag() -> None:
    person = runner()
    heart = workout(person, "running", "interval").truth.heart_rate_bpm
    assert person.hr_rest_bpm <= heart.min() < heart.max() <= person.hr_max_bpm
    assert heart[:3].mean() < heart[300:].mean() - 20  # it starts near rest
    assert np.abs(np.diff(heart)).max() < 25  # and never jumps


def test_the_heart_beats_faster_in_a_race_than_on_an_easy_run() -> None:
    race, easy = workout(runner(), "running", "race"), workout(runner(), "running", "easy")
    assert np.mean(race.truth.heart_rate_bpm) > np.mean(easy.truth.heart_rate_bpm) + 10
    assert race.rpe > easy.rpe


def test_distance_never_falls_and_agrees_with_speed() -> None:
    done = workout(rider(), "cycling", "long", 120)
    truth = done.truth
    assert (np.diff(truth.distance_m) >= 0).all()
    by_speed = float(np.sum((truth.speed_m_s[1:] + truth.speed_m_s[:-1]) / 2 * 5.0))
    assert by_speed == pytest.approx(truth.distance_m[-1], rel=0.02)


def test_a_rider_is_slower_uphill_than_downhill() -> None:
    person = next(
        p for p in (person_of(1, i, 2026) for i in range(400)) if p.sports[0] == "cycling" and p.place.hills_m > 50
    )
    truth = workout(person, "cycling", "long", 120).truth
    climb = np.diff(truth.altitude_m) / np.maximum(np.diff(truth.distance_m), 0.1)
    speed = truth.speed_m_s[1:]
    assert speed[climb > 0.02].mean() < speed[climb < -0.02].mean() - 2


def test_load_is_about_that_of_the_plan() -> None:
    for person, sport in ((runner(), "running"), (rider(), "cycling")):
        done = workout(person, sport, "easy")
        athlete = Athlete(
            sex=person.sex,
            birth_year=person.birth_year,
            mass_kg=person.mass_kg,
            hr_max_bpm=person.hr_max_bpm,
            hr_rest_bpm=person.hr_rest_bpm,
            lthr_bpm=person.lthr_bpm,
            ftp_w=person.ftp_w,
            threshold_speed_m_s=person.threshold_speed_m_s,
        )
        summary = summarise(
            done.truth,
            sport=sport,
            start_us=done.start_us,
            end_us=done.end_us,
            pauses=done.pauses,
            athlete=athlete,
            stated=Stated(),
            rpe=None,
        )
        assert summary.load == pytest.approx(done.plan.load, rel=0.4)
        assert summary.timer_time_s == pytest.approx(done.timer_time_s, abs=30)


def test_gps_alone_gives_the_distance_within_five_percent() -> None:
    person = next(p for p in (person_of(1, i, 2026) for i in range(400)) if p.second_gear is not None)
    done = workout(person, "running", "easy")
    assert person.second_gear is not None
    track = record(person.second_gear, done, np.random.default_rng(5))
    summary = summarise(
        track,
        sport="running",
        start_us=done.start_us,
        end_us=done.end_us,
        pauses=done.pauses,
        athlete=Athlete(),
        stated=Stated(),
        rpe=None,
    )
    assert summary.distance_source == "gps"
    assert summary.distance_m == pytest.approx(done.truth.distance_m[-1], rel=0.05)


def test_training_raises_fitness_and_rest_lets_it_fall() -> None:
    form = Form(usual_load=30.0, day=date(2026, 1, 1))
    for day in range(2, 29):
        form.advance(date(2026, 1, day))
        form.add(90.0, "running", 10_000.0)
    trained = form.fitness
    assert trained > 30.0
    assert form.performance > 1.0
    form.advance(date(2026, 6, 1))
    assert form.fitness < 30.0 < trained
    assert form.longest_m("running") == 0.0


def test_nobody_plans_two_workouts_at_once() -> None:
    rng = np.random.default_rng(2)
    for index in range(50):
        person = person_of(3, index, 2026)
        form = Form(30.0, date(2026, 3, 1))
        for day in range(1, 29):
            plans = plan_day(person, form, date(2026, 3, day), rng)
            for first, second in pairwise(plans):
                assert first.start_us + first.duration_s * 1_000_000 < second.start_us


def test_hazard_grows_with_a_spike_and_with_acute_load() -> None:
    base = {"frailty": 1.0, "spike_ratio": 1.0, "acute_load": 200.0, "age": 38.0, "recent": False}
    assert hazard(**{**base, "spike_ratio": 2.0}) > 2 * hazard(**base)  # type: ignore[arg-type]
    assert hazard(**{**base, "acute_load": 500.0}) > 1.3 * hazard(**base)  # type: ignore[arg-type]
    assert hazard(**base) < 0.01  # type: ignore[arg-type]
