"""When and how an athlete trains: the plan of a day."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

import numpy as np

from domain.days import zone_info
from domain.sports import Sport, family_of
from simulator.athletes import Person
from simulator.form import Form

Kind = Literal["easy", "long", "tempo", "interval", "recovery", "race", "gym", "tour"]

_WEEKDAY_WEIGHTS: Final = (0.10, 0.16, 0.13, 0.15, 0.09, 0.19, 0.18)  # Monday first; most train at the weekend
# Mean intensity as a share of threshold, and how long it is compared with the usual session.
_INTENSITY: Final[dict[Kind, float]] = {
    "easy": 0.70,
    "long": 0.68,
    "tempo": 0.80,
    "interval": 0.79,
    "recovery": 0.57,
    "race": 0.95,
    "gym": 0.55,
    "tour": 0.58,
}
_LENGTH: Final[dict[Kind, float]] = {
    "easy": 1.0,
    "long": 1.75,
    "tempo": 1.0,
    "interval": 0.95,
    "recovery": 0.65,
    "race": 1.1,
    "gym": 0.8,
    "tour": 2.2,
}
_SPORT_LENGTH: Final = {"cycling": 1.5, "mountain_biking": 1.4, "swimming": 0.75, "walking": 1.3, "rowing": 0.8}


@dataclass(frozen=True, slots=True)
class Plan:
    """A workout that is going to happen."""

    sport: Sport
    kind: Kind
    start_us: int
    duration_s: int  # timer time
    by_hand: bool  # entered afterwards, without a device

    @property
    def intensity(self) -> float:
        """Mean intensity as a share of threshold."""
        return _INTENSITY[self.kind]

    @property
    def load(self) -> float:
        """Load points: 100 · hours · intensity²."""
        return 100.0 * self.duration_s / 3600.0 * self.intensity**2

    def distance_m(self, person: Person, performance: float) -> float:
        """Roughly how far it will be."""
        return typical_speed_m_s(person, self.sport, self.intensity) * performance * self.duration_s


def usual_load(person: Person) -> float:
    """Mean daily load of a person's habits."""
    return person.sessions_per_week / 7 * 100.0 * person.session_min / 60.0 * 0.5 * 1.1


def typical_speed_m_s(person: Person, sport: Sport, intensity: float) -> float:
    """Mean speed on the flat at an intensity; 0 where nobody moves on."""
    match sport:
        case "running":
            return person.threshold_speed_m_s * (0.25 + 0.75 * intensity)
        case "trail_running":
            return person.threshold_speed_m_s * 0.8 * (0.25 + 0.75 * intensity)
        case "cycling":
            return 8.3 * math.pow(intensity * person.ftp_w / 190.0, 0.4)
        case "mountain_biking":
            return 5.2 * math.sqrt(intensity * person.ftp_w / 190.0)
        case "swimming":
            return person.swim_speed_m_s * (0.55 + 0.45 * intensity)
        case "walking":
            return 1.45
        case "hiking":
            return 1.15
        case "rowing":
            return 3.4 * math.pow(intensity, 0.4)
        case "cross_country_skiing":
            return person.threshold_speed_m_s * 1.2 * (0.25 + 0.75 * intensity)
        case _:
            return 0.0


def plan_day(person: Person, form: Form, day: date, rng: np.random.Generator) -> list[Plan]:
    """What the athlete does on a local day: nothing, one workout, or two."""
    weekday = day.weekday()
    if weekday == 0:
        form.volume = float(np.clip(form.volume**0.6 * np.exp(rng.normal(0, 0.22)), 0.45, 1.9))
    chance = person.sessions_per_week * _WEEKDAY_WEIGHTS[weekday] * form.volume**0.5
    plans: list[Plan] = []
    free_from_us = 0
    for hour_shift in (0.0, 9.0):
        if rng.random() >= min(chance, 0.95):
            break
        chance = chance - 0.95 if chance > 0.95 else 0.02
        plan = _plan(person, form, day, rng, hour_shift)
        if plan.start_us >= free_from_us:
            plans.append(plan)
            free_from_us = plan.start_us + (plan.duration_s + 3600) * 1_000_000
    return plans


def _plan(person: Person, form: Form, day: date, rng: np.random.Generator, hour_shift: float) -> Plan:
    weekend = day.weekday() >= 5
    sport = person.sports[0] if rng.random() < person.main_share else person.sports[1]
    kind = _kind(sport, weekend, float(rng.random()))
    length = _LENGTH[kind] * _SPORT_LENGTH.get(sport, 1.0) * form.volume**0.6 * float(np.exp(rng.normal(0, 0.14)))
    if rng.random() < 0.03:  # a tour with friends, a lost way, an ambition: far more than usual
        length *= float(rng.uniform(1.4, 2.6))
    hour = (person.weekend_hour if weekend else person.weekday_hour) + hour_shift + float(rng.normal(0, 0.5))
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone_info(person.place.zone))
    start = midnight + timedelta(seconds=round(float(np.clip(hour, 4.5, 21.5)) * 3600))
    return Plan(
        sport=sport,
        kind=kind,
        start_us=int(start.timestamp()) * 1_000_000,
        duration_s=round(float(np.clip(person.session_min * length, 12, 420)) * 60),
        by_hand=bool(rng.random() < (0.15 if kind == "gym" else 0.015)),
    )


def _kind(sport: Sport, weekend: bool, dice: float) -> Kind:
    if sport == "strength":
        return "gym"
    if family_of(sport) == "walking":
        return "tour" if weekend and sport == "hiking" else "recovery"
    table: tuple[tuple[Kind, float], ...] = (
        (("long", 0.5), ("easy", 0.32), ("race", 0.05), ("tempo", 0.13))
        if weekend
        else (("easy", 0.55), ("tempo", 0.15), ("interval", 0.17), ("recovery", 0.13))
    )
    for kind, share in table:
        dice -= share
        if dice < 0:
            return kind
    return table[-1][0]
