"""Who may see a workout, its map and its heart rate: one rule for every page and feed. Boards count what anybody but
the athlete may see.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Audience = Literal["everyone", "followers", "group", "only_me"]
Layer = Literal["workout", "map", "heart_rate"]
Act = Literal["followed", "unfollowed", "joined", "left", "blocked", "unblocked"]
Reason = Literal[
    "owner", "blocked", "everyone", "follower", "group", "not_follower", "not_in_group", "only_me", "workout_not_seen"
]

# Every act that ends something, with what it ends.
_ENDS: Final[dict[Act, Act]] = {"unfollowed": "followed", "left": "joined", "unblocked": "blocked"}


@dataclass(frozen=True, slots=True)
class Audiences:
    """The audience of each layer of a workout. As a profile it holds for every workout that says nothing else."""

    workout: Audience
    map: Audience
    heart_rate: Audience


@dataclass(frozen=True, slots=True)
class Override:
    """What one workout says otherwise than the profile; ``None`` leaves the profile's word."""

    workout: Audience | None = None
    map: Audience | None = None
    heart_rate: Audience | None = None


# Of athletes who have not chosen: where they live and how their heart is are nobody's business until they say so.
UNCHOSEN: Final = Audiences(workout="followers", map="only_me", heart_rate="only_me")


@dataclass(frozen=True, slots=True)
class RelationFact:
    """At ``time_us`` (UTC, microseconds) ``actor`` did something to ``target``: a user, or a group to join or leave."""

    time_us: int
    act: Act
    actor: str
    target: str


@dataclass(frozen=True, slots=True)
class Relation:
    """What a viewer is to an owner at one time. ``blocked``: either of the two blocks the other."""

    follows: bool = False
    shares_group: bool = False
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a layer may be seen, and the rule that decided."""

    allowed: bool
    reason: Reason


def relation_at(facts: Iterable[RelationFact], viewer: str, owner: str, time_us: int) -> Relation:
    """What ``viewer`` is to ``owner`` by the facts up to ``time_us``, which is included.

    Independent of the order of ``facts``; facts about others do not count. Of two facts of the same time the one that
    shows less holds. A block ends a following and lets none begin: once it is lifted, the
    follower has to follow again.
    """
    # (actor, what began, target) -> when it last began and last ended
    began: dict[tuple[str, Act, str], int] = {}
    ended: dict[tuple[str, Act, str], int] = {}
    for fact in facts:
        if fact.time_us > time_us:
            continue
        times = ended if fact.act in _ENDS else began
        what = (fact.actor, _ENDS.get(fact.act, fact.act), fact.target)
        times[what] = max(fact.time_us, times.get(what, fact.time_us))

    def groups_of(member: str) -> set[str]:
        return {
            what[2]
            for what, time in began.items()
            if what[:2] == (member, "joined") and (what not in ended or ended[what] < time)
        }

    follow: tuple[str, Act, str] = (viewer, "followed", owner)
    blocks: tuple[tuple[str, Act, str], ...] = ((owner, "blocked", viewer), (viewer, "blocked", owner))
    ends_of_following = [ended.get(follow), *(times.get(block) for block in blocks for times in (began, ended))]
    return Relation(
        follows=follow in began and all(end is None or end < began[follow] for end in ends_of_following),
        shares_group=bool(groups_of(viewer) & groups_of(owner)),
        blocked=any(block in began and (block not in ended or began[block] >= ended[block]) for block in blocks),
    )


def settings_of(profile: Audiences, override: Override) -> Audiences:
    """The audiences of one workout: its own word where it has one, else the profile's."""
    return Audiences(
        workout=override.workout or profile.workout,
        map=override.map or profile.map,
        heart_rate=override.heart_rate or profile.heart_rate,
    )


def may_see(viewer: str | None, owner: str, relation: Relation, layer: Layer, settings: Audiences) -> Decision:
    """Whether ``viewer`` may see this layer of a workout of ``owner``, and why.

    ``viewer`` is ``None`` for somebody who is not signed in. ``relation`` is that of the viewer to the owner when they
    look, ``settings`` those of the workout. Owners see everything of their own. A block wins over every audience.
    The map and the heart rate are seen only by those who may see the workout, so they are never wider than it: a
    workout for followers with a map for the group shows the map to followers who share a group.

    Criticism: it knows people by their accounts. Somebody who is blocked and signs out is anybody, and sees what
    everyone sees.
    """
    if viewer == owner:
        return Decision(True, "owner")
    if viewer is None:
        relation = Relation()
    if relation.blocked:
        return Decision(False, "blocked")
    workout = _admits(settings.workout, relation)
    if layer == "workout":
        return workout
    if not workout.allowed:
        return Decision(False, "workout_not_seen")
    return _admits(settings.map if layer == "map" else settings.heart_rate, relation)


def _admits(audience: Audience, relation: Relation) -> Decision:
    match audience:
        case "everyone":
            return Decision(True, "everyone")
        case "followers":
            return Decision(True, "follower") if relation.follows else Decision(False, "not_follower")
        case "group":
            return Decision(True, "group") if relation.shares_group else Decision(False, "not_in_group")
        case "only_me":
            return Decision(False, "only_me")
