"""Strength training: volume, and the weight that could be lifted once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_REPETITIONS: Final = 10


@dataclass(frozen=True, slots=True)
class StrengthSet:
    """Repetitions of one exercise without a rest, with ``mass_kg`` moved each time."""

    exercise: str
    repetitions: int
    mass_kg: float


def volume_load_kg(sets: Iterable[StrengthSet]) -> float:
    """Repetitions × mass, added up over sets. A convention of strength training.

    Criticism: ten times 50 kg and five times 100 kg are not the same session, and bodyweight exercises count nothing.
    """
    return sum(one.repetitions * one.mass_kg for one in sets)


def one_repetition_maximum_epley_kg(mass_kg: float, repetitions: int) -> float | None:
    """Mass × (1 + repetitions / 30); the mass itself for one; ``None`` for none or for more than 10.

    Epley 1985, Boyd Epley Workout (Body Enterprises).

    Criticism: one line for all exercises and people; above ten repetitions it measures endurance.
    """
    if not 1 <= repetitions <= MOST_REPETITIONS:
        return None
    return mass_kg if repetitions == 1 else mass_kg * (1 + repetitions / 30)


def one_repetition_maximum_brzycki_kg(mass_kg: float, repetitions: int) -> float | None:
    """Mass × 36 / (37 - repetitions); ``None`` for no repetition or for more than 10.

    Brzycki 1993, doi 10.1080/07303084.1993.10606684.

    Criticism: as of Epley's; the two differ most at many repetitions.
    """
    return mass_kg * 36 / (37 - repetitions) if 1 <= repetitions <= MOST_REPETITIONS else None
