"""Rank changes as the log has them, the newest first."""

from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import hot
from schemas.decode import BadRecord, Decoder, decoder_for
from sinks.kafka import Consumer
from stridelog.errors import UserError
from stridelog.settings import Settings
from stridelog.topics import Topic, load

FETCH_MS: Final = 5_000
FIRST_WINDOW: Final = 500  # records of a partition that are read at first; then four times as many
GROWTH: Final = 4


async def rank_log(settings: Settings, *, user: str = "", limit: int) -> list[hot.RankChanged]:
    """The newest rank changes (of a user), those of one announcement by rank; one that was sent twice is there once.

    For a user it reads back until it has enough. Raises ``UserError`` if Kafka does not answer or lacks the topic.
    """
    topic = load(prefix=settings.topic_prefix).topic_of_message(hot.RankChanged.type)
    consumer = Consumer(bootstrap_servers=settings.bootstrap, enable_auto_commit=False, auto_offset_reset="none")
    found: dict[str, hot.RankChanged] = {}
    try:
        await consumer.start()
        if topic.name not in await consumer.topics():
            raise UserError(f"Kafka at {settings.bootstrap} has no topic {topic.name}: run 'stridelog topics apply'")
        for number in range(topic.partitions):
            found |= await _newest(consumer, TopicPartition(topic.name, number), topic, user, limit)
    except (KafkaError, OSError) as error:
        raise UserError(f"Kafka at {settings.bootstrap}: {topic.name}: {error}: is the stack up? make up") from error
    finally:
        await consumer.stop()
    return sorted(found.values(), key=_newest_first)[:limit]


async def _newest(
    consumer: Any, source: TopicPartition, topic: Topic, user: str, limit: int
) -> dict[str, hot.RankChanged]:
    """At least the newest ``limit`` of a partition by their ids, if it has as many."""
    decoder = decoder_for(topic)
    begin = (await consumer.beginning_offsets([source]))[source]
    end = (await consumer.end_offsets([source]))[source]
    found: dict[str, hot.RankChanged] = {}
    if begin == end:
        return found  # a partition that is assigned and sought nowhere can keep the consumer from stopping
    consumer.assign([source])
    window = max(limit, FIRST_WINDOW)
    while begin < end and len(found) < limit:
        start = max(begin, end - window)
        consumer.seek(source, start)
        while await consumer.position(source) < end:
            for record in (await consumer.getmany(source, timeout_ms=FETCH_MS)).get(source, []):
                message = _decoded(decoder, record)
                if message is not None and user in ("", message.user):
                    found[message.id] = message
        end, window = start, GROWTH * window
    return found


def _decoded(decoder: Decoder, record: Any) -> hot.RankChanged | None:
    try:
        message = decoder.decode(record.key, record.value)
    except BadRecord:
        return None
    return message if isinstance(message, hot.RankChanged) else None


def _newest_first(message: hot.RankChanged) -> tuple[Any, ...]:
    data = message.data
    board = (data.metric, data.sport, data.period, data.period_key)
    return -message.time, -data.sequence, board, data.rank or data.top + (data.previous_rank or 0), message.user
