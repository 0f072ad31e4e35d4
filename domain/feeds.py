"""Who sees whose workouts in the feed.

A follower's feed has a workout when it ended while they followed the athlete. Only event times count, so the feed is
the same whether the workout or the follow reached us first. Buckets keep a feed in documents of one ISO week each.
"""

from collections.abc import Iterable
from datetime import date

import msgspec

from domain.days import period_key


class FollowChange(msgspec.Struct, frozen=True):
    """Somebody began (or ceased) to follow an athlete."""

    time_us: int
    event_id: str
    follower: str
    following: bool


class FeedItem(msgspec.Struct, frozen=True):
    """A workout as a feed shows it; ``counted`` is false once it was deleted or is another one's duplicate."""

    workout_id: str
    counted: bool
    sport: str
    title: str | None
    end_us: int
    local_day: str  # ISO date, of the athlete
    distance_m: float
    moving_time_s: float
    elevation_gain_m: float
    load: float


class Reaction(msgspec.Struct, frozen=True):
    """Kudos or a comment on a workout; ``text`` is ``None`` for kudos, ``removed`` takes a comment back."""

    workout_id: str
    actor: str
    time_us: int
    text: str | None = None
    removed: bool = False


def follows_at(changes: Iterable[FollowChange], time_us: int) -> set[str]:
    """The followers at a time: the last change of each follower up to then counts."""
    last: dict[str, FollowChange] = {}
    for change in sorted(changes, key=lambda c: (c.time_us, c.event_id)):
        if change.time_us <= time_us:
            last[change.follower] = change
    return {follower for follower, change in last.items() if change.following}


def bucket(reader: str, item: FeedItem) -> str:
    """Identifies the document of ``reader``'s feed that has ``item``: the ISO week of the workout's local day."""
    return f"{reader}/{period_key(date.fromisoformat(item.local_day), 'week')}"
