"""What athletes say of themselves by which boards can be narrowed: sex, year of birth, country."""

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from domain.athlete import Sex

_FIELDS: Final = ("sex", "birth_year", "country")


class Word(Protocol):
    """What a user said of themselves, at registration or later."""

    @property
    def event_id(self) -> str: ...
    @property
    def time_us(self) -> int: ...
    @property
    def registration(self) -> bool: ...


W = TypeVar("W", bound=Word)


class Told(msgspec.Struct, frozen=True):
    """What a user said at registration or later; ``None`` says nothing."""

    event_id: str
    time_us: int
    registration: bool
    sex: Sex | None = None
    birth_year: int | None = None
    country: str | None = None


class Resident(NamedTuple):
    """An athlete as of the last word; ``None`` where nobody said."""

    sex: Sex
    birth_year: int | None
    country: str | None


class AgeGroup(NamedTuple):
    """Ages that count, both included. An athlete is as old as they become in the year that is looked at."""

    least: int
    most: int

    def births(self, year: int) -> tuple[int, int]:
        """First and last year of birth of those who are in it in ``year``."""
        return year - self.most, year - self.least


MOST_AGE: Final = 120


def age_group(text: str) -> AgeGroup:
    """``"40-49"``, ``"-19"`` or ``"70-"``. Raises ``ValueError`` that says how to write one."""
    least, dash, most = text.partition("-")
    if dash and (least or most) and all(part == "" or (part.isascii() and part.isdigit()) for part in (least, most)):
        group = AgeGroup(int(least or 0), int(most or MOST_AGE))
        if group.least <= group.most <= MOST_AGE:
            return group
    raise ValueError(f"{text!r} is no age group: write one like 40-49, -19 or 70-, up to {MOST_AGE}")


def in_force(words: Iterable[W], erased_us: int) -> list[W]:
    """What was said after ``erased_us`` (µs; -1: never erased), in the order in which it counts: registration first,
    then every change by its time. Nothing of who did not register since.
    """
    left = [word for word in words if word.time_us > erased_us]
    left.sort(key=lambda word: (not word.registration, word.time_us, word.event_id))
    return left if left and left[0].registration else []


def resident_of(told: Iterable[Told], erased_us: int) -> Resident | None:
    """The athlete by what was told after ``erased_us`` (µs; -1: never erased); ``None`` without a registration."""
    words = in_force(told, erased_us)
    if not words:
        return None
    known: dict[str, object] = {"sex": "unspecified"}
    for word in words:
        known.update({name: value for name in _FIELDS if (value := getattr(word, name)) is not None})
    return Resident(known["sex"], known.get("birth_year"), known.get("country"))  # type: ignore[arg-type]
