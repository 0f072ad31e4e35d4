"""Who may do what in a group, and that only the times of events count."""

import pytest

from domain.groups import Change, Group, GroupEvent, Role, group_of

GROUP = "75b195e5-4e68-5532-9d03-aa0fb4164445"


def event(time: int, change: Change, user: str, actor: str = "", role: Role | None = None) -> GroupEvent:
    return GroupEvent(GROUP, f"{time:04}-{change}-{user}", change, time, user, actor or user, role, "Club", "running")


FOUNDED = event(0, "created", "ada")
CLUB = (  # ada owns, bob helps, eve and dan are in it
    FOUNDED,
    event(1, "joined", "bob"),
    event(2, "joined", "eve"),
    event(3, "joined", "dan"),
    event(4, "role_changed", "bob", "ada", "admin"),
)


def after(*events: GroupEvent) -> Group:
    group = group_of(events)
    assert group is not None
    return group


def test_the_founder_owns_it_and_others_join_as_members() -> None:
    assert after(*CLUB).members == {"ada": "owner", "bob": "admin", "eve": "member", "dan": "member"}


def test_nobody_is_in_a_group_that_nobody_founded() -> None:
    assert group_of([event(1, "joined", "bob")]) is None


@pytest.mark.parametrize(
    ("change", "user", "actor", "role", "refused"),
    [
        ("created", "eve", "eve", None, "exists"),
        ("joined", "eve", "eve", None, "already_in"),
        ("left", "zoe", "zoe", None, "not_in"),
        ("left", "ada", "ada", None, "last_owner"),
        ("left", "eve", "bob", None, "not_allowed"),
        ("removed", "bob", "eve", None, "not_allowed"),
        ("removed", "bob", "bob", None, "not_allowed"),
        ("removed", "ada", "bob", None, "not_allowed"),
        ("removed", "eve", "zoe", None, "not_in"),
        ("removed", "ada", "ada", None, "last_owner"),
        ("role_changed", "eve", "bob", "admin", "not_allowed"),
        ("role_changed", "bob", "bob", "owner", "not_allowed"),
        ("role_changed", "ada", "ada", "member", "last_owner"),
        ("role_changed", "zoe", "ada", "admin", "not_in"),
        ("closed", "bob", "bob", None, "not_allowed"),
    ],
)
def test_what_is_not_allowed_has_no_effect_and_is_counted(
    change: Change, user: str, actor: str, role: Role | None, refused: str
) -> None:
    group = after(*CLUB, event(9, change, user, actor, role))
    assert group.members == after(*CLUB).members
    assert group.refused == {refused: 1}


@pytest.mark.parametrize(
    ("change", "user", "actor", "role", "becomes"),
    [
        ("left", "eve", "eve", None, None),
        ("removed", "eve", "bob", None, None),
        ("removed", "bob", "ada", None, None),
        ("role_changed", "eve", "ada", "owner", "owner"),
        ("role_changed", "bob", "bob", "member", "member"),
    ],
)
def test_what_roles_allow_is_done(
    change: Change, user: str, actor: str, role: Role | None, becomes: Role | None
) -> None:
    group = after(*CLUB, event(9, change, user, actor, role))
    assert (group.members.get(user), dict(group.refused)) == (becomes, {})


def test_the_last_owner_leaves_once_another_is_named() -> None:
    group = after(*CLUB, event(8, "role_changed", "eve", "ada", "owner"), event(9, "left", "ada"))
    assert (group.members, dict(group.refused)) == ({"bob": "admin", "eve": "owner", "dan": "member"}, {})


def test_a_closed_group_has_no_members_and_takes_none() -> None:
    group = after(*CLUB, event(8, "closed", "ada"), event(9, "joined", "zoe"))
    assert (group.members, group.closed_us, group.refused) == ({}, 8, {"closed": 1})


def test_a_removal_that_comes_before_its_removers_role_holds_once_that_is_known() -> None:
    removal = event(9, "removed", "eve", "bob")
    without = after(*CLUB[:-1], removal)
    assert (without.members["eve"], without.refused) == ("member", {"not_allowed": 1})
    assert "eve" not in after(removal, *CLUB).members


def test_who_was_removed_may_join_again() -> None:
    assert after(*CLUB, event(8, "removed", "eve", "bob"), event(9, "joined", "eve")).members["eve"] == "member"


def test_a_role_at_a_time_is_that_of_the_last_change_up_to_then() -> None:
    group = after(*CLUB, event(9, "left", "bob"))
    assert [group.role_at("bob", time) for time in (0, 1, 3, 4, 8, 9)] == [
        None,
        "member",
        "member",
        "admin",
        "admin",
        None,
    ]
