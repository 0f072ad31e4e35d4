"""Recordings as files: some weeks of one athlete, as FIT, GPX and TCX, for a demonstration without own files."""

from datetime import date, datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Final

import numpy as np

from domain.days import zone_info
from domain.track import US_PER_S
from recordings.write import Written, write_recording
from simulator.athletes import Person, person_of
from simulator.form import Form
from simulator.gear import gear_for, record
from simulator.habits import Plan, plan_day, usual_load
from simulator.physiology import perform

_SUFFIXES: Final = (".fit", ".tcx", ".gpx")
_WITH_GPS: Final = frozenset({"running", "trail_running", "cycling", "mountain_biking", "hiking", "walking"})
_SAMPLING_S: Final = 1


def generate_files(folder: Path, *, seed: int, n: int, before: date) -> list[Path]:
    """Write the last ``n`` outdoor workouts of one athlete before the day ``before`` into ``folder``, the oldest first.

    Makes the folder if need be. The same arguments write the same samples. Returns the paths.
    """
    person = _athlete(seed, before.year)
    rng = np.random.default_rng((seed, 7))
    done: list[tuple[Plan, float]] = []
    day = before - timedelta(days=7 * n + 14)
    form = Form(usual_load(person), day)
    while day < before:
        form.advance(day)
        for plan in plan_day(person, form, day, rng):
            done.append((plan, form.performance))
            form.add(plan.load, plan.sport, plan.distance_m(person, form.performance))
        day += timedelta(days=1)
    outdoors = [(plan, performance) for plan, performance in done if plan.sport in _WITH_GPS]
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _write(folder, suffix, person, plan, performance, rng)
        for (plan, performance), suffix in zip(outdoors[-n:], cycle(_SUFFIXES), strict=False)
    ]


def _athlete(seed: int, year: int) -> Person:
    """The first athlete who trains often, outdoors, with a watch: GPX knows no sample without a position."""
    return next(
        person
        for person in (person_of(seed, index, year) for index in count())
        if person.gear.kind == "watch" and person.sports[0] in _WITH_GPS and person.sessions_per_week >= 3
    )


def _write(folder: Path, suffix: str, person: Person, plan: Plan, performance: float, rng: np.random.Generator) -> Path:
    workout = perform(person, plan, performance=performance, fatigue=0.0, sampling_s=_SAMPLING_S, rng=rng)
    start = datetime.fromtimestamp(workout.start_us // US_PER_S, zone_info(person.place.zone))
    offset = start.utcoffset() or timedelta()
    path = folder / f"{start:%Y-%m-%d-%H%M}-{plan.sport}{suffix}"
    track = record(gear_for(person, workout), workout, rng)
    write_recording(path, Written(track, plan.sport, workout.pauses, offset_s=int(offset.total_seconds())))
    return path
