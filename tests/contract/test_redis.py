"""What is particular about Redis: spans larger than a script, and commands longer than Lua takes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sinks.base import Fenced, PoisonRows, SinkUnavailable
from sinks.redis import SCRIPT_ARGUMENTS

from .store_redis import RedisStore

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

MANY = SCRIPT_ARGUMENTS // 2


@pytest.fixture
async def redis(tmp_path: Path, anyio_backend: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(tmp_path)
    await store.create()
    yield store
    await store.drop()


async def test_a_span_of_several_scripts_is_written_whole(redis: RedisStore) -> None:
    sink = redis.sink()
    await sink.open()
    await sink.claim([redis.source])
    await sink.write([redis.row(key, key) for key in range(MANY)], redis.span(0, MANY))
    assert await redis.client.zcard(redis.board) == MANY
    assert await sink.watermarks() == {redis.source: MANY}
    await sink.close()


async def test_poison_in_the_first_of_several_scripts_holds_the_watermark_back(redis: RedisStore) -> None:
    sink = redis.sink()
    await sink.open()
    await sink.claim([redis.source])
    rows = [redis.row(key, key) for key in range(MANY)]
    with pytest.raises(PoisonRows) as refused:
        await sink.write([*rows[:3], redis.poison(3), *rows[4:]], redis.span(0, MANY))
    assert set(refused.value.rows) == {3}
    assert await sink.watermarks() == {}
    await sink.close()


async def test_a_command_with_more_members_than_lua_takes_is_written_whole(redis: RedisStore) -> None:
    sink = redis.sink()
    await sink.open()
    await sink.claim([redis.source])
    pairs = [part for member in range(MANY) for part in (float(member), str(member))]
    await sink.write([("ZADD", redis.board, *pairs)], redis.span(0, 1))
    assert await redis.client.zcard(redis.board) == MANY
    await sink.write([("zrem", redis.board, *map(str, range(MANY)))], redis.span(1, 2))
    assert await redis.client.zcard(redis.board) == 0
    await sink.close()


async def test_a_redis_that_lost_everything_fences_so_that_it_is_filled_again(redis: RedisStore) -> None:
    sink = redis.sink()
    await sink.open()
    await sink.claim([redis.source])
    await sink.write([redis.row(0, 0)], redis.span(0, 1))
    await redis.client.delete(redis.board, redis.keys.watermarks("tester"), redis.keys.owners("tester"))
    with pytest.raises(Fenced):
        await sink.write([redis.row(1, 1)], redis.span(1, 2))
    assert await sink.claim([redis.source]) == {redis.source: None}
    await sink.close()


async def test_a_redis_that_lost_its_last_writes_fences_so_that_they_are_written_again(redis: RedisStore) -> None:
    sink = redis.sink()
    await sink.open()
    await sink.claim([redis.source])
    await sink.write([redis.row(0, 0)], redis.span(0, 1))
    (field,) = await redis.client.hkeys(redis.keys.watermarks("tester"))
    await sink.write([redis.row(1, 1)], redis.span(1, 2))
    await redis.client.hset(redis.keys.watermarks("tester"), field, "1")
    with pytest.raises(Fenced):
        await sink.write([redis.row(2, 2)], redis.span(2, 3))
    assert await sink.claim([redis.source]) == {redis.source: 1}
    await sink.close()


async def test_a_span_that_lost_a_part_is_written_anew(redis: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = redis.sink()
    await sink.open()
    await sink.claim([redis.source])
    rows = [redis.row(key, key) for key in range(MANY)]
    write, parts = sink._write, 0  # type: ignore[attr-defined]

    async def forgetting(**arguments: object) -> object:
        nonlocal parts
        parts += 1
        if parts == 2:  # a crash in between: the first part, and what was noted of it, is lost
            owner = await redis.client.hget(redis.keys.owners("tester"), arguments["args"][0])  # type: ignore[index]
            await redis.client.delete(redis.board, redis.keys.owners("tester"))
            await redis.client.hset(redis.keys.owners("tester"), arguments["args"][0], owner)  # type: ignore[index]
        return await write(**arguments)

    monkeypatch.setattr(sink, "_write", forgetting)
    with pytest.raises(SinkUnavailable):
        await sink.write(rows, redis.span(0, MANY))
    await sink.write(rows, redis.span(0, MANY))
    assert await redis.client.zcard(redis.board) == MANY
    assert await sink.watermarks() == {redis.source: MANY}
    await sink.close()
