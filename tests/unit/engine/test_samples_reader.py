"""However many partitions ask for samples, only so many answers are in memory at the same time."""

import asyncio
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stridelog.readers import QUERIES_AT_ONCE, WORKOUTS_PER_QUERY, SamplesReader
from stridelog.settings import Settings

pytestmark = pytest.mark.anyio

LOOKS = 10  # turns of the loop in which whoever may go on does


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Server:
    """Has no samples, and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def query_arrow(self, _: str, parameters: dict[str, Any], use_strings: bool) -> pa.Table:
        self.asked.append(len(parameters["keys"]))
        return pa.table({})


async def test_answers_wait_until_others_are_done_with_theirs(tmp_path: Path) -> None:
    reader, server = SamplesReader(Settings(local=tmp_path)), Server()
    reader._client = server
    in_use, most, go_on = 0, 0, asyncio.Event()

    async def use(partition: int) -> None:
        nonlocal in_use, most
        async for given in reader.tracks([(f"user-{partition}", f"workout-{partition}")]):
            in_use += 1
            most = max(most, in_use)
            await go_on.wait()
            assert len(given) == 1
            in_use -= 1

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for partition in range(3 * QUERIES_AT_ONCE):
            tasks.create_task(use(partition))
        for _ in range(LOOKS):
            await asyncio.sleep(0)
        assert in_use == QUERIES_AT_ONCE
        go_on.set()
    assert most == QUERIES_AT_ONCE
    assert len(server.asked) == 3 * QUERIES_AT_ONCE


async def test_each_workout_is_given_once_and_is_gone_when_more_is_asked_for(tmp_path: Path) -> None:
    reader, server = SamplesReader(Settings(local=tmp_path)), Server()
    reader._client = server
    keys = [("ann", f"workout-{number:03}") for number in range(WORKOUTS_PER_QUERY + 1)]
    seen: list[tuple[str, str]] = []
    held: list[dict[Any, Any]] = []
    async for given in reader.tracks([*keys, keys[0]]):
        assert not any(held)
        seen += given
        held.append(given)
    assert seen == keys
    assert server.asked == [WORKOUTS_PER_QUERY, 1]
