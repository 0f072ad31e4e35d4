"""The consumer that this project reads Kafka with outside of Faust."""

import asyncio

from aiokafka import AIOKafkaConsumer


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
            await self._client.close()


def is_cancelled() -> bool:
    """Whether somebody has cancelled the task that asks; a ``CancelledError`` in any other is not meant for it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
