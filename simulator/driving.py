"""The athlete who drives home with the watch still running."""

from dataclasses import replace
from typing import Final

import numpy as np

from domain.sports import family_of
from domain.track import Track
from simulator.faults import CAR_SHARE

_LEAST_S: Final = 1_500.0  # of the workout
_DRIVE_S: Final = (480.0, 840.0)
_SPEED_M_S: Final = (15.0, 18.0)  # 54 to 65 km/h
_BPM: Final = (66.0, 76.0)
_ON_THE_ROAD: Final = frozenset({"running", "walking", "cycling"})  # families
_METRES_PER_DEGREE: Final = 111_195.0


def drives_home(sport: str, track: Track, rng: np.random.Generator) -> bool:
    """Whether the end of the workout is a drive."""
    return family_of(sport) in _ON_THE_ROAD and track.elapsed_s >= _LEAST_S and rng.random() < CAR_SHARE


def driven_home(track: Track, rng: np.random.Generator) -> Track:
    """The track with its last 8 to 14 minutes on a level road by car; what the device does not know stays unknown."""
    time_s = track.time_us / 1e6
    begin_s = time_s[-1] - float(rng.uniform(*_DRIVE_S))
    driving = time_s >= begin_s
    first = int(np.flatnonzero(driving)[0]) - 1  # the last row on foot
    speed = float(rng.uniform(*_SPEED_M_S))
    metres = np.where(driving, speed * (time_s - time_s[first]), 0.0)
    bearing = float(rng.uniform(0, 2 * np.pi))
    latitude = track.latitude_deg[first]
    narrowing = float(np.cos(np.radians(latitude))) if np.isfinite(latitude) else 1.0
    driven = {
        "speed_m_s": np.full(len(track), speed),
        "distance_m": track.distance_m[first] + metres,
        "latitude_deg": track.latitude_deg[first] + metres * np.cos(bearing) / _METRES_PER_DEGREE,
        "longitude_deg": track.longitude_deg[first] + metres * np.sin(bearing) / _METRES_PER_DEGREE / narrowing,
        "altitude_m": np.full(len(track), track.altitude_m[first]),
        "heart_rate_bpm": np.full(len(track), round(float(rng.uniform(*_BPM)))),
        "cadence_rpm": np.zeros(len(track)),
        "power_w": np.zeros(len(track)),
    }
    columns = {
        name: np.where(driving & np.isfinite(getattr(track, name)), values, getattr(track, name))
        for name, values in driven.items()
    }
    return replace(track, **columns)
