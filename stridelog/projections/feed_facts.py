"""What the ``feed`` agent keeps of an athlete: workouts as feeds know them, and what is worked out from the facts."""

from collections import defaultdict
from datetime import date
from typing import Final

import msgspec

from domain.feeds import ChosenAudiences, FeedItem, Reaction, Whole, week_of
from domain.following import BlockChange, FollowChange
from domain.shown import ZoneChange
from schemas import hot
from stridelog.state import Index


class FeedFact(msgspec.Struct, frozen=True):
    """A workout as feeds know it, and where it may have left items: at the latest end of each week that it ever ended
    in, also in others' feeds if it was ever spread.
    """

    item: FeedItem
    ends_us: tuple[int, ...]
    spread: bool = False


FACTS: Final = (FollowChange, BlockChange, ChosenAudiences, ZoneChange, FeedFact, Reaction)


class Reactions(Index):
    """Kudos and comments of an athlete's workouts: workout → fact id → reaction; and who is mentioned where."""

    kinds = (Reaction,)

    def __init__(self) -> None:
        self.of: defaultdict[str, dict[str, Reaction]] = defaultdict(dict)
        self.mentioning: defaultdict[str, set[str]] = defaultdict(set)  # user → workouts, also of comments now gone

    def put(self, id: str, fact: Reaction) -> None:
        self.of[fact.workout_id][id] = fact
        for user in fact.mentions:
            self.mentioning[user].add(fact.workout_id)


class FirstWeek(Index):
    """The Monday of the earliest week that a workout of an athlete ever ended in: no timeline begins before it."""

    kinds = (FeedFact,)

    def __init__(self) -> None:
        self.monday = date.max

    def put(self, id: str, fact: FeedFact) -> None:
        self.monday = min(self.monday, *(week_of(end_us) for end_us in fact.ends_us))


def fact_of(data: hot.WorkoutSummarisedData, before: FeedFact | None) -> FeedFact:
    """A workout as its last summary says, and where it has stood before."""
    end_us, shown = (data.shown.end, data.shown.summary) if data.shown else (data.end, data.summary)
    item = FeedItem(
        workout_id=data.workout_id,
        counted=data.status == "counted",
        audience=data.visibility.workout,
        sport=data.sport,
        title=data.title,
        end_us=end_us,
        local_day=data.local_day.isoformat(),
        **_figures(shown),
        whole=Whole(end_us=data.end, **_figures(data.summary)) if data.shown else None,
    )
    weeks = {week_of(end_us): end_us for end_us in before.ends_us} if before else {}
    weeks[week_of(item.end_us)] = max(item.end_us, weeks.get(week_of(item.end_us), item.end_us))
    return FeedFact(item, tuple(weeks.values()), before.spread if before else False)


def _figures(summary: hot.Summary | None) -> dict[str, float]:
    return {
        "distance_m": summary.distance_m if summary else 0.0,
        "moving_time_s": summary.moving_time_s if summary else 0.0,
        "elevation_gain_m": (summary.elevation_gain_m or 0.0) if summary else 0.0,
        "load": summary.load if summary else 0.0,
    }
