"""``stridelog bench feeds``: how long a page of a feed takes.

On an instance of its own. Its documents are those that the agent ``feed`` makes of follows and workouts; they are
written straight to MongoDB, since it is reading that is measured. Most readers have a full feed; some follow few or
nobody, and their pages look through all weeks that there are.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import redis.asyncio
from pymongo import AsyncMongoClient, UpdateOne

from domain.days import local_day
from schemas import hot
from sinks.base import Document, Span
from sinks.keys import Keys
from stridelog.batch import Record
from stridelog.instance import own_instance
from stridelog.privacy_key import privacy_key_of
from stridelog.projections.feed_facts import FACTS
from stridelog.projections.feeds import Feeds
from stridelog.queries import Queries
from stridelog.settings import Settings
from stridelog.state import State

WANTED_P99_MS: Final = 20.0
BIG: Final = 20  # athletes whom many follow
WEEKS: Final = 3
WORKOUTS_A_WEEK: Final = 4  # of an athlete who is followed
READERS_AN_ATHLETE: Final = 10  # so many readers to one who is followed by few
PAGE: Final = 20
WARM_UP: Final = 50
_SHARE_OF_BIG: Final = 8  # a big athlete is followed by a reader in eight, and many is a reader in ten
_MANY: Final = 10
_NOBODY_SHARE: Final = 0.02  # readers who follow nobody
_BULK: Final = 500
_DAY_US: Final = 86_400_000_000
_HEAD: Final[dict[str, Any]] = {"zone": "UTC", "source": "bench", "producer": "stridelog-bench"}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Town:
    """Who follows whom: ``followers`` by athlete; the first ``BIG`` are those whom many follow."""

    readers: Sequence[str]
    followers: Sequence[tuple[str, Sequence[str]]]
    most: int  # followers whose feeds are written to


@dataclass(frozen=True, slots=True)
class Pages:
    """Milliseconds of each page, by the clock and of this process's CPU, and how many items each had; and how long
    MongoDB took after each page for one document by its ``_id``: what the server and the machine make of the least.
    """

    took_ms: Sequence[float]
    cpu_ms: Sequence[float]
    store_ms: Sequence[float]
    items: Sequence[int]


async def run(base: Settings, *, readers: int, pages: int, seed: int, say: Say) -> dict[str, Any]:
    """Make an instance of ``readers`` readers and read ``pages`` pages, one after the other."""
    rng = np.random.default_rng(seed)
    town = town_of(readers, rng)
    now_us = time.time_ns() // 1_000
    async with own_instance(base, "feeds") as (settings, _):
        say("writing documents")
        documents = await _write(settings, town, now_us, say)
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(settings.mongo)
        circles = client[settings.namespace]["circles"]
        async with Queries(settings) as queries:
            say("warming up")
            await _read(queries, circles, town, WARM_UP, now_us, rng)
            say("reading pages")
            done = await _read(queries, circles, town, pages, now_us, rng)
        await client.close()
    return as_json(town, documents, done, seed=seed)


def town_of(readers: int, rng: np.random.Generator) -> Town:
    """Readers, and whom they follow: some of the big athletes, and on average ten of the others."""
    names = [f"reader-{number:06d}" for number in range(readers)]
    followers: list[tuple[str, Sequence[str]]] = []
    following = np.flatnonzero(rng.random(readers) >= _NOBODY_SHARE)
    for number in range(BIG + readers // READERS_AN_ATHLETE):
        share = 1 / _SHARE_OF_BIG if number < BIG else READERS_AN_ATHLETE**2 / readers
        chosen = following[rng.random(len(following)) < share]
        followers.append((f"athlete-{number:06d}", [names[index] for index in chosen]))
    return Town(names, followers, readers // _MANY)


async def _write(settings: Settings, town: Town, now_us: int, say: Say) -> int:
    """All documents and names; how many documents."""
    fields: dict[tuple[str, str], dict[str, Any]] = {}
    key = privacy_key_of(settings)
    for athlete, followers in town.followers:
        for document in await _documents(athlete, followers, now_us, town.most, key):
            fields.setdefault((document.collection, document.id), {}).update(document.set)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(settings.mongo)
    by_collection: dict[str, list[UpdateOne]] = {}
    for (collection, id), values in fields.items():
        if values:
            by_collection.setdefault(collection, []).append(UpdateOne({"_id": id}, {"$set": values}, upsert=True))
    for collection, updates in by_collection.items():
        for first in range(0, len(updates), _BULK):
            say(f"writing documents: {collection}, {first:,} of {len(updates):,}")
            await client[settings.namespace][collection].bulk_write(updates[first : first + _BULK], ordered=False)
    await client.close()
    names = redis.asyncio.Redis.from_url(settings.redis)
    shown = [text for athlete, _ in town.followers for text in (athlete, athlete.title())]
    await names.hset(Keys(settings.namespace).names(), items=shown)
    await names.aclose()
    return sum(map(len, by_collection.values()))


async def _documents(athlete: str, followers: Sequence[str], now_us: int, most: int, key: bytes) -> list[Document]:
    """What the agent writes of one athlete, of whom everybody followed first and all workouts came then."""
    state = State(None, FACTS, cached_facts=10**9)
    await state.load([athlete])
    records = [Record(offset, 0, message) for offset, message in enumerate(_messages(athlete, followers, now_us))]
    feeds = Feeds(state, Span("log", 0, 0, len(records)), most, key)
    feeds.keep(records)
    return feeds.documents()


def _messages(athlete: str, followers: Sequence[str], now_us: int) -> Iterator[Any]:
    begin_us = now_us - 7 * WEEKS * _DAY_US
    for follower in followers:
        data = hot.FollowedData(follower=follower)
        yield hot.Followed.of(user=athlete, time=begin_us, data=data, **_HEAD)
    for number in range(WEEKS * WORKOUTS_A_WEEK):
        end_us = begin_us + (number + 1) * 7 * _DAY_US // WORKOUTS_A_WEEK - _hour_us(athlete)
        workout = hot.WorkoutSummarisedData(
            workout_id=f"{int(athlete[-6:]):08d}-0000-4000-8000-{number:012d}",
            status="counted",
            sport="running",
            title="Morning running",
            start=end_us - 3_600_000_000,
            end=end_us,
            local_day=local_day(end_us, "UTC"),
            summary=_SUMMARY,
        )
        yield hot.WorkoutSummarised.of(user=athlete, time=end_us, data=workout, **_HEAD)


def _hour_us(athlete: str) -> int:
    """Some time of the day, another one for each athlete."""
    return int(athlete[-6:]) * 7_919_000_003 % _DAY_US


_SUMMARY: Final = hot.Summary(
    distance_m=10_000.0,
    distance_source="device",
    elapsed_s=3_600.0,
    timer_time_s=3_600.0,
    moving_time_s=3_500.0,
    zone_basis="none",
    time_in_zones_s=(),
    best_efforts=(),
    load=50.0,
    load_method="duration",
    sample_count=3_600,
    coverage=1.0,
)


async def _read(queries: Queries, circles: Any, town: Town, count: int, now_us: int, rng: np.random.Generator) -> Pages:
    """Random readers' first pages, and after every other one the next page."""
    took_ms: list[float] = []
    cpu_ms: list[float] = []
    store_ms: list[float] = []
    items: list[int] = []
    reader, before = "", None
    for number in range(count):
        if number % 2 == 0 or before is None:
            reader, before = town.readers[int(rng.integers(len(town.readers)))], None
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        page = await queries.feed(reader, limit=PAGE, before=before, now_us=now_us)
        took_ms.append((time.perf_counter() - began_s) * 1_000)
        cpu_ms.append((time.process_time() - began_cpu_s) * 1_000)
        items.append(len(page.items))
        began_s = time.perf_counter()
        await circles.find_one({"_id": reader}, {"groups": 1})
        store_ms.append((time.perf_counter() - began_s) * 1_000)
        before = page.next
    return Pages(took_ms, cpu_ms, store_ms, items)


def as_json(town: Town, documents: int, pages: Pages, *, seed: int) -> dict[str, Any]:
    """The result; its keys are described in docs/performance.md."""
    figures = {
        f"{name}_ms": {
            label: round(float(np.quantile(values, share)), 2)
            for label, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))
        }
        for name, values in (("page", pages.took_ms), ("cpu", pages.cpu_ms), ("store", pages.store_ms))
    }
    return {
        "readers": len(town.readers),
        "athletes": len(town.followers),
        "of_many_followers": sum(len(followers) > town.most for _, followers in town.followers),
        "fan_out_most": town.most,
        "documents": documents,
        "pages": len(pages.took_ms),
        "items_per_page": round(float(np.mean(pages.items)), 1),
        "empty_pages": sum(count == 0 for count in pages.items),
        "seed": seed,
        **figures,
        "wanted_p99_ms": WANTED_P99_MS,
        "ok": figures["page_ms"]["p99"] <= WANTED_P99_MS,
    }
