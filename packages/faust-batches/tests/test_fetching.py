"""The parser's records are the consumer's records, and no fewer."""

from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from faust_batches.fetching import ParsedRecords

TP = TopicPartition("topic", 3)
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4


def fetched_bytes(
    offsets: list[int], *, base: int, compression: int = 0, producer_id: int = -1, transactional: bool = False
) -> bytes:
    """A record batch as a broker sends it; offsets may have gaps, as after compaction."""
    builder = DefaultRecordBatchBuilder(2, compression, int(transactional), producer_id, 0, 0, 1 << 20)
    for offset in offsets:
        headers = [("trace", b"%d" % offset), ("none", None)]
        builder.append(offset - base, 1_000 + offset, b"key %d" % offset, b"value %d" % offset, headers)
    batch = bytearray(builder.build())
    batch[:8] = base.to_bytes(8, "big")  # the base offset is not under the checksum: brokers set it
    return bytes(batch)


def records(
    raw: bytes, *, start: int, aborted: list[tuple[int, int]] | None = None, isolation: int = READ_UNCOMMITTED
) -> PartitionRecords:
    return PartitionRecords(TP, MemoryRecords(raw), aborted, start, None, None, True, isolation)


def seen(some: Any) -> list[tuple[Any, ...]]:
    return [(r.offset, r.timestamp, r.timestamp_type, r.key, r.value, tuple(r.headers)) for r in some]


@pytest.mark.parametrize("compression", [0, GZIP, SNAPPY, LZ4, ZSTD])
@pytest.mark.parametrize("start", [10, 11, 13])
def test_parsed_records_are_the_consumers_records(compression: int, start: int) -> None:
    raw = fetched_bytes([10, 11, 14], base=10, compression=compression)
    raw += fetched_bytes([20, 21, 22], base=20, compression=compression)
    parsed = ParsedRecords.of(records(raw, start=start))
    consumers = records(raw, start=start)
    assert parsed is not None
    expected = seen(consumers)
    assert [offset for offset, *_ in expected] == [o for o in (10, 11, 14, 20, 21, 22) if o >= start]
    assert seen(parsed) == expected
    assert parsed.next_fetch_offset == consumers.next_fetch_offset == 23


def test_taking_some_and_then_the_rest_loses_none() -> None:
    parsed = ParsedRecords.of(records(fetched_bytes([0, 1, 2, 3], base=0), start=0))
    assert parsed is not None
    for record in parsed:  # as aiokafka takes no more than so many: it breaks off, and goes on later
        if record.offset == 1:
            break
    assert parsed.next_fetch_offset == 2
    assert [record.offset for record in parsed] == [2, 3]


def test_records_of_an_aborted_transaction_are_left_out() -> None:
    raw = fetched_bytes([0, 1], base=0, producer_id=7, transactional=True) + fetched_bytes([2], base=2)
    before = records(raw, start=0, aborted=[(7, 0)], isolation=READ_COMMITTED)
    parsed = ParsedRecords.of(before)
    assert parsed is not None
    assert [record.offset for record in parsed] == [2]


def test_a_corrupt_batch_is_an_error() -> None:
    raw = bytearray(fetched_bytes([0, 1], base=0))
    raw[-1] ^= 1
    parsed = ParsedRecords.of(records(bytes(raw), start=0))
    assert parsed is not None
    with pytest.raises(CorruptRecordException):
        list(parsed)


def test_records_of_which_some_were_taken_are_not_taken_over() -> None:
    before = records(fetched_bytes([0, 1], base=0), start=0)
    assert next(before).offset == 0
    assert ParsedRecords.of(before) is None
    assert [record.offset for record in before] == [1]
