"""One fixture: every store in turn, on its real local server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from .store_clickhouse import ClickHouse
from .store_delta import DeltaFolder
from .store_delta_s3 import DeltaS3, gateway
from .store_memory import Memory
from .store_mongo import Mongo
from .store_postgres import Postgres
from .store_redis import RedisStore
from .store_topic import Topic
from .stores import Store

ANYWHERE: tuple[type[Store], ...] = (Memory, DeltaFolder, DeltaS3)
ON_THE_STACK: tuple[type[Store], ...] = (Postgres, ClickHouse, RedisStore, Mongo, Topic)
STORES = [*ANYWHERE, *(pytest.param(kind, marks=pytest.mark.stack) for kind in ON_THE_STACK)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with gateway(tmp_path_factory.mktemp("s3")) as DeltaS3.server:
        yield


@pytest.fixture(params=STORES, ids=lambda kind: kind.name)
async def store(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Store]:
    if request.param is DeltaS3:
        request.getfixturevalue("s3_server")
    store: Store = request.param(tmp_path)
    await store.create()
    yield store
    await store.drop()
