"""What becomes of rows that a store refuses: letters with original bytes where it is known whose they are."""

from dataclasses import dataclass, field

import pyarrow as pa

from sinks.base import Document, Fact, Rows
from stridelog.deadletters import ROW, SINK, of_refused


@dataclass
class Fetched:
    offset: int
    key: bytes = b"ann"
    value: bytes = b"original"
    timestamp: int = 1_000
    headers: list[tuple[str, bytes]] = field(default_factory=list)


RECORDS = [Fetched(offset) for offset in (10, 11, 12)]


def test_rows_that_name_their_records_become_letters_of_these_once_each() -> None:
    rows = [Rows("samples", pa.table({"source_offset": [12, 10, 12]})), Fact("ann", "k", "1", b"", 10)]
    letters = of_refused({0: "bad column", 1: "NUL"}, rows, RECORDS)
    assert [(letter.offset, letter.value, letter.stage) for letter in letters] == [
        (10, b"original", SINK),
        (12, b"original", SINK),
    ]
    assert {letter.reason for letter in letters} == {"refused_by_store"}


def test_the_only_record_of_a_batch_is_the_one_that_caused_any_row() -> None:
    (letter,) = of_refused({0: "too large"}, [Document("feeds", "ann/1")], RECORDS[:1])
    assert (letter.offset, letter.value, letter.stage) == (10, b"original", SINK)


def test_a_row_of_nobody_knows_which_record_is_shown_as_it_is() -> None:
    document = Document("feeds", "ann/1", set={"x": 1})
    letters = of_refused({0: "too large", 1: "NUL"}, [document, Fact("ann", "k", "1", b"", 3)], RECORDS)
    assert [letter.stage for letter in letters] == [ROW, ROW]
    assert letters[0].value == repr(document).encode()
    assert letters[0].key is None
