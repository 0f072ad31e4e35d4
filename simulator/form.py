"""What training does to an athlete: fitness, fatigue, recent loads, and injuries."""

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from domain.sports import family_of

FITNESS_DAYS: Final = 42.0
FATIGUE_DAYS: Final = 7.0
# Gain and loss of performance per point of daily load, chosen so that form moves performance by some percent:
# performance = 1 + a·(fitness - usual) - b·(fatigue - fitness) (impulse response: Banister 1975, Morton 1990).
_GAIN: Final = 0.005
_LOSS: Final = 0.0008


@dataclass(slots=True)
class Form:
    """The state of one athlete; ``advance`` to a day before reading or adding to it."""

    usual_load: float  # mean daily load of the years before, in load points (an hour at threshold is 100)
    day: date
    fitness: float = 0.0
    fatigue: float = 0.0
    volume: float = 1.0  # this week's volume against the usual one: habits wander
    loads: list[tuple[date, float]] = field(default_factory=list)
    distances: list[tuple[date, str, float]] = field(default_factory=list)  # day, family, metres
    injured_from_us: int = 0
    injured_until_us: int = 0
    stated_performance: float = 1.0  # as the profile in the log has it
    stated_day: date | None = None
    workouts: int = 0

    def __post_init__(self) -> None:
        self.fitness = self.fatigue = self.usual_load

    def advance(self, day: date) -> None:
        """Let the days up to ``day`` pass."""
        days = (day - self.day).days
        if days > 0:
            self.fitness *= math.exp(-days / FITNESS_DAYS)
            self.fatigue *= math.exp(-days / FATIGUE_DAYS)
            self.day = day
            self.loads = [entry for entry in self.loads if (day - entry[0]).days < 28]
            self.distances = [entry for entry in self.distances if (day - entry[0]).days <= 30]

    def add(self, load: float, sport: str, distance_m: float) -> None:
        """A workout was done today."""
        self.fitness += load * (1 - math.exp(-1 / FITNESS_DAYS))
        self.fatigue += load * (1 - math.exp(-1 / FATIGUE_DAYS))
        self.loads.append((self.day, load))
        if distance_m > 0:
            self.distances.append((self.day, family_of(sport), distance_m))
        self.workouts += 1

    @property
    def performance(self) -> float:
        """Threshold power or speed today against that of the usual form; 0.85..1.15."""
        change = _GAIN * (self.fitness - self.usual_load) - _LOSS * (self.fatigue - self.fitness)
        return min(1.15, max(0.85, 1 + change))

    def longest_m(self, sport: str) -> float:
        """Longest single distance of the sport's family in the 30 days before; 0 if there is none."""
        family = family_of(sport)
        return max((metres for _, of, metres in self.distances if of == family), default=0.0)

    def acute_load(self) -> float:
        """Load of the last 7 days."""
        return sum(load for day, load in self.loads if (self.day - day).days < 7)
