"""Collects what the live screen shows: each source at its own pace, so that a slow one holds up no other."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from domain.boards import BoardKey
from domain.days import period_key
from stridelog.answers import RankRow
from stridelog.errors import UserError
from stridelog.freshness import FreshnessWatch
from stridelog.lag import LagReader, declared
from stridelog.live_board import live_board
from stridelog.queries import Queries
from stridelog.settings import Settings
from stridelog.topics import Topics
from stridelog.views.live import HISTORY, AgentLine, Mover, Screen
from stridelog.worker_metrics import Scraper, Snapshot, quantile, rate

WINDOW_S: Final = 10.0  # rates and quantiles are of the last seconds
MOVED_S: Final = 20.0  # how long a change of rank is marked
TOP: Final = 24
FEED_USERS: Final = 40
FEED_ITEMS: Final = 16
SESSIONS: Final = 8
RISKS: Final = 4
SUGGESTIONS: Final = 4
CLOSE_S: Final = 10.0
_STORES_S: Final = 1.0
_LAG_S: Final = 2.0


class Watch:
    """Fills a ``screen`` until it is closed. Use as an async context manager."""

    def __init__(self, settings: Settings, topics: Topics, urls: Mapping[str, str], *, title: str, first: str) -> None:
        self.screen = Screen(title=title)
        self._settings = settings
        self._topics = topics
        self._first = first  # a user whose feed is always among those shown
        self._scraper = Scraper(urls)
        self._queries = Queries(settings)
        self._fresh = FreshnessWatch(settings, topics, self._queries)
        self._snapshots: deque[Snapshot] = deque()
        self._history: deque[float] = deque(maxlen=HISTORY)
        self._behind: dict[str, int] = {}
        self._ranks: dict[str, int] = {}
        self._moved: dict[str, tuple[float, int | None]] = {}  # user → until when it is marked, places gained
        self._notes: dict[str, str] = {}
        self._began_s = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Watch":
        jobs: list[tuple[str, float, Callable[[], Awaitable[None]]]] = [
            ("metrics", 1.0, self._metrics),
            ("board", _STORES_S, self._board),
            ("feed", 2 * _STORES_S, self._feed),
            ("people", 2 * _STORES_S, self._people),
            ("scores", 3 * _STORES_S, self._scores),
        ]
        self._tasks = [asyncio.create_task(self._regularly(*job)) for job in jobs]
        self._tasks += [asyncio.create_task(self._lag()), asyncio.create_task(self._freshness())]
        return self

    async def __aexit__(self, *_: object) -> None:
        pending = set(self._tasks)
        deadline = time.monotonic() + CLOSE_S
        while pending and time.monotonic() < deadline:  # a driver that is connecting may swallow a cancellation
            for task in pending:
                task.cancel()
            pending = (await asyncio.wait(pending, timeout=1.0))[1]
        await self._scraper.close()
        await self._queries.close()

    def refresh(self) -> Screen:
        """The screen as of now."""
        screen = self.screen
        screen.now_s, screen.up_s = time.time(), time.monotonic() - self._began_s
        screen.fresh_p50_s, screen.fresh_p99_s = self._fresh.quantile(0.5), self._fresh.quantile(0.99)
        screen.fresh_count = self._fresh.count
        screen.notes = list(self._notes.values())
        return screen

    async def _regularly(self, name: str, every_s: float, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            began = time.monotonic()
            with self._noting(name):
                await job()
            await asyncio.sleep(max(0.1, every_s - (time.monotonic() - began)))

    @contextlib.contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        """What a source cannot say is a note on the screen, not the end of it."""
        try:
            yield
        except UserError as error:
            self._notes[name] = str(error)
        else:
            self._notes.pop(name, None)

    async def _lag(self) -> None:
        while True:
            with self._noting("lag"):
                async with LagReader(self._settings, known=self._topics) as reader:
                    while True:
                        behind: dict[str, dict[str, int]] = {}
                        for lag in await reader.read():
                            sinks = behind.setdefault(lag.agent, {})
                            sinks[lag.sink] = sinks.get(lag.sink, 0) + lag.behind
                        self._behind = {agent: max(sinks.values()) for agent, sinks in behind.items()}
                        self._notes.pop("lag", None)
                        await asyncio.sleep(_LAG_S)
            await asyncio.sleep(_LAG_S)

    async def _freshness(self) -> None:
        while True:
            with self._noting("freshness"):
                await self._fresh.run()
            await asyncio.sleep(_LAG_S)

    async def _metrics(self) -> None:
        now = await self._scraper.look()
        before = self._snapshots[0] if self._snapshots else now
        last = self._snapshots[-1] if self._snapshots else now
        self._snapshots.append(now)
        while self._snapshots[0].at_s < now.at_s - WINDOW_S:
            self._snapshots.popleft()
        self._history.append(rate(last, now, "stridelog_records_total"))
        screen = self.screen
        screen.history = list(self._history)
        screen.records_per_s = rate(before, now, "stridelog_records_total")
        screen.written_per_s = rate(before, now, "stridelog_records_total", outcome="written")
        screen.memory_bytes = now.memory_bytes
        screen.models = sorted(version for (version,) in now.by("stridelog_model_info", "version"))
        screen.dead_by_reason = {
            reason: int(count) for (reason,), count in now.by("stridelog_dead_letters_total", "reason").items() if count
        }
        screen.agents = [self._line(agent, before, now) for agent in declared()]

    def _line(self, agent: str, before: Snapshot, now: Snapshot) -> AgentLine:
        sinks = sorted({sink for (sink,) in now.by("stridelog_sink_seconds_count", "sink", agent=agent)})
        return AgentLine(
            agent=agent,
            role=declared()[agent].role,
            in_per_s=rate(before, now, "stridelog_records_total", agent=agent),
            written_per_s=rate(before, now, "stridelog_records_total", agent=agent, outcome="written"),
            delay_p50_s=quantile(before, now, "stridelog_delay_seconds", 0.5, agent=agent),
            delay_p99_s=quantile(before, now, "stridelog_delay_seconds", 0.99, agent=agent),
            sinks={
                sink: quantile(before, now, "stridelog_sink_seconds", 0.5, agent=agent, sink=sink) for sink in sinks
            },
            behind=self._behind.get(agent, 0),
            dead=int(now.total("stridelog_dead_letters_total", agent=agent)),
        )

    async def _board(self) -> None:
        board = BoardKey("distance", "all", "week", period_key(datetime.now(UTC).date(), "week"))
        rows = await self._queries.top(board, most=TOP)
        self.screen.board = board
        self.screen.movers = [Mover(row, self._gained(row)) for row in rows]
        self._ranks = {row.user: row.rank for row in rows}

    def _gained(self, row: RankRow) -> int | None:
        now_s = time.monotonic()
        if self._ranks:
            before = self._ranks.get(row.user)
            if before is None:
                self._moved[row.user] = now_s + MOVED_S, None
            elif before != row.rank:
                _, already = self._moved.get(row.user, (0.0, 0))
                self._moved[row.user] = now_s + MOVED_S, (already or 0) + before - row.rank
        until_s, gained = self._moved.get(row.user, (0.0, 0))
        return gained if until_s > now_s else 0

    async def _feed(self) -> None:
        users = [self._first, *(mover.row.user for mover in self.screen.movers)][:FEED_USERS]
        self.screen.feed = await self._queries.newest_items(users, most=FEED_ITEMS)

    async def _people(self) -> None:
        self.screen.sessions = (await live_board(self._queries, top=SESSIONS)).rows

    async def _scores(self) -> None:
        risks = await self._queries.freshest_risks(most=RISKS)
        suggestions = await self._queries.freshest_suggestions(most=SUGGESTIONS)
        names = await self._queries.names([*(risk.user for risk in risks), *(each.user for each in suggestions)])
        self.screen.risks = [(names[risk.user], risk) for risk in risks]
        self.screen.suggestions = [(names[each.user], each) for each in suggestions]
