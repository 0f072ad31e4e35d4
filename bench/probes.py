"""How a benchmark sees that a workout can be read: one cheap query for all that are still outstanding."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import clickhouse_connect
import pyarrow.parquet as pq
import redis.asyncio
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pymongo import AsyncMongoClient

from bench.load import BenchWorkout
from domain.boards import BoardKey
from sinks.keys import Keys
from sinks.lake import Lake
from sinks.lake_tables import TRAINING_FEATURES
from stridelog.settings import Settings

EVERY_S: Final = 0.02
BOARD_EVERY_S: Final = 0.05  # a SELECT costs the server milliseconds that the inserts need
LAKE_EVERY_S: Final = 0.25  # a look opens files
BOARD: Final = BoardKey("distance", "all", "all", "all")


class Probe(Protocol):
    """A place where workouts become readable. An athlete of a benchmark has one workout, so their row is its row."""

    name: str
    every_s: float  # how often it is asked, at most

    async def open(self) -> None:
        """Connect."""

    async def look(self, waiting: Sequence[BenchWorkout]) -> set[str]:
        """The ids of those workouts that can be read now."""

    async def close(self) -> None:
        """Disconnect."""


class _ClickHouse:
    """One SELECT of the users who have a row."""

    every_s = BOARD_EVERY_S

    def __init__(self, settings: Settings, name: str, select: str) -> None:
        self.name = name
        self._settings = settings
        self._select = select
        self._client: Any = None  # clickhouse_connect's AsyncClient; the library has no types

    async def open(self) -> None:
        """Connect."""
        self._client = await clickhouse_connect.get_async_client(
            host=self._settings.host,
            port=self._settings.clickhouse_port,
            username=self._settings.clickhouse_user,
            password=self._settings.clickhouse_password,
            database=self._settings.namespace,
            query_limit=0,
        )

    async def look(self, waiting: Sequence[BenchWorkout]) -> set[str]:
        """The ids of those workouts whose athlete has a row."""
        users = {workout.user: workout.workout_id for workout in waiting}
        parameters = {**BOARD._asdict(), "users": list(users)}
        result = await self._client.query(self._select, parameters=parameters)
        return {users[user] for (user,) in result.result_rows}

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()


class _Mongo:
    """Documents by ``_id``."""

    every_s = EVERY_S

    def __init__(self, settings: Settings) -> None:
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(settings.mongo)
        self._database = self._client[settings.namespace]

    async def open(self) -> None:
        """Connect."""
        await self._client.admin.command("ping")

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()


class Feed(_Mongo):
    """The athlete's own feed has the workout with its distance."""

    name = "feed"

    async def look(self, waiting: Sequence[BenchWorkout]) -> set[str]:
        """The ids of those workouts that are in their athlete's feed."""
        weeks = await self._database["timelines"].find({"_id": {"$in": [w.timeline for w in waiting]}}).to_list()
        items = {wid: item for week in weeks for wid, item in week.get("items", {}).items()}
        return {w.workout_id for w in waiting if items.get(w.workout_id, {}).get("distance_m", 0) > 0}


class ReadModel(_Mongo):
    """The workout's document has its distance."""

    name = "workout"

    async def look(self, waiting: Sequence[BenchWorkout]) -> set[str]:
        """The ids of those workouts that can be read with their distance."""
        query = {"_id": {"$in": [w.workout_id for w in waiting]}, "summary.distance_m": {"$gt": 0}}
        return {document["_id"] for document in await self._database["workouts"].find(query, {"_id": 1}).to_list()}


class Rank:
    """The athlete is in the sorted set."""

    name = "rank"
    every_s = EVERY_S

    def __init__(self, settings: Settings) -> None:
        self._client = redis.asyncio.Redis.from_url(settings.redis)
        self._key = Keys(settings.namespace).rank(*BOARD)

    async def open(self) -> None:
        """Connect."""
        await self._client.ping()

    async def look(self, waiting: Sequence[BenchWorkout]) -> set[str]:
        """The ids of those workouts whose athlete is ranked."""
        scores = await self._client.zmscore(self._key, [w.user for w in waiting])
        return {w.workout_id for w, score in zip(waiting, scores, strict=True) if score is not None}

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose()


class LakeTable:
    """The workout's features are in the Delta table; a file of it is read once. For a lake in a folder."""

    name = "lake"
    every_s = LAKE_EVERY_S

    def __init__(self, settings: Settings) -> None:
        self._lake = Lake.of(settings)
        self._table: DeltaTable | None = None
        self._read: set[str] = set()
        self._found: set[str] = set()

    async def open(self) -> None:
        """Nothing to connect to."""

    async def look(self, waiting: Sequence[BenchWorkout]) -> set[str]:
        """The ids of those workouts that a committed version of the table has."""
        await asyncio.to_thread(self._look)
        return {w.workout_id for w in waiting if w.workout_id in self._found}

    async def close(self) -> None:
        """Nothing to disconnect from."""

    def _look(self) -> None:
        try:
            if self._table is None:
                self._table = self._lake.table(TRAINING_FEATURES.name)
            else:
                self._table.update_incremental()
        except TableNotFoundError:  # until the first commit
            return
        for uri in set(self._table.file_uris()) - self._read:
            self._found.update(pq.read_table(uri, columns=["workout_id"]).column(0).to_pylist())
            self._read.add(uri)


def probes_of(settings: Settings, *, models: bool) -> list[Probe]:
    """All places: board, feed, rank and read model, the lake where it is a folder, and the scores if there are models.

    The SELECTs look for any version of a row: without FINAL they cost next to nothing.
    """
    where = "metric = {metric:String} AND sport = {sport:String} AND period = {period:String}"
    where += " AND period_key = {period_key:String} AND user_id IN {users:Array(String)} AND NOT deleted"
    found: list[Probe] = [
        _ClickHouse(settings, "board", f"SELECT DISTINCT user_id FROM board_scores WHERE {where}"),  # noqa: S608
        Feed(settings),
        Rank(settings),
        ReadModel(settings),
    ]
    if "://" not in settings.lake:
        found.append(LakeTable(settings))
    if models:
        select = "SELECT DISTINCT user_id FROM injury_scores WHERE user_id IN {users:Array(String)}"
        found.append(_ClickHouse(settings, "injury", select))
    return found
