"""From summaries, follows and reactions to the items of every feed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from domain.days import period_key
from domain.feeds import FollowChange, follows_at
from schemas import hot
from verification.boards import Last
from verification.outcomes import Valid


class Comment(NamedTuple):
    """A comment as the log last has it."""

    workout_id: str
    actor: str
    time_us: int
    text: str


@dataclass
class Social:
    """What others did about one athlete."""

    follows: dict[str, FollowChange] = field(default_factory=dict)  # by event id
    kudos: dict[str, set[str]] = field(default_factory=dict)  # workout id → actors
    comments: dict[str, Comment] = field(default_factory=dict)  # by comment id
    removed: dict[str, str] = field(default_factory=dict)  # comment id → workout id


class Item(NamedTuple):
    """One item of one feed."""

    document: str
    workout_id: str
    shown: dict[str, Any]


def social_of(events: Iterable[Valid]) -> dict[str, Social]:
    """The social facts of each athlete, from the events in log order."""
    athletes: dict[str, Social] = {}
    for _, _, message in events:
        social = athletes.setdefault(message.user, Social())
        data = message.data
        match message:
            case hot.Followed() | hot.Unfollowed():
                follows = isinstance(message, hot.Followed)
                social.follows[message.id] = FollowChange(message.time, message.id, data.follower, follows)
            case hot.KudosGiven():
                social.kudos.setdefault(data.workout_id, set()).add(data.actor)
            case hot.CommentPosted():
                social.comments[data.comment_id] = Comment(data.workout_id, data.actor, message.time, data.text)
            case hot.CommentDeleted():
                social.removed[data.comment_id] = data.workout_id
    return athletes


def feed_items(last: Last, athletes: dict[str, Social]) -> Iterator[Item]:
    """The items of all feeds: each workout that counts is in its athlete's feed and in those of who followed then."""
    for (athlete, workout_id), record in last.items():
        data = record.message.data
        if data.status != "counted":
            continue
        social = athletes.get(athlete, Social())
        shown = _shown(athlete, data, social)
        week = period_key(data.local_day, "week")
        for reader in follows_at(social.follows.values(), data.end) | {athlete}:
            yield Item(f"{reader}/{week}", workout_id, shown)


def _shown(athlete: str, data: hot.WorkoutSummarisedData, social: Social) -> dict[str, Any]:
    summary = data.summary
    comments = [
        {"id": comment_id, "actor": comment.actor, "time": comment.time_us, "text": comment.text}
        for comment_id, comment in social.comments.items()
        if comment.workout_id == data.workout_id and social.removed.get(comment_id) != data.workout_id
    ]
    return {
        "workout_id": data.workout_id,
        "sport": data.sport,
        "title": data.title,
        "end_us": data.end,
        "local_day": data.local_day.isoformat(),
        "distance_m": summary.distance_m if summary else 0.0,
        "moving_time_s": summary.moving_time_s if summary else 0.0,
        "elevation_gain_m": (summary.elevation_gain_m or 0.0) if summary else 0.0,
        "load": summary.load if summary else 0.0,
        "athlete": athlete,
        "kudos": sorted(social.kudos.get(data.workout_id, ())),
        "comments": sorted(comments, key=lambda comment: (comment["time"], comment["id"])),
    }
