"""Rank changes in words."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from schemas import hot
from stridelog.boards_file import unit_of
from stridelog.views import units

_NAMED: Final = 3  # of those who were passed; of others it says how many


def changes(messages: Sequence[hot.RankChanged], names: Mapping[str, str]) -> Table:
    """Rank changes; ``names`` are those of all users in them."""
    table = Table(title="Rank changes", title_justify="left", caption=None if messages else "none")
    table.add_column("when, UTC", no_wrap=True)
    table.add_column("athlete", overflow="fold")
    table.add_column("what", overflow="fold")
    for message in messages:
        when = units.moment(message.time).removesuffix(" UTC")
        table.add_row(when, Text(names[message.user]), Text(said(message.data, names)))
    return table


def said(data: hot.RankChangedData, names: Mapping[str, str]) -> str:
    """``entered the top 10 of distance (running, 2026-W48) at 3 with 42.20 km, ahead of Bob, Cid``."""
    head = f"the top {data.top} of {data.metric.replace('_', ' ')} ({_which(data)})"
    parts = []
    if data.rank is None:
        parts.append(f"left {head} from {data.previous_rank}")
    elif data.previous_rank is None:
        parts.append(f"entered {head} at {data.rank}")
    else:
        way = "up" if data.rank < data.previous_rank else "down"
        parts.append(f"{way} from {data.previous_rank} to {data.rank} in {head}")
    if data.score is not None:
        parts[0] += f" with {units.score(unit_of(data.metric), data.score)}"
    if data.passed:
        parts.append(f"ahead of {_listed(data.passed, names)}")
    if data.passed_by:
        parts.append(f"passed by {_listed(data.passed_by, names)}")
    return ", ".join(parts)


def _which(data: hot.RankChangedData) -> str:
    sport = "all sports" if data.sport == "all" else data.sport
    return f"{sport}, {'all time' if data.period == 'all' else data.period_key}"


def _listed(users: Sequence[str], names: Mapping[str, str]) -> str:
    more = len(users) - _NAMED
    listed = ", ".join(names[user] for user in users[:_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed
