"""The town's groups, the challenges that they set, and the goals of its athletes; drawn from the seed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np

from schemas import hot
from schemas.identity import event_id
from simulator.athletes import Person
from simulator.message import Dispatch, dispatch
from simulator.social import event

_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_ATHLETES_PER_GROUP: Final = 40
_CHALLENGE_DAYS: Final = 28
_GOALS: Final[tuple[tuple[dict[str, Any], float], ...]] = (  # goals, and how many set them
    ({"metric": "workouts", "target": 3.0, "every": "week"}, 0.3),
    ({"metric": "moving_time", "target": 36_000.0, "every": "month"}, 0.15),
    ({"effort": "5 km", "sports": ("running",), "target": 1_500.0, "every": "year"}, 0.1),
)


def club_life(seed: int, people: Sequence[Person], start_us: int) -> Iterator[Dispatch]:
    """Everything that is said of groups, challenges and goals, from ``start_us`` on; most of it within three days."""
    rng = np.random.default_rng((seed, 7))
    clubs: list[tuple[str, list[Person]]] = []
    for number in range(max(1, len(people) // _ATHLETES_PER_GROUP)):
        group_id = event_id("Group", seed, number)
        founder = people[int(rng.integers(len(people)))]
        members = [p for p in people if p.place is founder.place and founder.sports[0] in p.sports and p is not founder]
        members = [founder, *(person for person in members if rng.random() < 0.4)]
        clubs.append((group_id, members))
        yield from _group(group_id, number, members, start_us, rng)
    for number, (group_id, members) in enumerate(clubs):
        months: dict[str, Any] = {"metric": "distance", "target": 80_000.0, "sports": (members[0].sports[0],)}
        yield from _challenge(event_id("Challenge", seed, "club", number), members, [group_id], months, start_us, rng)
    much: dict[str, Any] = {"metric": "moving_time", "target": 200_000.0}
    rivals = [member for _, members in clubs[:2] for member in members]
    teams = [group_id for group_id, _ in clubs[:2]]
    yield from _challenge(event_id("Challenge", seed, "teams"), rivals, teams, much, start_us, rng, team_of=clubs[:2])
    often: dict[str, Any] = {"metric": "workouts", "target": 10.0}
    yield from _challenge(event_id("Challenge", seed, "town"), people, [], often, start_us, rng)
    for person in people:
        yield from _goals(person, start_us, rng)


def _group(
    group_id: str, number: int, members: Sequence[Person], start_us: int, rng: np.random.Generator
) -> Iterator[Dispatch]:
    """Somebody founds it, others join; one helps, some leave, and who has no say tries to put the founder out."""
    founder = members[0]
    sport, about = founder.sports[0], {"group_id": group_id}
    at_us = start_us + int(rng.uniform(1, 48) * _HOUR_US)
    name = f"{founder.place.name} {sport.replace('_', ' ')} {number + 1}"
    created = hot.GroupCreatedData(name=name, sport=sport, **about)
    yield dispatch(at_us, event(hot.GroupCreated, founder, at_us, created))
    for place, person in enumerate(members[1:]):
        joined_us = at_us + int(rng.uniform(0, 72) * _HOUR_US) + 1
        yield dispatch(joined_us, event(hot.GroupJoined, person, joined_us, hot.GroupJoinedData(**about)))
        later_us = joined_us + int(rng.uniform(1, 50) * _DAY_US)
        if place == 0:
            role_us = joined_us + _HOUR_US
            role = hot.GroupRoleChangedData(role="admin", actor=founder.user, **about)
            yield dispatch(role_us, event(hot.GroupRoleChanged, person, role_us, role))
        elif place == 1:
            out = hot.GroupMemberRemovedData(actor=person.user, **about)
            yield dispatch(later_us, event(hot.GroupMemberRemoved, founder, later_us, out))
        elif rng.random() < 0.05:
            yield dispatch(later_us, event(hot.GroupLeft, person, later_us, hot.GroupLeftData(**about)))


def _challenge(
    challenge_id: str,
    people: Sequence[Person],
    group_ids: Sequence[str],
    wanted: dict[str, Any],
    start_us: int,
    rng: np.random.Generator,
    team_of: Sequence[tuple[str, Sequence[Person]]] = (),
) -> Iterator[Dispatch]:
    """Four weeks from the town's second day on; most join before it was defined or soon after, some leave."""
    first = _day_of(start_us) + timedelta(days=1)
    defined = hot.ChallengeDefinedData(
        challenge_id=challenge_id,
        title=f"Four weeks of {wanted['metric'].replace('_', ' ')}",
        first_day=first,
        last_day=first + timedelta(days=_CHALLENGE_DAYS - 1),
        kind="team" if team_of else "individual",
        group_ids=tuple(group_ids),
        **wanted,
    )
    at_us = start_us + int(rng.uniform(49, 72) * _HOUR_US)
    yield dispatch(at_us, event(hot.ChallengeDefined, people[0], at_us, defined))
    teams = {member.user: group_id for group_id, members in team_of for member in members}
    for person in people:
        if rng.random() < 0.5:
            joined_us = at_us + int(rng.uniform(-24, 96) * _HOUR_US)
            joined = hot.ChallengeJoinedData(challenge_id=challenge_id, group_id=teams.get(person.user))
            yield dispatch(joined_us, event(hot.ChallengeJoined, person, joined_us, joined))
            if rng.random() < 0.05:
                left_us = joined_us + int(rng.uniform(1, 20) * _DAY_US)
                left = hot.ChallengeLeftData(challenge_id=challenge_id)
                yield dispatch(left_us, event(hot.ChallengeLeft, person, left_us, left))


def _goals(person: Person, start_us: int, rng: np.random.Generator) -> Iterator[Dispatch]:
    for number, (goal, share) in enumerate(_GOALS):
        if rng.random() < share:
            at_us = start_us + int(rng.uniform(0, 48) * _HOUR_US)
            goal_id = event_id("Goal", person.user, number)
            yield dispatch(at_us, event(hot.GoalSet, person, at_us, hot.GoalSetData(goal_id=goal_id, **goal)))
            if rng.random() < 0.1:
                given_up_us = at_us + int(rng.uniform(5, 40) * _DAY_US)
                given_up = hot.GoalRemovedData(goal_id=goal_id)
                yield dispatch(given_up_us, event(hot.GoalRemoved, person, given_up_us, given_up))


def _day_of(time_us: int) -> date:
    return datetime.fromtimestamp(time_us / 1e6, UTC).date()
