"""An instance of one's own on the stack that runs: own topics, databases, keys and folder, removed without a trace.

For benchmarks and tests; nothing of it touches the instance that the settings name.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from secrets import token_hex
from typing import Final

import clickhouse_connect
import psycopg
import redis.asyncio
from aiokafka.admin import AIOKafkaAdminClient
from psycopg import sql
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from sinks.keys import Keys
from stridelog.settings import Settings
from stridelog.topic_admin import TopicAdmin
from stridelog.topics import Topics, load

MONGO_ATTEMPTS: Final = 5


def own_settings(base: Settings, purpose: str) -> Settings:
    """Settings of a new instance; ``purpose`` begins its name. Models are those of ``base``, if it has any."""
    name = f"{purpose}_{token_hex(3)}"
    registry = (base.data / "mlflow" / "mlflow.db").resolve()
    models = base.mlflow_url or (f"sqlite:///{registry}" if registry.exists() else "")
    return base.model_copy(
        update={
            "namespace": name,
            "topic_prefix": name.replace("_", "-") + "-",
            "local": base.local / "instances" / name,
            "lake_url": "",
            "mlflow_url": models,
        }
    )


def environment(settings: Settings) -> dict[str, str]:
    """The environment variables that make a child process take these settings for its own."""
    return {
        "STRIDELOG_NAMESPACE": settings.namespace,
        "STRIDELOG_TOPIC_PREFIX": settings.topic_prefix,
        "STRIDELOG_LOCAL": str(settings.local.resolve()),
        "STRIDELOG_LAKE_URL": settings.lake_url,
        "STRIDELOG_MLFLOW_URL": settings.mlflow_url,
    }


@contextlib.asynccontextmanager
async def own_instance(base: Settings, purpose: str) -> AsyncIterator[tuple[Settings, Topics]]:
    """Make an instance with its topics; at the end everything that it holds goes. Its workers must have ended by then.

    Raises ``UserError`` if the broker does not answer.
    """
    settings = own_settings(base, purpose)
    topics = load(prefix=settings.topic_prefix)
    async with TopicAdmin(settings) as admin:
        await admin.apply(topics, await admin.plan(topics))
    try:
        yield settings, topics
    finally:
        await remove(settings, topics)


async def remove(settings: Settings, topics: Topics) -> None:
    """Remove what an instance holds, in every store; one that fails keeps no other from it, and raises at the end."""
    shutil.rmtree(Path(settings.local), ignore_errors=True)
    await _all_of(
        _remove_clickhouse(settings),
        _remove_mongo(settings),
        _remove_keys(settings),
        _remove_facts(settings),
        _remove_topics([topic.name for topic in topics], settings.bootstrap),
    )


async def remove_boards(settings: Settings) -> None:
    """Remove what an instance that has nothing but boards holds, in ClickHouse and Redis."""
    await _all_of(_remove_clickhouse(settings), _remove_keys(settings))


async def _all_of(*removals: Awaitable[None]) -> None:
    for answer in await asyncio.gather(*removals, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer


async def _remove_mongo(settings: Settings) -> None:
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(settings.mongo)
    for attempt in range(MONGO_ATTEMPTS):
        try:
            await client.drop_database(settings.namespace)
            break
        except OperationFailure:  # the local stand-in stumbles over an index, and gets on at the next call
            if attempt == MONGO_ATTEMPTS - 1:
                raise
    await client.close()


async def _remove_facts(settings: Settings) -> None:
    async with await psycopg.AsyncConnection.connect(settings.postgres, autocommit=True) as connection:
        await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(settings.namespace)))


async def _remove_clickhouse(settings: Settings) -> None:
    client = await clickhouse_connect.get_async_client(
        host=settings.host,
        port=settings.clickhouse_port,
        username=settings.clickhouse_user,
        password=settings.clickhouse_password,
    )
    await client.command(f"DROP DATABASE IF EXISTS `{settings.namespace}`")
    await client.close()


async def _remove_keys(settings: Settings) -> None:
    client = redis.asyncio.Redis.from_url(settings.redis)
    keys = [key async for key in client.scan_iter(f"{Keys(settings.namespace).namespace}:*", count=1_000)]
    if keys:
        await client.unlink(*keys)
    await client.aclose()


async def _remove_topics(names: list[str], bootstrap: str) -> None:
    """Delete the topics; consumer groups that are left without members and offsets go by themselves."""
    if names:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.delete_topics(names)
        await admin.close()
