"""Who lives in the town: bodies, habits and devices, drawn from the seed."""

import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from domain.sports import Sport
from simulator.places import PLACES, Place

GearKind = Literal["watch", "simple_watch", "bike_computer", "phone"]

_FIRST_NAMES: Final[list[str]] = re.findall(
    r"\w+",
    "Ada Amir Aino Anna Ben Bora Carla Chen Dana Diego Ebba Elif Emil Femi Finn Gita Hana Hugo Ida Ines Ivo Jana Jonas "
    "Kaya Kofi Lars Lea Lin Luca Maja Malik Mara Mei Milo Nadia Nils Noor Olu Pia Priya Quinn Rafa Ravi Rosa Sami Sara "
    "Sven Tara Theo Uma Vera Wim Yara Yuki Zoe Zuri",
)
_LAST_NAMES: Final[list[str]] = re.findall(
    r"\w+",
    "Abebe Almeida Andersen Bauer Becker Berg Castro Costa Dahl Diaz Fischer Garcia Gurung Haas Hansen Ito Jansen "
    "Kamau Keller Kim Kipruto Lang Larsen Lee Lopez Meyer Mori Moser Murphy Nakamura Novak Okafor Olsen Patel Perez "
    "Reed Rossi Santos Sato Schmidt Silva Singh Smit Tamang Thapa Vega Visser Walsh Weber Wood Yilmaz",
)
_MAIN_SPORTS: Final[tuple[tuple[Sport, float], ...]] = (
    ("running", 0.46),
    ("cycling", 0.26),
    ("trail_running", 0.07),
    ("mountain_biking", 0.05),
    ("swimming", 0.06),
    ("walking", 0.05),
    ("rowing", 0.03),
    ("cross_country_skiing", 0.02),
)
_SECOND_SPORTS: Final[tuple[tuple[Sport, float], ...]] = (
    ("strength", 0.25),
    ("cycling", 0.2),
    ("running", 0.2),
    ("swimming", 0.1),
    ("hiking", 0.15),
    ("walking", 0.1),
)
_HAS_GPS: Final = frozenset({"latitude_deg", "longitude_deg"})
_CHANNELS: Final[dict[GearKind, frozenset[str]]] = {
    "watch": _HAS_GPS | {"heart_rate_bpm", "cadence_rpm", "speed_m_s", "distance_m", "altitude_m", "temperature_c"},
    "simple_watch": frozenset({"heart_rate_bpm", "speed_m_s", "distance_m"}),
    "bike_computer": _HAS_GPS
    | {"heart_rate_bpm", "cadence_rpm", "power_w", "speed_m_s", "distance_m", "altitude_m", "temperature_c"},
    "phone": _HAS_GPS | {"altitude_m"},
}


@dataclass(frozen=True, slots=True)
class Gear:
    """A recording device."""

    kind: GearKind
    device_id: str
    smart: bool  # records a row only when something changes: irregular times

    @property
    def channels(self) -> frozenset[str]:
        """Track columns that it can record."""
        return _CHANNELS[self.kind]


@dataclass(frozen=True, slots=True)
class Person:
    """An athlete as they are at the start; what training changes is in ``simulator.form``."""

    index: int
    user: str
    name: str
    sex: Literal["female", "male"]
    birth_year: int
    height_cm: float
    mass_kg: float
    hr_rest_bpm: float
    hr_max_bpm: float
    lthr_bpm: float
    ftp_w: float
    threshold_speed_m_s: float  # running
    swim_speed_m_s: float  # at threshold
    place: Place
    home_latitude_deg: float
    home_longitude_deg: float
    frailty: float  # multiplies the hazard of injury; mean 1
    sports: tuple[Sport, Sport]
    main_share: float  # of sessions
    sessions_per_week: float
    session_min: float  # typical length
    weekday_hour: float  # local hour at which training usually begins
    weekend_hour: float
    rates_effort: bool  # gives an RPE after most sessions
    gear: Gear
    bike_gear: Gear | None
    second_gear: Gear | None  # records the same workouts too, now and then
    night_device: str | None  # a band that is worn from the evening to the morning
    own_zones: bool  # sets zones of their own


def person_of(seed: int, index: int, year: int) -> Person:
    """Athlete number ``index`` of the town ``seed``; ages are those of ``year``."""
    rng = np.random.default_rng((seed, 1, index))
    female = bool(rng.random() < 0.48)
    age = int(np.clip(rng.normal(38, 11), 16, 78))
    height_cm = float(rng.normal(167 if female else 180, 6.5))
    mass_kg = float(np.clip(rng.normal(21.8 if female else 23.8, 2.2), 17, 34) * (height_cm / 100) ** 2)
    hr_rest = float(np.clip(rng.normal(56, 7), 38, 80))
    hr_max = float(np.clip(208 - 0.7 * age + rng.normal(0, 6), 150, 215))  # Tanaka 2001, SD about 6-7
    place = PLACES[int(rng.integers(len(PLACES)))]
    main = _choice(rng, _MAIN_SPORTS)
    second = _choice(rng, tuple(item for item in _SECOND_SPORTS if item[0] != main))
    age_factor = 1.0 - 0.006 * max(0, age - 35)
    kind: GearKind = "watch" if rng.random() < 0.75 else "simple_watch"
    serial = f"{seed}-{index:05d}"
    rides = {"cycling", "mountain_biking"} & {main, second}
    return Person(
        index=index,
        user=f"s{seed}-{index:05d}",
        name=f"{_FIRST_NAMES[int(rng.integers(len(_FIRST_NAMES)))]} {_LAST_NAMES[int(rng.integers(len(_LAST_NAMES)))]}",
        sex="female" if female else "male",
        birth_year=year - age,
        height_cm=round(height_cm, 1),
        mass_kg=round(mass_kg, 1),
        hr_rest_bpm=round(hr_rest),
        hr_max_bpm=round(hr_max),
        lthr_bpm=round(hr_rest + 0.85 * (hr_max - hr_rest)),
        ftp_w=round(mass_kg * (2.6 if female else 3.0) * age_factor * float(np.exp(rng.normal(0, 0.2)))),
        threshold_speed_m_s=round((3.15 if female else 3.55) * age_factor * float(np.exp(rng.normal(0, 0.13))), 3),
        swim_speed_m_s=round(1.05 * age_factor * float(np.exp(rng.normal(0, 0.15))), 3),
        place=place,
        home_latitude_deg=place.latitude_deg + float(rng.normal(0, 0.02)),
        home_longitude_deg=place.longitude_deg + float(rng.normal(0, 0.03)),
        frailty=float(rng.gamma(2.0, 0.5)),
        sports=(main, second),
        main_share=float(rng.uniform(0.6, 0.95)),
        sessions_per_week=float(np.clip(rng.gamma(6.0, 0.72), 1.0, 9.0)),
        session_min=float(np.clip(rng.normal(52, 14), 20, 110)),
        weekday_hour=float(rng.choice((6.3, 12.2, 17.8, 19.0), p=(0.3, 0.12, 0.38, 0.2)) + rng.normal(0, 0.4)),
        weekend_hour=float(np.clip(rng.normal(9.5, 1.3), 6, 15)),
        rates_effort=bool(rng.random() < 0.7),
        gear=Gear(kind, f"{kind}-{serial}", smart=bool(rng.random() < 0.4)),
        bike_gear=Gear("bike_computer", f"bike_computer-{serial}", smart=False)
        if rides and rng.random() < 0.8
        else None,
        second_gear=Gear("phone", f"phone-{serial}", smart=True) if rng.random() < 0.08 else None,
        night_device=f"band-{serial}" if rng.random() < 0.12 else None,
        own_zones=bool(rng.random() < 0.15),
    )


def _choice(rng: np.random.Generator, weighted: tuple[tuple[Sport, float], ...]) -> Sport:
    weights = np.cumsum([weight for _, weight in weighted])
    return weighted[int(np.searchsorted(weights / weights[-1], rng.random(), side="right"))][0]
