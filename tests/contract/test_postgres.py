"""What is particular about facts: reading them back, and fencing that holds to the commit."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from sinks import postgres_pool
from sinks.base import Fact, Fenced, SinkUnavailable
from sinks.postgres import LOCK, FactSink

from .store_postgres import Postgres

pytestmark = [pytest.mark.anyio, pytest.mark.stack]


@pytest.fixture
async def postgres(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Postgres]:
    store = Postgres(tmp_path)
    await store.create()
    yield store
    await store.drop()


@pytest.fixture
async def facts(postgres: Postgres) -> AsyncIterator[FactSink]:
    sink = FactSink("tester", postgres.settings)
    await sink.open()
    await sink.claim([postgres.source])
    yield sink
    await sink.close()


async def test_facts_come_back_by_user_sorted_by_kind_and_id(postgres: Postgres, facts: FactSink) -> None:
    rows = [
        Fact("ann", "workout", "2", b"b", 5),
        Fact("ann", "workout", "1", b"\x00\xff", 4),
        Fact("ann", "profile", "1", b"", 3),
        Fact("bob", "workout", "1", b"c", 6),
    ]
    await facts.write(rows, postgres.span(0, 7))
    assert await facts.load(["ann", "bob", "cyd"]) == {"ann": [rows[2], rows[1], rows[0]], "bob": [rows[3]], "cyd": []}
    assert await facts.load(["ann"], ["profile"]) == {"ann": [rows[2]]}
    assert await facts.load([]) == {}


async def test_of_two_facts_with_one_id_in_a_span_the_last_counts(postgres: Postgres, facts: FactSink) -> None:
    await facts.write([Fact("ann", "k", "1", b"old", 1), Fact("ann", "k", "1", b"new", 2)], postgres.span(0, 3))
    assert await facts.load(["ann"]) == {"ann": [Fact("ann", "k", "1", b"new", 2)]}


async def test_facts_of_another_agent_are_not_seen(postgres: Postgres, facts: FactSink) -> None:
    other = FactSink("second", postgres.settings)
    await other.open()
    await other.claim([postgres.source])
    await other.write([Fact("ann", "k", "1", b"theirs", 1)], postgres.span(0, 2))
    await other.close()
    assert await facts.load(["ann"]) == {"ann": []}


async def test_a_claim_waits_for_a_write_under_way_and_sees_its_watermark(postgres: Postgres, facts: FactSink) -> None:
    """The lock on the watermark's row, held by a transaction as a write holds it."""
    new = FactSink("tester", postgres.settings)
    await new.open()
    where = "WHERE agent = 'tester' AND topic = %s AND partition = %s"
    table = f"{postgres.settings.namespace}.watermarks"
    async with await psycopg.AsyncConnection.connect(postgres.settings.postgres) as writer:
        await writer.execute(f"SELECT owner FROM {table} {where} FOR UPDATE", postgres.source)  # noqa: S608
        claim = asyncio.create_task(new.claim([postgres.source]))
        done, _ = await asyncio.wait([claim], timeout=0.3)
        assert not done, "the claim did not wait"
        await writer.execute(f"UPDATE {table} SET next_offset = 9 {where}", postgres.source)  # noqa: S608
        await writer.commit()
    assert await claim == {postgres.source: 9}
    with pytest.raises(Fenced):
        await facts.write([], postgres.span(9, 12))
    await new.close()


async def test_five_thousand_facts_are_one_write(postgres: Postgres, facts: FactSink) -> None:
    rows = [Fact(f"user-{n % 50}", "workout", str(n), b"x" * 200, n) for n in range(5_000)]
    await facts.write(rows, postgres.span(0, 5_000))
    held = await facts.load([f"user-{n}" for n in range(50)])
    assert sorted(fact.offset for some in held.values() for fact in some) == list(range(5_000))


async def test_a_server_that_lost_its_last_writes_fences_so_that_they_are_written_again(
    postgres: Postgres, facts: FactSink
) -> None:
    await facts.write([postgres.row(0, 0)], postgres.span(0, 1))
    await facts.write([postgres.row(1, 1)], postgres.span(1, 2))
    await postgres.execute("UPDATE {schema}.watermarks SET next_offset = 1")
    with pytest.raises(Fenced):
        await facts.write([postgres.row(2, 2)], postgres.span(2, 3))
    assert await facts.claim([postgres.source]) == {postgres.source: 1}


async def connections(postgres: Postgres) -> int:
    """How many the server has from the processes of this instance."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    async with await psycopg.AsyncConnection.connect(postgres.settings.postgres) as connection:
        ((found,),) = await (await connection.execute(query, (postgres.settings.namespace,))).fetchall()
    return int(found)


async def test_agents_of_a_process_share_its_connections_until_the_last_has_closed(postgres: Postgres) -> None:
    settings = postgres.settings.model_copy(update={"postgres_connections": 3})
    agents = [FactSink(f"agent-{number}", settings) for number in range(12)]
    await asyncio.gather(*(agent.open() for agent in agents))
    await asyncio.gather(*(agent.claim([postgres.source]) for agent in agents))
    for offset in range(3):
        fact = Fact("ann", "k", "1", b"x", offset)
        await asyncio.gather(*(agent.write([fact], postgres.span(offset, offset + 1)) for agent in agents))
    assert 1 <= await connections(postgres) <= 3
    await asyncio.gather(*(agent.close() for agent in agents[1:]))
    assert await agents[0].load(["ann"]) == {"ann": [Fact("ann", "k", "1", b"x", 2)]}
    await agents[0].close()
    async with asyncio.timeout(10):
        while await connections(postgres):
            await asyncio.sleep(0.05)


async def test_a_worker_that_was_stopped_in_a_transaction_does_not_hold_its_partition_for_good(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "STOPPED_S", 1)
    old = FactSink("tester", postgres.settings)
    await old.open()
    await old.claim([postgres.source])

    async def stop_in_a_transaction() -> None:
        query = old._sql("UPDATE {schema}.watermarks SET owner = 'another' WHERE agent = 'tester'")
        async with old._transaction() as stopped:  # as in the middle of a write: nothing more comes
            await stopped.execute(old._sql(LOCK), ("tester", *postgres.source))
            async with (
                await psycopg.AsyncConnection.connect(postgres.settings.postgres) as other,
                asyncio.timeout(10),
            ):
                await other.execute(query)

    with pytest.raises(SinkUnavailable, match="idle-in-transaction"):
        await stop_in_a_transaction()
    await old.close()
