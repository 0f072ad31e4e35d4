"""Whose challenge it is, and who takes part."""

from dataclasses import replace
from datetime import date

import msgspec

from domain.challenges import Challenge, ChallengeEvent, Entry, standing_of, takes_part
from domain.groups import Group
from domain.targets import Measure, Window

WINDOW = Window(date(2026, 10, 1), date(2026, 10, 31))
OPEN = Challenge("October", "individual", Measure("distance", None, (), 100.0), WINDOW)
OF_CLUB = msgspec.structs.replace(OPEN, groups=("club",))
TEAMS = msgspec.structs.replace(OPEN, kind="team", groups=("club", "other"))
CLUB = Group("club", "Club", "running", "ada", 0, members={"ada": "owner", "bob": "member"})
CLUB._history = {"ada": [(10, "owner")], "bob": [(10, "member")]}


def groups(id: str) -> Group | None:
    return CLUB if id == "club" else None


def said(time: int, by: str, challenge: Challenge | None) -> ChallengeEvent:
    return ChallengeEvent("c", f"{time:03}", time, by, challenge)


def joined(user: str, group: str | None = None) -> Entry:
    return Entry("c", user, 1, "e", True, group)


def test_the_first_to_define_it_owns_it_and_others_change_nothing() -> None:
    longer = msgspec.structs.replace(OPEN, title="Longer")
    found = standing_of([said(3, "eve", None), said(2, "ada", longer), said(1, "ada", OPEN)], groups)
    assert found is not None
    assert (found.challenge, found.owner, found.refused) == (longer, "ada", 1)


def test_what_is_removed_does_not_come_back() -> None:
    found = standing_of([said(1, "ada", OPEN), said(2, "ada", None), said(3, "ada", OPEN)], groups)
    assert found is not None
    assert (found.challenge, found.refused) == (None, 1)


def test_only_who_runs_a_group_at_that_time_defines_its_challenge() -> None:
    assert standing_of([said(20, "bob", OF_CLUB)], groups) is None
    assert standing_of([said(9, "ada", OF_CLUB)], groups) is None  # the club is founded later
    assert standing_of([said(10, "ada", OF_CLUB)], groups) is not None
    assert standing_of([said(20, "ada", msgspec.structs.replace(OF_CLUB, groups=("unknown",)))], groups) is None


def test_whoever_joins_takes_part_in_an_open_challenge() -> None:
    assert takes_part(joined("zoe"), OPEN, groups)
    assert not takes_part(msgspec.structs.replace(joined("zoe"), joined=False), OPEN, groups)
    assert not takes_part(joined("zoe"), None, groups)


def test_members_alone_take_part_in_a_challenge_of_their_group() -> None:
    assert takes_part(joined("bob"), OF_CLUB, groups)
    assert not takes_part(joined("zoe"), OF_CLUB, groups)


def test_in_a_team_challenge_one_counts_for_the_team_that_one_names_and_is_in() -> None:
    assert takes_part(joined("bob", "club"), TEAMS, groups)
    for entry in (joined("bob"), joined("bob", "other"), joined("bob", "third"), joined("zoe", "club")):
        assert not takes_part(entry, TEAMS, groups)
    without = msgspec.structs.replace(TEAMS, groups=("other",))
    assert not takes_part(joined("bob", "club"), without, groups)


def test_who_leaves_the_club_takes_their_part_along() -> None:
    left = replace(CLUB, members={"ada": "owner"})
    assert not takes_part(joined("bob", "club"), TEAMS, lambda id: left if id == "club" else None)
