"""Values are the same or not; tables and mappings are compared key by key."""

import datetime
import math

import numpy as np
import pyarrow as pa
import pytest

from schemas import hot
from verification.items import compare_stream
from verification.tables import compare_tables
from verification.tally import Tally, compare, same

KEY = ("user", "n")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (None, math.nan),
        (1e9, 1e9 + 1),
        ({"a": [1.0, None]}, {"a": (1.0000000001, math.nan)}),
        (hot.Factor(name="x", contribution=1.0), {"name": "x", "contribution": 1.0}),
        (datetime.date(2026, 1, 1), datetime.date(2026, 1, 1)),
    ],
)
def test_these_say_the_same(a: object, b: object) -> None:
    assert same(a, b)
    assert same(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (0.0, None),
        (1.0, 1.00001),
        ({"a": 1}, {"a": 1, "b": None}),
        ([1, 2], [2, 1]),
        ("1", 1.0),
        (True, 1.5),
        ("a", "b"),
    ],
)
def test_these_do_not(a: object, b: object) -> None:
    assert not same(a, b)
    assert not same(b, a)


def table(*rows: tuple[str, int, float | None]) -> pa.Table:
    users, numbers, values = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "user": pa.array(users, pa.string()),
            "n": pa.array(numbers, pa.int64()),
            "value": pa.array(values, pa.float32()),
        }
    )


def test_rows_of_tables_are_missing_extra_or_different() -> None:
    tally = Tally(show=5)
    expected = table(("a", 1, 1.0), ("a", 2, 2.0), ("b", 1, None), ("c", 1, 5.0))
    found = table(("c", 1, 5.5), ("b", 1, math.nan), ("a", 1, 1.0), ("d", 1, 1.0), ("a", 1, 1.0))
    compare_tables(tally, expected, found, KEY)
    assert tally.counts() == {"expected": 4, "found": 5, "missing": 1, "extra": 2, "different": 1}
    assert {(one.kind, one.key) for one in tally.examples} >= {
        ("missing", "{'user': 'a', 'n': 2}"),
        ("extra", "{'user': 'd', 'n': 1}"),
        ("different", "{'user': 'c', 'n': 1}"),
    }


@pytest.mark.parametrize("empty", [0, 1])
def test_an_empty_table_is_missing_or_extra_as_a_whole(empty: int) -> None:
    tally = Tally()
    sides = [table(("a", 1, 1.0), ("b", 2, 1.0)), table(("a", 1, 1.0), ("b", 2, 1.0))]
    sides[empty] = table()
    compare_tables(tally, sides[0], sides[1], KEY)
    assert (tally.missing, tally.extra) == ((0, 2) if empty == 0 else (2, 0))


def test_lists_and_texts_are_compared() -> None:
    def of(values: list[float], text: str) -> pa.Table:
        lists = pa.array([np.array(values, np.float32)], pa.list_(pa.float32()))
        return pa.table({"user": ["a"], "n": [1], "list": lists, "text": [text], "whole": [3]})

    for other, differs in ((of([1.0, math.nan], "x"), 0), (of([1.0, 2.0], "x"), 1), (of([1.0, math.nan], "y"), 1)):
        tally = Tally()
        compare_tables(tally, of([1.0, math.nan], "x"), other, KEY)
        assert tally.different == differs


def test_only_as_many_differences_are_kept_as_are_to_be_shown() -> None:
    tally = Tally(show=2)
    compare(tally, dict.fromkeys(range(9), 1), {})
    assert (tally.missing, len(tally.examples)) == (9, 2)


def test_documents_are_compared_as_they_come() -> None:
    tally = Tally(show=3)
    compare_stream(
        tally, {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 3}}, iter([("b", {"x": 2}), ("c", {"x": 4}), ("d", {})])
    )
    assert tally.counts() == {"expected": 3, "found": 3, "missing": 1, "extra": 1, "different": 1}
    assert ("different", "c", "x: 3", "x: 4") in tally.examples
