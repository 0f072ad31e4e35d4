"""Groups, challenges and goals as the stores hold them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from stridelog.errors import UserError
from stridelog.queries import Queries

_MOST: Final = 1_000


async def groups(queries: Queries, *, user: str = "", sport: str = "") -> list[dict[str, Any]]:
    """Groups that are not closed, the largest first: ``group_id``, ``name``, ``sport``, ``founder``, ``size``; those of
    a user with their ``role``. At most 1,000.
    """
    roles: dict[str, str] = {}
    wanted: dict[str, Any] = {"closed_at": None}
    if user:
        held = await queries.documents("memberships", {"_id": user})
        roles = {id: role for one in held for id, role in one.get("groups", {}).items()}
        wanted["_id"] = {"$in": sorted(roles)}
    if sport:
        wanted["sport"] = sport
    hidden = ("members", "refused", "closed_at")
    order = {"size": -1, "name": 1, "_id": 1}
    found = await queries.documents("groups", wanted, without=hidden, order=order, most=_MOST)
    rows = [{"group_id": one.pop("_id"), **one} for one in found]
    return [{**row, "role": roles[row["group_id"]]} for row in rows] if user else rows


async def group(queries: Queries, group_id: str) -> dict[str, Any]:
    """A group with its members, each with ``name``. Raises ``UserError`` for one that nobody founded."""
    found = await queries.documents("groups", {"_id": group_id})
    if not found:
        raise UserError(f"no group {group_id!r}: stridelog groups list shows ids")
    names = await queries.names(member["user"] for member in found[0]["members"])
    members = [{**member, "name": names[member["user"]]} for member in found[0]["members"]]
    return {"group_id": found[0].pop("_id"), **found[0], "members": members}


async def challenges(queries: Queries, *, group_id: str = "", on: date | None = None) -> list[dict[str, Any]]:
    """Challenges, those that end last first; of a group, or that a local day is in. At most 1,000."""
    wanted: dict[str, Any] = {"groups": group_id} if group_id else {}
    if on is not None:
        wanted |= {"first_day": {"$lte": on.isoformat()}, "last_day": {"$gte": on.isoformat()}}
    found = await queries.documents("challenges", wanted, order={"last_day": -1, "_id": -1}, most=_MOST)
    return [{"challenge_id": one.pop("_id"), **one} for one in found]


async def challenge(queries: Queries, challenge_id: str, *, top: int = 10, user: str = "") -> dict[str, Any]:
    """A challenge with ``athletes`` (how many take part), the first ``top`` of ``ranks`` (and a user's) and ``teams``.

    Raises ``UserError`` for a challenge that is not there, and for a user whom nobody knows.
    """
    if user:
        await queries.known(user)
    found = await queries.documents("challenges", {"_id": challenge_id})
    if not found:
        raise UserError(f"no challenge {challenge_id!r}: stridelog challenges list shows ids")
    where = "WHERE challenge_id = {id:String}"
    ranks = await queries.clickhouse(
        "SELECT rank, user_id, group_id, score, toUnixTimestamp64Micro(achieved_at), workouts,"  # noqa: S608 - ours
        " toUnixTimestamp64Micro(reached_at) FROM ("
        f"SELECT *, row_number() OVER (ORDER BY rank, user_id) AS place FROM challenge_ranks {where})"
        " WHERE place <= {top:UInt32} OR user_id = {user:String} ORDER BY place",
        id=challenge_id,
        user=user,
        top=top,
    )
    teams = await queries.clickhouse(
        "SELECT rank, group_id, score, toUnixTimestamp64Micro(achieved_at), members, workouts, reached"  # noqa: S608
        f" FROM challenge_teams {where} ORDER BY rank, group_id LIMIT {{top:UInt32}}",
        id=challenge_id,
        top=top,
    )
    count = await queries.clickhouse(
        f"SELECT count() FROM challenge_scores FINAL {where} AND NOT deleted",  # noqa: S608
        id=challenge_id,
    )
    names = await queries.names(row[1] for row in ranks)
    clubs = await queries.documents("groups", {"_id": {"$in": [row[1] for row in teams]}}, only=("name",))
    titles = {one["_id"]: one["name"] for one in clubs}
    return {
        "challenge_id": found[0].pop("_id"),
        **found[0],
        "athletes": int(count[0][0]) if count else 0,
        "ranks": _named(ranks, "rank user group_id score achieved_at workouts reached_at", names, "user"),
        "teams": _named(teams, "rank group_id score achieved_at members workouts reached", titles, "group_id"),
    }


def _named(rows: Sequence[Sequence[Any]], columns: str, names: dict[str, str], of: str) -> list[dict[str, Any]]:
    found = [dict(zip(columns.split(), row, strict=True)) for row in rows]
    return [{**row, "name": names.get(row[of], row[of])} for row in found]


async def goals(queries: Queries, user: str) -> list[dict[str, Any]]:
    """A user's goals with their ``periods``, those that were set last first."""
    found = await queries.documents("goals", {"_id": {"$gte": f"{user}/", "$lt": f"{user}/~"}})
    rows = [{"goal_id": one.pop("_id").partition("/")[2], **one} for one in found]
    return sorted(rows, key=lambda row: (row["since"], row["goal_id"]), reverse=True)
