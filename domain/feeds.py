"""Whose workouts are in whose feed, and how feeds are kept: by reader, or by athlete where many would have to be told.

A feed has the workouts that ended since its reader follows the athlete, as far as the reader may see them now
(``domain.visibility``). Only event times count, so a feed is the same whether the workout or the follow reached us
first. Documents hold one ISO week (UTC) of workout ends each: of two of them every item of the one is newer.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from domain.days import period_key
from domain.visibility import UNCHOSEN, Audience, Audiences, Relation, may_see

_US_PER_S: Final = 1_000_000


class Whole(msgspec.Struct, frozen=True):
    """What only the athlete sees of a workout that privacy zones cut."""

    end_us: int
    distance_m: float
    moving_time_s: float
    elevation_gain_m: float
    load: float


class FeedItem(msgspec.Struct, frozen=True):
    """A workout as a feed shows it; ``counted`` is false once it was deleted or is another one's duplicate.

    End and figures are of the part that others see. It is for them that it ended then: the true end less the last
    shown instant would be the way home.
    """

    workout_id: str
    counted: bool
    audience: Audience | None  # what the workout says otherwise than the profile
    sport: str
    title: str | None
    end_us: int
    local_day: str  # ISO date, of the athlete
    distance_m: float
    moving_time_s: float
    elevation_gain_m: float
    load: float
    whole: Whole | None = None  # where others see a part only


class Reaction(msgspec.Struct, frozen=True):
    """Kudos or a comment on a workout; ``text`` is ``None`` for kudos, ``removed`` takes a comment back."""

    workout_id: str
    actor: str
    time_us: int
    text: str | None = None
    removed: bool = False
    event_id: str = ""
    mentions: tuple[str, ...] = ()


class ChosenAudiences(msgspec.Struct, frozen=True):
    """What an athlete's profile says of who sees their workouts."""

    time_us: int
    event_id: str
    workout: Audience
    map: Audience
    heart_rate: Audience

    @property
    def audiences(self) -> Audiences:
        """As the rules of visibility want it."""
        return Audiences(self.workout, self.map, self.heart_rate)


def audience_of(item: FeedItem, chosen: ChosenAudiences | None) -> Audience:
    """Who may see a workout: its own word, else the profile's."""
    return item.audience or (chosen.workout if chosen else UNCHOSEN.workout)


def week_of(time_us: int) -> date:
    """The Monday (UTC) of the week that a time is in."""
    day = datetime.fromtimestamp(time_us // _US_PER_S, UTC).date()
    return date.fromordinal(day.toordinal() - day.weekday())


def bucket(owner: str, time_us: int) -> str:
    """Identifies the document of ``owner`` (a reader's feed, an athlete's timeline) with workouts that ended then."""
    return f"{owner}/{period_key(week_of(time_us), 'week')}"


def mentions_kept(
    mentioned: Iterable[str], athlete: str, audience: Audience, followers: Collection[str], blocked: Collection[str]
) -> list[str]:
    """The mentions of those who may see the workout, once each, in the order of the comment.

    ``followers`` and ``blocked`` are those of ``mentioned`` who follow the athlete, and who are in a block with them.
    Whether somebody shares a group with the athlete is known only where both are: whoever reads decides it then.
    """
    settings = Audiences(workout=audience, map="only_me", heart_rate="only_me")
    return [
        user
        for user in dict.fromkeys(mentioned)
        if may_see(
            user, athlete, Relation(user in followers, shares_group=True, blocked=user in blocked), "workout", settings
        ).allowed
    ]
