"""What aiokafka raises becomes one kind of error."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from sinks.base import SinkUnavailable
from sinks.kafka import answering


async def failing(error: BaseException) -> None:
    async with answering("topic"):
        raise error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KafkaConnectionError("broken  pipe"), "topic: KafkaConnectionError: broken pipe"),
        (TimeoutError(), "topic: TimeoutError"),
        (RuntimeError("unable to perform operation; the handler is closed"), "topic: unable to perform operation; the"),
        (asyncio.CancelledError(), "topic: the client broke off"),
    ],
)
def test_a_client_that_breaks_off_is_asked_again(error: BaseException, says: str) -> None:
    with pytest.raises(SinkUnavailable, match=f"^{says}"):
        asyncio.run(failing(error))


def test_a_bug_is_none() -> None:
    with pytest.raises(RuntimeError, match="ours"):
        asyncio.run(failing(RuntimeError("ours")))


def test_who_is_cancelled_is_cancelled() -> None:
    async def cancelled() -> bool:
        async def waiting() -> None:
            async with answering("topic"):
                await asyncio.Event().wait()

        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert asyncio.run(cancelled())
