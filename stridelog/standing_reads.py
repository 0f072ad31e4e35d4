"""A leaderboard as it stands, read from ClickHouse: its head, a user's place, and the places around it.

Of a large board there is a base, all of it in order, and what changed since (``sinks/standings.py``). One statement asks
for what changed, where in the base they were who changed, and the base's head; a second for the base around the user.
Whoever changed is left out of the base and put in where they are now. A board without a base, and one of some users
only, is read whole from ``board_scores``.
"""  # noqa: E501

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.boards import BoardKey
from sinks.standings import ASKED_BOARD_ID, CODE, KEPT_DAYS, USER_KEY

Ask = Callable[..., Awaitable[pa.Table]]
"""Asks ClickHouse: the text of a SELECT, and its parameters by name; no rows while there are no tables."""

SPARE: Final = 64  # rows of the base that are read beyond those wanted, in place of some that have changed
MORE: Final = 16  # times as many spare ones, when they were not enough
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
    AND stored_at >= fromUnixTimestamp64Micro(latest.2, 'UTC') AND source_offset >= latest.3[source_partition + 1]"""
_BASE_ROW: Final = f"{_HALVES.format('code')}, user_key, user_id, workouts, place"
_WITH_LATEST: Final = f"""
WITH (
    SELECT argMax((base, toUnixTimestamp64Micro(mark), marks, users), (base, mark)) FROM board_bases
    WHERE board = {ASKED_BOARD_ID} AND mark > now() - INTERVAL {KEPT_DAYS * 12} HOUR
) AS latest
"""  # noqa: S608
_BASE, _HEAD, _MINE, _CHANGED, _REPLACED = range(5)
_LATEST: Final = f"""{_WITH_LATEST}
SELECT {_BASE} AS kind, toUInt64(0) AS high, toUInt64(0) AS low, latest.1 AS user_key, '' AS user_id,
    toUInt32(0) AS workouts, latest.4 AS place
UNION ALL SELECT {_HEAD}, * FROM (
    SELECT {_BASE_ROW} {_OF_BASE} ORDER BY code, user_key LIMIT {{rows:UInt32}}
)
UNION ALL SELECT {_MINE}, {_BASE_ROW} {_OF_BASE} AND user_key = sipHash64({{user:String}})
UNION ALL SELECT {_CHANGED}, {_HALVES.format("changed")}, user_key, user_id, counting, toUInt32(0) FROM (
    SELECT user_key, argMax(code, ordinal) AS changed, any(user_id) AS user_id, argMax(workouts, ordinal) AS counting
    {_SINCE} GROUP BY user_key
)
UNION ALL SELECT {_REPLACED}, toUInt64(0), toUInt64(0), user_key, '', toUInt32(0), place {_OF_BASE}
    AND user_key IN (SELECT user_key {_SINCE})
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


class Place(NamedTuple):
    """Somebody's place on a board; places are in the order of ``code`` and ``user_key``."""

    code: int
    user_key: int
    user: str
    workouts: int


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


async def standing(
    ask: Ask, board: BoardKey, *, top: int, user: str = "", near: int = 0, among: Among | None = None
) -> Standing:
    """The first ``top`` places, and if a ``user`` is given and on the board, theirs and ``near`` above and below."""
    named = board._asdict()
    if among is None:
        spare = SPARE
        while True:
            found = await ask(_LATEST, **named, user=user, rows=top + spare)
            if not found.num_rows or not found.filter(found["kind"].to_numpy() == _BASE)["user_key"][0].as_py():
                break
            latest = _Latest(found)
            head = latest.fresh(latest.head)
            if len(head) >= top or len(latest.head) < top + spare:
                return await _based(ask, named, latest, head, top=top, near=near, user=user)
            spare *= MORE
    condition, more = (among.condition, among.parameters) if among else ("1", {})
    whole = await ask(_WHOLE.replace("CONDITION", condition), **named, **more, user=user, top=top, near=near)
    return _whole(whole, top, near)


def _whole(found: pa.Table, top: int, near: int) -> Standing:
    rows = found.to_pylist()
    if not rows:
        return Standing(0, ())
    mine, users = rows[0]["mine"], rows[0]["users"]
    places = [(row["place"], row["rank"], place) for row, place in zip(rows, _places(found), strict=True)]
    head = tuple((rank, place) for number, rank, place in places if number <= top)
    around = tuple((rank, place) for number, rank, place in places if mine and abs(number - mine) <= near)
    return Standing(users, head, next((rank for number, rank, _ in places if number == mine), None), around)


async def _based(
    ask: Ask, named: Mapping[str, Any], latest: "_Latest", head: Sequence[Place], *, top: int, near: int, user: str
) -> Standing:
    mine = latest.mine(user)
    first = sorted([*head, *latest.nearest(_FRONT, top)[1]])[:top]
    ranks: dict[int, int] = {}
    for number, place in enumerate(first, start=1):
        ranks.setdefault(place.code, number)
    ranked = tuple((ranks[place.code], place) for place in first)
    if mine is None:
        return Standing(latest.users, ranked)
    changed_above, changed_below = latest.nearest(mine, near)
    spare = SPARE
    while True:
        rows = near + 1 + spare
        found = await ask(_AROUND, **named, base=latest.base, code=mine.code, user_key=mine.user_key, rows=rows)
        of_base = sorted(zip(_places(found), found["place"].to_pylist(), strict=True))
        ahead = sum(place < mine for place, _ in of_base)  # how many of them stand ahead
        fresh = [place for place in latest.fresh([place for place, _ in of_base]) if place.user_key != mine.user_key]
        above, below = ([place for place in fresh if place < mine], [place for place in fresh if place > mine])
        enough = (len(above) >= near or ahead < rows) and (len(below) >= near or len(of_base) - ahead < rows)
        above, below = sorted([*above, *changed_above]), sorted([*below, *changed_below])
        shown = [*above[max(0, len(above) - near) :], mine, *below[:near]]
        better = [latest.better(place.code, of_base) for place in shown]
        if enough and None not in better:
            around = tuple((1 + (ahead or 0), place) for ahead, place in zip(better, shown, strict=True))
            rank = next(rank for rank, place in around if place == mine)
            return Standing(latest.users, ranked, rank, around)
        spare *= MORE


class _Latest:
    """The answer to ``_LATEST``: a base, and who changed since."""

    def __init__(self, found: pa.Table) -> None:
        kinds = found["kind"].to_numpy()
        base, head, mine, changed, replaced = (found.filter(kinds == kind) for kind in range(5))
        self.base: int = base["user_key"][0].as_py()
        self._base_users: int = base["place"][0].as_py()
        self.head = _places(head)
        self._mine = next(iter(_places(mine)), None)
        high, low, keys = (changed[name].to_numpy() for name in ("high", "low", "user_key"))
        self._changed_keys: set[int] = set(keys.tolist())
        self._changed = changed.take(np.lexsort((keys, low, high)))
        high, low = self._changed["high"].to_numpy(), self._changed["low"].to_numpy()
        self._codes = (high, low)
        on_board = int(np.count_nonzero(high != _HALF))
        self._changed = self._changed.slice(0, on_board)  # those who have gone are behind
        self._left_places = replaced["place"].to_numpy()
        self.users = self._base_users - len(self._left_places) + on_board

    def fresh(self, places: Sequence[Place]) -> list[Place]:
        """Those who have not changed."""
        return [place for place in places if place.user_key not in self._changed_keys]

    def mine(self, user: str) -> Place | None:
        """The user's place, ``None`` if not on the board."""
        changed = _places(self._changed.filter(pc.equal(self._changed["user_id"], user)))
        if changed:
            return changed[0]
        return next(iter(self.fresh([self._mine] if self._mine else [])), None)

    def nearest(self, at: Place, most: int) -> tuple[list[Place], list[Place]]:
        """Who changed, and stands next above and below a place; that place itself is neither."""
        keys = self._changed["user_key"].to_numpy()
        high, low = self._changed["high"].to_numpy(), self._changed["low"].to_numpy()
        equal = (high == at.code >> 64) & (low == at.code & _HALF)
        above = self._count_better(at.code) + int(np.count_nonzero(equal & (keys < np.uint64(at.user_key))))
        below = above + int(np.count_nonzero(equal & (keys == np.uint64(at.user_key))))
        first = max(0, above - most)
        return _places(self._changed.slice(first, above - first)), _places(self._changed.slice(below, most))

    def better(self, code: int, of_base: Sequence[tuple[Place, int]]) -> int | None:
        """How many have a better code, by a run of the base's places with numbers; ``None``: it begins too late."""
        before = [number for place, number in of_base if place.code < code]
        if not before and of_base and of_base[0][1] > 1:
            return None
        of_base_better = before[-1] if before else 0
        left = int(np.count_nonzero(self._left_places <= of_base_better))
        return of_base_better - left + self._count_better(code)

    def _count_better(self, code: int) -> int:
        high, low = self._codes
        wanted = np.uint64(code >> 64)
        return int(np.count_nonzero((high < wanted) | ((high == wanted) & (low < np.uint64(code & _HALF)))))


def _places(found: pa.Table) -> list[Place]:
    columns = (found[name].to_pylist() for name in ("high", "low", "user_key", "user_id", "workouts"))
    return [
        Place(high << 64 | low, key, user, workouts) for high, low, key, user, workouts in zip(*columns, strict=True)
    ]


_HALF: Final = (1 << 64) - 1
_FRONT: Final = Place(0, 0, "", 0)
"""Ahead of everybody."""
