"""Feeds as documents: which items a batch touches, and in whose feeds they are now."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from domain.feeds import FeedItem, FollowChange, Reaction, bucket, follows_at
from schemas import hot
from sinks.base import Document, Span
from stridelog.batch import Record
from stridelog.state import Index, State

COLLECTION = "feeds"


class FeedFact(msgspec.Struct, frozen=True):
    """A workout as feeds know it, and every other form (end, week) it has had: there it may have left an item."""

    item: FeedItem
    earlier: tuple[FeedItem, ...] = ()


class Reactions(Index):
    """Kudos and comments of an athlete's workouts: workout → fact id → reaction."""

    kinds = (Reaction,)

    def __init__(self) -> None:
        self.of: defaultdict[str, dict[str, Reaction]] = defaultdict(dict)
        self._workouts: dict[str, str] = {}

    def put(self, id: str, fact: Reaction) -> None:
        self.of[self._workouts.get(id, fact.workout_id)].pop(id, None)
        self.of[fact.workout_id][id] = fact
        self._workouts[id] = fact.workout_id


class Feeds:
    """One batch of the ``feed`` agent."""

    def __init__(self, state: State, span: Span) -> None:
        self.state = state
        self.span = span
        self.touched: dict[str, set[str]] = defaultdict(set)  # athlete → workouts

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
                fact = _fact(data, known.fact if known else None)
                return self._put(user, data.workout_id, fact, offset, {data.workout_id})
            case hot.Followed() | hot.Unfollowed():
                change = FollowChange(message.time, message.id, data.follower, isinstance(message, hot.Followed))
                items = self.state.facts(user, FeedFact)
                later = {wid for wid, known in items.items() if known.fact.item.end_us >= change.time_us}
                return self._put(user, message.id, change, offset, later)
            case hot.KudosGiven():
                reaction = Reaction(data.workout_id, data.actor, message.time)
                return self._put(user, f"kudos/{data.workout_id}/{data.actor}", reaction, offset, {data.workout_id})
            case hot.CommentPosted():
                reaction = Reaction(data.workout_id, data.actor, message.time, data.text)
                return self._put(user, f"comment/{data.comment_id}", reaction, offset, {data.workout_id})
            case hot.CommentDeleted():
                reaction = Reaction(data.workout_id, "", message.time, removed=True)
                return self._put(user, f"removed/{data.comment_id}", reaction, offset, {data.workout_id})
        return "not_for_feeds"

    def _put(self, user: str, fact_id: str, fact: msgspec.Struct, offset: int, touches: set[str]) -> str | None:
        known = self.state.get(user, type(fact), fact_id)
        if known is not None and known.fact == fact:
            if known.settled(self.span):
                return "duplicate"
        else:
            self.state.put(user, fact_id, fact, offset)
        self.touched[user] |= touches
        return None

    def documents(self) -> list[Document]:
        """For each touched item: set where it belongs, unset everywhere else where it may have been."""
        changes: dict[str, tuple[dict[str, Any], set[str]]] = defaultdict(lambda: ({}, set()))
        for athlete, workouts in self.touched.items():
            follow_changes = [known.fact for known in self.state.facts(athlete, FollowChange).values()]
            everyone = {change.follower for change in follow_changes} | {athlete}
            for wid in workouts:
                known = self.state.get(athlete, FeedFact, wid)
                if known is None:
                    continue  # a reaction to a workout that we have not seen yet: it is counted when that comes
                item = known.fact.item
                readers = follows_at(follow_changes, item.end_us) | {athlete} if item.counted else set()
                for form in (item, *known.fact.earlier):
                    for reader in everyone:
                        changes[bucket(reader, form)][1].add(f"items.{wid}")
                shown = self._shown(athlete, item)
                for reader in readers:
                    fields, gone = changes[bucket(reader, item)]
                    fields[f"items.{wid}"] = shown
                    gone.discard(f"items.{wid}")
        return [Document(COLLECTION, id, set=fields, unset=sorted(gone)) for id, (fields, gone) in changes.items()]

    def _shown(self, athlete: str, item: FeedItem) -> dict[str, Any]:
        mine = self.state.index(athlete, Reactions).of.get(item.workout_id, {})
        removed = {fact_id.removeprefix("removed/") for fact_id, fact in mine.items() if fact.removed}
        comments = [
            {"id": fact_id.removeprefix("comment/"), "actor": fact.actor, "time": fact.time_us, "text": fact.text}
            for fact_id, fact in mine.items()
            if fact_id.startswith("comment/") and fact_id.removeprefix("comment/") not in removed
        ]
        kudos = sorted(fact.actor for fact_id, fact in mine.items() if fact_id.startswith("kudos/"))
        shown = {name: getattr(item, name) for name in item.__struct_fields__ if name != "counted"}
        return {
            **shown,
            "athlete": athlete,
            "kudos": kudos,
            "comments": sorted(comments, key=lambda c: (c["time"], c["id"])),
        }


def _fact(data: hot.WorkoutSummarisedData, before: FeedFact | None) -> FeedFact:
    summary = data.summary
    item = FeedItem(
        workout_id=data.workout_id,
        counted=data.status == "counted",
        sport=data.sport,
        title=data.title,
        end_us=data.end,
        local_day=data.local_day.isoformat(),
        distance_m=summary.distance_m if summary else 0.0,
        moving_time_s=summary.moving_time_s if summary else 0.0,
        elevation_gain_m=(summary.elevation_gain_m or 0.0) if summary else 0.0,
        load=summary.load if summary else 0.0,
    )
    forms = {(form.end_us, form.local_day): form for form in (*before.earlier, before.item)} if before else {}
    forms.pop((item.end_us, item.local_day), None)
    return FeedFact(item, tuple(forms.values()))
