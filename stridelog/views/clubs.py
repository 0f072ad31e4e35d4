"""Groups, challenges and goals as tables."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from domain.board_rules import METRIC_UNITS
from domain.targets import TIMED
from stridelog.views import units

_ID: Final = 36  # characters of a UUID
_BAR: Final = 20
_ROLES: Final = ("owner", "admin", "member")


def amount(wanted: Mapping[str, Any], value: float) -> str:
    """A score or target in the unit of what is wanted: ``42.50 km``, ``1:02:03``, ``312 W``, ``12``."""
    if wanted["metric"] is None:
        return units.score("s" if wanted["effort"] in TIMED else "W", value) if value else ""
    return units.score(METRIC_UNITS[wanted["metric"]], value)


def asked_for(wanted: Mapping[str, Any]) -> str:
    """What is wanted: ``distance of 100.00 km, running``, ``5 km in 25:00, running``."""
    value = amount(wanted, wanted["amount"])
    sports = ", ".join(sport.replace("_", " ") for sport in wanted["sports"]) or "all sports"
    if wanted["metric"] is not None:
        return f"{wanted['metric'].replace('_', ' ')} of {value}, {sports}"
    return f"{wanted['effort']} {'in' if wanted['effort'] in TIMED else 'at'} {value}, {sports}"


def groups(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Groups as ``stridelog.clubs.groups`` gives them."""
    table = Table(title="Groups", title_justify="left", caption=None if rows else "none")
    table.add_column("group", overflow="fold")
    table.add_column("sport")
    table.add_column("members", justify="right")
    table.add_column("role")
    table.add_column("id", min_width=_ID, style="dim", overflow="fold")
    for row in rows:
        table.add_row(escape(row["name"]), row["sport"], f"{row['size']:,}", row.get("role", ""), row["group_id"])
    return table


def group(one: Mapping[str, Any]) -> RenderableType:
    """A group without its plain members."""
    state = f"closed {units.moment(one['closed_at'])}" if one["closed_at"] else f"{one['size']:,} members"
    lines = [Text.assemble((one["name"], "bold"), f"  {one['sport'].replace('_', ' ')}, {state}")]
    for role in _ROLES[:2]:
        found = [f"{member['name']} ({member['user']})" for member in one["members"] if member["role"] == role]
        if found:
            lines.append(Text(f"{role}s: {', '.join(found)}"))
    lines.append(Text(f"founded {units.moment(one['created_at'])} by {one['founder']}", "dim"))
    if one["refused"]:
        said = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in one["refused"].items())
        lines.append(Text(f"events without an effect: {said}", "dim"))
    return Group(*lines)


def members(one: Mapping[str, Any]) -> Table:
    """Who is in a group, owners first."""
    table = Table(title=escape(f"Members of {one['name']}"), title_justify="left")
    for heading in ("athlete", "id", "role"):
        table.add_column(heading, overflow="fold")
    for member in sorted(one["members"], key=lambda member: (_ROLES.index(member["role"]), member["user"])):
        table.add_row(escape(member["name"]), escape(member["user"]), member["role"])
    return table


def challenges(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Challenges as ``stridelog.clubs.challenges`` gives them."""
    table = Table(title="Challenges", title_justify="left", caption=None if rows else "none")
    for heading in ("challenge", "days", "wanted"):
        table.add_column(heading, overflow="fold")
    table.add_column("who")
    table.add_column("id", min_width=_ID, style="dim", overflow="fold")
    for row in rows:
        table.add_row(escape(row["title"]), _days(row), asked_for(row), _who(row), row["challenge_id"])
    return table


def challenge(one: Mapping[str, Any]) -> RenderableType:
    """A challenge with its ranks."""
    head = Text.assemble((one["title"], "bold"), f"  {asked_for(one)}, {_days(one)}, {_who(one)}")
    parts: list[RenderableType] = [head]
    if one["teams"]:
        teams = Table(title="Teams", title_justify="left")
        _columns(teams, "team", "members")
        for row in one["teams"]:
            done = "reached" if row["reached"] else _share(one, row["score"])
            score = amount(one, row["score"])
            teams.add_row(f"{row['rank']}", escape(row["name"]), f"{row['members']:,}", score, done)
        parts.append(teams)
    ranks = Table(title="Athletes", title_justify="left", caption=f"{one['athletes']:,} take part")
    _columns(ranks, "athlete", "workouts")
    for row in one["ranks"]:
        done = units.moment(row["reached_at"]) if row["reached_at"] else _share(one, row["score"])
        score = amount(one, row["score"])
        ranks.add_row(f"{row['rank']}", escape(row["name"]), f"{row['workouts']:,}", score, done)
    return Group(*parts, ranks)


def goals(name: str, rows: Sequence[Mapping[str, Any]], current: Mapping[str, str]) -> Table:
    """Goals with the period of each that is now, by the goal's id (``current``), and how many were reached."""
    table = Table(title=f"Goals of {escape(name)}", title_justify="left", caption=None if rows else "none")
    table.add_column("goal", overflow="fold")
    table.add_column("for", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("progress", no_wrap=True, min_width=_BAR + 5)
    table.add_column("reached", justify="right")
    for row in rows:
        key = current.get(row["goal_id"], "")
        far = row["periods"].get(key, {"score": 0.0, "reached_at": None})
        done = sum(one["reached_at"] is not None for one in row["periods"].values())
        period = "ended" if row["ended_at"] else key or "not now"
        shown = units.moment(far["reached_at"]) if far["reached_at"] else _share(row, far["score"])
        table.add_row(asked_for(row), period, amount(row, far["score"]), shown, f"{done} of {len(row['periods'])}")
    return table


def _columns(table: Table, who: str, count: str) -> None:
    table.add_column("#", justify="right")
    table.add_column(who, overflow="fold")
    table.add_column(count, justify="right")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("target", no_wrap=True)


def _share(wanted: Mapping[str, Any], score: float) -> str:
    """How much of a total is there, as a bar; nothing for a best effort."""
    if wanted["metric"] is None or not score:
        return ""
    share = min(score / wanted["amount"], 1.0)
    return f"{'█' * int(_BAR * share):{_BAR}} {int(share * 100)}%"


def _days(one: Mapping[str, Any]) -> str:
    return f"{one['first_day']} to {one['last_day']}"


def _who(one: Mapping[str, Any]) -> str:
    if one["kind"] == "team":
        return f"{len(one['groups'])} teams"
    return "members" if one["groups"] else "everybody"
