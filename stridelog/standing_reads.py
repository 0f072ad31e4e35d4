"""A leaderboard as it stands, read from ClickHouse: its head, a user's place, and the places around it.

Of a large board there is a base, all of it in order, and what changed since (``sinks/standings.py``). Whoever changed is
left out of the base and put in where they are now. A ``Standings`` keeps of each board what it has read of a base and
of who changed, and asks only for what the agent may have written later: most answers take one statement. A board
without a base, and one of some users only, is read whole from ``board_scores``.
"""  # noqa: E501

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa

from domain.boards import BoardKey
from sinks.standings import ASKED_BOARD_ID, CODE, KEPT_DAYS, USER_KEY, WRITER
from stridelog.standing_changes import FRONT, Changed, Place, Run, places_of

Ask = Callable[..., Awaitable[pa.Table]]
"""Asks ClickHouse: the text of a SELECT, and its parameters by name; no rows while there are no tables."""

SPARE: Final = 64  # rows of the base that are read beyond those wanted, in place of some that have changed
MORE: Final = 16  # times as many spare ones, when they were not enough
KEYS: Final = 5_000  # of one statement
LOOK_S: Final = 1.0  # how long the latest base is not asked for again; a base that is replaced goes much later
KEPT_BOARDS: Final = 64  # about 1 MB each, of a board of a million
_NAMED: Final = (
    "metric = {metric:String} AND sport = {sport:String} AND period = {period:String} "
    "AND period_key = {period_key:String}"
)
_HALVES: Final = "toUInt64(bitShiftRight({0}, 64)) AS high, toUInt64(bitAnd({0}, 18446744073709551615)) AS low"
_WHOLE: Final = f"""
SELECT {_HALVES.format("code")}, user_key, user_id, workouts, rank, place, users, mine FROM (
    SELECT *, count() OVER () AS users, max(if(user_id = {{user:String}}, place, 0)) OVER () AS mine FROM (
        SELECT *, row_number() OVER (ORDER BY code, user_key) AS place, rank() OVER (ORDER BY code) AS rank FROM (
            SELECT {CODE} AS code, {USER_KEY} AS user_key, user_id, workouts FROM board_scores FINAL
            WHERE {_NAMED} AND NOT deleted AND (CONDITION)
        )
    )
)
WHERE place <= {{top:UInt32}} OR (mine AND abs(toInt64(place) - toInt64(mine)) <= {{near:UInt32}})
ORDER BY place
"""  # noqa: S608
_LATEST: Final = f"""
SELECT (
    SELECT argMax((base, users, toUnixTimestamp64Micro(mark), marks), (base, mark)) FROM board_bases
    WHERE board = {ASKED_BOARD_ID} AND mark > now() - INTERVAL {KEPT_DAYS * 12} HOUR
) AS latest, (
    SELECT groupArray((number, mark)) FROM (
        SELECT number, min(mark) AS mark FROM (
            SELECT topic, `partition` AS number, argMax(next_offset, (epoch, next_offset)) AS mark FROM watermarks
            WHERE agent = '{WRITER}' GROUP BY topic, number
        ) GROUP BY number ORDER BY number
    )
) AS written
"""  # noqa: S608
_THE_BASE: Final = f"board = {ASKED_BOARD_ID} AND base = {{base:UInt64}}"
_OF_BASE: Final = f"FROM board_base_rows WHERE {_THE_BASE}"
_NUMBERED: Final = f"FROM board_base_users WHERE {_THE_BASE} AND user_key"
_SINCE: Final = f"""FROM board_changes WHERE board = {ASKED_BOARD_ID}
    AND stored_at >= fromUnixTimestamp64Micro({{mark_us:Int64}}, 'UTC')
    AND source_offset >= {{marks:Array(UInt64)}}[source_partition + 1]"""
_BASE_ROW: Final = f"{_HALVES.format('code')}, user_key, user_id, workouts, place"
_ROWS: Final = f"""
WITH (SELECT any(place) {_NUMBERED} = sipHash64({{user:String}})) AS mine,
if(mine > {{near:UInt32}}, mine - {{near:UInt32}}, 1) AS first, if(mine > 0, mine + {{near:UInt32}}, 0) AS last
SELECT {_BASE_ROW}, mine {_OF_BASE} AND (place <= {{head:UInt32}} OR place BETWEEN first AND last)
"""
_CHANGES: Final = f"""
SELECT {_HALVES.format("changed")}, user_key, user_id, counting AS workouts,
    toUInt64(bitShiftRight(newest, 64)) AS offset, toUInt64(bitAnd(newest, 18446744073709551615)) AS stored_us
FROM (
    SELECT user_key, argMax(code, ordinal) AS changed, any(user_id) AS user_id, argMax(workouts, ordinal) AS counting,
        max(ordinal) AS newest
    {_SINCE} GROUP BY user_key
)
"""  # noqa: S608
_NUMBERS: Final = f"SELECT user_key, place {_NUMBERED} IN "
_AROUND: Final = f"""
SELECT * FROM (
    SELECT {_BASE_ROW} {_OF_BASE} AND code <= {{code:UInt128}}
    AND (code < {{code:UInt128}} OR user_key < {{user_key:UInt64}})
    ORDER BY code DESC, user_key DESC LIMIT {{rows:UInt32}} SETTINGS max_block_size = 8192
)
UNION ALL SELECT * FROM (
    SELECT {_BASE_ROW} {_OF_BASE} AND code >= {{code:UInt128}}
    AND (code > {{code:UInt128}} OR user_key >= {{user_key:UInt64}})
    ORDER BY code, user_key LIMIT {{rows:UInt32}} SETTINGS max_block_size = 8192
)
"""  # noqa: S608


@dataclass(frozen=True)
class Among:
    """A condition on ``user_id`` that those who are ranked meet, with its parameters."""

    condition: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


MEMBERS: Final = "user_id IN {members:Array(String)}"
"""The condition of being one of ``members``."""


@dataclass(frozen=True)
class Standing:
    """What was asked of a board: how many are on it, its first places with their ranks, the user's own rank (``None``:
    not on it), and the places around the user's.
    """

    users: int
    head: tuple[tuple[int, Place], ...]
    rank: int | None = None
    around: tuple[tuple[int, Place], ...] = ()


@dataclass(frozen=True)
class _Known:
    """What is known of a board with a base: the base's first rows, and who changed. Marks are by source partition the
    offset before which all changes are here. All that is before ``written`` was in the tables at ``looked_s``.
    """

    base: int
    users: int  # of the base
    mark_us: int
    marks: tuple[int, ...]
    written: tuple[int, ...] = ()
    looked_s: float = 0.0  # when this was the latest base
    head: Run = ()
    changed: Changed = field(default_factory=Changed)


class _NoBaseError(Exception):
    """The board has no base that can be read."""


class Standings:
    """Reads boards, and keeps what it has read of their bases. Calls may overlap."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: OrderedDict[BoardKey, _Known] = OrderedDict()

    async def read(
        self, board: BoardKey, *, top: int, user: str = "", near: int = 0, among: Among | None = None
    ) -> Standing:
        """The first ``top`` places, and if a ``user`` is given and on the board, theirs and ``near`` on each side."""
        if among is None:
            try:
                return await self._by_base(board, top=top, user=user, near=near)
            except _NoBaseError:
                self._known.pop(board, None)
        condition, more = (among.condition, among.parameters) if among else ("1", {})
        text = _WHOLE.replace("CONDITION", condition)
        return _whole(await self._ask(text, **board._asdict(), **more, user=user, top=top, near=near), top, near)

    async def _by_base(self, board: BoardKey, *, top: int, user: str, near: int) -> Standing:
        spare = SPARE
        while True:
            known, run = await self._read(board, top + spare, user, near + 1 + SPARE)
            head = known.changed.fresh(known.head)
            if len(head) >= top or len(known.head) == known.users:
                return await self._based(board, known, run, head, top=top, near=near, user=user)
            spare *= MORE

    async def _read(self, board: BoardKey, rows: int, user: str, near: int) -> tuple[_Known, Run]:
        """What is known of the board by now, with ``rows`` of its head at least, and the run of the base around a user
        who is in it. Raises ``_NoBaseError``.
        """
        known, now_s = self._known.get(board), time.monotonic()
        if known is not None and now_s < known.looked_s + LOOK_S:
            known, run = await self._later(board, known, rows, user, near)
        else:
            looking = asyncio.ensure_future(self._ask(_LATEST, **board._asdict()))
            if known is not None:  # most probably it still has the same base
                (known, run), _ = await asyncio.gather(self._later(board, known, rows, user, near), looking)
            latest = _latest(await looking, now_s)
            if latest is None:
                raise _NoBaseError
            if known is None or known.base != latest.base:
                known, run = await self._later(board, latest, rows, user, near)
            written = (max(pair) for pair in zip(known.marks, latest.written, strict=True))
            known = replace(known, looked_s=now_s, written=tuple(written))
        self._known[board] = known
        self._known.move_to_end(board)
        while len(self._known) > KEPT_BOARDS:
            self._known.popitem(last=False)
        return known, run

    async def _later(self, board: BoardKey, known: _Known, rows: int, user: str, near: int) -> tuple[_Known, Run]:
        """What is known when the changes since have been read."""
        head = rows if len(known.head) < min(rows, known.users) else 0
        asked = {**board._asdict(), "base": known.base}
        found, changed = await asyncio.gather(
            self._ask_base(_ROWS, **asked, head=head, user=user, near=near), self._changed(known, asked)
        )
        run, mine = _run(found), found["mine"][0].as_py() if found.num_rows else 0
        known = replace(known, head=run[:head] if head else known.head, changed=changed, marks=known.written)
        return known, [(place, number) for place, number in run if mine and abs(number - mine) <= near]

    async def _changed(self, known: _Known, asked: Mapping[str, Any]) -> Changed:
        changed = known.changed.with_later(
            await self._ask_base(_CHANGES, **asked, mark_us=known.mark_us, marks=[*known.marks])
        )
        keys = changed.without_number()
        while keys:
            some, keys = keys[:KEYS], keys[KEYS:]
            found = await self._ask_base(f"{_NUMBERS} ({','.join(map(str, some))})", **asked)
            changed = changed.with_numbers(some, found["user_key"].to_numpy(), found["place"].to_numpy())
        return changed

    async def _based(
        self, board: BoardKey, known: _Known, run: Run, head: Sequence[Place], *, top: int, near: int, user: str
    ) -> Standing:
        changed = known.changed
        first = sorted([*head, *changed.nearest(FRONT, top)[1]])[:top]
        ranks: dict[int, int] = {}
        for number, place in enumerate(first, start=1):
            ranks.setdefault(place.code, number)
        ranked = tuple((ranks[place.code], place) for place in first)
        mine, spare = changed.of(user), SPARE
        if mine is not None:
            run = await self._around(board, known, mine, near + 1 + spare)
        else:
            mine = next((place for place in changed.fresh(run) if place.user == user), None)
        if mine is None:
            return Standing(known.users + changed.more_users, ranked)
        changed_above, changed_below = changed.nearest(mine, near)
        while True:
            fresh = [place for place in changed.fresh(run) if place.user_key != mine.user_key]
            above, below = ([place for place in fresh if place < mine], [place for place in fresh if place > mine])
            numbers = [number for _, number in run]
            enough = (len(above) >= near or not numbers or numbers[0] == 1) and (
                len(below) >= near or not numbers or numbers[-1] == known.users
            )
            above, below = sorted([*above, *changed_above]), sorted([*below, *changed_below])
            shown = [*above[max(0, len(above) - near) :], mine, *below[:near]]
            better = [changed.better(place.code, run) for place in shown]
            if enough and None not in better:
                around = tuple((1 + (ahead or 0), place) for ahead, place in zip(better, shown, strict=True))
                rank = next(rank for rank, place in around if place == mine)
                return Standing(known.users + changed.more_users, ranked, rank, around)
            spare *= MORE
            run = await self._around(board, known, mine, near + 1 + spare)

    async def _around(self, board: BoardKey, known: _Known, at: Place, rows: int) -> Run:
        """So many rows of the base above a place and below it."""
        asked = {**board._asdict(), "base": known.base, "code": at.code, "user_key": at.user_key, "rows": rows}
        return _run(await self._ask_base(_AROUND, **asked))

    async def _ask_base(self, text: str, **parameters: Any) -> pa.Table:
        """As ``ask``. Raises ``_NoBaseError`` if a table is not there: of workers of before, or it has just gone."""
        found = await self._ask(text, **parameters)
        if not found.num_columns:
            raise _NoBaseError
        return found


def _whole(found: pa.Table, top: int, near: int) -> Standing:
    rows = found.to_pylist()
    if not rows:
        return Standing(0, ())
    mine, users = rows[0]["mine"], rows[0]["users"]
    places = [(row["place"], row["rank"], place) for row, place in zip(rows, places_of(found), strict=True)]
    head = tuple((rank, place) for number, rank, place in places if number <= top)
    around = tuple((rank, place) for number, rank, place in places if mine and abs(number - mine) <= near)
    return Standing(users, head, next((rank for number, rank, _ in places if number == mine), None), around)


def _latest(found: pa.Table, now_s: float) -> _Known | None:
    """The answer to ``_LATEST``, as all that is known of a base."""
    if not found.num_rows:
        return None
    latest, written = (found[name][0].as_py() for name in ("latest", "written"))
    base, users, mark_us, marks = latest.values()
    by_partition = dict(tuple(pair.values()) for pair in written)
    written = (max(mark, by_partition.get(number, 0)) for number, mark in enumerate(marks))
    return _Known(base, users, mark_us, tuple(marks), tuple(written), now_s) if base else None


def _run(found: pa.Table) -> Run:
    return sorted(zip(places_of(found), found["place"].to_pylist(), strict=True))
