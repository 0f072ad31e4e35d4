"""Groups and who is in them: topic groups, of which every partition has a copy.

The envelope's user is the member whom the fact is about; ``actor`` is who did it to them. What somebody was not
allowed to do has no effect: domain.groups.
"""

from typing import ClassVar, Literal

from schemas.envelope import Event, Part
from schemas.types import Name, Role, Sport, User, Uuid


class GroupCreatedData(Part):
    """The group."""

    group_id: Uuid
    """The group."""
    name: Name
    """Its name."""
    sport: Sport
    """The sport that it belongs to."""


class GroupCreated(Event[GroupCreatedData]):
    """The user founded a group, and is its owner."""

    for_everyone: ClassVar[bool] = True

    type: Literal["GroupCreated"] = "GroupCreated"
    version: Literal[1] = 1


class GroupJoinedData(Part):
    """The group."""

    group_id: Uuid
    """The group."""


class GroupJoined(Event[GroupJoinedData]):
    """The user joined a group."""

    for_everyone: ClassVar[bool] = True

    type: Literal["GroupJoined"] = "GroupJoined"
    version: Literal[1] = 1


class GroupLeftData(Part):
    """The group."""

    group_id: Uuid
    """The group."""


class GroupLeft(Event[GroupLeftData]):
    """The user left a group."""

    for_everyone: ClassVar[bool] = True

    type: Literal["GroupLeft"] = "GroupLeft"
    version: Literal[1] = 1


class GroupRoleChangedData(Part):
    """The role."""

    group_id: Uuid
    """The group."""
    role: Role
    """The member's role from now on."""
    actor: User
    """Who gives it."""


class GroupRoleChanged(Event[GroupRoleChangedData]):
    """A member of a group has another role."""

    for_everyone: ClassVar[bool] = True

    type: Literal["GroupRoleChanged"] = "GroupRoleChanged"
    version: Literal[1] = 1


class GroupMemberRemovedData(Part):
    """The group."""

    group_id: Uuid
    """The group."""
    actor: User
    """Who removes the member."""


class GroupMemberRemoved(Event[GroupMemberRemovedData]):
    """The user was taken out of a group."""

    for_everyone: ClassVar[bool] = True

    type: Literal["GroupMemberRemoved"] = "GroupMemberRemoved"
    version: Literal[1] = 1


class GroupClosedData(Part):
    """The group."""

    group_id: Uuid
    """The group."""


class GroupClosed(Event[GroupClosedData]):
    """The user closed a group: nobody is in it any more."""

    for_everyone: ClassVar[bool] = True

    type: Literal["GroupClosed"] = "GroupClosed"
    version: Literal[1] = 1
