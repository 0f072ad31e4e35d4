"""Keeps large leaderboards quick to read: makes a new base of a board once enough of it has changed (sinks/standings.py).

Any number of keepers may run: a base is complete or is not read, and whichever is the latest, the answer is the same.
Without one, boards are read right and slowly.
"""  # noqa: E501

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from domain.boards import BoardKey
from sinks.base import SinkUnavailable
from sinks.clickhouse import ANSWER_TIMEOUT_S, connect, mapped
from sinks.combining import RefusedError
from sinks.standings import BASE_TABLES, BOARD_ID, CODE, KEPT_DAYS, USER_KEY, WRITER, forget
from stridelog.projections.boards import kept_until_s
from stridelog.settings import Settings

log = logging.getLogger(__name__)

LOOK_S: Final = 5.0
LARGE: Final = 20_000  # a board of fewer users is read whole in less time than a base saves
CHANGED_SHARE: Final = 0.01  # of a board, before it gets a new base
REST: Final = 3  # after making bases it rests so many times as long
LATE_S: Final = ANSWER_TIMEOUT_S + 30  # an insert that began so long ago is done, or was given up
RENEW_S: Final = KEPT_DAYS * 86_400 / 8
VALID_S: Final = KEPT_DAYS * 86_400 / 2  # readers leave a base alone whose mark is older
_S_US: Final = 1_000_000

_STATE: Final = """
SELECT partition, max(epoch), argMax(next_offset, (epoch, next_offset)) FROM {db}.watermarks
WHERE agent = {agent:String} GROUP BY topic, partition ORDER BY partition, topic
"""
_BASES: Final = """
SELECT board, max(base), argMax(toUnixTimestamp64Micro(mark), (base, mark)), argMax(users, (base, mark))
FROM {db}.board_bases GROUP BY board
"""
_BOARD: Final = "metric, sport, period, period_key"
_NAMED: Final = (
    "metric = {metric:String} AND sport = {sport:String} AND period = {period:String} "
    "AND period_key = {period_key:String}"
)
_SINCE: Final = "stored_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')"
_UNTIL: Final = "stored_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"
_LARGE: Final = f"""
SELECT {_BOARD}, {BOARD_ID}, count() AS users FROM {{db}}.board_scores GROUP BY {_BOARD} HAVING users >= {LARGE}
"""  # noqa: S608
_CHANGED: Final = f"SELECT {_BOARD}, count() FROM {{db}}.board_changes WHERE {_SINCE} AND {_UNTIL} GROUP BY {_BOARD}"  # noqa: S608
_CHANGED_ONE: Final = f"""
SELECT {_BOARD}, count() FROM {{db}}.board_changes WHERE board = {{board:UInt64}} AND {_SINCE} GROUP BY {_BOARD}
"""  # noqa: S608
_SIZE: Final = f"SELECT count(), {BOARD_ID} FROM {{db}}.board_scores WHERE {_NAMED} GROUP BY {_BOARD}"  # noqa: S608
_OLDEST_OPEN: Final = """
SELECT toUnixTimestamp64Micro(min(stored_at)) FROM {db}.board_changes
WHERE board = {board:UInt64} AND source_offset >= {marks:Array(UInt64)}[source_partition + 1] HAVING count() > 0
"""
_MAKE: Final = f"""
INSERT INTO {{db}}.board_base_rows (board, base, code, user_key, place, user_id, workouts)
SELECT {{board:UInt64}}, {{base:UInt64}}, code, user_key, row_number() OVER (ORDER BY code, user_key), user_id, workouts
FROM (
    SELECT {CODE} AS code, {USER_KEY} AS user_key, user_id, workouts FROM {{db}}.board_scores FINAL
    WHERE {_NAMED} AND NOT deleted
)
"""  # noqa: S608
_MADE: Final = """
SELECT count(), max(place) FROM {db}.board_base_rows WHERE board = {board:UInt64} AND base = {base:UInt64}
"""
_REGISTER: Final = """
INSERT INTO {db}.board_bases SELECT {board:UInt64}, {base:UInt64}, fromUnixTimestamp64Micro({mark:Int64}, 'UTC'),
    {marks:Array(UInt64)}, {users:UInt32}
"""
_RENEW: Final = """
INSERT INTO {db}.board_bases SELECT board, base, fromUnixTimestamp64Micro({mark:Int64}, 'UTC'), marks, users
FROM {db}.board_bases WHERE board = {board:UInt64} AND base = {base:UInt64} LIMIT 1
"""
_PARTITIONS: Final = """
SELECT DISTINCT table, partition, partition_id FROM system.parts
WHERE database = {database:String} AND table IN {tables:Array(String)} AND active
"""
_NOW: Final = "SELECT toUnixTimestamp64Micro(now64(6))"


class _Base(NamedTuple):
    """The latest base of a board."""

    board: int
    base: int
    mark_us: int
    users: int


class StandingKeeper:
    """Makes bases for as long as it is open: a resource of the agent that writes the boards."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None  # clickhouse_connect's AsyncClient; the library has no types
        self._task: asyncio.Task[None] | None = None
        self._changes: Counter[BoardKey] = Counter()  # since the last base of a board, or until it may be large
        self._seen_until_us = 0
        self._with_base: set[int] = set()

    async def open(self) -> None:
        """Connect and begin. Raises ``SinkUnavailable``."""
        await self.connect()
        self._task = asyncio.create_task(self._run(), name="standing-keeper")

    async def connect(self) -> None:
        """Connect only, for who calls ``tend`` themselves."""
        self._client = await connect(self._settings)

    async def close(self) -> None:
        """Stop and disconnect; a base that is being made is not registered."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._client is not None:
            await self._client.close()

    async def _run(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                await self.tend()
            except (SinkUnavailable, RefusedError) as error:  # it is away, or its tables are not made yet
                log.info("bases of boards: %s", error)
            await asyncio.sleep(max(LOOK_S, REST * (time.monotonic() - began_s)))

    async def tend(self) -> list[BoardKey]:
        """Make the bases that are due, those with the largest share of changes first, and drop those that they replace.

        Returns the boards that have a new base.
        """
        now_us = await self._now_us()
        found = [_Base(*row) for row in await self._rows(_BASES)]
        bases = {base.board: base for base in found if base.mark_us > now_us - VALID_S * _S_US}
        if not self._seen_until_us or self._with_base - bases.keys():  # a new keeper, or bases were forgotten
            for *names, id, users in await self._rows(_LARGE):
                since = await self._rows(_CHANGED_ONE, board=id, since=bases[id].mark_us) if id in bases else [(users,)]
                self._changes[BoardKey(*names)] = sum(changes for *_, changes in since)
            self._seen_until_us = now_us
        for *names, changes in await self._rows(_CHANGED, since=self._seen_until_us, until=now_us):
            self._changes[BoardKey(*names)] += changes
        self._seen_until_us = now_us
        self._let_go(now_us // _S_US)
        made = [board for board in await self._due(bases) if await self._make(board)]
        made += [board for board in await self._renew(bases, now_us) if await self._make(board)]
        self._with_base = {board for board, *_ in await self._rows(_BASES)}
        await self._drop(now_us)
        return made

    def _let_go(self, now_s: int) -> None:
        """Do not count the few late changes of boards whose period is over: in a year there are a thousand of them for
        each metric. If one has a base, ``_renew`` sees them.
        """
        for board, changes in [*self._changes.items()]:
            over_s = kept_until_s(board.period, board.period_key)
            if over_s is not None and over_s < now_s and changes < LARGE * CHANGED_SHARE:
                del self._changes[board]

    async def _due(self, bases: Mapping[int, _Base]) -> list[BoardKey]:
        due: list[tuple[float, BoardKey]] = []
        for board, changes in self._changes.items():
            if changes >= LARGE * CHANGED_SHARE:
                ((rows, id),) = await self._rows(_SIZE, **board._asdict()) or ((0, 0),)
                users = bases[id].users if id in bases else rows  # at least as many as there are users
                if users < LARGE:
                    self._changes[board] = users - LARGE  # a change adds one user at most
                elif id not in bases or changes >= users * CHANGED_SHARE:
                    due.append((changes / users, board))
        return [board for _, board in sorted(due, reverse=True)]

    async def _make(self, board: BoardKey) -> bool:
        """Make a base of a board. It has every row that was stored before ``mark``, and of every user the last one before
        the watermarks, which are read first: what it may lack is at or after both.
        """  # noqa: E501
        state = await self._rows(_STATE, agent=WRITER)
        marks = [0] * (1 + max((partition for partition, *_ in state), default=-1))
        for number in range(len(marks)):
            marks[number] = min((offset for partition, _, offset in state if partition == number), default=0)
        begun_us = await self._now_us()
        ((rows, id),) = await self._rows(_SIZE, **board._asdict()) or ((0, 0),)
        if not rows:  # they went meanwhile
            return False
        named = {**board._asdict(), "board": id, "base": begun_us}
        oldest_us = await self._rows(_OLDEST_OPEN, board=id, marks=marks)
        mark_us = min([begun_us - int(LATE_S * _S_US), *(us for (us,) in oldest_us)])
        await self._command(_MAKE, **named)
        ((users, last),) = await self._rows(_MADE, **named)
        if users != last or await self._moved(state):
            log.info("a base of %s is given up: it was written twice, or partitions moved", "/".join(board))
            return False
        await self._command(_REGISTER, **named, mark=mark_us, marks=marks, users=users)
        if await self._moved(state):  # just now; it may have been a rewind
            for text in forget(self._settings.namespace):
                await self._command(text)
            return False
        self._changes[board] = 0
        return True

    async def _moved(self, state: Sequence[Sequence[Any]]) -> bool:
        """Whether a partition was claimed or rewound since a state."""
        now = await self._rows(_STATE, agent=WRITER)
        return [tuple(row[:2]) for row in now] != [tuple(row[:2]) for row in state]

    async def _renew(self, bases: Mapping[int, _Base], now_us: int) -> list[BoardKey]:
        """A base without later changes is as good as a new one: its mark moves on. Returns the boards of the others."""
        due: list[BoardKey] = []
        for board, base in bases.items():
            if base.mark_us < now_us - RENEW_S * _S_US:
                changed = await self._rows(_CHANGED_ONE, board=board, since=base.mark_us)
                due += [BoardKey(*names) for *names, _ in changed]
                if not changed:
                    await self._command(_RENEW, board=board, base=base.base, mark=now_us - int(LATE_S * _S_US))
        return due

    async def _drop(self, now_us: int) -> None:
        newest = {board: base for board, base, *_ in await self._rows(_BASES)}
        tables = [*BASE_TABLES]
        for table, partition, id in await self._rows(_PARTITIONS, database=self._settings.namespace, tables=tables):
            board, base = map(int, partition.strip("()").split(","))
            if base < newest.get(board, 0) < now_us - int(LATE_S * _S_US):  # whoever reads the old one is done
                await self._command(f"ALTER TABLE {{db}}.{table} DROP PARTITION ID '{id}'")

    async def _now_us(self) -> int:
        ((now_us,),) = await self._rows(_NOW)
        return int(now_us)

    async def _rows(self, text: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        query = self._client.query(self._placed(text), parameters=parameters)
        rows: Sequence[Sequence[Any]] = (await mapped(query)).result_rows
        return rows

    async def _command(self, text: str, **parameters: Any) -> None:
        await mapped(self._client.command(self._placed(text), parameters=parameters))

    def _placed(self, text: str) -> str:
        return text.replace("{db}", f"`{self._settings.namespace}`")
