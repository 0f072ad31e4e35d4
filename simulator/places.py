"""Where the athletes live: time zone, position, hills and climate."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """A home town."""

    name: str
    country: str  # ISO 3166-1 alpha-2
    zone: str  # IANA
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    hills_m: float  # typical height of a hill above its valley
    mean_temperature_c: float
    season_c: float  # summer is so much warmer than the mean; below the equator in January


PLACES: Final = (
    Place("Bergen", "NO", "Europe/Oslo", 60.391, 5.322, 40, 90, 8, 7),
    Place("Freiburg", "DE", "Europe/Berlin", 47.999, 7.842, 280, 60, 11, 9),
    Place("Girona", "ES", "Europe/Madrid", 41.979, 2.821, 75, 55, 15, 9),
    Place("Sheffield", "GB", "Europe/London", 53.381, -1.470, 130, 45, 10, 6),
    Place("Utrecht", "NL", "Europe/Amsterdam", 52.090, 5.122, 5, 3, 11, 7),
    Place("Boulder", "US", "America/Denver", 40.015, -105.271, 1650, 80, 10, 12),
    Place("Boston", "US", "America/New_York", 42.360, -71.058, 30, 18, 11, 12),
    Place("Curitiba", "BR", "America/Sao_Paulo", -25.429, -49.271, 930, 30, 17, 4),
    Place("Iten", "KE", "Africa/Nairobi", 0.673, 35.509, 2400, 60, 18, 1),
    Place("Pokhara", "NP", "Asia/Kathmandu", 28.210, 83.986, 820, 90, 20, 6),
    Place("Kobe", "JP", "Asia/Tokyo", 34.690, 135.196, 40, 55, 17, 11),
    Place("Wanaka", "NZ", "Pacific/Auckland", -44.700, 169.132, 300, 70, 10, 7),
)
