"""What reaches the log of one workout: from one device or two, in time, twice, late, or typed in by hand."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from domain.days import zone_info
from domain.track import Track
from schemas import hot
from simulator import faults as wrong
from simulator.athletes import Gear, Person
from simulator.copying import copied
from simulator.driving import driven_home, drives_home
from simulator.faults import Faults
from simulator.gear import gear_for, record, record_beside, stated_by, stated_by_hand
from simulator.message import Dispatch, dispatch
from simulator.physiology import Workout
from simulator.social import PRODUCER
from stridelog.devices import Session, channels_of, completed, rows_of, started, workout_id_of

_S_US: Final = 1_000_000
_HOUR_US: Final = 3600 * _S_US
_DRIVES: Final = 7
_EDIT_SHARE: Final = 0.02
_HIDE_SHARE: Final = 0.006  # edits that also hide the workout
_HIDDEN: Final = hot.WorkoutVisibility(workout="only_me")
_DELETE_SHARE: Final = 0.007
_TITLES: Final = (
    "Into the wind",
    "With the club",
    "Legs said no",
    "Found a new trail",
    "Before work",
    "No watch, no pace",
)


def workout_id(person: Person, workout: Workout) -> str:
    """The id of the workout as the athlete's own device sends it."""
    return workout_id_of(person.user, "town", workout.start_us)


def by_device(
    person: Person,
    workout: Workout,
    faults: Faults,
    samples_per_frame: int,
    rng: np.random.Generator,
    people: Sequence[Person],
) -> Iterator[Dispatch]:
    """All messages of the devices that recorded the workout; those of one device are in the order of its sending. And
    what others of the ``people`` make of it.
    """
    gear = gear_for(person, workout)
    track = record(gear, workout, rng)
    yield from _one_device(person, workout, gear, track, workout_id(person, workout), faults, samples_per_frame, rng)
    if faults.copy:
        yield from copied(person, workout, track, people, samples_per_frame)
    second = person.second_gear
    if faults.duplicate_device and second is not None and rng.random() < wrong.SECOND_DEVICE_SHARE:
        track = record_beside(second, workout, rng)
        if channels_of(track):
            other_id = workout_id_of(person.user, "town", workout.start_us, "second")
            sent = _one_device(
                person, workout, second, track, other_id, wrong.NO_FAULTS, samples_per_frame, rng, rates=False
            )
            *messages, completion = sent
            yield from messages
            yield completion._replace(fault="duplicate_device")


def by_hand(person: Person, workout: Workout, rng: np.random.Generator) -> Iterator[Dispatch]:
    """The athlete types the totals in, hours later."""
    session = _session(person, "hand", workout_id(person, workout), "app:town")
    nothing = rows_of(workout.truth, 0, 0)
    message = completed(
        session,
        sport=workout.plan.sport,
        start_us=workout.start_us,
        end_us=workout.end_us,
        track=nothing,
        stated=stated_by_hand(workout),
        rpe=workout.rpe,
        title=title_of(person, workout),
        by_hand=True,
    )
    yield dispatch(workout.end_us + int(rng.uniform(0.2, 10) * _HOUR_US), message)


def afterwards(person: Person, workout: Workout, rng: np.random.Generator) -> Iterator[Dispatch]:
    """Few workouts are edited, fewer deleted."""
    edits, deletes = rng.random(2)
    session = _session(person, "app", workout_id(person, workout), "app:town")
    if edits < _EDIT_SHARE:
        at_us = workout.end_us + int(rng.uniform(0.1, 48) * _HOUR_US)
        edit = hot.WorkoutEditedData(
            workout_id=session.workout_id,
            title=_TITLES[int(rng.integers(len(_TITLES)))],
            rpe=workout.rpe,
            visibility=_HIDDEN if edits < _HIDE_SHARE else None,
        )
        yield dispatch(
            at_us,
            hot.WorkoutEdited.of(
                user=person.user,
                time=at_us,
                zone=session.zone,
                source=session.source,
                producer=PRODUCER,
                data=edit,
            ),
        )
    if deletes < _DELETE_SHARE:
        at_us = workout.end_us + int(rng.uniform(0.2, 120) * _HOUR_US)
        void = hot.WorkoutDeletedData(workout_id=session.workout_id, reason="by-athlete")
        yield dispatch(
            at_us,
            hot.WorkoutDeleted.of(
                user=person.user,
                time=at_us,
                zone=session.zone,
                source=session.source,
                producer=PRODUCER,
                data=void,
            ),
        )


def title_of(person: Person, workout: Workout) -> str:
    """What apps call a workout by themselves."""
    hour = datetime.fromtimestamp(workout.start_us // _S_US, zone_info(person.place.zone)).hour
    part = "Morning" if hour < 11 else "Lunch" if hour < 15 else "Evening"
    kind = "" if workout.plan.kind in ("easy", "gym", "tour") else f" {workout.plan.kind}"
    return f"{part}{kind} {workout.plan.sport.replace('_', ' ')}"


def _one_device(
    person: Person,
    workout: Workout,
    gear: Gear,
    track: Track,
    its_id: str,
    faults: Faults,
    samples_per_frame: int,
    rng: np.random.Generator,
    *,
    rates: bool = True,
) -> list[Dispatch]:
    """Start, frames, faults, completion (last)."""
    session = _session(person, gear.device_id, its_id, f"device:{gear.kind}")
    # Dice of its own: with and without it everything else in the town is the same.
    driving = np.random.default_rng((_DRIVES, person.index, workout.start_us // _S_US))
    drives = faults.car and drives_home(workout.plan.sport, track, driving)
    track = driven_home(track, driving) if drives else track
    start_us, end_us = int(track.time_us[0]), int(track.time_us[-1])
    message = completed(
        session,
        sport=workout.plan.sport,
        start_us=start_us,
        end_us=end_us,
        track=track,
        pauses=[(start, end) for start, end in workout.pauses if start_us <= start and end <= end_us],
        stated=stated_by(workout, track) if rates else None,
        rpe=workout.rpe if rates and person.rates_effort and rng.random() < 0.9 else None,
        title=title_of(person, workout) if rates else None,
    )
    completion = dispatch(end_us + 5 * _S_US, message)._replace(fault="car" if drives else None)
    start = dispatch(start_us, started(session, sport=workout.plan.sport, time_us=start_us))
    pairs = list(wrong.frames_with_faults(track, session, faults, samples_per_frame, rng))
    frames = [sent for _, sent in pairs]
    extra: list[Dispatch] = []
    resends, lates, poisons = rng.random(3)
    if faults.resend and resends < wrong.RESEND_SHARE:
        extra += wrong.resent(frames, completion, rng)
    extra += wrong.changed_upstream(track, session, frames, faults, rng.spawn(1)[0])  # what others draw stays as it was
    if faults.poison and poisons < wrong.POISON_SHARE and pairs:
        extra.append(wrong.poison(pairs[0][0].value, message, end_us + 6 * _S_US, rng))
    messages = [start, *frames, *extra, completion]
    return wrong.late(messages, end_us, rng) if faults.late_upload and lates < wrong.LATE_SHARE else messages


def _session(person: Person, device_id: str, its_id: str, source: str) -> Session:
    return Session(person.user, its_id, device_id, person.place.zone, source, PRODUCER)
