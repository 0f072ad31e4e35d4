"""Challenges: what was asked of whom, and whose workouts count for it.

A challenge is a function of the set of events about it, the groups, and who takes part: they may come in any order.
The first who defines one owns it: they alone may define it anew or remove it. A challenge of groups is defined by an
owner or admin of one of them, as they were at that time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from domain.groups import Group
from domain.targets import Measure, Window

Kind = Literal["individual", "team"]
Groups = Callable[[str], Group | None]
"""A group by its id."""


class Challenge(msgspec.Struct, frozen=True):
    """What is asked. ``groups``: of a team challenge the teams; of another, whose members may take part; none: all."""

    title: str
    kind: Kind
    measure: Measure
    window: Window
    groups: tuple[str, ...] = ()


class ChallengeEvent(msgspec.Struct, frozen=True):
    """Somebody (``by``) defined a challenge at ``time_us`` (UTC, µs), or removed it."""

    challenge_id: str
    event_id: str
    time_us: int
    by: str
    challenge: Challenge | None  # ``None``: removed


class Entry(msgspec.Struct, frozen=True):
    """The last word of a user on a challenge: in it, for the team ``group_id``, or not."""

    challenge_id: str
    user: str
    time_us: int
    event_id: str
    joined: bool
    group_id: str | None = None
    offset: int = 0  # of the record that brought it

    @property
    def order(self) -> tuple[int, str]:
        """The greater one is the later word."""
        return self.time_us, self.event_id


@dataclass(frozen=True, slots=True)
class Standing:
    """A challenge as it is, whose it is, and how many events about it had no effect."""

    challenge: Challenge | None
    owner: str
    refused: int


def standing_of(events: Iterable[ChallengeEvent], groups: Groups) -> Standing | None:
    """What the events about one challenge come to, whatever their order; ``None``: nobody defined it who may.

    After it is removed nothing brings it back.
    """
    owner, challenge, removed, refused = "", None, False, 0
    for event in sorted(events, key=lambda event: (event.time_us, event.event_id)):
        if removed or (owner and event.by != owner) or not _may_define(event, groups):
            refused += 1
        elif event.challenge is not None:
            owner, challenge = event.by, event.challenge
        elif owner:
            challenge, removed = None, True
        else:
            refused += 1  # removed before it was there
    return Standing(challenge, owner, refused) if owner else None


def _may_define(event: ChallengeEvent, groups: Groups) -> bool:
    if event.challenge is None or not event.challenge.groups:
        return True
    found = (groups(group_id) for group_id in event.challenge.groups)
    return any(group is not None and group.role_at(event.by, event.time_us) in ("owner", "admin") for group in found)


def takes_part(entry: Entry, challenge: Challenge | None, groups: Groups) -> bool:
    """Whether a user's workouts count for a challenge: they joined it, and are in the group that it takes."""
    if challenge is None or not entry.joined:
        return False
    if not challenge.groups:
        return True
    wanted = challenge.groups
    if challenge.kind == "team":
        wanted = (entry.group_id,) if entry.group_id in challenge.groups else ()
    return any(group is not None and entry.user in group.members for group in map(groups, wanted))
