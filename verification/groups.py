"""From the copies of what happened to groups to groups, and who is in which."""

from collections.abc import Iterable
from typing import Any, Final

from domain.groups import Change, Group, GroupEvent, group_of
from schemas import hot
from verification.outcomes import Valid

MESSAGES: Final = (
    hot.GroupCreated,
    hot.GroupJoined,
    hot.GroupLeft,
    hot.GroupRoleChanged,
    hot.GroupMemberRemoved,
    hot.GroupClosed,
)
_CHANGES: Final[dict[str, Change]] = {
    "GroupCreated": "created",
    "GroupJoined": "joined",
    "GroupLeft": "left",
    "GroupRoleChanged": "role_changed",
    "GroupMemberRemoved": "removed",
    "GroupClosed": "closed",
}


def groups_of(records: Iterable[Valid]) -> dict[str, Group]:
    """The groups that were founded, by id."""
    events: dict[str, dict[str, GroupEvent]] = {}
    for _, _, message in records:
        data = message.data
        events.setdefault(data.group_id, {})[message.id] = GroupEvent(
            group_id=data.group_id,
            event_id=message.id,
            change=_CHANGES[message.type],
            time_us=message.time,
            user=message.user,
            actor=getattr(data, "actor", message.user),
            role=getattr(data, "role", None),
            name=getattr(data, "name", ""),
            sport=getattr(data, "sport", ""),
        )
    found = {group_id: group_of(known.values()) for group_id, known in events.items()}
    return {group_id: group for group_id, group in found.items() if group is not None}


def shown(group: Group) -> dict[str, Any]:
    """A group's document, without its id."""
    return {
        "name": group.name,
        "sport": group.sport,
        "founder": group.founder,
        "created_at": group.created_us,
        "closed_at": group.closed_us,
        "size": len(group.members),
        "members": [{"user": user, "role": group.members[user]} for user in sorted(group.members)],
        "refused": dict(group.refused),
    }
