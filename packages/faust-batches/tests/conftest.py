"""A topic of its own for each test."""

import uuid
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import NewTopic
from kafka_app import admin_client


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def topic(anyio_backend: str) -> AsyncIterator[str]:
    """Two partitions; beside it a topic of the same name and ``-single``."""
    name = f"faust-batches-{uuid.uuid4().hex[:12]}"
    async with admin_client() as admin:
        await admin.create_topics([NewTopic(name, 2, 1), NewTopic(f"{name}-single", 2, 1)])
        yield name
        await admin.delete_topics([name, f"{name}-single"])
