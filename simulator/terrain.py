"""Roads and hills: altitude and position along a loop from home."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.track import FloatColumn
from simulator.places import Place

_WAVELENGTHS_M: Final = np.array([700.0, 2_300.0, 6_100.0])
_SHARES: Final = np.array([0.15, 0.35, 0.5])  # of the hills' height
METRES_PER_DEGREE: Final = 111_195.0
_CORNERS: Final = 240
STEEPEST: Final = 0.16


@dataclass(frozen=True, slots=True, eq=False)
class Hills:
    """A sum of three waves, the longest the highest."""

    base_m: float
    heights_m: FloatColumn  # (3,)
    phases: FloatColumn  # (3,)

    def altitude_m(self, distance_m: FloatColumn) -> FloatColumn:
        """Height above sea level at each distance; (n,) in, (n,) out."""
        angle = distance_m[:, None] * (2 * np.pi / _WAVELENGTHS_M) + self.phases
        return self.base_m + np.sin(angle) @ self.heights_m

    def grade(self, distance_m: FloatColumn) -> FloatColumn:
        """Slope, rise over run, within ±16 %; (n,) in, (n,) out."""
        k = 2 * np.pi / _WAVELENGTHS_M
        return np.clip(np.cos(distance_m[:, None] * k + self.phases) @ (self.heights_m * k), -STEEPEST, STEEPEST)


def hills_of(place: Place, rng: np.random.Generator, *, flat: bool) -> Hills:
    """The hills of one route; ``flat`` for water."""
    height = 0.0 if flat else place.hills_m * float(rng.uniform(0.4, 1.2))
    phases = np.asarray(rng.uniform(0, 2 * np.pi, 3), dtype=np.float64)
    return Hills(place.altitude_m, height * _SHARES, phases)


def loop_from_home(
    distance_m: FloatColumn, latitude_deg: float, longitude_deg: float, rng: np.random.Generator
) -> tuple[FloatColumn, FloatColumn]:
    """Positions (latitude, longitude in degrees) along a loop that begins and ends at home; (n,) in, (n,) out each."""
    total_m = float(distance_m[-1])
    angle = np.linspace(0, 2 * np.pi, _CORNERS)
    turn, second, third = rng.uniform(0, 2 * np.pi, 3)
    east = np.cos(angle + turn) + 0.35 * np.cos(2 * angle + second) + 0.2 * np.cos(3 * angle + third)
    north = np.sin(angle + turn) + 0.35 * np.sin(2 * angle - second) + 0.2 * np.sin(3 * angle - third)
    along = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(east), np.diff(north)))))
    scale = max(total_m, 1.0) / along[-1]
    x_m = (np.interp(distance_m, along * scale, east) - east[0]) * scale
    y_m = (np.interp(distance_m, along * scale, north) - north[0]) * scale
    return (
        latitude_deg + y_m / METRES_PER_DEGREE,
        longitude_deg + x_m / (METRES_PER_DEGREE * float(np.cos(np.radians(latitude_deg)))),
    )
