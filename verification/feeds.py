"""From summaries, follows, blocks and reactions to the documents of feeds, and to what each reader sees.

What readers see follows from the rules of visibility (``domain.visibility``), pair by pair, whatever documents it is
kept in; which documents these are, from how many followed when a workout ended.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple

from domain.privacy_zones import hidden_circle
from domain.visibility import UNCHOSEN, Act, Audiences, Relation, RelationFact, may_see, relation_at
from schemas import hot
from verification.boards import Last
from verification.outcomes import Valid
from verification.workouts import Hidden, keep_zone, zones_of

FOR_EVER_US: Final = 1 << 62
_ACTS: Final[dict[type[Any], Act]] = {
    hot.Followed: "followed",
    hot.Unfollowed: "unfollowed",
    hot.Blocked: "blocked",
    hot.Unblocked: "unblocked",
}


class Comment(NamedTuple):
    """A comment as it was last written; a later one is greater."""

    time_us: int
    event_id: str
    actor: str
    text: str
    mentions: tuple[str, ...]


@dataclass
class Social:
    """What others did about one athlete, and the athlete themselves."""

    pairs: dict[str, set[RelationFact]] = field(default_factory=lambda: defaultdict(set))  # by the other one
    kudos: dict[str, set[str]] = field(default_factory=dict)  # workout id → actors
    comments: dict[tuple[str, str], Comment] = field(default_factory=dict)  # by workout and comment id
    removed: set[tuple[str, str]] = field(default_factory=set)  # the same
    chosen: tuple[int, str, Audiences] = (0, "", UNCHOSEN)
    hidden: Hidden = field(default_factory=dict)

    def relation(self, viewer: str, athlete: str, time_us: int = FOR_EVER_US) -> Relation:
        """What a viewer is to this athlete; groups aside."""
        return relation_at(self.pairs.get(viewer, ()), viewer, athlete, time_us)

    def since_us(self, viewer: str, athlete: str) -> int | None:
        """Since when a viewer follows without a break."""
        facts = self.pairs.get(viewer, set())
        if self.relation(viewer, athlete).blocked:
            return None
        ended = [f.time_us for f in facts if f.act != "followed"]
        began = [f.time_us for f in facts if f.act == "followed" and f.time_us > max(ended, default=-1)]
        return min(began, default=None)

    def followers_at(self, athlete: str, time_us: int) -> int:
        """How many followed at a time."""
        known = (self.relation(other, athlete, time_us) for other in self.followers)
        return sum(one.follows and not one.blocked for one in known)

    @cached_property
    def followers(self) -> list[str]:
        """Everybody who ever followed; complete once all events are in."""
        return [other for other, facts in self.pairs.items() if any(fact.act == "followed" for fact in facts)]


class Offer(NamedTuple):
    """A workout that may be in a reader's feed, if groups and the reader's blocks let it."""

    reader: str
    athlete: str
    workout_id: str
    for_group: bool


class Found(NamedTuple):
    """What a document's item says of who sees it."""

    athlete: str
    audience: str
    end_us: int


@dataclass
class Feeds:
    """What the documents must hold, of all partitions: items by (document, workout), fields by (user, field)."""

    feeds: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    timelines: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    circles: dict[tuple[str, str], Any] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    blocks: dict[str, set[str]] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)  # by member; verification.groups says who is one

    def seen(self) -> set[tuple[str, str]]:
        """(reader, workout): what each reader sees in their feed."""
        return {
            (offer.reader, offer.workout_id)
            for offer in self.offers
            if offer.reader == offer.athlete
            or (
                offer.athlete not in self.blocks.get(offer.reader, ())
                and not (
                    offer.for_group
                    and self.groups.get(offer.reader, set()).isdisjoint(self.groups.get(offer.athlete, ()))
                )
            )
        }


def social_of(events: Iterable[Valid]) -> dict[str, Social]:
    """The social facts of each athlete, from the events in log order."""
    athletes: dict[str, Social] = {}
    for _, _, message in events:
        user, data, time_us = message.user, message.data, message.time
        social = athletes.setdefault(user, Social())
        act = _ACTS.get(type(message))
        match message:
            case hot.Followed() | hot.Unfollowed() if act:
                social.pairs[data.follower].add(RelationFact(time_us, act, data.follower, user))
            case hot.Blocked() | hot.Unblocked() if act:
                other = data.blocked if data.blocker == user else data.blocker
                social.pairs[other].add(RelationFact(time_us, act, data.blocker, data.blocked))
            case hot.KudosGiven():
                social.kudos.setdefault(data.workout_id, set()).add(data.actor)
            case hot.CommentPosted():
                key, comment = (
                    (data.workout_id, data.comment_id),
                    Comment(time_us, message.id, data.actor, data.text, data.mentions),
                )
                social.comments[key] = max(comment, social.comments.get(key, comment))
            case hot.CommentDeleted():
                social.removed.add((data.workout_id, data.comment_id))
            case hot.VisibilityChanged():
                audiences = Audiences(data.workout, data.map, data.heart_rate)
                social.chosen = max(social.chosen, (time_us, message.id, audiences), key=lambda chosen: chosen[:2])
            case hot.PrivacyZoneSet() | hot.PrivacyZoneRemoved():
                keep_zone(social.hidden, message)
    return athletes


def expect(kept: Feeds, last: Last, athletes: Mapping[str, Social], most: int, privacy_key: bytes) -> None:
    """Add what one partition's athletes have in documents, with a fan-out on write to at most ``most`` followers."""
    for (athlete, workout_id), record in last.items():
        data = record.message.data
        if data.status != "counted":
            continue
        social = athletes.get(athlete, Social())
        audience = data.visibility.workout or social.chosen[2].workout
        shown = _shown(athlete, data, social, audience)
        end_us = shown["end_us"]
        week = _week_of(end_us)
        whole = {"whole": {"end_us": data.end, **_figures(data.summary)}} if data.shown else {}
        kept.timelines[f"{athlete}/{week}", workout_id] = {**shown, **whole}
        kept.offers.append(Offer(athlete, athlete, workout_id, False))
        if audience == "only_me":
            continue
        few = social.followers_at(athlete, end_us) <= most
        for reader in social.followers:
            since_us = social.since_us(reader, athlete)
            if since_us is not None and since_us <= end_us:
                kept.offers.append(Offer(reader, athlete, workout_id, audience == "group"))
                if few:
                    kept.feeds[f"{reader}/{week}", workout_id] = shown
    for athlete, social in athletes.items():
        _expect_circles(kept, athlete, social, most)
        _expect_zones(kept, athlete, social, privacy_key)


def expect_first_weeks(kept: Feeds, summaries: Iterable[Valid]) -> None:
    """Add the Monday of the earliest week that a workout of an athlete was ever said to have ended in."""
    for _, _, message in summaries:
        end_us = message.data.shown.end if message.data.shown else message.data.end
        day = _day_of(end_us)
        monday = (day - timedelta(days=day.isoweekday() - 1)).isoformat()
        key = message.user, "first_week"
        kept.circles[key] = min(monday, kept.circles.get(key, monday))


def _expect_circles(kept: Feeds, athlete: str, social: Social, most: int) -> None:
    times = {fact.time_us for other in social.followers for fact in social.pairs[other] if fact.act == "followed"}
    merged = len(social.followers) > most and any(social.followers_at(athlete, time) > most for time in times)
    for other in social.pairs:
        since_us = social.since_us(other, athlete)
        if since_us is not None:
            kept.circles[other, f"follows.{_field(athlete)}"] = since_us
            if merged:
                kept.circles[other, f"merged.{_field(athlete)}"] = since_us
        if social.relation(other, athlete).blocked:
            kept.circles[athlete, f"blocks.{_field(other)}"] = True
            kept.blocks.setdefault(athlete, set()).add(other)
    if social.chosen[0]:
        audiences = social.chosen[2]
        kept.circles[athlete, "visibility"] = {
            "workout": audiences.workout,
            "map": audiences.map,
            "heart_rate": audiences.heart_rate,
        }


def _expect_zones(kept: Feeds, athlete: str, social: Social, privacy_key: bytes) -> None:
    zones = []
    for zone in zones_of(social.hidden):
        circle = hidden_circle(zone, privacy_key)
        place = {"latitude_deg": circle.latitude_deg, "longitude_deg": circle.longitude_deg}
        zones.append({"zone_id": zone.zone_id, **place, "radius_m": zone.radius_m})
    if zones:
        kept.circles[athlete, "zones"] = zones


def _shown(athlete: str, data: hot.WorkoutSummarisedData, social: Social, audience: str) -> dict[str, Any]:
    comments = [
        {
            "id": comment_id,
            "actor": comment.actor,
            "time": comment.time_us,
            "text": comment.text,
            "mentions": [
                user
                for number, user in enumerate(comment.mentions)
                if user not in comment.mentions[:number] and _may_be_called(user, athlete, social, audience)
            ],
        }
        for (workout_id, comment_id), comment in social.comments.items()
        if workout_id == data.workout_id and (workout_id, comment_id) not in social.removed
    ]
    return {
        "workout_id": data.workout_id,
        "audience": audience,
        "sport": data.sport,
        "title": data.title,
        "end_us": data.shown.end if data.shown else data.end,
        "local_day": data.local_day.isoformat(),
        **_figures(data.shown.summary if data.shown else data.summary),
        "athlete": athlete,
        "kudos": sorted(social.kudos.get(data.workout_id, ())),
        "comments": sorted(comments, key=lambda comment: (comment["time"], comment["id"])),
    }


def _figures(summary: hot.Summary | None) -> dict[str, float]:
    if summary is None:
        return dict.fromkeys(("distance_m", "moving_time_s", "elevation_gain_m", "load"), 0.0)
    return {
        "distance_m": summary.distance_m,
        "moving_time_s": summary.moving_time_s,
        "elevation_gain_m": summary.elevation_gain_m or 0.0,
        "load": summary.load,
    }


def _may_be_called(user: str, athlete: str, social: Social, audience: Any) -> bool:
    """Whether a mention stands in a document: whoever reads it looks whether a group is shared."""
    relation = social.relation(user, athlete)
    settings = Audiences("everyone" if audience == "group" else audience, "only_me", "only_me")
    return may_see(user, athlete, relation, "workout", settings).allowed


def seen_in(
    feeds: Mapping[tuple[str, str], Found],
    timelines: Mapping[tuple[str, str], Found],
    circles: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Collection[str]],
) -> set[tuple[str, str]]:
    """(reader, workout): what documents show to readers. Items by (document, workout); circles, groups by user."""
    seen = {(item.athlete, wid) for (_, wid), item in timelines.items()}
    for (document, wid), item in feeds.items():
        reader = document.rpartition("/")[0]
        if _shows(circles, groups, reader, item):
            seen.add((reader, wid))
    of_athlete: dict[str, list[tuple[str, Found]]] = defaultdict(list)
    for (_, wid), item in timelines.items():
        of_athlete[item.athlete].append((wid, item))
    for reader, circle in circles.items():
        for name, since_us in circle.get("merged", {}).items():
            items = of_athlete.get(name.replace("~", "."), ())
            shown = (wid for wid, item in items if item.end_us >= since_us and _shows(circles, groups, reader, item))
            seen |= {(reader, wid) for wid in shown}
    return seen


def _shows(
    circles: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Collection[str]], reader: str, item: Found
) -> bool:
    if _field(item.athlete) in circles.get(reader, {}).get("blocks", {}) or item.audience == "only_me":
        return False
    return item.audience != "group" or not set(groups.get(reader, ())).isdisjoint(groups.get(item.athlete, ()))


def _field(user: str) -> str:
    return user.replace(".", "~")


def _week_of(time_us: int) -> str:
    """The ISO week of a time, UTC."""
    year, week, _ = _day_of(time_us).isocalendar()
    return f"{year:04d}-W{week:02d}"


def _day_of(time_us: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).date()
