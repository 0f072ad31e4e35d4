"""What athletes say of themselves by which boards can be narrowed: sex, year of birth, country."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from domain.athlete import Sex

_FIELDS: Final = ("sex", "birth_year", "country")


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


def resident_of(told: Iterable[Told], erased_us: int) -> Resident | None:
    """The athlete by what was told after ``erased_us`` (µs; -1: never erased): registration first, then every change in
    the order of its time; ``None`` without a registration.
    """
    known: dict[str, object] = {}
    for word in sorted(told, key=lambda t: (not t.registration, t.time_us, t.event_id)):
        if word.time_us > erased_us and (known or word.registration):
            known.update({name: value for name in _FIELDS if (value := getattr(word, name)) is not None})
            known.setdefault("sex", "unspecified")
    if not known:
        return None
    return Resident(known["sex"], known.get("birth_year"), known.get("country"))  # type: ignore[arg-type]
