"""Who follows whom, and what people say about workouts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from schemas import hot
from schemas.identity import event_id
from simulator.athletes import Person
from simulator.message import Dispatch, dispatch

PRODUCER: Final = "stridelog-simulate"
_APP: Final = "app:town"
_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_FOLLOWERS: Final = 10  # on average
_KUDOS_SHARE: Final = 0.16  # of the followers who see a workout
_COMMENT_SHARE: Final = 0.01
_COMMENTS: Final = (
    "Strong!",
    "What a day for it.",
    "Coffee next time?",
    "Those hills again…",
    "Your pace is getting silly.",
    "Rest tomorrow, please 🙂",
    "Saw you at the bridge!",
    "Teach me how to pace like this.",
)


@dataclass(frozen=True)
class Society:
    """The town's graph, drawn from the seed; it does not change with what people do."""

    seed: int
    people: Sequence[Person]

    @cached_property
    def followers(self) -> list[list[int]]:
        """For each athlete the indexes of those who follow them: mostly neighbours, some famous."""
        rng = np.random.default_rng((self.seed, 2))
        n = len(self.people)
        by_place: dict[str, list[int]] = {}
        for person in self.people:
            by_place.setdefault(person.place.name, []).append(person.index)
        followers: list[list[int]] = []
        for person in self.people:
            neighbours = by_place[person.place.name]
            wanted = min(int(rng.geometric(1 / _FOLLOWERS)), n - 1, 60)
            near = rng.choice(neighbours, size=min(len(neighbours), round(wanted * 0.7) + 1), replace=False)
            far = rng.integers(0, n, wanted - round(wanted * 0.7))
            followers.append([int(i) for i in dict.fromkeys((*near, *far)) if i != person.index])
        return followers

    def beginnings(self, start_us: int) -> Iterator[Dispatch]:
        """Follows, from ``start_us`` on; a few people stop following within weeks."""
        rng = np.random.default_rng((self.seed, 3))
        for person in self.people:
            for follower in self.followers[person.index]:
                late = rng.random() < 0.15
                at_us = start_us + int((rng.uniform(1, 60 * 24) if late else rng.uniform(0, 1)) * _HOUR_US)
                who = self.people[follower].user
                yield dispatch(at_us, event(hot.Followed, person, at_us, hot.FollowedData(follower=who)))
                if rng.random() < 0.02:
                    at_us += int(rng.uniform(5, 60) * _DAY_US)
                    gone = hot.UnfollowedData(follower=who)
                    yield dispatch(at_us, event(hot.Unfollowed, person, at_us, gone))

    def applause(self, person: Person, workout_id: str, seen_us: int, rng: np.random.Generator) -> Iterator[Dispatch]:
        """Kudos and comments of followers in the day after ``seen_us``."""
        for follower in self.followers[person.index]:
            dice = float(rng.random())
            if dice >= _KUDOS_SHARE:
                continue
            actor = self.people[follower].user
            at_us = seen_us + int(min(float(rng.exponential(3.0)), 24.0) * _HOUR_US) + 60_000_000
            kudos = hot.KudosGivenData(workout_id=workout_id, actor=actor)
            yield dispatch(at_us, event(hot.KudosGiven, person, at_us, kudos))
            if dice < _COMMENT_SHARE:
                comment_id = event_id("Comment", workout_id, actor, at_us)
                text = _COMMENTS[int(rng.integers(len(_COMMENTS)))]
                comment = hot.CommentPostedData(workout_id=workout_id, comment_id=comment_id, actor=actor, text=text)
                at_us += 30_000_000
                yield dispatch(at_us, event(hot.CommentPosted, person, at_us, comment))
                if dice < 0.05 * _COMMENT_SHARE:
                    at_us += _HOUR_US
                    void = hot.CommentDeletedData(workout_id=workout_id, comment_id=comment_id, actor=actor)
                    yield dispatch(at_us, event(hot.CommentDeleted, person, at_us, void))


def event(kind: Any, person: Person, at_us: int, data: Any) -> hot.Message:
    """What somebody says in the app."""
    said: hot.Message = kind.of(
        user=person.user, time=at_us, zone=person.place.zone, source=_APP, producer=PRODUCER, data=data
    )
    return said
