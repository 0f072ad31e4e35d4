"""The board of a segment, from ClickHouse: the best effort of each athlete in a period, among everybody or some; for an
operator all of it, for a viewer the efforts that they may see.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.days import Period
from domain.live_view import Permission
from domain.visibility import Audiences, Override, may_see, settings_of
from stridelog.queries import Queries
from stridelog.standing_reads import Among

_KEYS: Final[Mapping[Period, str]] = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}
_ORDER: Final = ("elapsed_s", "end_us", "workout_id", "start_us")
_PAGE: Final = 1_000
_EFFORTS: Final = "FROM segment_efforts FINAL WHERE NOT deleted AND NOT hidden AND segment_id = {segment_id:String}"
_BOARD: Final = f"""
SELECT rank() OVER (ORDER BY best.1, best.2) AS place, user_id, best.1, toUnixTimestamp64Micro(best.2), best.3, efforts
FROM (
    SELECT user_id, min((toUInt32(round(elapsed_s)), end, workout_id)) AS best, count() AS efforts
    {_EFFORTS} AND CONDITION GROUP BY user_id
) ORDER BY place, user_id LIMIT {{top:UInt32}}
"""  # noqa: S608
_EFFORTS_FROM: Final = f"""
SELECT user_id, toInt64(round(elapsed_s)) AS seconds, toUnixTimestamp64Micro(end) AS end_us, workout_id,
    toUnixTimestamp64Micro(start) AS start_us
{_EFFORTS} AND CONDITION AND (seconds, end_us, workout_id, start_us)
    > ({{elapsed_s:Int64}}, {{end_us:Int64}}, {{workout_id:String}}, {{start_us:Int64}})
ORDER BY seconds, end_us, workout_id, start_us LIMIT {{most:UInt32}}
"""
_EFFORTS_OF: Final = f"""
SELECT user_id, workout_id, count() {_EFFORTS} AND CONDITION AND user_id IN {{users:Array(String)}}
GROUP BY user_id, workout_id
"""
_ONLY_ME: Final = Audiences("only_me", "only_me", "only_me")


@dataclass(frozen=True, slots=True)
class SegmentPlace:
    """A place on the board of a segment: an athlete's best effort, in whole seconds."""

    rank: int
    user: str
    name: str
    elapsed_s: int
    achieved_us: int
    workout_id: str
    efforts: int


@dataclass(frozen=True, slots=True)
class SegmentBoard:
    """Which efforts are ranked: those on a segment that ended in a period (by UTC), of everybody or ``among`` some."""

    segment_id: str
    period: Period = "all"
    period_key: str = "all"
    among: Among | None = None

    def query(self, text: str, **parameters: Any) -> tuple[str, dict[str, Any]]:
        """A statement with the condition, and its parameters."""
        conditions = ["1"]
        if self.period != "all":
            conditions.append(f"formatDateTime(end, '{_KEYS[self.period]}', 'UTC') = {{period_key:String}}")
        if self.among:
            conditions.append(f"({self.among.condition})")
        named = {"segment_id": self.segment_id, "period_key": self.period_key}
        more = self.among.parameters if self.among else {}
        return text.replace("CONDITION", " AND ".join(conditions)), {**named, **more, **parameters}


async def board(queries: Queries, wanted: SegmentBoard, *, top: int) -> list[SegmentPlace]:
    """The first places, whoever may see them: for an operator."""
    text, parameters = wanted.query(_BOARD, top=top)
    found = await queries.clickhouse(text, **parameters)
    names = await queries.names(user for _, user, *_ in found)
    return [SegmentPlace(rank, user, names[user], *rest) for rank, user, *rest in found]


async def board_for(queries: Queries, wanted: SegmentBoard, viewer: str, *, top: int) -> list[SegmentPlace]:
    """The first places as ``viewer`` may see them: of those efforts whose workout shows them its map (it says where
    somebody was), ranked as if there were no others.
    """
    shown = _Shown(queries, viewer)
    best: dict[str, tuple[int, int, str]] = {}
    last: Sequence[Any] = (-1, 0, "", 0)
    while len(best) < top:
        after = dict(zip(_ORDER, last, strict=True))
        text, parameters = wanted.query(_EFFORTS_FROM, most=_PAGE, **after)
        page = await queries.clickhouse(text, **parameters)
        await shown.look((user, workout_id) for user, *_, workout_id, _ in page)
        for user, elapsed_s, end_us, workout_id, _ in page:
            if shown.sees(user, workout_id):
                best.setdefault(user, (elapsed_s, end_us, workout_id))
        if len(page) < _PAGE:
            break
        _, *last = page[-1]
    first = sorted((elapsed_s, end_us, user, workout_id) for user, (elapsed_s, end_us, workout_id) in best.items())[
        :top
    ]
    text, parameters = wanted.query(_EFFORTS_OF, users=[user for *_, user, _ in first])
    efforts = await queries.clickhouse(text, **parameters)
    await shown.look((user, workout_id) for user, workout_id, _ in efforts)
    counts: Counter[str] = Counter()
    for user, workout_id, count in efforts:
        counts[user] += count if shown.sees(user, workout_id) else 0
    names = await queries.names(user for *_, user, _ in first)
    ranks: dict[tuple[int, int], int] = {}
    for number, (elapsed_s, end_us, *_) in enumerate(first, start=1):
        ranks.setdefault((elapsed_s, end_us), number)
    return [
        SegmentPlace(ranks[elapsed_s, end_us], user, names[user], elapsed_s, end_us, workout_id, counts[user])
        for elapsed_s, end_us, user, workout_id in first
    ]


class _Shown:
    """Of which workouts a viewer sees the map."""

    def __init__(self, queries: Queries, viewer: str) -> None:
        self._queries = queries
        self._viewer = viewer
        self._owners: dict[str, Permission] = {}
        self._workouts: dict[str, Override] = {}

    async def look(self, workouts: Iterable[tuple[str, str]]) -> None:
        """Learn of some (user, workout) pairs what their athletes have chosen."""
        pairs = [*workouts]
        owners = {user for user, _ in pairs} - self._owners.keys()
        self._owners |= await self._queries.permissions(sorted(owners), self._viewer) if owners else {}
        ids = sorted({workout_id for _, workout_id in pairs} - self._workouts.keys())
        found = await self._queries.documents("workouts", {"_id": {"$in": ids}}, only=("visibility",)) if ids else []
        self._workouts |= {document["_id"]: Override(**document.get("visibility", {})) for document in found}

    def sees(self, user: str, workout_id: str) -> bool:
        """Of a workout that the read model does not have, nobody else does."""
        override, owner = self._workouts.get(workout_id), self._owners[user]
        settings = settings_of(owner.audiences, override) if override is not None else _ONLY_ME
        return may_see(self._viewer, user, owner.relation, "map", settings).allowed
