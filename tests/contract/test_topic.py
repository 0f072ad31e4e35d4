"""What is particular about messages: nothing is published twice after a crash, and where each came from."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sinks.base import Outgoing, SinkUnavailable
from sinks.tail import SINK_HEADER, SOURCE_HEADER

from .store_topic import Topic

pytestmark = [pytest.mark.anyio, pytest.mark.stack]


@pytest.fixture
async def topic(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Topic]:
    store = Topic(tmp_path)
    await store.create()
    yield store
    await store.drop()


async def test_a_message_says_which_span_caused_it_after_its_own_headers(topic: Topic) -> None:
    sink = topic.sink()
    await sink.open()
    await sink.claim([topic.other])
    row = Outgoing(topic.topic, b"key", b"value", (("sl-reason", b"undecodable"),))
    await sink.write([row], topic.span(5, 9, topic.other))
    await sink.close()
    (message,) = await topic.messages()
    assert message.partition == topic.other.partition
    assert message.headers == (
        ("sl-reason", b"undecodable"),
        (SOURCE_HEADER, f"{topic.source.topic}:1:9".encode()),
        (SINK_HEADER, b"tester"),
    )


@pytest.mark.parametrize("published", [0, 1, 3, 4])
async def test_what_a_crash_left_without_watermark_is_not_published_again(topic: Topic, published: int) -> None:
    sink = topic.sink()
    await sink.open()
    await sink.claim([topic.source])
    await sink.write([topic.row(key, key) for key in range(4)], topic.span(0, 4))
    await sink.write([topic.row(4 + key, 40) for key in range(published)], topic.span(4, 8))
    await sink.close()
    await topic.set_watermark(4)

    sink = topic.sink()
    await sink.open()
    assert await sink.claim([topic.source]) == {topic.source: 4}
    await sink.write([topic.row(4, 40), topic.row(5, 40)], topic.span(4, 6))
    await sink.write([topic.row(6, 40), topic.row(7, 40)], topic.span(6, 8))
    await sink.write([topic.row(8, 40)], topic.span(8, 9))
    await sink.close()
    expected = {key: key for key in range(4)} | dict.fromkeys(range(4, 9), 40)
    assert await topic.read() == expected


async def test_equal_messages_of_one_span_are_all_published(topic: Topic) -> None:
    twins = [Outgoing(topic.topic, b"1", b"1"), Outgoing(topic.topic, b"1", b"1")]
    for _ in range(2):
        sink = topic.sink()
        await sink.open()
        await sink.claim([topic.source])
        await sink.write(twins, topic.span(0, 2))
        await sink.close()
        await topic.set_watermark(None)
    assert len(await topic.messages()) == 2


async def test_a_worker_that_starts_below_the_watermark_publishes_only_what_is_new(topic: Topic) -> None:
    """As it does when another sink of its agent is behind."""
    sink = topic.sink()
    await sink.open()
    await sink.claim([topic.source])
    await sink.write([topic.row(key, key) for key in range(6)], topic.span(0, 6))
    await sink.claim([topic.source])
    await sink.write([topic.row(key, key) for key in range(2, 5)], topic.span(2, 5))
    await sink.write([topic.row(key, key) for key in range(5, 9)], topic.span(5, 9))
    await sink.close()
    assert await topic.read() == {key: key for key in range(9)}


async def test_what_was_sent_ahead_survives_a_crash_and_is_not_published_again_with_its_span(topic: Topic) -> None:
    letter = topic.row(7, 7)
    sink = topic.sink()
    await sink.open()
    await sink.claim([topic.source])
    await sink.send_ahead([letter], topic.span(0, 3))
    assert await sink.watermarks() == {}
    assert await topic.read() == {7: 7}
    await sink.write([topic.row(1, 1), letter], topic.span(0, 3))
    await sink.send_ahead([letter], topic.span(0, 3))
    await sink.close()
    assert len(await topic.messages()) == 2
    assert await topic.read() == {1: 1, 7: 7}


async def test_another_agents_equal_message_is_not_mistaken_for_ones_own(topic: Topic) -> None:
    for agent in ("tester", "second"):
        sink = topic.sink(agent)
        await sink.open()
        await sink.claim([topic.source])
        await sink.write([topic.row(1, 1)], topic.span(0, 2))
        await sink.close()
    assert len(await topic.messages()) == 2


async def test_a_record_without_key_and_value_can_be_a_dead_letter(topic: Topic) -> None:
    sink = topic.sink()
    await sink.open()
    await sink.claim([topic.source])
    await sink.write([Outgoing(topic.topic, None, None)], topic.span(0, 1))
    await sink.close()
    (message,) = await topic.messages()
    assert (message.key, message.value) == (None, b"")


async def test_a_partition_that_the_topic_does_not_have_is_unavailable_and_named(topic: Topic) -> None:
    sink = topic.sink()
    await sink.open()
    await sink.claim([topic.unmatched])
    with pytest.raises(SinkUnavailable, match=f"{topic.topic}/2"):
        await sink.write([topic.row(1, 1)], topic.span(0, 1, topic.unmatched))
    await sink.close()


async def test_a_message_for_another_partition_goes_there_and_is_not_looked_for_after_a_crash(topic: Topic) -> None:
    sink = topic.sink()
    await sink.open()
    await sink.claim([topic.source])
    rows = [Outgoing(topic.topic, b"elsewhere", b"1", partition=topic.other.partition), topic.row(1, 1)]
    await sink.write(rows, topic.span(0, 2))
    await sink.close()
    await topic.set_watermark(0)

    sink = topic.sink()
    await sink.open()
    await sink.claim([topic.source])
    await sink.write(rows, topic.span(0, 2))
    await sink.close()
    places = [(message.key, message.partition) for message in await topic.messages()]
    assert places.count((b"elsewhere", topic.other.partition)) == 2
    assert len(places) == 3
