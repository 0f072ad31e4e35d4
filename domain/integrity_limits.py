"""Human limits, by sport, sex, distance and duration: what no athlete did.

A limit is a published record times a margin. The margins are this project's convention: they stand for the errors of
consumer GPS, for wind, drafting and currents, and for records that fall after this table was written. A record over
a distance also bounds every longer one, since mean speed falls with distance.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from domain.athlete import Sex
from domain.sports import Family, family_of

Race = Literal["foot", "wheel", "swim", "boat", "skate"]

GRAVITY_M_S2: Final = 9.80665


@dataclass(frozen=True, slots=True)
class Record:
    """The fastest that a human covered a distance; ``authority`` is who keeps the list."""

    distance_m: float
    duration_s: float
    holder: str
    day: date
    authority: str

    @property
    def speed_m_s(self) -> float:
        """Mean speed in m/s."""
        return self.distance_m / self.duration_s


_WA, _IAU = "World Athletics", "IAU"
_RECORDS: Final[dict[tuple[Race, Sex], tuple[Record, ...]]] = {
    ("foot", "male"): (
        Record(400.0, 43.03, "Wayde van Niekerk", date(2016, 8, 14), _WA),
        Record(800.0, 100.91, "David Rudisha", date(2012, 8, 9), _WA),
        Record(1000.0, 131.96, "Noah Ngeny", date(1999, 9, 5), _WA),
        Record(1500.0, 206.00, "Hicham El Guerrouj", date(1998, 7, 14), _WA),
        Record(1609.344, 223.13, "Hicham El Guerrouj", date(1999, 7, 7), _WA),
        Record(5000.0, 755.36, "Joshua Cheptegei", date(2020, 8, 14), _WA),
        Record(10_000.0, 1571.00, "Joshua Cheptegei", date(2020, 10, 7), _WA),
        Record(21_097.5, 3450.0, "Yomif Kejelcha", date(2024, 10, 27), _WA),
        Record(42_195.0, 7235.0, "Kelvin Kiptum", date(2023, 10, 8), _WA),
        Record(100_000.0, 21_935.0, "Aleksandr Sorokin", date(2023, 5, 14), _IAU),
        Record(319_614.0, 86_400.0, "Aleksandr Sorokin", date(2022, 9, 18), _IAU),
    ),
    ("foot", "female"): (
        Record(400.0, 47.60, "Marita Koch", date(1985, 10, 6), _WA),
        Record(800.0, 113.28, "Jarmila Kratochvílová", date(1983, 7, 26), _WA),
        Record(1000.0, 148.98, "Svetlana Masterkova", date(1996, 8, 23), _WA),
        Record(1500.0, 228.68, "Faith Kipyegon", date(2025, 7, 5), _WA),
        Record(1609.344, 247.64, "Faith Kipyegon", date(2023, 7, 21), _WA),
        Record(5000.0, 838.06, "Beatrice Chebet", date(2025, 7, 5), _WA),
        Record(10_000.0, 1734.14, "Beatrice Chebet", date(2024, 5, 25), _WA),
        Record(21_097.5, 3772.0, "Letesenbet Gidey", date(2021, 10, 24), _WA),
        Record(42_195.0, 7796.0, "Ruth Chepngetich", date(2024, 10, 13), _WA),
        Record(100_000.0, 23_591.0, "Tomoe Abe", date(2000, 6, 25), _IAU),
    ),
    ("wheel", "male"): (
        Record(200.0, 8.857, "Matthew Richardson", date(2025, 8, 15), "UCI"),
        Record(4000.0, 220.730, "Australia, team pursuit", date(2024, 8, 6), "UCI"),
        Record(56_792.0, 3600.0, "Filippo Ganna", date(2022, 10, 8), "UCI"),
        Record(1_026_215.0, 86_400.0, "Christoph Strasser", date(2021, 7, 17), "WUCA"),
    ),
    ("wheel", "female"): (
        Record(200.0, 10.029, "Lea Friedrich", date(2024, 8, 9), "UCI"),
        Record(4000.0, 244.306, "Germany, team pursuit", date(2021, 8, 3), "UCI"),
        Record(50_455.0, 3600.0, "Vittoria Bussi", date(2025, 5, 10), "UCI"),
    ),
    ("swim", "male"): (  # short course: a pool of 25 m is faster than one of 50 m, and than open water
        Record(400.0, 212.25, "Yannick Agnel", date(2012, 11, 15), "World Aquatics"),
        Record(1500.0, 846.88, "Florian Wellbrock", date(2021, 12, 21), "World Aquatics"),
    ),
    ("swim", "female"): (Record(400.0, 230.25, "Summer McIntosh", date(2024, 12, 10), "World Aquatics"),),
    ("boat", "male"): (Record(2000.0, 318.68, "Germany, eight", date(2017, 6, 18), "World Rowing"),),
    ("skate", "male"): (
        Record(500.0, 33.61, "Pavel Kulizhnikov", date(2019, 3, 9), "ISU"),
        Record(10_000.0, 745.69, "Davide Ghiotto", date(2025, 1, 25), "ISU"),
    ),
}
# Convention. A run's distance is off by a few percent at most; a wheel has wind and company, water has a current.
MARGIN: Final[dict[Race, float]] = {"foot": 1.05, "wheel": 1.10, "swim": 1.10, "boat": 1.10, "skate": 1.10}

_RACES: Final[dict[Family, Race]] = {
    "running": "foot",
    "walking": "foot",  # who runs on a walk has named it wrongly, and is not faster than a runner
    "ball": "foot",
    "cycling": "wheel",
    "ebike": "wheel",
    "swimming": "swim",
    "skating": "skate",
}

# The best row of the power profile, W per kg of rider (Allen, Coggan, McGregor 2019, ISBN 978-1-937715-93-9): a
# minute, five minutes, and what is held for an hour. Twenty minutes are that over 0.95, as in their test.
_POWER_W_KG: Final[dict[Sex, tuple[tuple[float, float], ...]]] = {
    "male": ((60.0, 11.50), (300.0, 7.60), (1200.0, 6.40 / 0.95), (3600.0, 6.40)),
    "female": ((60.0, 9.29), (300.0, 6.74), (1200.0, 5.69 / 0.95), (3600.0, 5.69)),
}
POWER_MARGIN: Final = 1.10  # convention: a power meter and a scale are each off by a few percent
LIGHTEST_BIKE_KG: Final = 6.8  # the least that the UCI admits (regulation 1.3.019)
# Convention: a fifth above Philip Götsch's vertical kilometre, 1000 m in 28:53 at Fully in 2017 (0.577 m/s).
FOOT_CLIMB_M_S: Final = 0.70


def race_of(sport: str) -> Race | None:
    """Under which records a sport is judged; ``None`` for one that has no limit here (snow, gym, climbing, what nobody
    named: a flight).
    """
    if sport == "rowing":  # paddling has white water
        return "boat"
    return _RACES.get(family_of(sport))


def records_of(race: Race, sex: Sex) -> tuple[Record, ...]:
    """The records by rising distance. Sex unspecified, and a race without a table for women: those of men, which are
    the wider limit.
    """
    return _RECORDS.get((race, sex)) or _RECORDS[race, "male"]


def record_over(race: Race, sex: Sex, distance_m: float) -> Record | None:
    """The record that bounds the mean speed over ``distance_m``: that of the longest distance that is no longer."""
    return next((r for r in reversed(records_of(race, sex)) if r.distance_m <= distance_m), None)


def record_within(race: Race, sex: Sex, duration_s: float) -> Record | None:
    """The record that bounds the mean speed over ``duration_s``: that of the longest duration that is no longer."""
    return next((r for r in reversed(records_of(race, sex)) if r.duration_s <= duration_s), None)


def power_limit_w_kg(sex: Sex, duration_s: float) -> float | None:
    """W per kg of rider that nobody holds for ``duration_s``; ``None`` under a minute."""
    rows = _POWER_W_KG["female" if sex == "female" else "male"]
    return next((most * POWER_MARGIN for seconds, most in reversed(rows) if seconds <= duration_s), None)


def climbing_w_kg(rise_m_s: float, mass_kg: float) -> float:
    """The least W per kg of rider that a bicycle takes to rise by ``rise_m_s``: g · rise · (rider + bike) / rider.

    The work against gravity alone, with the lightest bike; rolling and air come on top (Martin et al. 1998, J Appl
    Biomech 14, 276-291).

    Criticism: a lower bound. On a gentle slope most of the power goes into air, so a motor there is not seen.
    """
    return GRAVITY_M_S2 * rise_m_s * (mass_kg + LIGHTEST_BIKE_KG) / mass_kg


def climb_limit_m_s(race: Race, sex: Sex, mass_kg: float, duration_s: float) -> float | None:
    """Vertical metres a second that nobody climbs for ``duration_s`` on foot or by bicycle; ``None`` for another race,
    and under five minutes, where a barometer's error and a run-up count as much.
    """
    if duration_s < 300.0:
        return None
    if race == "foot":
        return FOOT_CLIMB_M_S
    most = power_limit_w_kg(sex, duration_s) if race == "wheel" else None
    return None if most is None else most / climbing_w_kg(1.0, mass_kg)
