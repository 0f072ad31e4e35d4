"""What this project adds to aiokafka outside of Faust: a consumer that can be stopped, one kind of error, offsets of a
group.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from sinks.base import SinkUnavailable

ANSWER_TIMEOUT_S: Final = 20.0


class Consumer(AIOKafkaConsumer):  # type: ignore[misc] # the library has no types
    """aiokafka's consumer, that can be stopped while it waits to ask a broker again.

    ``AIOKafkaConsumer.stop`` cancels its own tasks and awaits them. One that is between two attempts lets its
    cancellation through, to whoever called ``stop``: a task that nobody has cancelled ends as cancelled, without a
    word, and the connections stay open (aio-libs/aiokafka#647).
    """

    async def stop(self) -> None:
        """Stop and disconnect."""
        try:
            await super().stop()
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            left = [self._fetcher._fetch_task, *self._fetcher._pending_tasks]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self._client.close()


def is_cancelled() -> bool:
    """Whether somebody has cancelled the task that asks; a ``CancelledError`` in any other is not meant for it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def answering(who: str) -> AsyncIterator[None]:
    """Turns whatever aiokafka raises into ``SinkUnavailable``, which begins with ``who``, and its endless retries into
    a deadline.
    """
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise SinkUnavailable(f"{who}: {one_line(error)}") from error
    except RuntimeError as error:
        if "closed" not in str(error):  # uvloop's word for a connection that broke off a moment ago
            raise
        raise SinkUnavailable(f"{who}: {one_line(error)}") from error
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise SinkUnavailable(f"{who}: the client broke off") from error


def one_line(error: BaseException) -> str:
    """What an error says, as one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


async def group_offsets(
    admin: Any, group: str, coordinator: int, asked: Sequence[TopicPartition] | None
) -> dict[TopicPartition, OffsetAndMetadata]:
    """What a group has committed; of all partitions for ``None``. Raises ``KafkaError``.

    As the admin client's ``list_consumer_group_offsets``, which overlooks the error of the answer as a whole: a broker
    that is no longer the group's coordinator then seems to say that nothing was ever committed.
    """
    by_topic: dict[str, list[int]] = {}
    for topic, partition in asked or ():
        by_topic.setdefault(topic, []).append(partition)
    request = OffsetFetchRequest(group, None if asked is None else list(by_topic.items()))
    answer = await admin._send_request(request, coordinator)
    codes = [answer.error_code, *(code for _, partitions in answer.topics for *_, code in partitions)]
    for code in codes:
        if code:
            raise for_code(code)(f"offsets of group {group}")
    return {
        TopicPartition(topic, partition): OffsetAndMetadata(offset, metadata)
        for topic, partitions in answer.topics
        for partition, offset, metadata, _ in partitions
    }
