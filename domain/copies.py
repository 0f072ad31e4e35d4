"""Which of many workouts say the same as another, and which of those was first."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from domain.fingerprint import SAME_SHARE, Fingerprint, same_share


@dataclass(frozen=True, slots=True)
class Marked:
    """A workout and the marks of its track. ``accepted_us`` is when the log took the workout."""

    user: str
    workout_id: str
    accepted_us: int
    start_us: int
    end_us: int
    marks: Fingerprint

    @property
    def order(self) -> tuple[int, str, str]:
        """Of two copies the original sorts first: what the log accepted first; on the same instant, by ids."""
        return self.accepted_us, self.user, self.workout_id

    @property
    def digest(self) -> int:
        """A number from 1 to 2^63 - 1 that changes with times and marks; 0 where there are no marks."""
        marks = (*self.marks.position, -1, *self.marks.heart_rate, -1, *self.marks.power)
        if len(marks) == 2:
            return 0
        said = (self.accepted_us, self.start_us, self.end_us, *marks)
        whole = blake2b(struct.pack(f"<{len(said)}q", *said), digest_size=8).digest()
        return int.from_bytes(whole, "little") >> 1 or 1


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A workout that shares ``share`` (0..1) of the marks of ``channel`` with another one, of the same user or not;
    ``digest`` is what its own was.
    """

    user: str
    workout_id: str
    accepted_us: int
    start_us: int
    end_us: int
    digest: int
    share: float
    channel: str

    @property
    def order(self) -> tuple[int, str, str]:
        """As of :class:`Marked`."""
        return self.accepted_us, self.user, self.workout_id


class SaidLookalike(msgspec.Struct, frozen=True):
    """The fact of what was said last of a workout."""

    lookalike: Lookalike | None


def lookalike(mine: Marked, other: Marked) -> Lookalike | None:
    """The other workout, if it says the same as mine: it shares a key and a quarter of the marks of a channel.

    Two recordings of one athlete at one time are no copies but duplicates (:mod:`domain.duplicates`).
    """
    if other.user == mine.user and other.start_us < mine.end_us and mine.start_us < other.end_us:
        return None
    if (other.user, other.workout_id) == (mine.user, mine.workout_id):
        return None
    if not {*mine.marks.keys} & {*other.marks.keys}:
        return None
    share, channel = same_share(mine.marks, other.marks)
    if share < SAME_SHARE:
        return None
    return Lookalike(
        other.user,
        other.workout_id,
        other.accepted_us,
        other.start_us,
        other.end_us,
        other.digest,
        share,
        channel,
    )


def first_lookalike(mine: Marked, others: Iterable[Marked]) -> Lookalike | None:
    """Of the others that say the same as mine the one that was accepted first."""
    found = (lookalike(mine, other) for other in sorted(others, key=lambda other: other.order))
    return next((one for one in found if one is not None), None)


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a workout: which lookalike was first, and whether both still have the digests that they had."""

    lookalike_order: tuple[int, str, str]
    is_current: bool


def must_look_again(said: Said | None, changed: tuple[int, str, str]) -> bool:
    """Whether a workout that shares keys with one that has changed must be looked at again.

    ``changed`` is the order of the latter. If an earlier lookalike is said, and neither has changed since, nothing that
    comes later than that one makes a difference. So of a thousand copies of one track, the thousandth makes none of the
    others be looked at again.
    """
    return said is None or not said.is_current or said.lookalike_order >= changed
