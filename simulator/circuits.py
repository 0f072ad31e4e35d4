"""Where many of a place train: a circuit that everybody knows, on which passes are timed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from domain.sports import Family, Sport
from domain.track import FloatColumn
from schemas import hot
from schemas.identity import event_id
from simulator.athletes import Person
from simulator.message import Dispatch, dispatch
from simulator.places import Place
from simulator.terrain import METRES_PER_DEGREE

SHARE: Final = 0.3  # of the sessions of these sports
SPORTS: Final[frozenset[Sport]] = frozenset(
    {"running", "trail_running", "walking", "hiking", "cycling", "mountain_biking"}
)
_RADIUS_M: Final = 420.0
_LOBES_M: Final = 60.0  # by so much the circuit is farther out at two of its sides
_APPROACH_M: Final = 300.0  # from where one begins to the line
_CORNERS: Final = 721
_DRAWN_EVERY_M: Final = 20.0
_PRODUCER: Final = "stridelog-simulate"
_APP: Final = "app:town"
_S_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _S_US


@dataclass(frozen=True, slots=True, eq=False)
class Circuit:
    """A closed way; points (n,), the last of which is the first, and the metres along it."""

    along_m: FloatColumn
    latitude_deg: FloatColumn
    longitude_deg: FloatColumn

    @property
    def length_m(self) -> float:
        """Once around."""
        return float(self.along_m[-1])

    def at(self, distance_m: FloatColumn) -> tuple[FloatColumn, FloatColumn]:
        """Positions (latitude, longitude in degrees) of somebody who has gone so far, lap after lap; (n,) in, (n,) out
        each. The first line is crossed after 300 m.
        """
        metres = (distance_m - _APPROACH_M) % self.length_m
        return self._position(metres)

    def drawn(self, share: float) -> tuple[tuple[float, float], ...]:
        """The first part of a lap as a segment's points."""
        metres = np.linspace(0.0, share * self.length_m, round(share * self.length_m / _DRAWN_EVERY_M))
        latitude, longitude = self._position(metres)
        return tuple(zip(latitude.round(6).tolist(), longitude.round(6).tolist(), strict=True))

    def _position(self, metres: FloatColumn) -> tuple[FloatColumn, FloatColumn]:
        latitude, longitude = (np.interp(metres, self.along_m, c) for c in (self.latitude_deg, self.longitude_deg))
        return latitude, longitude


@lru_cache(maxsize=64)
def circuit_of(place: Place) -> Circuit:
    """The circuit of a place, around its middle."""
    angle = np.linspace(0.0, 2 * np.pi, _CORNERS)
    radius = _RADIUS_M + _LOBES_M * np.cos(2 * angle)
    x_m, y_m = radius * np.cos(angle), radius * np.sin(angle)
    along_m = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x_m), np.diff(y_m)))))
    degree_m = METRES_PER_DEGREE * float(np.cos(np.radians(place.latitude_deg)))
    return Circuit(along_m, place.latitude_deg + y_m / METRES_PER_DEGREE, place.longitude_deg + x_m / degree_m)


def segments(seed: int, people: Sequence[Person], start_us: int) -> Iterator[Dispatch]:
    """The first athlete of each place draws the lap for runners at once and for riders two days later, when some have
    ridden it; and half of the lap, which is removed on the third day.
    """
    first: dict[str, Person] = {}
    for person in people:
        first.setdefault(person.place.name, person)
    for person in first.values():
        place = person.place
        yield _drawn(seed, person, f"A lap of {place.name}", "running", start_us + 60 * _S_US)
        yield _drawn(seed, person, f"A lap of {place.name} by bike", "cycling", start_us + 2 * _DAY_US)
        yield _drawn(seed, person, f"Half a lap of {place.name}", "running", start_us + 120 * _S_US, share=0.5)
        yield _removed(seed, person, f"Half a lap of {place.name}", start_us + 3 * _DAY_US)


def _drawn(seed: int, person: Person, name: str, family: Family, at_us: int, share: float = 1.0) -> Dispatch:
    data = hot.SegmentDefinedData(
        segment_id=event_id("Segment", seed, name),
        name=name,
        family=family,
        points=circuit_of(person.place).drawn(share),
    )
    message = hot.SegmentDefined.of(
        user=person.user, time=at_us, zone=person.place.zone, source=_APP, producer=_PRODUCER, data=data
    )
    return dispatch(at_us, message)


def _removed(seed: int, person: Person, name: str, at_us: int) -> Dispatch:
    data = hot.SegmentRemovedData(segment_id=event_id("Segment", seed, name))
    message = hot.SegmentRemoved.of(
        user=person.user, time=at_us, zone=person.place.zone, source=_APP, producer=_PRODUCER, data=data
    )
    return dispatch(at_us, message)
