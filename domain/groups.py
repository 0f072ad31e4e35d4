"""Groups: who is in one, in which role, and who may do what.

A group is a function of the set of its events: they are gone through in the order of their own times, whatever the
order in which they came, and what was not allowed when it happened has no effect and is counted. So a member who
joined before we heard of the founding is a member once we have.

| what | who may |
|---|---|
| found | anybody, once for each group; the founder is its first owner |
| join | anybody who is not in it, also who was removed |
| leave | a member; not the last owner, who names another or closes the group |
| give a role | an owner, to anybody in it; anybody, a lower one to themselves; the last owner stays one |
| remove | an owner whomever but the last owner, an admin plain members |
| close | an owner; nobody is in it any more |
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import msgspec

Role = Literal["owner", "admin", "member"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""The mightiest first."""
Change = Literal["created", "joined", "role_changed", "removed", "left", "closed"]
CHANGES: Final[tuple[Change, ...]] = get_args(Change)
"""What happens to groups; of events at the same microsecond, those further in front come first."""
Refusal = Literal["exists", "no_group", "closed", "already_in", "not_in", "not_allowed", "last_owner"]
"""Why an event has no effect."""


class GroupEvent(msgspec.Struct, frozen=True):
    """Something that happened to a group at ``time_us`` (UTC, µs): ``actor`` did it to ``user``."""

    group_id: str
    event_id: str
    change: Change
    time_us: int
    user: str
    actor: str
    role: Role | None = None  # that is given
    name: str = ""  # of a new group …
    sport: str = ""  # … and its sport


@dataclass(slots=True)
class Group:
    """A group after some events; ``members`` have their roles, ``refused`` counts the events without an effect."""

    group_id: str
    name: str
    sport: str
    founder: str
    created_us: int
    closed_us: int | None = None
    members: dict[str, Role] = field(default_factory=dict)
    refused: Counter[Refusal] = field(default_factory=Counter)
    _history: dict[str, list[tuple[int, Role | None]]] = field(default_factory=dict)  # user → since when, which role

    def role_at(self, user: str, time_us: int) -> Role | None:
        """A user's role after what happened up to a time; ``None``: not in the group."""
        history = self._history.get(user, [])
        place = bisect_right(history, time_us, key=lambda change: change[0])
        return history[place - 1][1] if place else None

    @property
    def _owners(self) -> int:
        return sum(role == "owner" for role in self.members.values())

    def take(self, event: GroupEvent) -> None:
        """What comes next; without an effect where it is not allowed."""
        refusal = self._refusal(event)
        if refusal is not None:
            self.refused[refusal] += 1
            return
        match event.change:
            case "joined":
                self._set(event.user, "member", event.time_us)
            case "role_changed":
                self._set(event.user, event.role, event.time_us)
            case "removed" | "left":
                self._set(event.user, None, event.time_us)
            case "closed":
                self.closed_us = event.time_us
                for user in tuple(self.members):
                    self._set(user, None, event.time_us)

    def _set(self, user: str, role: Role | None, time_us: int) -> None:
        self._history.setdefault(user, []).append((time_us, role))
        if role is None:
            del self.members[user]
        else:
            self.members[user] = role

    def _refusal(self, event: GroupEvent) -> Refusal | None:
        if event.change == "created":
            return "exists"
        if self.closed_us is not None:
            return "closed"
        if event.change == "joined":
            return "already_in" if event.user in self.members else None
        mine, theirs = self.members.get(event.actor), self.members.get(event.user)
        if mine is None or theirs is None:
            return "not_in"
        if not _may(event, mine, theirs):
            return "not_allowed"
        stays = event.change == "closed" or (event.change == "role_changed" and event.role == "owner")
        return "last_owner" if theirs == "owner" and self._owners == 1 and not stays else None


def _may(event: GroupEvent, mine: Role, theirs: Role) -> bool:
    """Whether ``actor`` (whose role is ``mine``) may do it to ``user``, as far as roles go."""
    match event.change:
        case "left":
            return event.actor == event.user
        case "role_changed":
            lower = event.actor == event.user and ROLES.index(event.role or "member") >= ROLES.index(theirs)
            return mine == "owner" or lower
        case "removed":
            return mine == "owner" or (mine == "admin" and theirs == "member")
    return mine == "owner"  # closes it


def group_of(events: Iterable[GroupEvent]) -> Group | None:
    """The group that its events make, whatever their order; ``None`` while nobody has founded it.

    Give each event once; all of one group.
    """
    group: Group | None = None
    early: Counter[Refusal] = Counter()
    for event in sorted(events, key=lambda event: (event.time_us, CHANGES.index(event.change), event.event_id)):
        if group is not None:
            group.take(event)
        elif event.change == "created":
            group = Group(event.group_id, event.name, event.sport, event.user, event.time_us, refused=early)
            group._set(event.user, "owner", event.time_us)
        else:
            early["no_group"] += 1
    return group
