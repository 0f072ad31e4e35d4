"""``stridelog bench boards``: reading leaderboards of many users, from ClickHouse and from Redis.

Rows come through the sinks as agents write them: each batch has whole scores of its users, so that a user's earlier
rows are superseded; one workout in a hundred is deleted with a later batch, so that scores fall too, and some users
leave. After the load a base is made (stridelog/standing_keeper.py), then as much changes as can before the next one is
due. While reads are measured, scores go on changing between them. Every answer is compared with what numpy works out.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from domain.boards import BoardKey, encode_rank_score
from sinks.base import RedisCommand, Rows, Span, TopicPartition
from sinks.clickhouse import ClickHouseSink
from sinks.keys import Keys
from sinks.redis import RedisSink
from sinks.standings import WRITER
from sinks.tables import BOARD_SCORES
from stridelog import standing_keeper
from stridelog.instance import own_settings, remove_boards
from stridelog.queries import Queries
from stridelog.settings import Settings
from stridelog.standing_keeper import StandingKeeper

Say = Callable[[str], None]
BOARD: Final = BoardKey("distance", "all", "all", "all")
"""The board that is measured: the one that has everybody. Others are written beside it."""
TOP: Final = 100
NEIGHBOURS: Final = 5
PROMISE_MS: Final = {"clickhouse_board": 50.0, "redis_rank": 2.0, "redis_top": 2.0}
TOPIC: Final = "workout-summaries"
PARTITIONS: Final = 4
BATCH: Final = 50_000  # efforts of a batch of a partition
TAIL_BATCHES: Final = 10  # small ones, after the base
READS: Final = 25  # of each kind, before scores change again
LIVE: Final = 25  # efforts that come then
DELETED: Final = 0.01
_BEGIN_US: Final = 1_767_225_600_000_000  # 2026-01-01 UTC
_CHUNK: Final = 5_000  # members of one ZADD


@dataclass
class Result:
    """What was measured: times in ms of each kind of read."""

    users: int
    efforts: int
    rows: int = 0
    load_s: float = 0.0
    base_s: float = 0.0
    changed: int = 0
    wrong: int = 0
    times_ms: dict[str, list[float]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Every answer was right, and the promises were kept."""
        return not self.wrong and all(_quantile(self.times_ms[name], 0.99) <= ms for name, ms in PROMISE_MS.items())

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        figures = {
            f"{name}_{label}_ms": round(_quantile(times, share), 2)
            for name, times in self.times_ms.items()
            for label, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
        }
        return {
            "users": self.users,
            "efforts": self.efforts,
            "rows": self.rows,
            "load_s": round(self.load_s, 1),
            "base_s": round(self.base_s, 2),
            "changed": self.changed,
            "queries": len(next(iter(self.times_ms.values()), [])),
            **figures,
            "wrong": self.wrong,
            "promised_p99_ms": dict(PROMISE_MS),
            "ok": self.ok,
        }


async def run(base: Settings, *, users: int, efforts: int, queries: int, seed: int, say: Say) -> Result:
    """Load, measure, remove."""
    settings = own_settings(base, "bench")
    result = Result(users, efforts)
    try:
        async with Queries(settings) as asked:
            await _load(settings, result, seed, queries, asked, say)
    finally:
        await remove_boards(settings)
    return result


async def _load(settings: Settings, result: Result, seed: int, count: int, queries: Queries, say: Say) -> None:
    athletes = Athletes(result.users, np.random.default_rng(seed))
    async with AsyncExitStack() as opened:
        boards, rankings = ClickHouseSink(WRITER, settings), RedisSink("rankings", settings)
        for sink in (boards, rankings):
            await sink.open()
            opened.push_async_callback(sink.close)
            await sink.claim([TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
        began_s = time.monotonic()
        tail = min(result.efforts // 10, int(result.users * standing_keeper.CHANGED_SHARE * 0.95))
        done = 0
        while done < result.efforts - tail:
            size = min(BATCH, (result.efforts - tail - done) // PARTITIONS or 1)
            batches = [athletes.batch(number, size) for number in range(PARTITIONS)]
            await asyncio.gather(*(boards.write([Rows(BOARD_SCORES.name, rows)], span) for rows, span in batches))
            done += size * PARTITIONS
            say(f"{done:,} efforts loaded")
        result.load_s = time.monotonic() - began_s
        say(f"waiting {standing_keeper.LATE_S:.0f} s: a base has what is older")
        await asyncio.sleep(standing_keeper.LATE_S)
        keeper = StandingKeeper(settings)
        await keeper.connect()
        began_s = time.monotonic()
        await keeper.tend()
        result.base_s = time.monotonic() - began_s
        await keeper.close()
        for number in range(TAIL_BATCHES):
            rows, span = athletes.batch(number % PARTITIONS, tail // TAIL_BATCHES)
            await boards.write([Rows(BOARD_SCORES.name, rows)], span)
            result.changed += rows.num_rows // len(athletes.boards)
        say("filling Redis")
        for first in range(0, result.users, _CHUNK):
            users = np.arange(first, min(first + _CHUNK, result.users))
            await rankings.write(_rank_commands(settings, athletes, users), Span(TOPIC, 0, first, first + len(users)))
        reader = _Reader(result, queries, athletes)
        for number in range(1 + math.ceil(count / READS)):  # the first answers of all kinds are not counted
            reader.counts = number > 0
            reads = min(READS, count - (number - 1) * READS)
            await reader.read(reads)
            say(f"{min(number * READS, count):,} reads of each kind measured")
            rows, span = athletes.batch(number % PARTITIONS, LIVE)
            await boards.write([Rows(BOARD_SCORES.name, rows)], span)
            users = np.array([int(name.removeprefix("athlete-")) for name in set(rows["user_id"].to_pylist())])
            commands = _rank_commands(settings, athletes, users)
            await rankings.write(commands, Span(TOPIC, 1 + number % 2, number, number + 1))
        result.rows = athletes.rows


class _Reader:
    """Asks for users drawn by lot, one after the other; ``counts``: whether the times do."""

    def __init__(self, result: Result, queries: Queries, athletes: "Athletes") -> None:
        self._result, self._queries, self._athletes = result, queries, athletes
        self.counts = False

    async def read(self, count: int) -> None:
        """So many answers of each kind, compared with what they should be."""
        names, ranks = self._athletes.names, self._athletes.ranks()
        head = [names[user].as_py() for user in np.argsort(np.where(ranks, ranks, len(ranks) + 1))[:TOP]]
        for user in self._athletes.random.choice(np.flatnonzero(ranks), count):
            name, rank = names[int(user)].as_py(), int(ranks[user])
            page = await self._timed(
                "clickhouse_board", self._queries.board(BOARD, top=TOP, user=name, neighbours=NEIGHBOURS)
            )
            place = await self._timed("redis_rank", self._queries.rank(name, BOARD, neighbours=NEIGHBOURS))
            first = await self._timed("redis_top", self._queries.top(BOARD, most=TOP))
            around = [(row.rank, row.user) for row in page.around]
            right = (
                page.rank == rank == place.rank
                and [row.user for row in page.rows] == head == [row.user for row in first]
                and around == [(row.rank, row.user) for row in place.rows]
                and page.users == place.users == np.count_nonzero(ranks)
            )
            self._result.wrong += not right

    async def _timed(self, kind: str, call: Awaitable[Any]) -> Any:
        began_s = time.perf_counter()
        answer = await call
        if self.counts:
            self._result.times_ms.setdefault(kind, []).append((time.perf_counter() - began_s) * 1000)
        return answer


class Athletes:
    """Who is on the boards, with what, and how the next batch of workouts changes it."""

    boards: Final = (BOARD, BoardKey("distance", "all", "year", "2026"), BoardKey("workouts", "all", "all", "all"))

    def __init__(self, users: int, random: np.random.Generator) -> None:
        self.random = random
        self.names = pa.array([f"athlete-{number:07d}" for number in range(users)])
        self.hundredths = np.zeros(users, np.int64)
        self.workouts = np.zeros(users, np.int64)
        self.reached_us = np.zeros(users, np.int64)
        self.rows = 0
        self._offsets = [0] * PARTITIONS
        self._at_us = _BEGIN_US
        nobody = np.zeros(0, np.int64)
        self._to_delete = [(nobody, nobody)] * PARTITIONS  # with the next batch: users and what they lose

    def batch(self, partition: int, size: int) -> tuple[pa.Table, Span]:
        """The next batch of a partition: whole scores of its users after ``size`` efforts and some deletions."""
        mine = (len(self.names) - partition + PARTITIONS - 1) // PARTITIONS
        users = self.random.integers(0, mine, size) * PARTITIONS + partition
        metres = np.round(self.random.lognormal(9, 0.6, size), 2)
        amounts = np.round(metres * 100).astype(np.int64)
        self._at_us += size * 1_000_003
        ends_us = self._at_us + np.arange(size) * 1_000_003
        np.add.at(self.hundredths, users, amounts)
        np.add.at(self.workouts, users, 1)
        np.maximum.at(self.reached_us, users, ends_us)
        gone_users, gone_amounts = self._to_delete[partition]
        np.subtract.at(self.hundredths, gone_users, gone_amounts)
        np.subtract.at(self.workouts, gone_users, 1)
        chosen = self.random.random(size) < DELETED
        self._to_delete[partition] = users[chosen], amounts[chosen]
        everybody = np.r_[users, gone_users]
        first = self._offsets[partition]
        self._offsets[partition] = following = first + len(everybody)
        last_offset = np.zeros(len(self.names), np.int64)
        last_offset[everybody] = np.arange(first, following)
        touched = np.unique(everybody)
        self.rows += len(touched) * len(self.boards)
        table = pa.concat_tables([self._rows(board, touched, last_offset[touched], partition) for board in self.boards])
        return table, Span(TOPIC, partition, first, following)

    def _rows(self, board: BoardKey, users: Any, offsets: Any, partition: int) -> pa.Table:
        score = self.workouts[users] * 100 if board.metric == "workouts" else self.hundredths[users]
        n = len(users)
        columns = {
            **{name: pa.repeat(value, n) for name, value in board._asdict().items()},
            "user_id": self.names.take(pa.array(users)),
            "score": score / 100,
            "achieved_at": pa.array(self.reached_us[users], pa.timestamp("us", "UTC")),
            "workouts": self.workouts[users].astype(np.uint32),
            "less_is_better": np.zeros(n, np.uint8),
            "deleted": (score == 0).astype(np.uint8),
            "source_partition": np.full(n, partition, np.uint16),
            "source_offset": offsets.astype(np.uint64),
        }
        return pa.table(columns, schema=BOARD_SCORES.schema)

    def ranks(self) -> np.ndarray[Any, Any]:
        """Everybody's competition rank on :data:`BOARD`; 0: not on it."""
        there = np.flatnonzero(self.hundredths)
        order = there[np.lexsort((self.reached_us[there], -self.hundredths[there]))]
        score, reached_us = self.hundredths[order], self.reached_us[order]
        new = np.r_[True, (np.diff(score) != 0) | (np.diff(reached_us) != 0)]
        ranks = np.zeros(len(self.names), np.int64)
        ranks[order] = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0)) + 1
        return ranks


def _rank_commands(settings: Settings, athletes: Athletes, users: np.ndarray[Any, Any]) -> list[RedisCommand]:
    """What brings users' places on :data:`BOARD` up to date."""
    keys = Keys(settings.namespace)
    names = dict(zip(users.tolist(), athletes.names.take(pa.array(users)).to_pylist(), strict=True))
    scored = [
        (repr(encode_rank_score(float(athletes.hundredths[user]) / 100, int(athletes.reached_us[user]))), name)
        for user, name in names.items()
        if athletes.hundredths[user]
    ]
    gone = [name for user, name in names.items() if not athletes.hundredths[user]]
    commands: list[RedisCommand] = []
    if scored:
        commands.append(("ZADD", keys.rank(*BOARD), *(item for pair in scored for item in pair)))
        commands.append(("HSET", keys.names(), *(item for _, name in scored for item in (name, name))))
    if gone:
        commands.append(("ZREM", keys.rank(*BOARD), *gone))
    return commands


def _quantile(times: list[float], share: float) -> float:
    return float(np.quantile(times, share)) if times else float("nan")
