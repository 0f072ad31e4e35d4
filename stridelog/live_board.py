"""Those who train right now, ranked, as one person may see them: sessions from Redis, what each allows from MongoDB."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from domain.athlete import Athlete
from domain.boards import ALL_SPORTS
from domain.live import Sessions, current
from domain.live_view import NOTHING_KNOWN, LiveView, live_view
from domain.sports import family_of
from stridelog.queries import Queries

AT_ONCE: Final = 500
"""Places of the board that are read at a time."""
_sessions: Final = msgspec.json.Decoder(Sessions)


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


class Ranking:
    """Ranks views as they come, the highest figures first."""

    def __init__(self, metric: str, sport: str, top: int, viewer: str | None) -> None:
        self.metric = metric
        self.sport = sport
        self.top = top
        self.viewer = viewer
        self.mine: LiveRow | None = None
        self._ranked: list[LiveRow] = []
        self._unranked: list[LiveRow] = []

    def add(self, view: LiveView) -> None:
        """The next one; those of another sport do not count."""
        if self.sport not in (ALL_SPORTS, family_of(view.sport) if view.sport else None):
            return
        figure = self._figure(view)
        if figure is None:
            row = LiveRow(None, view.user, view)
            self._unranked.append(row)
        else:
            last = self._ranked[-1] if self._ranked else None
            tied = last is not None and self._figure(last.view) == figure
            row = LiveRow(last.rank if last is not None and tied else len(self._ranked) + 1, view.user, view)
            self._ranked.append(row)
        if view.user == self.viewer:
            self.mine = row

    @property
    def is_full(self) -> bool:
        """Whether there are as many as were asked for."""
        return len(self._ranked) >= self.top

    @property
    def rows(self) -> list[LiveRow]:
        """The first places. Those without a figure come last, by id, and only where all have been looked at: neither
        their order nor whether they are there may tell what the figure is that they hide.
        """
        if self.is_full:
            return self._ranked[: self.top]
        return [*self._ranked, *sorted(self._unranked, key=lambda row: row.view.user)][: self.top]

    def _figure(self, view: LiveView) -> float | None:
        return view.distance_m if self.metric == "distance" else view.moving_time_s


async def live_board(
    queries: Queries,
    *,
    metric: str = "moving_time",
    sport: str = ALL_SPORTS,
    top: int = 10,
    viewer: str | None = None,
) -> LivePage:
    """Those who train right now by ``metric`` (one of ``domain.live.METRICS``), in one family of sports or all.

    ``viewer`` sees whom and what the athletes let them, as in feeds, and is ranked among those; without a viewer
    everything is shown, as to an operator. Those of equal figures share a rank. Raises ``UserError`` when Redis, or
    with a viewer MongoDB, does not answer.
    """
    seconds, _ = await queries.redis("time")
    board = queries.keys.live_board(metric, int(seconds) // 60)
    is_on = viewer is not None and await queries.redis("zscore", board, viewer) is not None
    ranking = Ranking(metric, sport, top, viewer)
    async for view in _views(queries, board, viewer):
        ranking.add(view)
        if ranking.is_full and (ranking.mine is not None or not is_on):
            break
    rows, mine = ranking.rows, ranking.mine
    names = await queries.names(row.view.user for row in (*rows, *((mine,) if mine else ())))
    return LivePage(
        metric,
        sport,
        tuple(replace(row, name=names[row.view.user]) for row in rows),
        None if mine is None else replace(mine, name=names[mine.view.user]),
    )


async def _views(queries: Queries, board: str, viewer: str | None) -> AsyncIterator[LiveView]:
    """What the viewer may see, the highest figures first."""
    first = 0
    while users := [name.decode() for name in await queries.redis("zrevrange", board, first, first + AT_ONCE - 1)]:
        texts = await queries.redis("mget", [queries.keys.live(user) for user in users])
        found = {user: _sessions.decode(text) for user, text in zip(users, texts, strict=True) if text}
        shown = {user: session for user, sessions in found.items() if (session := current(sessions)) is not None}
        allowed = await queries.permissions([*shown], viewer) if viewer is not None else {}
        athletes = await _athletes(queries, [*shown])
        for user, session in shown.items():
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
