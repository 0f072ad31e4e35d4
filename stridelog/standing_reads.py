"""A leaderboard as it stands, read from ClickHouse: its head, a user's place, and the places around it.

Of a large board there is a base, all of it in order, and what changed since (``sinks/standings.py``). Whoever changed is
left out of the base and put in where they are now. A ``Standings`` keeps of each board what it has read of a base and
of who changed, and asks only for what the agent may have written later: most answers take one statement. A board
without a base, and one of some users only, is read whole from ``board_scores``.
"""  # noqa: E501

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from domain.boards import BoardKey
from sinks.standings import ASKED_BOARD_ID, CODE, KEPT_DAYS, USER_KEY, WRITER
from stridelog.standing_changes import FRONT, Changed, Place, Run, places_of

Ask = Callable[..., Awaitable[pa.Table]]
"""Asks ClickHouse: the text of a SELECT, and its parameters by name; no rows while there are no tables."""

SPARE: Final = 64  # rows of the base that are read beyond those wanted, in place of some that have changed
MORE: Final = 16  # times as many spare ones, when they were not enough
AGAIN_MOST: Final = 256  # changes that are read again each time, rather than to ask for the watermarks
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
_OF_BASE: Final = f"FROM board_base_rows WHERE board = {ASKED_BOARD_ID} AND base = latest.1"
_SINCE: Final = f"""FROM board_changes WHERE board = {ASKED_BOARD_ID} AND latest.1 > 0
    AND stored_at >= fromUnixTimestamp64Micro(latest.2, 'UTC')
    AND source_offset >= greatest(latest.3[source_partition + 1],
        if(latest.1 = {{base:UInt64}}, {{marks:Array(UInt64)}}[source_partition + 1], 0))"""
_BASE_ROW: Final = f"{_HALVES.format('code')}, user_key, user_id, workouts, place"
_BASES: Final = f"""(
    SELECT argMax((base, toUnixTimestamp64Micro(mark), marks, users), (base, mark)) FROM board_bases
    WHERE board = {ASKED_BOARD_ID}"""  # noqa: S608
_USER_NUMBER: Final = ("user_key", "place")
_BASE, _ROW, _CHANGED = range(3)
_READ: Final = f"""
WITH {_BASES} AND mark > now() - INTERVAL {KEPT_DAYS * 12} HOUR) AS latest,
(SELECT any(place) {_OF_BASE} AND user_key = sipHash64({{user:String}})) AS mine,
if(mine > {{near:UInt32}}, mine - {{near:UInt32}}, 1) AS first, if(mine > 0, mine + {{near:UInt32}}, 0) AS last
SELECT {_BASE} AS kind, toUInt64(0) AS high, toUInt64(0) AS low, latest.1 AS user_key, '' AS user_id,
    mine AS workouts, latest.4 AS place, toUInt64(0) AS offset, toUInt64(0) AS stored_us
UNION ALL SELECT {_ROW}, {_BASE_ROW}, 0, 0 {_OF_BASE} AND (place <= {{head:UInt32}} OR place BETWEEN first AND last)
UNION ALL SELECT {_CHANGED}, {_HALVES.format("changed")}, user_key, user_id, counting, 0,
    toUInt64(bitShiftRight(newest, 64)), toUInt64(bitAnd(newest, 18446744073709551615)) FROM (
    SELECT user_key, argMax(code, ordinal) AS changed, any(user_id) AS user_id, argMax(workouts, ordinal) AS counting,
        max(ordinal) AS newest
    {_SINCE} GROUP BY user_key
)
"""  # noqa: S608
_NUMBERS: Final = f"""
WITH {_BASES} AND base = {{base:UInt64}}) AS latest
SELECT {", ".join(_USER_NUMBER)} {_OF_BASE} AND user_key IN (SELECT user_key {_SINCE})
"""
_MARKS: Final = f"""
SELECT number, min(mark) AS mark FROM (
    SELECT topic, `partition` AS number, argMax(next_offset, (epoch, next_offset)) AS mark FROM watermarks
    WHERE agent = '{WRITER}' GROUP BY topic, number
) GROUP BY number ORDER BY number
"""  # noqa: S608
_AROUND: Final = f"""
WITH tuple({{base:UInt64}}) AS latest
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
    """What is known of a board: which base it has (0: none is known), the base's first rows, and who changed up to
    ``marks``, by source partition the offset before which all changes are here. ``again`` changes are asked for again
    each time, which are not before ``marks``.
    """

    base: int = 0
    base_users: int = 0
    head: Run = ()
    changed: Changed = field(default_factory=Changed)
    marks: tuple[int, ...] = ()
    again: int = 0


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
            spare = SPARE
            while True:
                known, run = await self._read_base(board, top + spare, user, near + 1 + SPARE)
                if known is None:
                    break
                head = known.changed.fresh(known.head)
                if len(head) >= top or len(known.head) == known.base_users:
                    return await self._based(board, known, run, head, top=top, near=near, user=user)
                spare *= MORE
        condition, more = (among.condition, among.parameters) if among else ("1", {})
        text = _WHOLE.replace("CONDITION", condition)
        return _whole(await self._ask(text, **board._asdict(), **more, user=user, top=top, near=near), top, near)

    async def _read_base(self, board: BoardKey, rows: int, user: str, near: int) -> tuple[_Known | None, Run]:
        """What is known of the board by now, with ``rows`` of its head at least, and the run of the base around a user
        who is in it. ``None``: there is no base.
        """
        known = self._known.get(board) or _Known()
        marks = await self._marks(known.marks) if known.again > AGAIN_MOST else known.marks
        while True:
            head = rows if len(known.head) < min(rows, known.base_users) or not known.base else 0
            asked = {**board._asdict(), "base": known.base, "marks": [*known.marks, 0]}
            found = await self._ask(_READ, **asked, head=head, user=user, near=near)
            kinds = found["kind"].to_numpy() if found.num_rows else np.zeros(0)
            base = found.filter(kinds == _BASE).to_pylist() if found.num_rows else []
            if not base or not base[0]["user_key"]:
                self._known.pop(board, None)
                return None, []
            if base[0]["user_key"] != known.base:
                known, marks = _Known(base[0]["user_key"], base[0]["place"]), ()
                if not head:
                    continue
            break
        run, mine = _run(found.filter(kinds == _ROW)), base[0]["workouts"]
        changes = found.filter(kinds == _CHANGED)
        changed = known.changed.with_later(changes)
        if changed.without_number:
            asked = {**board._asdict(), "base": known.base, "marks": [*known.marks, 0]}
            numbers = await self._ask(_NUMBERS, **asked)
            changed = changed.with_numbers(
                dict(zip(*(numbers[name].to_pylist() for name in _USER_NUMBER), strict=True))
            )
        known = _Known(
            known.base, known.base_users, run[:head] if head else known.head, changed, marks, changes.num_rows
        )
        self._known[board] = known
        self._known.move_to_end(board)
        while len(self._known) > KEPT_BOARDS:
            self._known.popitem(last=False)
        return known, [(place, number) for place, number in run if mine and abs(number - mine) <= near]

    async def _marks(self, known: tuple[int, ...]) -> tuple[int, ...]:
        """By source partition the offset before which everything has been written, asked before changes are read."""
        found = await self._ask(_MARKS)
        marks = [*known]
        for number, mark in zip(found["number"].to_pylist(), found["mark"].to_pylist(), strict=True):
            marks += [0] * (number + 1 - len(marks))
            marks[number] = max(marks[number], mark)
        return tuple(marks)

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
            return Standing(known.base_users + changed.more_users, ranked)
        changed_above, changed_below = changed.nearest(mine, near)
        while True:
            fresh = [place for place in changed.fresh(run) if place.user_key != mine.user_key]
            above, below = ([place for place in fresh if place < mine], [place for place in fresh if place > mine])
            numbers = [number for _, number in run]
            enough = (len(above) >= near or not numbers or numbers[0] == 1) and (
                len(below) >= near or not numbers or numbers[-1] == known.base_users
            )
            above, below = sorted([*above, *changed_above]), sorted([*below, *changed_below])
            shown = [*above[max(0, len(above) - near) :], mine, *below[:near]]
            better = [changed.better(place.code, run) for place in shown]
            if enough and None not in better:
                around = tuple((1 + (ahead or 0), place) for ahead, place in zip(better, shown, strict=True))
                rank = next(rank for rank, place in around if place == mine)
                return Standing(known.base_users + changed.more_users, ranked, rank, around)
            spare *= MORE
            run = await self._around(board, known, mine, near + 1 + spare)

    async def _around(self, board: BoardKey, known: _Known, at: Place, rows: int) -> Run:
        """So many rows of the base above a place and below it."""
        asked = {**board._asdict(), "base": known.base, "code": at.code, "user_key": at.user_key, "rows": rows}
        return _run(await self._ask(_AROUND, **asked))


def _whole(found: pa.Table, top: int, near: int) -> Standing:
    rows = found.to_pylist()
    if not rows:
        return Standing(0, ())
    mine, users = rows[0]["mine"], rows[0]["users"]
    places = [(row["place"], row["rank"], place) for row, place in zip(rows, places_of(found), strict=True)]
    head = tuple((rank, place) for number, rank, place in places if number <= top)
    around = tuple((rank, place) for number, rank, place in places if mine and abs(number - mine) <= near)
    return Standing(users, head, next((rank for number, rank, _ in places if number == mine), None), around)


def _run(found: pa.Table) -> Run:
    return sorted(zip(places_of(found), found["place"].to_pylist(), strict=True))
