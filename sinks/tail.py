"""What the end of an output partition says about messages that were published and whose watermark was not.

A worker that dies between the two, or never hears of an acknowledgement, leaves messages whose ``sl-source`` header is
beyond the watermark. They are among the last of their partition, so the next owner reads its end and does not
publish what is there already: same key, same value, as often as it is there.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.structs import TopicPartition as KafkaTopicPartition

from sinks.base import Outgoing, TopicPartition
from sinks.kafka import Consumer

SOURCE_HEADER: Final = "sl-source"  # topic:partition:next offset of the span that caused the message
SINK_HEADER: Final = "sl-sink"  # the agent whose sink sent it
FIRST_WINDOW: Final = 2_000  # records
FETCH_WAIT_MS: Final = 50  # a fetch at the end of the partition holds up the next one for so long
RETRY_MS: Final = 10  # the first question about a topic always fails, as its metadata are not there yet
LAST_WINDOW: Final = 64_000  # more than one batch leads to; who rebuilds from the start republishes what is before it

Message = tuple[bytes | None, bytes | None]


@dataclass(slots=True)
class Tail:
    """Messages that spans beyond some offset caused, with how often each is there."""

    messages: Counter[Message]
    end: int = 0  # the largest end of a span that caused one of them

    def holds(self, row: Outgoing, first: int) -> bool:
        """Whether the message, caused by a span that begins at ``first``, is there already; it is used up by that."""
        message = (row.key, row.value)
        if first >= self.end or self.messages[message] <= 0:
            return False
        self.messages[message] -= 1
        return True


def source_headers(source: TopicPartition, next_offset: int, agent: str) -> list[tuple[str, bytes]]:
    """The headers of a message that a span up to ``next_offset`` caused."""
    mark = f"{source.topic}:{source.partition}:{next_offset}"
    return [(SOURCE_HEADER, mark.encode()), (SINK_HEADER, agent.encode())]


async def read_tail(bootstrap: str, output: TopicPartition, source: TopicPartition, agent: str, after: int) -> Tail:
    """Read the end of ``output`` as far back as spans of ``source`` beyond offset ``after`` made ``agent`` publish.

    Raises what aiokafka raises.
    """
    consumer: Any = Consumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        retry_backoff_ms=RETRY_MS,
    )
    await consumer.start()
    try:
        partition = KafkaTopicPartition(*output)
        begin = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.assign([partition])  # only now: it would fetch from the end, and wait there, until the first seek
        window = FIRST_WINDOW
        while True:
            start = max(begin, end - window)
            tail, complete = await _scan(consumer, partition, start, end, source, agent, after)
            if complete or start == begin or window >= LAST_WINDOW:
                return tail
            window *= 4
    finally:
        await consumer.stop()


async def _scan(
    consumer: Any,
    partition: KafkaTopicPartition,
    start: int,
    end: int,
    source: TopicPartition,
    agent: str,
    after: int,
) -> tuple[Tail, bool]:
    """The tail from ``start`` on, and whether it begins there: whether an older message of ours came before."""
    tail = Tail(Counter())
    complete = False
    consumer.seek(partition, start)
    while await consumer.position(partition) < end:
        for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, []):
            next_offset = _next_offset(dict(record.headers), source, agent)
            if next_offset is None:
                continue
            if next_offset <= after:
                complete = True
            else:
                tail.messages[record.key, record.value] += 1
                tail.end = max(tail.end, next_offset)
    return tail, complete


def _next_offset(headers: dict[str, bytes], source: TopicPartition, agent: str) -> int | None:
    """The span's end where the message is by this agent's sink and because of this source."""
    if headers.get(SINK_HEADER) != agent.encode():
        return None
    topic, _, rest = headers.get(SOURCE_HEADER, b"").decode().partition(":")
    partition, _, next_offset = rest.partition(":")
    if (topic, partition) != (source.topic, str(source.partition)):
        return None
    return int(next_offset)
