"""Pages of feeds and timelines as a viewer may see them, from MongoDB's documents.

A page merges the reader's own timeline, what was written to their feed, and the timelines of those whom too many
follow for that. All are documents by owner and week, read by ``_id``, newest weeks first and then ever more of them at
once: somebody with a full feed is answered by the first, somebody with three workouts in ten years by the last. No
more weeks are read than there may be documents of: an athlete's circle says when their timeline begins, a reader's
since when they follow anybody.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from domain.days import period_key
from domain.feeds import week_of
from domain.live_view import Permission
from domain.privacy_zones import HiddenCircle, known_circle
from domain.visibility import UNCHOSEN, Audiences, Layer, Override, Relation, may_see, settings_of
from stridelog.errors import UserError
from stridelog.projections.circles import field_of, user_of

WINDOWS: Final = (1, 3, 12, 52, 260)  # weeks that are read at once; then all that are left
FULL_FEEDS: Final = 2  # after so many windows it is worth asking since when the reader follows anybody
FIRST_WEEK: Final = date(1999, 12, 27)  # of the earliest time that a message may have
AHEAD_US: Final = 86_400_000_000
"""A workout that says it ended later than a day from now is in no feed before that."""
_BATCH: Final = 1_000  # documents in an answer of the server
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Of a workout: what only its athlete is told.
_OWN: Final = (
    *("visibility", "device_id", "duplicate_of", "channel_sources"),
    *("shown", "flags", "shadowed", "appeal", "review"),
)
_BY_HEART_RATE: Final = ("trimp", "efficiency_factor", "aerobic_decoupling")
_NEWEST: Final = "~"  # after every workout id

Cursor = tuple[int, str]
"""End of a workout (µs) and its id: the page begins before it."""
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Circle:
    """What is known of a user: whom they block or are blocked by, their groups, whose timelines they merge since when,
    their audiences and privacy zones, and, of those who were asked for, whom they follow.
    """

    user: str | None = None  # not signed in
    blocks: Collection[str] = ()
    groups: frozenset[str] = frozenset()
    merged: Mapping[str, int] = field(default_factory=dict)
    follows: Mapping[str, int] = field(default_factory=dict)
    profile: Audiences = UNCHOSEN
    zones: Collection[Document] = ()  # as ``stridelog.projections.circles`` keeps them
    first_week: date | None = None  # of the user's timeline; ``None``: there is none

    @classmethod
    def of(cls, user: str, document: Document | None, membership: Document | None) -> "Circle":
        """From the documents in ``circles`` and ``memberships``; who has none knows nobody."""
        held = document or {}
        visibility = held.get("visibility")
        return cls(
            user=user,
            blocks=frozenset(map(user_of, held.get("blocks", ()))),
            groups=frozenset((membership or {}).get("groups", ())),
            merged={user_of(name): since for name, since in held.get("merged", {}).items()},
            follows={user_of(name): since for name, since in held.get("follows", {}).items()},
            profile=Audiences(**visibility) if visibility else UNCHOSEN,
            zones=held.get("zones", ()),
            first_week=date.fromisoformat(held["first_week"]) if "first_week" in held else None,
        )

    def relation_to(self, owner: "Circle", *, follows: bool) -> Relation:
        """What the user is to another one. Either's record of a block is enough."""
        blocked = owner.user in self.blocks or self.user in owner.blocks
        return Relation(follows, bool(self.groups & owner.groups), blocked)

    def hidden(self, key: bytes) -> list[HiddenCircle]:
        """What others are not shown of where the user is."""
        return [known_circle(**zone, key=key) for zone in self.zones]


@dataclass(frozen=True, slots=True)
class Source:
    """Documents that a page is made of. ``since_us``: only what ended from then on."""

    collection: str
    owner: str
    since_us: int = 0

    @classmethod
    def timeline_of(cls, owner: Circle) -> "list[Source]":
        """All of a user's timeline, if there is any."""
        if owner.first_week is None:
            return []
        since = datetime.combine(owner.first_week, datetime.min.time(), UTC) - _EPOCH
        return [cls("timelines", str(owner.user), since // timedelta(microseconds=1))]


class FeedPages:
    """Reads pages from one namespace's database (an asynchronous client's)."""

    def __init__(self, database: Any) -> None:  # AsyncDatabase; the library's types say less than Any
        self._database = database

    async def circle(self, user: str | None, *, follows: Iterable[str] = ()) -> Circle:
        """A user's circle; of whom they follow only those of ``follows``: it may be thousands."""
        if user is None:
            return Circle()
        fields = ["blocks", "merged", "visibility", "first_week"]
        fields += [f"follows.{field_of(athlete)}" for athlete in follows]
        found, membership = await asyncio.gather(
            self._database["circles"].find_one({"_id": user}, dict.fromkeys(fields, 1)),
            self._database["memberships"].find_one({"_id": user}, {"groups": 1}),
        )
        return Circle.of(user, found, membership)

    async def permissions(self, owners: Sequence[str], viewer: str, key: bytes) -> dict[str, Permission]:
        """What each of ``owners`` allows ``viewer`` of a workout that says nothing else than their profile. ``key`` is
        that of privacy zones.
        """
        fields = ("visibility", "zones", f"blocks.{field_of(viewer)}")
        circle, found, groups = await asyncio.gather(
            self.circle(viewer, follows=owners), self._by_id("circles", owners, fields), self._groups(owners)
        )
        known = {user: Circle.of(user, found.get(user), groups.get(user)) for user in owners}
        return {user: permission(circle, owner, key) for user, owner in known.items()}

    async def _groups(self, users: Iterable[str]) -> dict[str, Document]:
        return await self._by_id("memberships", users, ("groups",))

    async def _by_id(self, collection: str, ids: Iterable[str], fields: Iterable[str]) -> dict[str, Document]:
        wanted = sorted(ids)
        if not wanted:
            return {}
        asked = {"_id": {"$in": wanted}}
        found = self._database[collection].find(asked, dict.fromkeys(fields, 1), batch_size=_BATCH)
        return {document["_id"]: document async for document in found}

    async def feed(self, reader: str, before: Cursor, limit: int) -> list[dict[str, Any]]:
        """Up to ``limit`` items of a reader's feed that are older than ``before``, newest first."""
        circle = await self.circle(reader)
        sources = [Source("feeds", reader), *Source.timeline_of(circle)]
        sources += [
            Source("timelines", athlete, since_us) for athlete, since_us in circle.merged.items() if athlete != reader
        ]
        return await self._page(circle, sources, before, limit, follows=None)

    async def timeline(self, athlete: str, viewer: str | None, before: Cursor, limit: int) -> list[dict[str, Any]]:
        """The same of an athlete's own workouts as ``viewer`` sees them; ``None``: who is not signed in."""
        circle, owner = await asyncio.gather(self.circle(viewer, follows=[athlete]), self.circle(athlete))
        follows = athlete in circle.follows
        return await self._page(circle, Source.timeline_of(owner), before, limit, follows=follows)

    async def _page(
        self, viewer: Circle, sources: Collection[Source], before: Cursor, limit: int, *, follows: bool | None
    ) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        groups: dict[str, Circle] = {}
        for number, weeks in enumerate(windows(week_of(before[0]))):
            if number == FULL_FEEDS:
                sources = await self._bounded(sources)
            if all(week_of(source.since_us) > weeks[0] for source in sources):
                break
            answers = await asyncio.gather(*(self._items(name, sources, weeks) for name in ("feeds", "timelines")))
            items = {wid: item for answer in answers for wid, item in answer if (item["end_us"], wid) < before}
            await self._learn_groups(groups, items.values())
            for wid, item in items.items():
                owner = groups.get(item["athlete"]) or Circle(item["athlete"])
                # What is in a feed is of somebody whom its reader follows.
                relation = viewer.relation_to(owner, follows=follows is None or follows)
                if may_see(viewer.user, item["athlete"], relation, "workout", _only(item["audience"])).allowed:
                    found[wid] = {**_without_blocked(part_for(item, viewer), viewer, owner, groups), "workout_id": wid}
            if len(found) > limit:
                break
        page = sorted(found.values(), key=lambda item: (item["end_us"], item["workout_id"]), reverse=True)
        return page[: limit + 1]

    async def _bounded(self, sources: Iterable[Source]) -> list[Source]:
        """With the time since which a reader follows anybody: the least of maybe thousands, so not asked at first."""
        found: list[Source] = []
        for source in sources:
            if source.collection != "feeds":
                found.append(source)
            elif circle := await self._database["circles"].find_one({"_id": source.owner}, {"follows": 1}):
                times = Circle.of(source.owner, circle, None).follows.values()
                found += [Source("feeds", source.owner, min(times))] if times else []
        return found

    async def _items(
        self, collection: str, sources: Iterable[Source], weeks: Iterable[date]
    ) -> list[tuple[str, dict[str, Any]]]:
        since_us = {source.owner: source.since_us for source in sources if source.collection == collection}
        first = {owner: week_of(time_us) for owner, time_us in since_us.items()}
        keys = {week: period_key(week, "week") for week in weeks}
        ids = [f"{owner}/{key}" for owner in since_us for week, key in keys.items() if week >= first[owner]]
        if not ids:
            return []
        found = self._database[collection].find({"_id": {"$in": ids}}, batch_size=_BATCH)
        return [
            (wid, item)
            for document in await found.to_list()
            for wid, item in document.get("items", {}).items()
            if item["end_us"] >= since_us[document["_id"].rpartition("/")[0]]
        ]

    async def _learn_groups(self, groups: dict[str, Circle], items: Iterable[Document]) -> None:
        """Look up the groups of athletes whose workouts are for them, and of those who are mentioned there."""
        wanted: set[str] = set()
        for item in items:
            if item["audience"] == "group":
                wanted |= {item["athlete"], *(user for c in item["comments"] for user in c["mentions"])}
        wanted -= groups.keys()
        found = await self._groups(wanted)
        groups.update({user: Circle.of(user, None, found.get(user)) for user in wanted})


def permission(viewer: Circle, owner: Circle, key: bytes) -> Permission:
    """What an athlete allows a viewer, by the circles of both. ``key`` is that of privacy zones."""
    relation = viewer.relation_to(owner, follows=owner.user in viewer.follows)
    return Permission(relation, owner.profile, owner.hidden(key))


def shown_workout(document: dict[str, Any], viewer: Circle, owner: Circle) -> dict[str, Any] | None:
    """A workout's document as ``viewer`` sees it, without what its layers hide; ``None``: they do not see it."""
    settings = settings_of(owner.profile, Override(**document.get("visibility", {})))
    relation = viewer.relation_to(owner, follows=owner.user in viewer.follows)

    def sees(layer: Layer) -> bool:
        return may_see(viewer.user, str(owner.user), relation, layer, settings).allowed

    if viewer.user == owner.user:
        return document
    if not sees("workout") or document["status"] != "counted":
        return None
    if shown := document.get("shown"):
        document = {**document, **shown}
    document = {name: value for name, value in document.items() if name not in _OWN}
    return document if sees("heart_rate") else {**document, "summary": _without_heart_rate(document["summary"])}


def _without_heart_rate(summary: Document) -> dict[str, Any]:
    """Without the figures that heart rate is read from. The load is one of the workout's own layer."""

    def is_kept(name: str) -> bool:
        return "heart_rate" not in name and name not in _BY_HEART_RATE

    shown = {name: value for name, value in summary.items() if is_kept(name)}
    if str(summary.get("zone_basis", "")).startswith("heart_rate"):
        shown |= {"time_in_zones_s": [], "zone_bounds": []}
    if summary.get("mean_heart_rate_bpm") is not None:
        shown.pop("energy_kcal", None)  # it may be made of the heart rate, by us or by the device
    shown["analysis"] = {name: value for name, value in (summary.get("analysis") or {}).items() if is_kept(name)}
    return shown


def part_for(item: dict[str, Any], viewer: Circle) -> dict[str, Any]:
    """The item without ``whole``; for its athlete with the whole figures. The end stays: pages are in its order."""
    whole = item.get("whole")
    if whole is None:
        return item
    part = {name: value for name, value in item.items() if name != "whole"}
    return part if viewer.user != item["athlete"] else {**part, **whole, "end_us": item["end_us"]}


def _without_blocked(
    item: dict[str, Any], viewer: Circle, owner: Circle, groups: Mapping[str, Circle]
) -> dict[str, Any]:
    """Without kudos and comments of those with whom the viewer is in a block; and of a workout for a group, without the
    mentions of those who are in none with the athlete.
    """
    if not viewer.blocks and item["audience"] != "group":
        return item
    for_group = item["audience"] == "group"

    def is_kept(user: str) -> bool:
        return not for_group or user == owner.user or bool(groups[user].groups & owner.groups)

    comments = [
        {**comment, "mentions": [user for user in comment["mentions"] if is_kept(user)]}
        for comment in item["comments"]
        if comment["actor"] not in viewer.blocks
    ]
    return {**item, "kudos": [user for user in item["kudos"] if user not in viewer.blocks], "comments": comments}


def _only(audience: Any) -> Audiences:
    return Audiences(workout=audience, map="only_me", heart_rate="only_me")


def windows(newest: date) -> Iterator[list[date]]:
    """The Mondays from ``newest`` back to the first one, in groups that grow."""
    left = (newest - FIRST_WEEK).days // 7 + 1
    for size in (*WINDOWS, left):
        count = min(size, left)
        if count <= 0:
            return
        yield [newest - timedelta(days=7 * back) for back in range(count)]
        newest -= timedelta(days=7 * count)
        left -= count


def cursor(text: str | None, now_us: int) -> Cursor:
    """Where a page begins: at ``<end in µs>:<workout id>``, at a time (ISO 8601), or at the newest.

    Raises ``UserError`` for anything else.
    """
    newest = now_us + AHEAD_US, _NEWEST
    if not text:
        return newest
    number, colon, workout_id = text.partition(":")
    if colon and number.isdecimal():
        return min((int(number), workout_id), newest)
    try:
        time = datetime.fromisoformat(text)
        time_us = ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise UserError(
            f"--before {text!r} is neither a time like 2026-11-24T12:00:00+00:00 nor the 'next' of a page"
        ) from None
    return min((max(time_us, 0), ""), newest)


def next_of(page: list[dict[str, Any]], limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """A page of at most ``limit`` items, and the cursor of the next one if there is more."""
    if len(page) <= limit:
        return page, None
    last = page[limit - 1]
    return page[:limit], f"{last['end_us']}:{last['workout_id']}"
