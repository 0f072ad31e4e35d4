"""What is known of a user's workouts, as facts, and how facts combine.

Each rule gives the same answer in whatever order the facts arrived, and whether they arrived once or more often.
"""

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple

import msgspec

from domain.athlete import Athlete, Sex
from domain.fusing import ChannelSource
from domain.integrity_flags import Flag
from domain.shown import ShownPart
from domain.summary import Stated, Summary
from domain.visibility import Override

_CORRECTED = ("title", "sport", "rpe", "visibility")
_ATHLETE_FIELDS = ("birth_year", "mass_kg", "hr_max_bpm", "hr_rest_bpm", "lthr_bpm", "ftp_w", "threshold_speed_m_s")


class Profile(msgspec.Struct, frozen=True):
    """What a user said of themselves, at registration or later; ``None`` says nothing."""

    event_id: str
    time_us: int  # it counts from then on
    registration: bool
    sex: Sex | None = None
    birth_year: int | None = None
    mass_kg: float | None = None
    hr_max_bpm: float | None = None
    hr_rest_bpm: float | None = None
    lthr_bpm: float | None = None
    ftp_w: float | None = None
    threshold_speed_m_s: float | None = None


class Completion(msgspec.Struct, frozen=True):
    """A workout as its device or the athlete reported it."""

    event_id: str
    time_us: int
    zone: str  # where it was done
    sport: str
    device_id: str | None
    start_us: int
    end_us: int
    pauses: tuple[tuple[int, int], ...]
    stated: Stated
    rpe: float | None = None
    title: str | None = None
    visibility: Override = Override()
    accepted_us: int = 2**63 - 1  # when the log took in the first report of the workout; last: not known
    source: str = ""  # who reported it: device:watch, file:fit, app:…


class Correction(msgspec.Struct, frozen=True):
    """An edit by the athlete; ``None`` leaves a field as it is."""

    event_id: str
    time_us: int
    title: str | None = None
    sport: str | None = None
    rpe: float | None = None
    visibility: Override | None = None  # all of it anew


class Appeal(msgspec.Struct, frozen=True):
    """What the athlete says against the flags of a workout."""

    event_id: str
    time_us: int
    text: str


class Review(msgspec.Struct, frozen=True):
    """A person's verdict on rules of integrity, each at a version, that flag a workout."""

    event_id: str
    time_us: int
    reviewer: str
    verdict: Literal["upheld", "reinstated"]
    why: str
    rules: tuple[tuple[str, int], ...]


class Deletion(msgspec.Struct, frozen=True):
    """The workout is void, for good: sent again, it stays deleted."""

    time_us: int


class Erasure(msgspec.Struct, frozen=True):
    """The user had everything erased; it holds for workouts that started before."""

    time_us: int


class Place(NamedTuple):
    """Where a workout stands in time."""

    start_us: int
    end_us: int
    day: date  # local day of the start


class Summarised(msgspec.Struct, frozen=True):
    """The last summary of a workout, and every other place that it has had: others overlapped it or looked back at it
    there.
    """

    sport: str
    start_us: int
    end_us: int
    day: date  # local day of the start
    channels: int  # channels with samples, in its own recording
    samples: int  # time points of its own recording
    summary: Summary  # from all recordings of the activity, if it is the one that counts
    duplicate_of: str | None  # the workout of its cluster that counts, if that is another one
    flags: tuple[Flag, ...] = ()  # what the rules of integrity say
    earlier: tuple[Place, ...] = ()
    shown: ShownPart | None = None  # what others see of it, where privacy zones cut
    sources: tuple[ChannelSource, ...] = ()  # who gave values to each channel, where there are others
    digest: int = 0  # of the marks of its track (domain.copies.Marked); 0: it has none

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it stands, then where it stood."""
        return Place(self.start_us, self.end_us, self.day), *self.earlier


def athlete_at(profiles: Iterable[Profile], time_us: int) -> Athlete:
    """The athlete as of a time: what registration said, then every change up to ``time_us`` in the order of its time.

    Registration counts for the time before it too, so that imported workouts have an athlete.
    """
    known: dict[str, object] = {}
    for profile in sorted(profiles, key=lambda p: (not p.registration, p.time_us, p.event_id)):
        if profile.registration or profile.time_us <= time_us:
            known.update({name: v for name in (*_ATHLETE_FIELDS, "sex") if (v := getattr(profile, name)) is not None})
    return Athlete(**known)  # type: ignore[arg-type] # the fields of Profile are those of Athlete


def reported(new: Completion, old: Completion | None) -> Completion:
    """What two reports of a workout say together: the longer one prevails, then the later one, then one that names the
    place, which the same file sent before may not have done; it was accepted when the first was.
    """
    if old is None:
        return new
    last = new if _rank(new) > _rank(old) else old
    return msgspec.structs.replace(last, accepted_us=min(new.accepted_us, old.accepted_us))


def _rank(completion: Completion) -> tuple[int, int, str, bool, str]:
    zone = completion.zone
    duration_us = completion.end_us - completion.start_us
    return (duration_us, completion.time_us, completion.event_id, "/" in zone, zone)  # Europe/Oslo, not UTC or +02:00


def corrected(completion: Completion, corrections: Iterable[Correction]) -> Completion:
    """The workout with all edits applied, the latest of each field counting."""
    changes: dict[str, object] = {}
    for edit in sorted(corrections, key=lambda c: (c.time_us, c.event_id)):
        changes.update({name: v for name in _CORRECTED if (v := getattr(edit, name)) is not None})
    return msgspec.structs.replace(completion, **changes)
