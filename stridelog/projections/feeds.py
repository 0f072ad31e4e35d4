"""Feeds as documents: which items and readers a batch touches, and what their documents hold now.

Three collections. ``timelines``: an athlete's own workouts. ``feeds``: what others' feeds were told of them, where few
follow. ``circles``: what a reader needs to know of themselves (``stridelog.projections.circles``). Which documents an
item stands in is worked out from the facts, so that it does not depend on their order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from domain.feeds import (
    ChosenAudiences,
    FeedItem,
    Reaction,
    audience_of,
    bucket,
    mentions_kept,
)
from domain.following import BlockChange, FollowChange
from schemas import hot
from sinks.base import Document, Span
from stridelog.batch import Record
from stridelog.projections.circles import CIRCLES, Circles
from stridelog.projections.documents import Documents
from stridelog.projections.feed_facts import FeedFact, FirstWeek, Reactions, fact_of
from stridelog.projections.followers import Followers
from stridelog.settings import Settings
from stridelog.state import State
from stridelog.workout_facts import CHOSEN, chosen_of, zone_change_of

FEEDS: Final = "feeds"
TIMELINES: Final = "timelines"


class FanOut:
    """How many followers an athlete has at most whose workouts are written to each of them."""

    def __init__(self, settings: Settings) -> None:
        self.most = settings.feed_fan_out_most

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""


class Feeds:
    """One batch of the ``feed`` agent."""

    def __init__(self, state: State, span: Span, most: int, privacy_key: bytes) -> None:
        self.state = state
        self.span = span
        self.most = most
        self.items: dict[str, set[str]] = defaultdict(set)  # athlete → workouts whose items are all written
        self.readers: dict[str, set[str]] = defaultdict(set)  # athlete → readers for whom all items are written
        self.circles = Circles(state, most, privacy_key)

    def keep(self, records: Iterable[Record]) -> Counter[str]:
        """Take the facts in; how many records needed nothing, by reason."""
        dropped: Counter[str] = Counter()
        for offset, _, message in records:
            reason = self._keep(message, offset)
            if reason is not None:
                dropped[reason] += 1
        return dropped

    def _keep(self, message: Any, offset: int) -> str | None:
        """Keep one fact and note what it touches; the reason if there is nothing to do."""
        user, data = message.user, message.data
        match message:
            case hot.WorkoutSummarised():
                known = self.state.get(user, FeedFact, data.workout_id)
                return self._react(user, data.workout_id, fact_of(data, known.fact if known else None), offset)
            case hot.KudosGiven():
                reaction = Reaction(data.workout_id, data.actor, message.time)
                return self._react(user, f"kudos/{data.workout_id}/{data.actor}", reaction, offset)
            case hot.CommentPosted():
                reaction = Reaction(
                    data.workout_id, data.actor, message.time, data.text, event_id=message.id, mentions=data.mentions
                )
                fact_id = f"comment/{data.workout_id}/{data.comment_id}"
                standing = self.state.get(user, Reaction, fact_id)
                if standing and _age(standing.fact) > _age(reaction):
                    return "outdated"
                return self._react(user, fact_id, reaction, offset)
            case hot.CommentDeleted():
                reaction = Reaction(data.workout_id, "", message.time, removed=True)
                return self._react(user, f"removed/{data.workout_id}/{data.comment_id}", reaction, offset)
            case hot.VisibilityChanged():
                chosen = chosen_of(message)
                before = self.state.get(user, ChosenAudiences, CHOSEN)
                if before and _age(before.fact) > _age(chosen):
                    return "outdated"
                if reason := self._put(user, CHOSEN, chosen, offset):
                    return reason
                facts = self.state.facts(user, FeedFact).items()
                self.items[user] |= {wid for wid, known in facts if known.fact.item.audience is None}
                self.circles.touch_own(user)
                return None
            case hot.PrivacyZoneSet() | hot.PrivacyZoneRemoved():
                if reason := self._put(user, message.id, zone_change_of(message), offset):
                    return reason
                self.circles.touch_zones(user)
                return None
            case hot.Followed() | hot.Unfollowed():
                change = FollowChange(message.time, message.id, data.follower, isinstance(message, hot.Followed))
                return self._relate(user, data.follower, message.id, change, offset)
            case hot.Blocked() | hot.Unblocked():
                other, by_other = (data.blocked, False) if data.blocker == user else (data.blocker, True)
                block = BlockChange(message.time, message.id, other, by_other, isinstance(message, hot.Blocked))
                self.circles.touch_block(user, other)
                return self._relate(user, other, message.id, block, offset)
        return "not_for_feeds"

    def _react(self, user: str, fact_id: str, fact: FeedFact | Reaction, offset: int) -> str | None:
        if reason := self._put(user, fact_id, fact, offset):
            return reason
        self.items[user].add(fact.item.workout_id if isinstance(fact, FeedFact) else fact.workout_id)
        return None

    def _relate(self, user: str, other: str, fact_id: str, fact: FollowChange | BlockChange, offset: int) -> str | None:
        """A fact about an athlete and another one: it touches all that the other sees of the athlete, and whether the
        workouts that ended later are spread.
        """
        is_new = self.state.get(user, type(fact), fact_id) is None
        if reason := self._put(user, fact_id, fact, offset):
            return reason
        self.readers[user].add(other)
        self.circles.touch_follower(user, other, is_new=is_new)
        facts = self.state.facts(user, FeedFact).items()
        self.items[user] |= {wid for wid, known in facts if max(known.fact.ends_us) >= fact.time_us}
        self.items[user] |= self.state.index(user, Reactions).mentioning.get(other, set())
        return None

    def _put(self, user: str, fact_id: str, fact: msgspec.Struct, offset: int) -> str | None:
        known = self.state.get(user, type(fact), fact_id)
        if known is not None and known.fact == fact:
            return "duplicate" if known.settled(self.span) else None
        self.state.put(user, fact_id, fact, offset)
        return None

    def documents(self) -> list[Document]:
        """Every touched item and circle where it belongs, and nowhere else."""
        found = Documents()
        for athlete in self.items.keys() | self.readers.keys():
            facts = self.state.facts(athlete, FeedFact)
            for wid in self.items[athlete]:
                if (
                    wid in facts
                ):  # else a reaction to a workout that we have not seen yet: it is counted when that comes
                    self._write_timeline(found, athlete, facts[wid].fact)
                    self._write_feeds(found, athlete, facts[wid].fact, None)
            self._write_readers(found, athlete)
        self.circles.write(found)
        return found.all()

    def _write_readers(self, found: Documents, athlete: str) -> None:
        """All items of an athlete, for the touched readers only."""
        followers = self.state.index(athlete, Followers)
        times = [(time, reader) for reader in self.readers[athlete] if (time := followers.first_us(reader)) is not None]
        if not times:
            return
        for wid, known in list(self.state.facts(athlete, FeedFact).items()):
            if wid not in self.items[athlete]:
                latest_us = max(known.fact.ends_us)
                self._write_feeds(found, athlete, known.fact, {reader for time, reader in times if time <= latest_us})

    def _write_timeline(self, found: Documents, athlete: str, fact: FeedFact) -> None:
        item = fact.item
        found.set(CIRCLES, athlete, "first_week", self.state.index(athlete, FirstWeek).monday.isoformat())
        for end_us in fact.ends_us:
            found.unset(TIMELINES, bucket(athlete, end_us), f"items.{item.workout_id}")
        if item.counted:
            whole = {"whole": msgspec.to_builtins(item.whole)} if item.whole else {}
            shown = {**self._shown(athlete, item), **whole}
            found.set(TIMELINES, bucket(athlete, item.end_us), f"items.{item.workout_id}", shown)

    def _write_feeds(self, found: Documents, athlete: str, fact: FeedFact, readers: set[str] | None) -> None:
        """An item in the feeds of ``readers``; ``None``: of everybody whose feed may have it.

        It is spread if few followed when the workout ended. A follower who comes later changes nothing of that, so that
        to become (or cease to be) somebody whom many follow moves no item.
        """
        item, followers = fact.item, self.state.index(athlete, Followers)
        few = followers.count_at(item.end_us) <= self.most
        spread = item.counted and few and self._audience(athlete, item) != "only_me"
        if fact.spread or few:
            for end_us in fact.ends_us:
                for reader in followers.begun_by(end_us) if readers is None else readers:
                    found.unset(FEEDS, bucket(reader, end_us), f"items.{item.workout_id}")
        if not spread:
            return
        if not fact.spread:
            known = self.state.facts(athlete, FeedFact)[item.workout_id]
            self.state.put(athlete, item.workout_id, msgspec.structs.replace(fact, spread=True), known.offset)
        shown = self._shown(athlete, item)
        for reader in followers.begun_by(item.end_us) if readers is None else readers:
            since_us = followers.since_us(reader)
            if since_us is not None and since_us <= item.end_us:
                found.set(FEEDS, bucket(reader, item.end_us), f"items.{item.workout_id}", shown)

    def _audience(self, athlete: str, item: FeedItem) -> Any:
        chosen = self.state.get(athlete, ChosenAudiences, CHOSEN)
        return audience_of(item, chosen.fact if chosen else None)

    def _shown(self, athlete: str, item: FeedItem) -> dict[str, Any]:
        followers, audience = self.state.index(athlete, Followers), self._audience(athlete, item)
        mine = self.state.index(athlete, Reactions).of.get(item.workout_id, {})
        removed = {_comment_of(fact_id) for fact_id, fact in mine.items() if fact.removed}
        comments = [
            {
                "id": _comment_of(fact_id),
                "actor": fact.actor,
                "time": fact.time_us,
                "text": fact.text,
                "mentions": mentions_kept(
                    fact.mentions,
                    athlete,
                    audience,
                    {user for user in fact.mentions if followers.since_us(user) is not None},
                    {user for user in fact.mentions if followers.is_blocked(user)},
                ),
            }
            for fact_id, fact in mine.items()
            if fact.text is not None and _comment_of(fact_id) not in removed
        ]
        kudos = sorted(fact.actor for fact_id, fact in mine.items() if fact_id.startswith("kudos/"))
        shown = {name: getattr(item, name) for name in item.__struct_fields__ if name not in ("counted", "whole")}
        return {
            **shown,
            "audience": audience,
            "athlete": athlete,
            "kudos": kudos,
            "comments": sorted(comments, key=lambda c: (c["time"], c["id"])),
        }


def _comment_of(fact_id: str) -> str:
    return fact_id.rpartition("/")[2]


def _age(fact: Reaction | ChosenAudiences) -> tuple[int, str]:
    return fact.time_us, fact.event_id
