"""Among whom a leaderboard ranks: everybody, those whom an athlete follows, the members of a group, or some by name;
and of those the ones of a sex, an age group or a country.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from domain.days import Period
from domain.residents import age_group
from stridelog import clubs
from stridelog.errors import UserError
from stridelog.projections.circles import user_of
from stridelog.queries import Queries
from stridelog.standing_reads import MEMBERS, Among

SEXES: Final = ("female", "male", "unspecified")
_RESIDENTS: Final = "user_id IN (SELECT user_id FROM athletes FINAL WHERE NOT deleted AND {0})"


async def among(
    queries: Queries,
    period: Period,
    period_key: str,
    *,
    only: Collection[str] = (),
    group: str = "",
    friends_of: str = "",
    sex: str = "",
    age: str = "",
    country: str = "",
) -> Among | None:
    """Who is ranked; ``None``: everybody. Of an athlete's friends they are one themselves. An age is that of the end of
    the board's year; of a board without one, of this year (UTC).

    Raises ``UserError`` for more than one of ``only``, ``group`` and ``friends_of``, a group that nobody founded, a
    user whom nobody knows, and what is no sex, age group or country.
    """
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    members = await _members(queries, only, group, friends_of)
    if members is not None:
        conditions.append(MEMBERS)
        parameters["members"] = sorted(members)
    wanted = _residents(period, period_key, sex, age, country, parameters)
    if wanted:
        conditions.append(_RESIDENTS.format(" AND ".join(wanted)))
    return Among(" AND ".join(conditions), parameters) if conditions else None


async def _members(queries: Queries, only: Collection[str], group: str, friends_of: str) -> frozenset[str] | None:
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


def _residents(
    period: Period, period_key: str, sex: str, age: str, country: str, parameters: dict[str, Any]
) -> list[str]:
    """Conditions on the columns of ``athletes``; adds their ``parameters``."""
    conditions = []
    if sex:
        if sex not in SEXES:
            raise UserError(f"no sex {sex!r}: give one of {', '.join(SEXES)}")
        conditions.append("sex = {sex:String}")
        parameters["sex"] = sex
    if age:
        try:
            first, last = age_group(age).births(_year_of(period, period_key))
        except ValueError as error:
            raise UserError(f"--age {error}") from None
        conditions.append("birth_year BETWEEN {born_first:Int32} AND {born_last:Int32}")
        parameters |= {"born_first": first, "born_last": last}
    if country:
        if not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise UserError(f"no country {country!r}: give its two letters (ISO 3166-1), like NO")
        conditions.append("country = {country:String}")
        parameters["country"] = country.upper()
    return conditions


def _year_of(period: Period, period_key: str) -> int:
    return datetime.now(UTC).year if period == "all" else int(period_key[:4])
