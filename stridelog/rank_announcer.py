"""Announces what changes at the head of boards: who entered the first ranks, left them, and passed whom.

The truth of the moment are the sorted sets of ``rankings``; what was announced last, and what is to be sent, are in
PostgreSQL, and change in one transaction. Any number of announcers may run: one at a time has the turn, which goes with
its transaction, and only who has it reads the heads. So none announces what another has announced already, and a crash
at any point leaves a mark in Redis or a message in the outbox for whoever comes next. See ADR 0012.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, Final, NamedTuple, cast

import msgspec
from aiokafka.errors import KafkaError
from psycopg import AsyncConnection, sql
from redis.asyncio import Redis

from domain.boards import BoardKey, decode_rank_score
from domain.days import PERIODS
from domain.rank_changes import RankChange, rank_changes, ranks_of
from schemas import hot
from schemas.decode import encode, key_of
from sinks import redis as redis_store
from sinks.base import SinkUnavailable
from sinks.keys import Keys
from sinks.postgres_pool import Pool, mapped, open_pool
from stridelog import boards_file, metrics
from stridelog.errors import UserError
from stridelog.producer import Outlet, Producer
from stridelog.projections.boards import kept_until_s
from stridelog.settings import Settings

log = logging.getLogger(__name__)

AGENT: Final = "rankings"  # whose boards
SOURCE: Final = "stridelog/rankings"
MESSAGE: Final = "RankChanged"
LOOK_S: Final = 0.5
LOOK_MOST_S: Final = 5.0  # between two looks while a store is away
TURN_S: Final = 40.0  # a turn is given up after so long, sending included
TURN_LOST: Final = "60s"  # PostgreSQL ends the turn of one that was stopped in the middle of it
CLOSE_S: Final = 5.0
PAGE: Final = 500  # boards of one transaction, about
SENT_AT_ONCE: Final = 1_000

DDL: Final = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.rank_heads (
    board text PRIMARY KEY,
    sequence bigint NOT NULL,
    ranks bytea NOT NULL,
    kept_until_s bigint
);
CREATE TABLE IF NOT EXISTS {schema}.rank_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key bytea NOT NULL,
    message bytea NOT NULL
);
"""
_LIMIT: Final = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"
_TURN: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
_HEADS: Final = "SELECT board, sequence, ranks FROM {schema}.rank_heads WHERE board = ANY(%s)"
_KEEP: Final = """
INSERT INTO {schema}.rank_heads (board, sequence, ranks, kept_until_s) VALUES (%s, %s, %s, %s)
ON CONFLICT (board) DO UPDATE SET sequence = excluded.sequence, ranks = excluded.ranks
"""
_FORGET: Final = "DELETE FROM {schema}.rank_heads WHERE kept_until_s <= %s"
_PUT: Final = "INSERT INTO {schema}.rank_outbox (key, message) VALUES (%s, %s)"
_WAITING: Final = "SELECT count(*) FROM {schema}.rank_outbox"
_NEXT: Final = "SELECT id, key, message FROM {schema}.rank_outbox ORDER BY id LIMIT %s"
_SENT: Final = "DELETE FROM {schema}.rank_outbox WHERE id <= %s"

# The first ranks of a sorted set, with all who share the last of them. KEYS: the set. ARGV: how many.
_FIRST: Final = """
local first = redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
if #first < 2 * ARGV[1] then return first end
return redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', first[#first], 'WITHSCORES')
"""
# KEYS: the marks. ARGV: boards with their tokens in pairs. A board that has another token now has changed since.
_UNMARK: Final = """
for at = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[at]) == ARGV[at + 1] then redis.call('HDEL', KEYS[1], ARGV[at]) end
end
"""


class _Announced(NamedTuple):
    """A head as it was announced last."""

    sequence: int
    ranks: dict[str, int]


class _Head(NamedTuple):
    """A head as it is."""

    ranks: dict[str, int]
    scores: dict[str, float]


_NOTHING: Final = _Announced(0, {})


class RankAnnouncer:
    """Announces for as long as it is open: a resource of the agent that writes the sorted sets."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Keys(settings.namespace)
        self._schema = sql.Identifier(settings.namespace)
        self._pool: Pool | None = None
        self._redis: Redis = Redis.from_url(
            settings.redis,
            socket_timeout=redis_store.ANSWER_TIMEOUT_S,
            socket_connect_timeout=redis_store.CONNECT_TIMEOUT_S,
            decode_responses=True,
        )
        self._producer: Producer | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and begin. Raises ``SinkUnavailable``."""
        await self.connect()
        self._task = asyncio.create_task(self._run(), name="rank-announcer")

    async def connect(self) -> None:
        """Connect only, for who calls ``tend`` themselves."""
        self._pool = await open_pool(self._settings, self._sql(DDL))

    async def close(self) -> None:
        """Stop and disconnect; what is under way is left for the next announcer."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._let_go()
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()
        await self._redis.aclose()

    async def _run(self) -> None:
        wait_s, is_known = LOOK_S, False
        while True:
            try:
                if not is_known:
                    await self.mark_all()
                    is_known = True
                await self.tend()
                wait_s = LOOK_S
            except (SinkUnavailable, UserError, KafkaError) as error:
                wait_s = min(2 * wait_s, LOOK_MOST_S)
                log.warning("rank changes: looking again in %.1f s: %s", wait_s, error)
                await self._let_go()
            await asyncio.sleep(wait_s)

    async def mark_all(self) -> None:
        """Mark every board that there is: some may have changed before anybody announced, or be announced otherwise."""
        rules = boards_file.load()
        async with redis_store.mapped():
            async for name in self._redis.scan_iter(match=self._keys.rank("*", "*", "*", "*"), count=1_000):
                board = name.split(":")[-4:]
                if rules.announced(board[0]):
                    await cast(Any, self._redis.hsetnx(self._keys.boards_changed(), ":".join(board), token_hex(8)))

    async def tend(self) -> None:
        """Announce what has changed on the boards that are marked, and send what was announced.

        Does nothing while another announcer has the turn. Raises ``SinkUnavailable``, ``UserError`` or ``KafkaError``
        for what a later look may mend.
        """
        cursor = 0
        while True:
            async with redis_store.mapped():
                cursor, marks = await cast(Any, self._redis.hscan(self._keys.boards_changed(), cursor, count=PAGE))
            if marks and await self._announce(marks):
                await self._unmark(marks)
            if not cursor:
                break
        while await self._send():
            pass

    async def _announce(self, marks: Mapping[str, str]) -> bool:
        """Announce the changes of some boards; whether that is done."""
        changed: dict[str, list[RankChange]] = {}
        async with self._turn() as connection:
            if connection is None:
                return False
            cursor = await connection.execute(self._sql(_HEADS), (list(marks),))
            held = {
                board: _Announced(sequence, msgspec.json.decode(ranks, type=dict[str, int]))
                for board, sequence, ranks in await cursor.fetchall()
            }
            now_us, heads = await self._heads(marks)
            for board, head in heads.items():
                before = held.get(":".join(board), _NOTHING)
                changes = rank_changes(before.ranks, head.ranks)
                if changes:
                    sequence = max(before.sequence + 1, now_us)
                    await self._keep(connection, board, sequence, head, changes, now_us)
                    changed.setdefault(board.metric, []).extend(changes)
            await connection.execute(self._sql(_FORGET), (now_us // 1_000_000,))
        for metric, changes in changed.items():
            metrics.RANK_CHANGES.labels(metric).inc(len(changes))
        return True

    async def _keep(
        self,
        connection: AsyncConnection,
        board: BoardKey,
        sequence: int,
        head: _Head,
        changes: Sequence[RankChange],
        now_us: int,
    ) -> None:
        """A board's new head, and the messages that say what has changed."""
        top = boards_file.load().announced(board.metric)
        until_s = kept_until_s(board.period, board.period_key)
        row = (":".join(board), sequence, msgspec.json.encode(head.ranks), until_s)
        await connection.execute(self._sql(_KEEP), row)
        messages = [_message(board, top, sequence, head, change, now_us) for change in changes]
        rows = [(key_of(message), encode(message)) for message in messages]
        await connection.cursor().executemany(self._sql(_PUT), rows)

    async def _heads(self, marks: Mapping[str, str]) -> tuple[int, dict[BoardKey, _Head]]:
        """The time (µs), and the heads of those of the marked boards that are announced and have not expired."""
        rules = boards_file.load()
        boards = [board for board in map(_board, marks) if board is not None and rules.announced(board.metric)]
        async with redis_store.mapped(), self._redis.pipeline(transaction=False) as pipe:
            for board in boards:
                pipe.eval(_FIRST, 1, self._keys.rank(*board), str(rules.announced(board.metric)))
            pipe.time()  # after the heads: what had expired then has expired now
            *answers, (seconds, micros) = await pipe.execute()
        heads: dict[BoardKey, _Head] = {}
        for board, answer in zip(boards, answers, strict=True):
            until_s = kept_until_s(board.period, board.period_key)
            if until_s is not None and until_s <= seconds:
                continue
            members = [(user, float(score)) for user, score in zip(answer[::2], answer[1::2], strict=True)]
            less = rules.less_is_better(board.metric)
            try:
                scores = {user: decode_rank_score(score, less_is_better=less)[0] for user, score in members}
                heads[board] = _Head(ranks_of(members), scores)
            except ValueError as error:  # until a workout changes it, or it is built anew
                log.error("rank changes: %s: %s", self._keys.rank(*board), error)
        return seconds * 1_000_000 + micros, heads

    async def _unmark(self, marks: Mapping[str, str]) -> None:
        """Take the marks away of boards that have not changed since they were read."""
        pairs = [part for pair in marks.items() for part in pair]
        async with redis_store.mapped():
            await cast(Any, self._redis.eval(_UNMARK, 1, self._keys.boards_changed(), *pairs))

    async def _send(self) -> bool:
        """Send the next messages of the outbox, in order; whether there are more."""
        gauge = metrics.RANK_OUTBOX.labels(AGENT)
        async with self._turn() as connection:
            if connection is None:
                return False
            cursor = await connection.execute(self._sql(_WAITING))
            ((waiting,),) = await cursor.fetchall()
            gauge.set(waiting)
            if not waiting:
                return False
            cursor = await connection.execute(self._sql(_NEXT), (SENT_AT_ONCE,))
            rows = await cursor.fetchall()
            outlet = await self._outlet()
            for _, key, message in rows:
                await outlet.send_encoded(MESSAGE, key, message)
            await outlet.flush()
            await connection.execute(self._sql(_SENT), (rows[-1][0],))
        gauge.set(waiting - len(rows))
        return bool(waiting > len(rows))

    async def _outlet(self) -> Outlet:
        """The way into the log."""
        if self._producer is None:
            self._producer = await Producer(self._settings).open([MESSAGE])
        return self._producer

    async def _let_go(self) -> None:
        """Give up the way into the log: after a failure it takes nothing any more."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError, OSError):  # a TimeoutError is one
                await asyncio.wait_for(producer.close(), CLOSE_S)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[AsyncConnection | None]:
        """A transaction in which nobody else announces or sends; ``None``: it is another's turn."""
        if self._pool is None:
            raise SinkUnavailable("postgres: not open")
        with mapped():
            async with asyncio.timeout(TURN_S), self._pool.connection() as connection:
                await connection.execute(_LIMIT, (TURN_LOST,))
                cursor = await connection.execute(_TURN, (f"stridelog.ranks.{self._settings.namespace}",))
                row = await cursor.fetchone()
                yield connection if row and row[0] else None

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(schema=self._schema)  # of this module's constants only


def _board(name: str) -> BoardKey | None:
    """A board by its mark; ``None`` for what no agent has written."""
    parts = name.split(":")
    return BoardKey(*parts) if len(parts) == 4 and parts[2] in PERIODS else None  # type: ignore[arg-type] # as checked


def _message(board: BoardKey, top: int, sequence: int, head: _Head, change: RankChange, now_us: int) -> hot.RankChanged:
    data = hot.RankChangedData(
        **board._asdict(),
        top=top,
        sequence=sequence,
        previous_rank=change.previous_rank,
        rank=change.rank,
        score=head.scores.get(change.user),
        passed=change.passed,
        passed_by=change.passed_by,
    )
    return hot.RankChanged.of(user=change.user, time=now_us, zone="UTC", source=SOURCE, producer=SOURCE, data=data)
