"""What a device makes of a workout: its channels, its errors, its choice of rows."""

from dataclasses import replace
from typing import Final

import numpy as np

from domain.summary import Stated
from domain.track import CHANNELS, Track
from simulator.athletes import Gear, Person
from simulator.physiology import Workout, smooth
from stridelog.devices import rows_of

_METRES_PER_DEGREE: Final = 111_195.0
_GPS_ERROR_M: Final = 2.0
_GPS_DRIFT_ROWS: Final = 40  # the error of a fix is that of the fix before, nearly


def gear_for(person: Person, workout: Workout) -> Gear:
    """The device that the athlete takes along."""
    if person.bike_gear is not None and workout.plan.sport in ("cycling", "mountain_biking"):
        return person.bike_gear
    return person.gear


def record(gear: Gear, workout: Workout, rng: np.random.Generator) -> Track:
    """The track that the device records of the workout."""
    truth = workout.truth
    n = len(truth)
    kept = {name: getattr(truth, name) for name in CHANNELS if name in gear.channels}
    if "latitude_deg" in kept:
        drift_m = smooth(rng.normal(0, _GPS_ERROR_M * _GPS_DRIFT_ROWS**0.5, 2 * n), _GPS_DRIFT_ROWS)
        error_deg = drift_m / _METRES_PER_DEGREE
        kept["latitude_deg"] = kept["latitude_deg"] + error_deg[:n]
        kept["longitude_deg"] = kept["longitude_deg"] + error_deg[n:]
    if "altitude_m" in kept:
        kept["altitude_m"] = np.rint((kept["altitude_m"] + float(rng.normal(0, 3))) * 5) / 5
    if "distance_m" in kept:
        scale = float(rng.normal(1, 0.004))
        kept["distance_m"] = np.rint(kept["distance_m"] * scale * 100) / 100
        kept["speed_m_s"] = np.rint(kept["speed_m_s"] * scale * 1000) / 1000
    if "power_w" in kept:
        kept["power_w"] = np.rint(kept["power_w"])
    absent = np.full(n, np.nan)
    track = Track(time_us=truth.time_us, **{name: kept.get(name, absent) for name in CHANNELS})
    return _smart(track, rng) if gear.smart else track


def record_beside(gear: Gear, workout: Workout, rng: np.random.Generator) -> Track:
    """The track of a second device, started a little later and stopped a little earlier."""
    track = record(gear, workout, rng)
    late, early = (int(rows) for rows in rng.integers(0, max(1, len(track) // 40) + 1, 2))
    return rows_of(track, late, len(track) - early)


def stated_by(workout: Workout, track: Track) -> Stated:
    """The totals that the device shows at the end."""
    metres = track.distance_m
    return Stated(
        distance_m=round(float(metres[-1]), 1) if len(metres) and np.isfinite(metres[-1]) else None,
        timer_time_s=workout.timer_time_s,
        elapsed_s=(workout.end_us - workout.start_us) / 1_000_000,
        ascent_m=None if np.isnan(track.altitude_m).all() else round(workout.ascent_m),
        energy_kcal=workout.energy_kcal,
    )


def stated_by_hand(workout: Workout) -> Stated:
    """The totals that an athlete types in."""
    metres = float(workout.truth.distance_m[-1])
    minutes = round(workout.timer_time_s / 60)
    return Stated(distance_m=round(metres, -2) if np.isfinite(metres) else None, timer_time_s=minutes * 60.0)


def _smart(track: Track, rng: np.random.Generator) -> Track:
    """Keep the first and the last row, and of the others those in which a device would find something new."""
    keep = rng.random(len(track)) < float(rng.uniform(0.45, 0.85))
    keep[[0, -1]] = True
    columns = {name: getattr(track, name)[keep] for name in CHANNELS}
    return replace(track, time_us=track.time_us[keep], **columns)
