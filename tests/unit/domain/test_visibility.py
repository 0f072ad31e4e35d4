"""Who may see what: a table of every combination, and relations as of a time."""

import itertools
from typing import Final, Literal, get_args

import pytest

from domain.visibility import (
    UNCHOSEN,
    Act,
    Audience,
    Audiences,
    Decision,
    Layer,
    Override,
    Relation,
    RelationFact,
    may_see,
    relation_at,
    settings_of,
)

Viewer = Literal["owner", "signed out", "stranger", "follower", "group member", "both"]

RELATIONS: Final[dict[Viewer, Relation]] = {
    "owner": Relation(),
    "signed out": Relation(),
    "stranger": Relation(),
    "follower": Relation(follows=True),
    "group member": Relation(shares_group=True),
    "both": Relation(follows=True, shares_group=True),
}
# Who is let in by each audience.
LETS_IN: Final[dict[Audience, set[Viewer]]] = {
    "everyone": {"owner", "signed out", "stranger", "follower", "group member", "both"},
    "followers": {"owner", "follower", "both"},
    "group": {"owner", "group member", "both"},
    "only_me": {"owner"},
}
AUDIENCES: Final[tuple[Audience, ...]] = get_args(Audience)
LAYERS: Final[tuple[Layer, ...]] = get_args(Layer)
EVERY_SETTING: Final = [Audiences(*three) for three in itertools.product(AUDIENCES, repeat=3)]


def _see(viewer: Viewer, layer: Layer, settings: Audiences, relation: Relation | None = None) -> Decision:
    name = {"owner": "ann", "signed out": None}.get(viewer, "bob")
    return may_see(name, "ann", relation or RELATIONS[viewer], layer, settings)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("viewer", get_args(Viewer))
def test_every_viewer_sees_what_the_table_says_in_every_setting(viewer: Viewer, layer: Layer) -> None:
    for settings in EVERY_SETTING:
        # A layer of a workout is for those who are in its own audience and in the workout's.
        expected = viewer in LETS_IN[settings.workout] & LETS_IN[getattr(settings, layer)]
        assert _see(viewer, layer, settings).allowed == expected, settings


@pytest.mark.parametrize("layer", ["map", "heart_rate"])
@pytest.mark.parametrize("viewer", get_args(Viewer))
def test_map_and_heart_rate_are_never_wider_than_the_workout(viewer: Viewer, layer: Layer) -> None:
    for settings in EVERY_SETTING:
        assert _see(viewer, "workout", settings).allowed or not _see(viewer, layer, settings).allowed, settings


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("follows", [False, True])
@pytest.mark.parametrize("shares_group", [False, True])
def test_a_block_wins_over_everything(layer: Layer, follows: bool, shares_group: bool) -> None:
    relation = Relation(follows, shares_group, blocked=True)
    for settings in EVERY_SETTING:
        assert _see("both", layer, settings, relation) == Decision(False, "blocked")


def test_owners_see_all_of_their_own_and_cannot_block_themselves() -> None:
    for layer in LAYERS:
        seen = _see("owner", layer, Audiences("only_me", "only_me", "only_me"), Relation(blocked=True))
        assert seen == Decision(True, "owner")


def test_somebody_who_is_not_signed_in_has_no_relation() -> None:
    settings = Audiences("followers", "followers", "followers")
    assert _see("signed out", "workout", settings, Relation(follows=True, blocked=True)) == Decision(
        False, "not_follower"
    )


def test_the_reason_names_the_rule_that_decided() -> None:
    settings = Audiences(workout="followers", map="group", heart_rate="only_me")
    assert _see("follower", "workout", settings) == Decision(True, "follower")
    assert _see("follower", "map", settings) == Decision(False, "not_in_group")
    assert _see("both", "map", settings) == Decision(True, "group")
    assert _see("both", "heart_rate", settings) == Decision(False, "only_me")
    assert _see("group member", "map", settings) == Decision(False, "workout_not_seen")
    assert _see("stranger", "workout", settings) == Decision(False, "not_follower")
    assert _see("stranger", "workout", Audiences("everyone", "only_me", "only_me")) == Decision(True, "everyone")


def test_a_workout_overrides_the_profile_layer_by_layer() -> None:
    profile = Audiences(workout="followers", map="group", heart_rate="only_me")
    assert settings_of(profile, Override()) == profile
    assert settings_of(profile, Override(map="only_me")) == Audiences("followers", "only_me", "only_me")
    assert settings_of(profile, Override("everyone", "everyone", "group")) == Audiences("everyone", "everyone", "group")


def test_nobody_sees_map_or_heart_rate_of_athletes_who_have_not_chosen() -> None:
    assert _see("both", "workout", UNCHOSEN).allowed
    assert not _see("stranger", "workout", UNCHOSEN).allowed
    assert not _see("both", "map", UNCHOSEN).allowed
    assert not _see("both", "heart_rate", UNCHOSEN).allowed


def _facts(*acts: tuple[int, str, Act, str]) -> list[RelationFact]:
    return [RelationFact(time, act, actor, target) for time, actor, act, target in acts]


def _relation(facts: list[RelationFact], time_us: int) -> Relation:
    """The relation of bob to ann, which is the same whatever the order of the facts."""
    found = {relation_at(order, "bob", "ann", time_us) for order in itertools.permutations(facts)}
    assert len(found) == 1
    return found.pop()


def test_following_holds_from_its_fact_until_its_end() -> None:
    facts = _facts((10, "bob", "followed", "ann"), (20, "bob", "unfollowed", "ann"), (30, "bob", "followed", "ann"))
    assert [_relation(facts, time).follows for time in (9, 10, 19, 20, 29, 30)] == [
        False,
        True,
        True,
        False,
        False,
        True,
    ]


def test_following_is_not_mutual() -> None:
    assert not _relation(_facts((1, "ann", "followed", "bob")), 5).follows


def test_members_share_a_group_while_both_are_in_it() -> None:
    facts = _facts(
        (1, "ann", "joined", "g"), (5, "bob", "joined", "g"), (7, "bob", "joined", "h"), (9, "ann", "left", "g")
    )
    assert [_relation(facts, time).shares_group for time in (4, 5, 8, 9)] == [False, True, True, False]
    assert not _relation(_facts((1, "ann", "joined", "g"), (1, "bob", "joined", "h")), 5).shares_group


@pytest.mark.parametrize(("who", "whom"), [("ann", "bob"), ("bob", "ann")])
def test_a_block_holds_both_ways_whoever_set_it(who: str, whom: str) -> None:
    facts = _facts((5, who, "blocked", whom), (9, who, "unblocked", whom))
    assert [_relation(facts, time).blocked for time in (4, 5, 8, 9)] == [False, True, True, False]


def test_a_lifted_block_of_one_leaves_the_block_of_the_other() -> None:
    facts = _facts((1, "ann", "blocked", "bob"), (1, "bob", "blocked", "ann"), (2, "bob", "unblocked", "ann"))
    assert _relation(facts, 3).blocked


@pytest.mark.parametrize(("who", "whom"), [("ann", "bob"), ("bob", "ann")])
def test_a_block_ends_a_following_for_good(who: str, whom: str) -> None:
    facts = _facts((1, "bob", "followed", "ann"), (5, who, "blocked", whom), (9, who, "unblocked", whom))
    assert _relation(facts, 4) == Relation(follows=True)
    assert _relation(facts, 6) == Relation(blocked=True)
    assert _relation(facts, 10) == Relation()
    assert _relation([*facts, *_facts((11, "bob", "followed", "ann"))], 12) == Relation(follows=True)


def test_a_following_cannot_begin_during_a_block() -> None:
    facts = _facts((5, "ann", "blocked", "bob"), (6, "bob", "followed", "ann"), (9, "ann", "unblocked", "bob"))
    assert not _relation(facts, 10).follows


def test_of_two_facts_of_the_same_time_the_one_that_shows_less_holds() -> None:
    assert not _relation(_facts((5, "bob", "followed", "ann"), (5, "bob", "unfollowed", "ann")), 5).follows
    assert not _relation(_facts((5, "bob", "followed", "ann"), (5, "ann", "blocked", "bob")), 5).follows
    assert _relation(_facts((5, "ann", "unblocked", "bob"), (5, "ann", "blocked", "bob")), 5).blocked
    left = _facts((1, "ann", "joined", "g"), (5, "bob", "joined", "g"), (5, "bob", "left", "g"))
    assert not _relation(left, 5).shares_group


def test_facts_of_others_do_not_count() -> None:
    facts = _facts((1, "eve", "followed", "ann"), (2, "eve", "blocked", "bob"), (3, "bob", "followed", "eve"))
    assert _relation(facts, 5) == Relation()
