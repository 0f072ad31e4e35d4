"""The athlete who uploads somebody else's recording as their own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from domain.sports import family_of
from domain.track import Track
from simulator.athletes import Person
from simulator.faults import COPY_SHARE
from simulator.message import Dispatch, dispatch
from simulator.physiology import Workout
from simulator.social import PRODUCER
from stridelog.devices import Session, completed, frames_of, rows_of, workout_id_of

_COPIES: Final = 8
_S_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _S_US
_LEAST_ROWS: Final = 200
_COPIED: Final = frozenset({"running", "walking", "cycling"})  # families


def copied(
    person: Person, workout: Workout, track: Track, people: Sequence[Person], samples_per_frame: int
) -> Iterator[Dispatch]:
    """What somebody else makes of a recorded workout, if anybody does: the same file, some days before, without its
    first minutes, uploaded hours later.
    """
    # Dice of its own: with and without it everything else in the town is the same.
    rng = np.random.default_rng((_COPIES, person.index, workout.start_us // _S_US))
    others = [other for other in people if other.index != person.index]
    if not others or len(track) < _LEAST_ROWS or family_of(workout.plan.sport) not in _COPIED:
        return
    if rng.random() >= COPY_SHARE:
        return
    thief = others[int(rng.integers(len(others)))]
    kept = rows_of(track, int(rng.integers(len(track) // 10)), len(track))
    kept = replace(
        kept,
        time_us=kept.time_us - int(rng.integers(1, 4)) * _DAY_US,
        latitude_deg=np.round(kept.latitude_deg, 6),
        longitude_deg=np.round(kept.longitude_deg, 6),
    )
    its_id = workout_id_of(thief.user, "copy", person.user, workout.start_us)
    session = Session(thief.user, its_id, "file", thief.place.zone, "file:gpx", PRODUCER)
    at_us = workout.end_us + int(rng.uniform(1, 48) * 3600) * _S_US
    for frame in frames_of(kept, session, samples_per_frame=samples_per_frame):
        yield Dispatch(at_us, "SensorFrame", thief.user.encode(), frame.value)
    message = completed(
        session,
        sport=workout.plan.sport,
        start_us=int(kept.time_us[0]),
        end_us=int(kept.time_us[-1]),
        track=kept,
        title="Flew today",
    )
    yield dispatch(at_us + _S_US, message, "copy")
