"""One fixture: every store in turn, on its real local server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .store_clickhouse import ClickHouse
from .store_delta import DeltaFolder
from .store_memory import Memory
from .store_mongo import Mongo
from .store_postgres import Postgres
from .store_redis import RedisStore
from .store_topic import Topic
from .stores import Store

ON_SERVERS: tuple[type[Store], ...] = (Postgres, ClickHouse, RedisStore, Mongo, Topic)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(
    params=[Memory, DeltaFolder, *(pytest.param(kind, marks=pytest.mark.stack) for kind in ON_SERVERS)],
    ids=lambda kind: kind.name,
)
async def store(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Store]:
    store: Store = request.param(tmp_path)
    await store.create()
    yield store
    await store.drop()
