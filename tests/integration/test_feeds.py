"""Feeds of a town where an athlete with four followers is one of many: what people see is what the rules let them."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
from pymongo import MongoClient

from schemas import hot
from stridelog.answers import FeedPage
from stridelog.lag import LagReader, caught_up
from stridelog.producer import Producer
from stridelog.queries import Queries
from tests.platform import ROLES, Platform
from verification.feeds import Found, seen_in

pytestmark = [pytest.mark.stack, pytest.mark.slow]

TOWN: Final = ("simulate", "--athletes", "40", "--days", "15", "--sampling-s", "60", "--seed", "11", "--json")
HEAD: Final[dict[str, Any]] = {"zone": "UTC", "source": "test", "producer": "test"}
HOUR_US: Final = 3_600_000_000
NOW_US: Final = time.time_ns() // 1_000
READERS: Final = [f"reader.{number}" for number in range(5)]
WORKOUTS: Final = [f"{number}0000000-0000-4000-8000-000000000000" for number in range(4)]
DEADLINE_S: Final = 240.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A town, sent while the feeds' worker is killed and comes back."""
    name = f"feeds{uuid.uuid4().hex[:10]}"
    with Platform(name, tmp_path_factory.mktemp(name), feed_fan_out_most=3) as platform:
        platform.start(*ROLES)
        platform.command(*TOWN)
        platform.kill("social")
        platform.start("social")
        yield platform


def send(platform: Platform, *messages: Any) -> None:
    """Send, and wait until all agents have written what follows from it."""

    async def written() -> None:
        kinds = {message.type for message in messages}
        async with await Producer(platform.settings, platform.topics).open(kinds) as producer:
            for message in messages:
                await producer.send(message)
        async with LagReader(platform.settings, known=platform.topics) as reader:
            await caught_up(reader, timeout_s=DEADLINE_S)

    asyncio.run(written())


def event(kind: Any, user: str, hours: float, **data: Any) -> Any:
    """An event so many hours after the day before now."""
    time_us = NOW_US - 24 * HOUR_US + int(hours * HOUR_US)
    return kind.of(user=user, time=time_us, data=getattr(hot, f"{kind.__name__}Data")(**data), **HEAD)


def ended(number: int, hours: float, **fields: Any) -> Any:
    """A workout of ``star`` of half an hour, typed in by hand."""
    end_us = NOW_US - 24 * HOUR_US + int(hours * HOUR_US)
    start_us = end_us - HOUR_US // 2
    data = {"workout_id": WORKOUTS[number], "sport": "running", "start": start_us, "end": end_us, **fields}
    return event(hot.WorkoutCompleted, "star", hours, **data)


def differing(verified: dict[str, Any]) -> set[str]:
    """The stores that do not hold what the log says."""
    return {name for name, s in verified["sinks"].items() if s["missing"] or s["extra"] or s["different"]}


def feed(platform: Platform, reader: str, *arguments: str) -> list[int]:
    """The numbers of star's workouts in a feed, as the command shows it."""
    shown = json.loads(platform.command("feed", reader, "--limit", "100", "--json", *arguments).stdout)
    return [WORKOUTS.index(item["workout_id"]) for item in shown["items"]]


def test_after_a_town_with_a_kill_feeds_hold_and_show_what_the_log_says(platform: Platform) -> None:
    verified = platform.verify()
    assert not differing(verified), verified["shown"]
    for name in ("feeds", "timelines", "circles", "seen"):
        assert verified["sinks"][f"mongo.{name}"]["found"] > 50, name
    platform.command(*TOWN)
    verified = platform.verify()
    assert not differing(verified), verified["shown"]
    circles = database(platform)["circles"]
    assert any(circle.get("merged") for circle in circles.find())
    assert any(circle.get("blocks") for circle in circles.find())


def test_pages_of_every_reader_are_all_that_documents_show_them_once_newest_first(platform: Platform) -> None:
    mongo = database(platform)
    items = {
        name: {
            (week["_id"], wid): Found(item["athlete"], item["audience"], item["end_us"])
            for week in mongo[name].find()
            for wid, item in week.get("items", {}).items()
        }
        for name in ("feeds", "timelines")
    }
    circles = {circle["_id"]: circle for circle in mongo["circles"].find()}
    ends = {wid: item.end_us for (_, wid), item in items["timelines"].items()}
    wanted: dict[str, list[str]] = {}
    groups = {one["_id"]: set(one.get("groups", ())) for one in mongo["memberships"].find()}
    for reader, wid in seen_in(items["feeds"], items["timelines"], circles, groups):
        wanted.setdefault(reader, []).append(wid)
    found = asyncio.run(pages_of_all(platform, sorted(wanted)))
    newest_first = {r: sorted(wids, key=lambda wid: (ends[wid], wid), reverse=True) for r, wids in wanted.items()}
    assert found == newest_first


async def pages_of_all(platform: Platform, readers: list[str]) -> dict[str, list[str]]:
    async with Queries(platform.settings) as queries:
        return {reader: [wid async for wid in pages_of(queries, reader)] for reader in readers}


async def pages_of(queries: Queries, reader: str) -> AsyncIterator[str]:
    before = None
    while True:
        page: FeedPage = await queries.feed(reader, limit=3, before=before)
        assert len(page.items) == 3 or page.next is None
        for item in page.items:
            yield item["workout_id"]
        if page.next is None:
            return
        before = page.next


def test_becoming_somebody_of_many_followers_and_back_loses_and_doubles_nothing(platform: Platform) -> None:
    people = [event(hot.UserRegistered, user, 0, name=user, sex="female") for user in ("star", *READERS)]
    send(platform, *people)
    send(platform, *(event(hot.Followed, "star", 1, follower=reader) for reader in READERS[:3]), ended(0, 2))
    send(platform, *(event(hot.Followed, "star", 3, follower=reader) for reader in READERS[3:]), ended(1, 4))
    send(platform, *(event(hot.Unfollowed, "star", 5, follower=reader) for reader in READERS[2:4]), ended(2, 6))
    assert [feed(platform, reader) for reader in READERS] == [[2, 1, 0], [2, 1, 0], [], [], [2, 1]]
    kept = [week for week in database(platform)["feeds"].find() if week["_id"].startswith(f"{READERS[0]}/")]
    assert {wid for week in kept for wid in week["items"]} == {WORKOUTS[0], WORKOUTS[2]}
    assert not differing(platform.verify())


def test_blocks_and_visibility_act_on_what_was_shown_before(platform: Platform) -> None:
    pair = {"blocker": READERS[0], "blocked": "star"}
    send(platform, *(event(hot.Blocked, user, 7, **pair) for user in ("star", READERS[0])))
    assert feed(platform, READERS[0]) == []
    assert feed(platform, "star", "--as", READERS[0]) == []
    hidden = hot.WorkoutVisibility(workout="only_me")
    send(platform, event(hot.WorkoutEdited, "star", 8, workout_id=WORKOUTS[1], visibility=hidden))
    assert feed(platform, READERS[1]) == [2, 0]
    assert feed(platform, "star") == [2, 1, 0]
    assert feed(platform, "star", "--as", READERS[1]) == [2, 0]
    assert "no workout" in platform.command("workout", WORKOUTS[1], "--as", READERS[1], check=False).stderr
    for_groups = event(hot.VisibilityChanged, "star", 9, workout="group", map="group", heart_rate="group")
    club = "c0000000-0000-4000-8000-000000000000"
    founded = event(hot.GroupCreated, "star", 9, group_id=club, name="Club", sport="running")
    send(platform, for_groups, founded)
    assert feed(platform, READERS[1]) == []
    send(platform, event(hot.GroupJoined, READERS[1], 10, group_id=club))
    assert feed(platform, READERS[1]) == [2, 0]
    send(platform, event(hot.WorkoutDeleted, "star", 11, workout_id=WORKOUTS[2]))
    assert feed(platform, READERS[1]) == [0]
    verified = platform.verify()
    assert not differing(verified), verified["shown"]


def database(platform: Platform) -> Any:
    return MongoClient(platform.settings.mongo)[platform.settings.namespace]
