"""Questions to the stores, as the command line, the live view and the gateway ask them.

A ``Queries`` holds the clients, each of which connects when it is first needed, and what it has read of large boards.
What a user got wrong and a store that does not answer are both a ``UserError``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import clickhouse_connect
import pyarrow as pa
import redis.asyncio
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from domain.boards import BoardKey, decode_rank_score
from domain.days import period_key
from domain.live_view import Permission
from sinks.clickhouse import FAILURES
from sinks.keys import Keys
from sinks.standings import score_of
from stridelog import boards_file
from stridelog.answers import (
    BoardPage,
    BoardRow,
    FeedPage,
    FreshRisk,
    FreshSuggestion,
    RankPage,
    RankRow,
    RiskRow,
    SuggestionRow,
)
from stridelog.errors import UserError
from stridelog.feed_pages import FeedPages, cursor, next_of, shown_workout
from stridelog.privacy_key import privacy_key_of
from stridelog.settings import Settings
from stridelog.standing_changes import Place
from stridelog.standing_reads import Among, Standings

ANSWER_S: Final = 10
"""How long a store may take to answer."""
_RANK: Final = """
local place = redis.call('ZREVRANK', KEYS[1], ARGV[1])
if not place then return nil end
local first, last = math.max(0, place - ARGV[2]), place + ARGV[2]
local around = redis.call('ZREVRANGE', KEYS[1], first, last, 'WITHSCORES')
local users, above = {}, {}
for i = 1, #around, 2 do
    users[#users + 1] = around[i]
    above[#above + 1] = redis.call('ZCOUNT', KEYS[1], '(' .. around[i + 1], '+inf')
end
return {redis.call('ZCARD', KEYS[1]), place, around, above, redis.call('HMGET', KEYS[2], unpack(users))}
"""  # one round trip, and one state of the ranking
# A score stays in its table when its workout goes: it was said. Nobody is told it any more.
_COUNTS: Final = """workout_id NOT IN
    (SELECT workout_id FROM workouts FINAL WHERE user_id = {user:String} AND status != 'counted')"""
_RISKS: Final = f"""
SELECT workout_id, toUnixTimestamp64Micro(at), model_version, risk FROM injury_scores FINAL
WHERE user_id = {{user:String}} AND {_COUNTS} ORDER BY at DESC, workout_id LIMIT {{limit:UInt32}}
"""  # noqa: S608
_SUGGESTIONS: Final = f"""
SELECT workout_id, toUnixTimestamp64Micro(at), model_version, rank, workout_kind, sport, score
FROM recommendations FINAL
WHERE user_id = {{user:String}} AND (workout_id, source_offset) IN (
    SELECT workout_id, max(source_offset) FROM recommendations WHERE user_id = {{user:String}} AND {_COUNTS}
    GROUP BY workout_id ORDER BY max(at) DESC, workout_id LIMIT 1)
ORDER BY rank
"""  # noqa: S608
_NOT_THERE: Final = ("UNKNOWN_DATABASE", "UNKNOWN_TABLE")  # of ClickHouse: no worker has ever been up


class _NotThereError(Exception):
    """The database or table does not exist yet."""


class Queries:
    """The stores of one namespace, read only. Use as an async context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys(settings.namespace)
        self._clickhouse: Any = None  # clickhouse_connect's AsyncClient; the library has no types
        self._mongo: AsyncMongoClient[dict[str, Any]] | None = None
        self._redis: redis.asyncio.Redis | None = None
        self._connecting = asyncio.Lock()
        self._standings = Standings(self._clickhouse_table)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect."""
        if self._clickhouse is not None:
            await self._clickhouse.close()
        if self._mongo is not None:
            await self._mongo.close()
        if self._redis is not None:
            await self._redis.aclose()

    # -- leaderboards (ClickHouse)

    async def board(
        self,
        board: BoardKey,
        *,
        top: int = 10,
        user: str = "",
        neighbours: int = 2,
        among: Among | None = None,
    ) -> BoardPage:
        """The first ``top`` places of a leaderboard, and a user's place with the ones around it. An empty board has no
        rows. ``among`` (``stridelog.scopes``): only those are ranked, as if nobody else were on the board.
        """
        found = await self._standings.read(board, top=top, user=user, near=neighbours, among=among)
        names = await self.names(place.user for _, place in (*found.head, *found.around))
        less = boards_file.load().less_is_better(board.metric)

        def row(rank: int, place: Place) -> BoardRow:
            score, achieved_us = score_of(place.code, less_is_better=less)
            return BoardRow(rank, place.user, names[place.user], score, achieved_us, place.workouts)

        rows, around = (tuple(row(*ranked) for ranked in part) for part in (found.head, found.around))
        return BoardPage(board, found.users, rows, found.rank, around)

    async def periods_with_scores(self, board: BoardKey, *, most: int = 5) -> list[str]:
        """The latest period keys for which a kind of board has anybody on it."""
        found = await self.clickhouse(
            "SELECT period_key FROM board_scores FINAL WHERE metric = {metric:String} AND sport = {sport:String}"
            " AND period = {period:String} AND NOT deleted GROUP BY period_key ORDER BY period_key DESC"
            " LIMIT {most:UInt32}",
            metric=board.metric,
            sport=board.sport,
            period=board.period,
            most=most,
        )
        return [key for (key,) in found]

    # -- rankings (Redis)

    async def rank(self, user: str, board: BoardKey, *, neighbours: int = 2) -> RankPage | None:
        """A user's competition rank on a board and the places around it; ``None`` if the user is not on it."""
        async with self._asking("redis") as client:
            asked = client.register_script(_RANK)(
                keys=[self.keys.rank(*board), self.keys.names()], args=[user, neighbours]
            )
            found = await asked
        if found is None:
            return None
        users, place, around, above, names = found
        less = boards_file.load().less_is_better(board.metric)
        rows: list[RankRow] = []
        for member, value, ahead, name in zip(around[::2], around[1::2], above, names, strict=True):
            achieved = decode_rank_score(float(value), less_is_better=less)
            rows.append(RankRow(ahead + 1, member.decode(), (name or member).decode(), *achieved))
        mine = next((row.rank for row in rows if row.user == user), place + 1)
        return RankPage(board, users, mine, tuple(rows))

    async def ranked(self, board: BoardKey) -> int:
        """How many are in a ranking; 0: Redis does not have it."""
        async with self._asking("redis") as client:
            return int(await client.zcard(self.keys.rank(*board)))

    async def top(self, board: BoardKey, *, most: int) -> list[RankRow]:
        """The first places of a ranking."""
        async with self._asking("redis") as client:
            found = await client.zrevrange(self.keys.rank(*board), 0, most - 1, withscores=True)
        names = await self.names(member.decode() for member, _ in found)
        rows: list[RankRow] = []
        less = boards_file.load().less_is_better(board.metric)
        for place, (member, value) in enumerate(found, start=1):
            user, tied = member.decode(), bool(rows) and found[place - 2][1] == value
            achieved = decode_rank_score(value, less_is_better=less)
            rows.append(RankRow(rows[-1].rank if tied else place, user, names[user], *achieved))
        return rows

    # -- users (Redis)

    async def names(self, users: Iterable[str]) -> dict[str, str]:
        """Display names; the id of a user who has none."""
        wanted = list(dict.fromkeys(users))
        if not wanted:
            return {}
        async with self._asking("redis") as client:
            found = await client.hmget(self.keys.names(), wanted)
        return {user: name.decode() if name else user for user, name in zip(wanted, found, strict=True)}

    async def name(self, user: str) -> str | None:
        """A registered user's display name; ``None``: nobody registered under this id, or was erased."""
        async with self._asking("redis") as client:
            name = await client.hget(self.keys.names(), user)
        return name.decode() if name else None

    async def known(self, user: str) -> str:
        """The display name. Raises ``UserError`` for a user whom nobody knows."""
        name = await self.name(user)
        if name is None:
            raise UserError(
                f"no user {user!r}: give the id with which they registered (a board shows ids: stridelog board)"
            )
        return name

    async def redis(self, command: str, *arguments: Any) -> Any:
        """The answer to one command of redis-py, such as ``mget``."""
        async with self._asking("redis") as client:
            return await getattr(client, command)(*arguments)

    async def redis_all(self, command: str, names: Sequence[str]) -> list[Any]:
        """The answer to one command for each of some keys."""
        async with self._asking("redis") as client, client.pipeline(transaction=False) as pipe:
            for name in names:
                getattr(pipe, command)(name)
            found: list[Any] = await pipe.execute()
        return found

    # -- feeds and workouts (Mongo)

    async def feed(
        self, user: str, *, limit: int = 20, before: str | None = None, now_us: int | None = None
    ) -> FeedPage:
        """A user's feed, newest first (by the workout's end, then id): their own workouts, and what they may see of
        others whom they follow.

        ``before`` is the ``next`` of the page before: items that came meanwhile neither repeat nor push out others.
        ``now_us`` is the clock's time if it is not given: what ends more than a day later is not shown yet.
        """
        begin = cursor(before, now_us or _now_us())
        async with self._asking("mongo") as client:
            found = await FeedPages(client[self.settings.namespace]).feed(user, begin, limit)
        return await self._named(found, limit)

    async def timeline(
        self, user: str, *, viewer: str | None, limit: int = 20, before: str | None = None, now_us: int | None = None
    ) -> FeedPage:
        """A user's own workouts as ``viewer`` may see them (``None``: somebody who is not signed in), as ``feed``."""
        begin = cursor(before, now_us or _now_us())
        async with self._asking("mongo") as client:
            found = await FeedPages(client[self.settings.namespace]).timeline(user, viewer, begin, limit)
        return await self._named(found, limit)

    async def _named(self, found: list[dict[str, Any]], limit: int) -> FeedPage:
        page, more = next_of(found, limit)
        names = await self.names(sorted({item["athlete"] for item in page}))
        return FeedPage(tuple({**item, "name": names[item["athlete"]]} for item in page), more)

    async def newest_items(self, users: Sequence[str], *, most: int) -> list[dict[str, Any]]:
        """The newest workouts of several users, of this week and the last, whoever may see them: for an operator."""
        weeks = [datetime.now(UTC).date() - timedelta(days=7 * back) for back in (0, 1)]
        ids = [f"{user}/{period_key(week, 'week')}" for user in users for week in weeks]
        async with self._asking("mongo") as client:
            timelines = client[self.settings.namespace]["timelines"]
            found = await timelines.find({"_id": {"$in": ids}}).to_list()
        items = [
            {**item, **item.get("whole", {}), "workout_id": wid}
            for week in found
            for wid, item in week.get("items", {}).items()
        ]
        newest = sorted(items, key=lambda item: (item["end_us"], item["workout_id"]), reverse=True)[:most]
        names = await self.names(item["athlete"] for item in newest)
        return [{**item, "name": names[item["athlete"]]} for item in newest]

    async def workout(self, workout_id: str) -> dict[str, Any] | None:
        """A workout's document with its user's ``name``, for its athlete and for operators; ``None``: there is none."""
        async with self._asking("mongo") as client:
            found = await client[self.settings.namespace]["workouts"].find_one({"_id": workout_id})
        if found is None:
            return None
        names = await self.names([found["user"]])
        return {"workout_id": found.pop("_id"), **found, "name": names[found["user"]]}

    async def workout_for(self, viewer: str | None, workout_id: str) -> dict[str, Any] | None:
        """The same as ``viewer`` may see it (``None``: somebody who is not signed in), without the layers that they may
        not; ``None``: there is none that they may see.
        """
        document = await self.workout(workout_id)
        if document is None:
            return None
        async with self._asking("mongo") as client:
            pages = FeedPages(client[self.settings.namespace])
            circle, owner = await asyncio.gather(
                pages.circle(viewer, follows=[document["user"]]), pages.circle(document["user"])
            )
        return shown_workout(document, circle, owner)

    async def permissions(self, owners: Sequence[str], viewer: str) -> dict[str, Permission]:
        """What each of ``owners`` allows ``viewer`` of a workout that goes on, as they have chosen for all workouts."""
        key = privacy_key_of(self.settings)
        async with self._asking("mongo") as client:
            return await FeedPages(client[self.settings.namespace]).permissions(owners, viewer, key)

    # -- achievements (Mongo)

    async def achievements(self, user: str) -> list[dict[str, Any]]:
        """A user's awards with their ids, newest first; by rules of yesterday too, until the user's next workout."""
        async with self._asking("mongo") as client:
            documents = client[self.settings.namespace]["achievements"]
            found = await documents.find({"_id": {"$gte": f"{user}/", "$lt": f"{user}/~"}}).to_list()
        awards = [{"award_id": id, **award} for held in found for id, award in held.get("awards", {}).items()]
        return sorted(awards, key=lambda award: (-award["at"], award["award_id"]))

    # -- any documents (Mongo)

    async def documents(
        self,
        collection: str,
        wanted: Mapping[str, Any],
        *,
        only: Sequence[str] = (),
        without: Sequence[str] = (),
        order: Mapping[str, int] | None = None,
        most: int = 0,
    ) -> list[dict[str, Any]]:
        """Documents of a collection that a filter finds, with some fields only or without some, by ``order`` (1: from
        the least, -1: from the greatest); 0: however many.
        """
        shown = dict.fromkeys(only, 1) or dict.fromkeys(without, 0) or None
        async with self._asking("mongo") as client:
            found = client[self.settings.namespace][collection].find(wanted, shown, limit=most, sort=order)
            documents: list[dict[str, Any]] = await found.to_list()
        return documents

    # -- scores (ClickHouse)

    async def injury_risks(self, user: str, *, limit: int = 10) -> list[RiskRow]:
        """A user's injury risks, newest workout first; none of a workout that no longer counts."""
        found = await self.clickhouse(_RISKS, user=user, limit=limit)
        return [RiskRow(*row) for row in found]

    async def suggestions(self, user: str) -> list[SuggestionRow]:
        """What was recommended after the user's latest workout that counts, best first."""
        found = await self.clickhouse(_SUGGESTIONS, user=user)
        return [SuggestionRow(*row) for row in found]

    async def freshest_risks(self, *, most: int) -> list[FreshRisk]:
        """The injury scores of the workouts that ended last, of whomever."""
        found = await self.clickhouse(
            "SELECT user_id, toUnixTimestamp64Micro(at), risk, model_version FROM injury_scores FINAL"
            " ORDER BY at DESC, user_id LIMIT {most:UInt32}",
            most=most,
        )
        return [FreshRisk(*row) for row in found]

    async def freshest_suggestions(self, *, most: int) -> list[FreshSuggestion]:
        """The first recommendations after the workouts that ended last, of whomever."""
        found = await self.clickhouse(
            "SELECT user_id, toUnixTimestamp64Micro(at), workout_kind, sport, model_version FROM recommendations FINAL"
            " WHERE rank = 1 ORDER BY at DESC, user_id LIMIT {most:UInt32}",
            most=most,
        )
        return [FreshSuggestion(*row) for row in found]

    async def clickhouse(self, text: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        """Rows of a SELECT in the namespace's database; none while the workers have not made its tables."""
        try:
            async with self._asking("clickhouse") as client:
                result = await client.query(text, parameters=parameters)
        except _NotThereError:
            return []
        rows: Sequence[Sequence[Any]] = result.result_rows
        return rows

    async def _clickhouse_table(self, text: str, **parameters: Any) -> pa.Table:
        """The rows of a SELECT as a table; an empty one while the workers have not made its tables."""
        try:
            async with self._asking("clickhouse") as client:
                return await client.query_arrow(text, parameters=parameters, use_strings=True)
        except _NotThereError:
            return pa.table({})

    @asynccontextmanager
    async def _asking(self, store: str) -> AsyncIterator[Any]:
        """A store's client; what goes wrong on the way is a ``UserError`` that names the store."""
        try:
            async with asyncio.timeout(ANSWER_S):
                yield await self._client(store)
        except (RedisError, PyMongoError, *FAILURES) as error:
            if any(mark in str(error) for mark in _NOT_THERE):
                raise _NotThereError from error
            first_line = (str(error).strip().splitlines() or ["timed out"])[0]
            raise UserError(
                f"{_LABELS[store]} does not answer at {self._place(store)} ({first_line[:200]}): "
                "is the stack up? make up"
            ) from error

    async def _client(self, store: str) -> Any:
        async with self._connecting:
            if store == "clickhouse":
                if self._clickhouse is None:
                    self._clickhouse = await clickhouse_connect.get_async_client(
                        host=self.settings.host,
                        port=self.settings.clickhouse_port,
                        username=self.settings.clickhouse_user,
                        password=self.settings.clickhouse_password,
                        query_limit=0,
                        database=self.settings.namespace,
                        connect_timeout=ANSWER_S,
                        send_receive_timeout=ANSWER_S,
                    )
                return self._clickhouse
            if store == "mongo":
                if self._mongo is None:
                    wait_ms = ANSWER_S * 500
                    self._mongo = AsyncMongoClient(self.settings.mongo, serverSelectionTimeoutMS=wait_ms)
                return self._mongo
            if self._redis is None:
                self._redis = redis.asyncio.Redis.from_url(self.settings.redis, socket_connect_timeout=ANSWER_S)
            return self._redis

    def _place(self, store: str) -> str:
        if store == "clickhouse":
            return f"{self.settings.host}:{self.settings.clickhouse_port}"
        return self.settings.mongo if store == "mongo" else self.settings.redis


_LABELS: Final = {"clickhouse": "ClickHouse", "mongo": "MongoDB", "redis": "Redis"}


def _now_us() -> int:
    return time.time_ns() // 1_000
