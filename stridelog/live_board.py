"""Those who train right now, ranked, as one person may see them: read from Redis, with what each allows applied."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from domain.athlete import Athlete
from domain.boards import ALL_SPORTS
from domain.live import Sessions, current
from domain.live_view import NOTHING_KNOWN, LiveView, Permission, live_view
from domain.sports import family_of
from stridelog.queries import Queries

AT_ONCE: Final = 500
"""Places of the board that are read at a time."""
_sessions: Final = msgspec.json.Decoder(Sessions)


class Permissions(Protocol):
    """Who may see what of whom."""

    async def of(self, owners: Sequence[str], viewer: str) -> Mapping[str, Permission]:
        """What each of ``owners`` allows ``viewer``; who is not in there allows nothing."""


class Unchosen:
    """Permissions of athletes who have chosen nothing, asked for by somebody who is nothing to them: none."""

    async def of(self, owners: Sequence[str], viewer: str) -> Mapping[str, Permission]:
        """What each of ``owners`` allows ``viewer``."""
        return dict.fromkeys(owners, NOTHING_KNOWN)


UNCHOSEN_BY_ALL: Final = Unchosen()


@dataclass(frozen=True, slots=True)
class LiveRow:
    """One who trains; ``rank`` is among those whom the viewer may see, ``None`` without the board's figure."""

    rank: int | None
    name: str
    view: LiveView


@dataclass(frozen=True, slots=True)
class LivePage:
    """The head of the live board, and the viewer's own place if they train."""

    metric: str
    sport: str
    rows: tuple[LiveRow, ...]
    mine: LiveRow | None = None


async def live_board(
    queries: Queries,
    *,
    metric: str = "moving_time",
    sport: str = ALL_SPORTS,
    top: int = 10,
    viewer: str | None = None,
    permissions: Permissions = UNCHOSEN_BY_ALL,
) -> LivePage:
    """Those who train right now by ``metric`` (one of ``domain.live.METRICS``), in one family of sports or all.

    ``viewer`` sees what ``permissions`` say, and is ranked among those; without a viewer everything is shown, as to an
    operator. Those of equal figures share a rank. Raises ``UserError`` when Redis does not answer.
    """
    ranked: list[LiveRow] = []
    unranked: list[LiveRow] = []
    mine: LiveRow | None = None
    async for view in _views(queries, metric, viewer, permissions):
        if sport not in (ALL_SPORTS, family_of(view.sport) if view.sport else None):
            continue
        figure = _figure(view, metric)
        last = ranked[-1] if ranked else None
        tied = last is not None and _figure(last.view, metric) == figure
        row = LiveRow(last.rank if last is not None and tied else len(ranked) + 1, view.user, view)
        if figure is None:
            row = LiveRow(None, view.user, view)
            unranked.append(row)
        else:
            ranked.append(row)
        mine = row if view.user == viewer else mine
        if len(ranked) >= top and (viewer is None or mine is not None):
            break
    rows = [*ranked, *unranked][:top]
    names = await queries.names(row.view.user for row in (*rows, *((mine,) if mine else ())))
    named = [LiveRow(row.rank, names[row.view.user], row.view) for row in rows]
    return LivePage(
        metric, sport, tuple(named), LiveRow(mine.rank, names[mine.view.user], mine.view) if mine is not None else None
    )


def _figure(view: LiveView, metric: str) -> float | None:
    return view.distance_m if metric == "distance" else view.moving_time_s


async def _views(
    queries: Queries, metric: str, viewer: str | None, permissions: Permissions
) -> AsyncIterator[LiveView]:
    """What the viewer may see, the highest figures first."""
    seconds, _ = await queries.redis("time")
    board = queries.keys.live_board(metric, int(seconds) // 60)
    first = 0
    while users := [name.decode() for name in await queries.redis("zrevrange", board, first, first + AT_ONCE - 1)]:
        texts = await queries.redis("mget", [queries.keys.live(user) for user in users])
        shown = [
            (u, s) for u, text in zip(users, texts, strict=True) if text and (s := current(_sessions.decode(text)))
        ]
        allowed = await permissions.of([user for user, _ in shown], viewer) if viewer is not None else {}
        athletes = await _athletes(queries, [user for user, _ in shown])
        for user, session in shown:
            asking = user if viewer is None else viewer  # an operator sees what the athlete does
            view = live_view(session, user, asking, allowed.get(user, NOTHING_KNOWN), athletes[user])
            if view is not None:
                yield view
        first += AT_ONCE


async def _athletes(queries: Queries, users: Sequence[str]) -> dict[str, Athlete]:
    found = await queries.redis_all("hgetall", [queries.keys.thresholds(user) for user in users])
    return {user: _athlete(known) for user, known in zip(users, found, strict=True)}


def _athlete(known: Mapping[bytes, Any]) -> Athlete:
    figures = {name.decode(): float(value) for name, value in known.items()}
    year = figures.get("birth_year")
    return Athlete(
        birth_year=None if year is None else int(year),
        hr_max_bpm=figures.get("hr_max_bpm"),
        lthr_bpm=figures.get("lthr_bpm"),
    )
