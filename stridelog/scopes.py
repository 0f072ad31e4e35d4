"""Among whom a leaderboard ranks: everybody, those whom an athlete follows, the members of a group, or some by name."""

from collections.abc import Collection

from stridelog import clubs
from stridelog.errors import UserError
from stridelog.projections.circles import user_of
from stridelog.queries import Queries


async def members(
    queries: Queries, *, only: Collection[str] = (), group: str = "", friends_of: str = ""
) -> frozenset[str] | None:
    """Who is ranked; ``None``: everybody. Of an athlete's friends they are one themselves.

    Raises ``UserError`` for more than one of the three, a group that nobody founded, and a user whom nobody knows.
    """
    if sum(map(bool, (only, group, friends_of))) > 1:
        raise UserError("give one of --only, --group and --friends-of: each says among whom the board ranks")
    if group:
        found = await clubs.group(queries, group)
        return frozenset(member["user"] for member in found["members"])
    if friends_of:
        await queries.known(friends_of)
        circles = await queries.documents("circles", {"_id": friends_of}, only=("follows",))
        return frozenset({friends_of}.union(*(map(user_of, circle.get("follows", ())) for circle in circles)))
    return frozenset(only) if only else None
