"""Rank changes are announced once and in order, whoever crashes where; on the real Redis and PostgreSQL."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from domain.board_rules import rules_from
from domain.boards import BoardKey, Score
from domain.rank_changes import ranks_of
from schemas import hot
from schemas.decode import EVERYONE, decoder_for
from sinks.keys import Keys
from sinks.shadow import shadow_settings
from sinks.shadow.redis import RedisShadow
from stridelog import boards_file, topics
from stridelog.errors import UserError
from stridelog.projections.boards import Touched, rank_commands
from stridelog.rank_announcer import RankAnnouncer
from stridelog.rebuild.projections import named
from stridelog.settings import Settings
from verification.rank_changes import unannounced

from .store_postgres import Postgres
from .store_redis import RedisStore
from .stores import CLOSED_PORT

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

DEADLINE_S: Final = 30.0
CRASHES: Final = 25
TOTAL: Final = BoardKey("distance", "all", "all", "all")
FASTEST: Final = BoardKey("fastest_5_km", "running", "all", "all")
OVER: Final = BoardKey("distance", "all", "day", "2020-01-01")
BEGIN_US: Final = 1_795_000_000_000_000
TOPIC: Final = topics.load(prefix="").topic_of_message("RankChanged")


class Crash(Exception):
    """The announcer ends here."""


@dataclass
class Sent:
    """The log, as far as it is sent: what ``flush`` has acknowledged."""

    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    pending: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def send(self, message: Any) -> None:
        raise AssertionError("the outbox has bytes")

    async def send_encoded(self, message_type: str, key: bytes, value: bytes) -> None:
        assert message_type == "RankChanged"
        self.pending.append((key, value))

    async def flush(self) -> None:
        self.records += self.pending
        self.pending = []

    def messages(self) -> list[hot.RankChanged]:
        decoder = decoder_for(TOPIC)
        found = [decoder.decode(key, value) for key, value in self.records]
        return [one for one in found if isinstance(one, hot.RankChanged)]

    def changes(self) -> list[tuple[str, int | None, int | None]]:
        """User, rank before and rank of all messages."""
        return [(one.user, one.data.previous_rank, one.data.rank) for one in self.messages()]


class Announcer(RankAnnouncer):
    """Sends into a list. ``step`` is called before and after whatever it does outside of itself."""

    def __init__(self, settings: Settings, sent: Sent, step: Callable[[str], None] = lambda what: None) -> None:
        super().__init__(settings)
        self.sent = sent
        self.step = step

    async def _heads(self, marks: Mapping[str, str]) -> Any:
        self.step("before heads")
        found = await super()._heads(marks)
        self.step("after heads")
        return found

    async def _keep(self, *what: Any) -> None:
        self.step("before keep")
        await super()._keep(*what)
        self.step("after keep")

    async def _announce(self, marks: Mapping[str, str]) -> bool:
        done = await super()._announce(marks)
        self.step("announced")
        return done

    async def _unmark(self, marks: Mapping[str, str]) -> None:
        await super()._unmark(marks)
        self.step("unmarked")

    async def _outlet(self) -> Any:
        self.sent.pending = []
        self.step("before sending")
        return self

    async def send_encoded(self, message_type: str, key: bytes, value: bytes) -> None:
        await self.sent.send_encoded(message_type, key, value)

    async def flush(self) -> None:
        """A crash may come before all is sent, or after that and before it is noted."""
        self.step("before flush")
        await self.sent.flush()
        self.step("after flush")


@dataclass
class World:
    """Boards in a namespace of their own."""

    redis: RedisStore
    postgres: Postgres
    sent: Sent = field(default_factory=Sent)
    open: list[RankAnnouncer] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return self.redis.settings

    async def announcer(self, step: Callable[[str], None] = lambda what: None) -> Announcer:
        found = Announcer(self.settings, self.sent, step)
        await found.connect()
        self.open.append(found)
        return found

    async def score(self, scores: Mapping[str, float], board: BoardKey = TOTAL, namespace: str = "") -> None:
        """What the agent writes: whole scores, 0 for who is not on the board any more; all reached at once."""
        touched = Touched({user: {board: Score(value, BEGIN_US, 1)} for user, value in scores.items()}, {}, Counter())
        keys = Keys(namespace or self.settings.namespace)
        async with self.redis.client.pipeline(transaction=True) as pipe:
            for command in rank_commands(touched, keys, BEGIN_US // 1000, random.randbytes(8).hex()):
                pipe.execute_command(*command)
            await pipe.execute()

    async def marks(self) -> dict[str, str]:
        found: Any = await self.redis.client.hgetall(self.redis.keys.boards_changed())
        return dict(found)

    async def head(self, board: BoardKey, top: int = 10) -> dict[str, int]:
        name = self.redis.keys.rank(*board)
        members = await self.redis.client.zrange(name, 0, -1, desc=True, withscores=True)
        return {user: rank for user, rank in ranks_of(members).items() if rank <= top}  # type: ignore[arg-type]


@pytest.fixture
async def world(tmp_path: Path, anyio_backend: str) -> AsyncIterator[World]:
    store, postgres = RedisStore(tmp_path), Postgres(tmp_path)
    postgres.settings = store.settings
    await store.create()
    made = World(store, postgres)
    yield made
    for announcer in made.open:
        await announcer.close()
    await postgres.drop()
    await store.drop()


def folded(messages: list[hot.RankChanged]) -> dict[BoardKey, dict[str, int]]:
    """The heads, by the last change of each user."""
    last: dict[tuple[BoardKey, str], hot.RankChangedData] = {}
    for one in messages:
        key = BoardKey(one.data.metric, one.data.sport, one.data.period, one.data.period_key), one.user
        if key not in last or last[key].sequence < one.data.sequence:
            last[key] = one.data
    heads: dict[BoardKey, dict[str, int]] = {}
    for (board, user), data in last.items():
        if data.rank is not None:
            heads.setdefault(board, {})[user] = data.rank
    return heads


async def test_who_enters_moves_and_leaves_is_told_with_the_score_and_whom_they_passed(world: World) -> None:
    announcer = await world.announcer()
    await world.score({"ann": 30.0, "bob": 20.0})
    await announcer.tend()
    assert world.sent.changes() == [("ann", None, 1), ("bob", None, 2)]
    await world.score({"bob": 40.0})
    await announcer.tend()
    bob, ann = world.sent.messages()[2:]
    assert (bob.user, bob.data.rank, bob.data.score, bob.data.passed) == ("bob", 1, 40.0, ("ann",))
    assert (ann.user, ann.data.previous_rank, ann.data.score, ann.data.passed_by) == ("ann", 1, 30.0, ("bob",))
    assert (bob.data.top, bob.data.metric, bob.data.sport, bob.data.period_key) == (10, "distance", "all", "all")
    assert bob.data.sequence == ann.data.sequence > world.sent.messages()[0].data.sequence
    await world.score({"bob": 0.0, "ann": 0.0})  # the board has nobody: its key is gone, and it has not expired
    await announcer.tend()
    assert world.sent.changes()[4:] == [("bob", 1, None), ("ann", 2, None)]
    assert await world.marks() == {}


async def test_a_score_that_changes_no_rank_is_not_told(world: World) -> None:
    announcer = await world.announcer()
    await world.score({"ann": 30.0, "bob": 20.0})
    await announcer.tend()
    await world.score({"ann": 31.0})
    await announcer.tend()
    assert len(world.sent.records) == 2
    assert await world.marks() == {}


async def test_where_less_is_better_the_least_is_first(world: World) -> None:
    announcer = await world.announcer()
    await world.score({"ann": 1200.0, "bob": 1100.0}, FASTEST)
    await announcer.tend()
    assert [(one.user, one.data.rank, one.data.score) for one in world.sent.messages()] == [
        ("bob", 1, 1100.0),
        ("ann", 2, 1200.0),
    ]


async def test_all_who_share_the_last_rank_of_the_head_are_in_it_and_no_more(world: World) -> None:
    announcer = await world.announcer()
    await world.score({f"user-{number}": 100.0 - number for number in range(9)})
    await world.score({"ann": 50.0, "bob": 50.0, "cid": 50.0, "dan": 49.0})
    await announcer.tend()
    assert Counter(rank for _, _, rank in world.sent.changes()) == Counter({10: 3, **dict.fromkeys(range(1, 10), 1)})
    assert "dan" not in {user for user, _, _ in world.sent.changes()}


async def test_a_board_that_has_expired_is_not_told(world: World) -> None:
    announcer = await world.announcer()
    await world.score({"ann": 30.0}, OVER)  # logged before the board expired: written all the same
    await world.redis.client.hset(world.redis.keys.boards_changed(), ":".join(OVER), "a")
    await announcer.tend()
    assert world.sent.records == []
    assert await world.marks() == {}


async def test_a_head_is_forgotten_once_its_board_has_expired(world: World) -> None:
    announcer = await world.announcer()
    today = datetime.now(UTC).date()
    await world.score({"ann": 30.0}, BoardKey("distance", "all", "day", today.isoformat()))
    await announcer.tend()
    assert world.sent.changes() == [("ann", None, 1)]
    heads = await world.postgres.execute("SELECT board FROM {schema}.rank_heads")
    assert heads == [(f"distance:all:day:{today}",)]
    await world.postgres.execute("UPDATE {schema}.rank_heads SET kept_until_s = 1")
    await world.score({"ann": 30.0})
    await announcer.tend()
    assert await world.postgres.execute("SELECT board FROM {schema}.rank_heads") == [("distance:all:all:all",)]


async def test_a_board_that_says_so_is_not_announced_and_another_by_as_many_ranks_as_it_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def declare(announce: int) -> None:
        body = {"title": "Distance", "text": "Metres covered.", "total": "distance", "announce": announce}
        rules = rules_from({"boards": {"distance": body}})
        monkeypatch.setattr(boards_file, "load", lambda: rules)

    announcer = await world.announcer()
    declare(0)
    await world.score({"ann": 30.0, "bob": 20.0, "cid": 10.0})
    assert await world.marks() == {}
    declare(2)
    await announcer.mark_all()  # as a worker does that starts with the new file
    await announcer.tend()
    assert world.sent.changes() == [("ann", None, 1), ("bob", None, 2)]
    declare(1)
    await announcer.mark_all()
    await announcer.tend()
    assert world.sent.changes()[2:] == [("bob", 2, None)]
    assert [one.data.top for one in world.sent.messages()] == [2, 2, 1]


async def test_a_board_that_changes_while_its_head_is_read_is_looked_at_again(world: World) -> None:
    late: list[dict[str, float]] = [{"bob": 40.0}]

    class Slow(Announcer):
        async def _heads(self, marks: Mapping[str, str]) -> Any:
            found = await super()._heads(marks)
            while late:
                await world.score(late.pop())
            return found

    announcer = Slow(world.settings, world.sent)
    await announcer.connect()
    world.open.append(announcer)
    await world.score({"ann": 30.0})
    await announcer.tend()
    assert world.sent.changes() == [("ann", None, 1)]
    assert set(await world.marks()) == {":".join(TOTAL)}
    await announcer.tend()
    assert world.sent.changes()[1:] == [("bob", None, 1), ("ann", 1, 2)]


async def test_after_a_rebuild_is_swapped_in_every_board_is_looked_at_again(world: World) -> None:
    """Also one whose head was read just before the swap, and is about to lose its mark."""
    projection = named("rankings.redis", topics.load(prefix=""))
    shadow = RedisShadow("rankings", world.settings, projection.parts)
    await shadow.open()

    class Swapping(Announcer):
        async def _heads(self, marks: Mapping[str, str]) -> Any:
            found = await super()._heads(marks)
            if not world.sent.records:
                await shadow.swap({})
            return found

    announcer = Swapping(world.settings, world.sent)
    await announcer.connect()
    world.open.append(announcer)
    built = shadow_settings("rankings", world.settings).namespace
    await world.score({"ann": 30.0, "bob": 20.0, "damage": 99.0})
    await world.score({"ann": 30.0, "bob": 20.0}, namespace=built)
    await world.score({"ann": 1200.0}, FASTEST, namespace=built)
    await announcer.tend()
    assert set(await world.marks()) == {":".join(TOTAL), ":".join(FASTEST)}
    assert not await world.redis.client.exists(Keys(built).boards_changed())
    await announcer.tend()
    assert folded(world.sent.messages()) == {TOTAL: {"ann": 1, "bob": 2}, FASTEST: {"ann": 1}}
    await shadow.close()


async def test_what_cannot_be_sent_waits_in_the_outbox(world: World) -> None:
    settings = world.settings.model_copy(update={"kafka_port": CLOSED_PORT})
    alone = RankAnnouncer(settings)
    await world.score({"ann": 30.0, "bob": 20.0})
    assert await unannounced(settings) == 1  # a board; nobody has made an outbox yet
    await alone.connect()
    with pytest.raises(UserError, match="Kafka does not answer"):
        await alone.tend()
    await alone.close()
    assert await unannounced(settings) == 2  # messages
    await (await world.announcer()).tend()
    assert await unannounced(settings) == 0
    assert world.sent.changes() == [("ann", None, 1), ("bob", None, 2)]


async def test_while_a_store_is_away_it_looks_again_and_close_ends_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    announcer = RankAnnouncer(world.settings.model_copy(update={"redis_port": CLOSED_PORT}))
    await announcer.open()
    task = announcer._task
    assert task is not None
    end = time.monotonic() + DEADLINE_S
    while sum("looking again" in record.getMessage() for record in caplog.records) < 2:
        assert time.monotonic() < end
        await asyncio.wait([task], timeout=0.05)
    assert not task.done()
    await announcer.close()
    assert task.done()


async def test_a_damaged_board_does_not_keep_others_from_being_told(world: World) -> None:
    announcer = await world.announcer()
    await world.score({"ann": 30.0})
    await world.score({"ann": 1200.0}, FASTEST)
    await world.redis.client.zadd(world.redis.keys.rank(*TOTAL), {"bob": -5.0})
    await announcer.tend()
    assert [one.data.metric for one in world.sent.messages()] == ["fastest_5_km"]


@pytest.mark.parametrize("seed", range(12))
async def test_two_announcers_that_crash_anywhere_tell_each_change_once_and_the_last_head(
    world: World, seed: int
) -> None:
    lot = random.Random(seed)
    print(f"seed {seed}")
    crashes: Counter[str] = Counter()
    is_over = False

    def step(what: str) -> None:
        if not is_over and lot.random() < 0.12:
            crashes[what] += 1
            raise Crash(what)

    async def announce(announcer: Announcer) -> None:
        while not is_over:
            try:
                await announcer.tend()
            except Crash:
                continue  # it remembers nothing: as if it had been started anew

    async def change() -> None:
        nonlocal is_over
        while crashes.total() < CRASHES:
            users = {f"user-{lot.randrange(14)}": float(lot.choice((0, 1, 1, 2, 3, 5, 8))) for _ in range(3)}
            await world.score(users, lot.choice((TOTAL, FASTEST)))
            if lot.random() < 0.3:
                await asyncio.wait([asyncio.create_task(world.marks())])
        is_over = True

    announcers = [await world.announcer(step) for _ in range(2)]
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(change(), *map(announce, announcers))
    await (await world.announcer()).tend()
    assert await world.marks() == {}
    assert folded(world.sent.messages()) == {TOTAL: await world.head(TOTAL), FASTEST: await world.head(FASTEST)}
    _assert_in_order(world.sent)


def _assert_in_order(sent: Sent) -> None:
    """What was sent a second time is the same bytes; without it each user's ranks follow each other."""
    values: dict[str, bytes] = {}
    held: dict[tuple[str, str], int | None] = {}
    sequences: dict[str, int] = {}
    for one, (key, value) in zip(sent.messages(), sent.records, strict=True):
        assert key == one.user.encode() != EVERYONE
        if one.id in values:
            assert values[one.id] == value
            continue
        values[one.id] = value
        assert held.get((one.data.metric, one.user)) == one.data.previous_rank
        held[one.data.metric, one.user] = one.data.rank
        assert sequences.get(one.data.metric, 0) <= one.data.sequence
        sequences[one.data.metric] = one.data.sequence
