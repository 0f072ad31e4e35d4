"""What is a flood of dead letters and what is not."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from sinks.base import TopicPartition
from stridelog.flood import FloodGauge

SOURCE = TopicPartition("t", 0)
OTHER = TopicPartition("t", 1)


class Row(NamedTuple):
    offset: int
    timestamp: int


def rows(first: int, end: int, *, at_ms: int = 1_000) -> list[Row]:
    return [Row(offset, at_ms) for offset in range(first, end)]


def take(flood: FloodGauge, source: TopicPartition, records: list[Row], dead: Collection[int]) -> str | None:
    """As the engine does: look at a batch, and count it when it is written."""
    said = flood.look(source, records, dead)
    if said is None:
        flood.done(source, records)
    return said


def gauge(in_a_row: int = 10, ratio: float = 0.5, window: int = 100) -> FloodGauge:
    return FloodGauge(in_a_row, ratio, window)


def test_so_many_in_a_row_over_several_batches_and_partitions_are_a_flood() -> None:
    flood = gauge()
    assert take(flood, SOURCE, rows(0, 5), range(5)) is None
    assert take(flood, OTHER, rows(0, 4), range(4)) is None
    assert take(flood, SOURCE, rows(5, 6), {5}) == "10 records in a row would be dead letters"


def test_a_good_record_between_them_ends_a_row() -> None:
    flood = gauge()
    for first in range(0, 90, 9):
        assert take(flood, SOURCE, rows(first, first + 9), set(range(first, first + 9)) - {first + 4}) is None, first
    flood = gauge()
    assert take(flood, SOURCE, rows(0, 9), range(9)) is None
    assert take(flood, SOURCE, rows(9, 10), ()) is None
    assert take(flood, SOURCE, rows(10, 19), range(10, 19)) is None


def test_half_of_the_last_records_are_a_flood_once_there_are_enough() -> None:
    flood = gauge(in_a_row=1_000)
    assert take(flood, SOURCE, rows(0, 90), range(90)) is None
    said = take(flood, SOURCE, rows(90, 100), ())
    assert said is None, "a batch without dead letters is none"
    assert take(flood, SOURCE, rows(100, 101), {100}) == "91 of the last 101 records would be dead letters"


def test_old_batches_are_forgotten() -> None:
    flood = gauge(in_a_row=1_000)
    take(flood, SOURCE, rows(0, 49), range(49))
    take(flood, SOURCE, rows(49, 150), ())
    assert take(flood, SOURCE, rows(150, 200), range(150, 200)) is None, "50 of 151"
    assert take(flood, SOURCE, rows(200, 260), range(200, 260)) is not None, "110 of 211, of which 110 are the last"


def test_a_batch_that_makes_a_flood_is_not_counted() -> None:
    flood = gauge()
    take(flood, SOURCE, rows(0, 5), range(5))
    said = [take(flood, SOURCE, rows(5, 11), range(5, 11)) for _ in range(2)]
    assert said[0] == said[1] == "11 records in a row would be dead letters"


def test_what_was_forgiven_by_offset_or_by_time_does_not_count_again() -> None:
    flood = gauge()
    take(flood, SOURCE, rows(0, 9), range(9))
    flood.forgive({SOURCE: 50}, until_ms=500)
    assert take(flood, SOURCE, rows(0, 50), range(50)) is None
    assert take(flood, OTHER, rows(0, 50, at_ms=500), range(50)) is None
    assert take(flood, SOURCE, rows(50, 59, at_ms=501), range(50, 59)) is None
    assert take(flood, SOURCE, rows(59, 60, at_ms=501), {59}) is not None


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=30), max_size=20))
def test_a_row_is_found_however_batches_are_cut(cut: list[list[bool]]) -> None:
    """Unless a good batch comes in whole, which is the same: it ends the row."""

    def longest(outcomes: Iterable[bool]) -> int:
        row = most = 0
        for dead in outcomes:
            row = row + 1 if dead else 0
            most = max(most, row)
        return most

    flood = FloodGauge(7, 1.0, 10**9)
    offset, seen, said = 0, [], None
    for batch in cut:
        dead = {offset + index for index, is_dead in enumerate(batch) if is_dead}
        seen += batch
        said = take(flood, SOURCE, rows(offset, offset + len(batch)), dead)
        if said:
            break
        offset += len(batch)
    assert (said is not None) == (longest(seen) >= 7)


def test_partitions_that_are_worked_on_at_the_same_time_count_together() -> None:
    flood = gauge()
    sources = [TopicPartition("t", number) for number in range(5)]
    said = [flood.look(source, rows(0, 3), range(3)) for source in sources]
    assert said[:4] == [None, None, None, "12 records in a row would be dead letters"]
    assert said[4] is not None


def test_what_a_store_refuses_counts_before_the_batch_is_done() -> None:
    flood = gauge()
    assert flood.look(SOURCE, rows(0, 20), ()) is None
    assert flood.look(SOURCE, rows(0, 20), range(9)) is None
    assert flood.look(SOURCE, rows(0, 20), range(10)) is not None


def test_batches_that_were_given_back_do_not_stand_in_the_way() -> None:
    flood = gauge()
    flood.look(SOURCE, rows(0, 9), range(9))
    flood.leave()
    for first in range(0, 1_000, 10):
        assert take(flood, OTHER, rows(first, first + 10), {first}) is None
