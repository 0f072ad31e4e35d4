"""Groups as documents: one a group with its members and their roles, and one a user with the groups that they are in.

Every partition has a copy of what happens to groups; the group's home writes, and only there its events are kept.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

from domain.groups import Group, GroupEvent, group_of
from schemas import hot
from sinks.base import Document, Span
from stridelog.batch import Record
from stridelog.homes import Homes
from stridelog.state import Index, State, everyone

COLLECTION: Final = "groups"
OF_USERS: Final = "memberships"
GROUP_MESSAGES: Final = (
    hot.GroupCreated,
    hot.GroupJoined,
    hot.GroupLeft,
    hot.GroupRoleChanged,
    hot.GroupMemberRemoved,
    hot.GroupClosed,
)


def group_event(message: Any) -> GroupEvent:
    """What happened, of one of ``GROUP_MESSAGES``."""
    data, user = message.data, message.user
    head = (data.group_id, message.id)
    match message:
        case hot.GroupCreated():
            return GroupEvent(*head, "created", message.time, user, user, name=data.name, sport=data.sport)
        case hot.GroupJoined():
            return GroupEvent(*head, "joined", message.time, user, user)
        case hot.GroupLeft():
            return GroupEvent(*head, "left", message.time, user, user)
        case hot.GroupRoleChanged():
            return GroupEvent(*head, "role_changed", message.time, user, data.actor, data.role)
        case hot.GroupMemberRemoved():
            return GroupEvent(*head, "removed", message.time, user, data.actor)
        case hot.GroupClosed():
            return GroupEvent(*head, "closed", message.time, user, user)
    raise TypeError(f"{type(message).__name__} is about no group")


class KnownGroups(Index):
    """All groups of which there are events."""

    kinds = (GroupEvent,)

    def __init__(self) -> None:
        self.events: defaultdict[str, dict[str, GroupEvent]] = defaultdict(dict)  # by group and event
        self._groups: dict[str, Group | None] = {}

    def put(self, id: str, fact: GroupEvent) -> None:
        self.events[fact.group_id][id] = fact
        self._groups.pop(fact.group_id, None)

    def group(self, group_id: str) -> Group | None:
        """A group as it is; ``None``: nobody founded it."""
        if group_id not in self._groups:
            self._groups[group_id] = group_of(self.events.get(group_id, {}).values())
        return self._groups[group_id]

    def group_before(self, group_id: str, state: State, user: str, offset: int) -> Group | None:
        """A group without what came at an offset and later; its facts are those of ``user``."""
        known = self.events.get(group_id, {})
        offsets = {id: found.offset for id in known if (found := state.get(user, GroupEvent, id)) is not None}
        return group_of(event for id, event in known.items() if offsets[id] < offset)


class Groups:
    """One batch of the ``groups`` agent."""

    def __init__(self, state: State, span: Span, homes: Homes) -> None:
        self.state = state
        self.span = span
        self.homes = homes
        self.everyone = everyone(span.partition)
        self.touched: defaultdict[str, set[str]] = defaultdict(set)  # group → users whom its events are about

    def keep(self, records: Iterable[Record]) -> Counter[str]:
        """Take the events in; how many records needed nothing, by reason."""
        dropped: Counter[str] = Counter()
        for offset, _, message in records:
            event = group_event(message)
            known = self.state.get(self.everyone, GroupEvent, event.event_id)
            if self.homes.of(event.group_id) != self.span.partition:
                dropped["at_home_elsewhere"] += 1
            elif known is not None and known.settled(self.span):
                dropped["duplicate"] += 1
            else:
                if known is None:
                    self.state.put(self.everyone, event.event_id, event, offset)
                self.touched[event.group_id].add(event.user)
        return dropped

    def documents(self) -> list[Document]:
        """Each touched group as it is, and the roles of all whom that changes."""
        found: list[Document] = []
        groups = self.state.index(self.everyone, KnownGroups)
        users: defaultdict[str, tuple[dict[str, Any], list[str]]] = defaultdict(lambda: ({}, []))
        for group_id, about in sorted(self.touched.items()):
            group = groups.group(group_id)
            before = groups.group_before(group_id, self.state, self.everyone, self.span.first)
            now, was = (group.members if group else {}), (before.members if before else {})
            if group is not None:
                found.append(Document(COLLECTION, group_id, set=_shown(group)))
            for user in sorted(about | {user for user in now.keys() | was.keys() if now.get(user) != was.get(user)}):
                if user in now:
                    users[user][0][f"groups.{group_id}"] = now[user]
                else:
                    users[user][1].append(f"groups.{group_id}")
        return found + [Document(OF_USERS, user, set=roles, unset=gone) for user, (roles, gone) in users.items()]


def _shown(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "sport": group.sport,
        "founder": group.founder,
        "created_at": group.created_us,
        "closed_at": group.closed_us,
        "size": len(group.members),
        "members": [{"user": user, "role": role} for user, role in sorted(group.members.items())],
        "refused": dict(sorted(group.refused.items())),
    }
