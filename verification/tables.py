"""Comparing two tables of columns by key: rows that are missing, superfluous or different, without a Python loop."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from verification.tally import TOLERANCE, Kind, Tally, same

Codes = NDArray[np.int64]
_LARGEST: Final = 1 << 62


def compare_tables(tally: Tally, expected: pa.Table, found: pa.Table, key: Sequence[str]) -> None:
    """Compare rows of equal key in the columns that ``expected`` has.

    Keys are unique in ``expected``; a second row of one key in ``found`` is superfluous. Floating columns are equal
    within the tolerance, and NaN equals NULL. Raises ``KeyError`` for a column that ``found`` lacks.
    """
    tally.expected += expected.num_rows
    tally.found += found.num_rows
    left, right = row_codes(expected, found, key)
    by_right = np.argsort(right, kind="stable")
    ordered = right[by_right]
    repeated = np.r_[False, ordered[1:] == ordered[:-1]] if len(ordered) else np.empty(0, dtype=bool)
    first = by_right[~repeated]
    superfluous = np.r_[by_right[repeated], first[~np.isin(right[first], left, assume_unique=True)]]
    place = np.searchsorted(right[first], left)
    place[place == len(first)] = 0
    there = right[first][place] == left if len(first) else np.zeros(len(left), dtype=bool)
    _note(tally, "missing", expected, np.flatnonzero(~there), None, None, key)
    _note(tally, "extra", None, None, found, superfluous, key)

    mine, theirs = np.flatnonzero(there), first[place[there]]
    unequal = np.zeros(len(mine), dtype=bool)
    for name in expected.column_names:
        if name not in key:
            unequal |= _unequal(expected.column(name), found.column(name), mine, theirs)
    _note(tally, "different", expected, mine[unequal], found, theirs[unequal], key)


def row_codes(a: pa.Table, b: pa.Table, key: Sequence[str]) -> tuple[Codes, Codes]:
    """A number for each row, the same for rows of the same key in both tables."""
    split = a.num_rows
    codes, bound = np.zeros(split + b.num_rows, dtype=np.int64), 1
    for name in key:
        part, count = _column_codes(a.column(name), b.column(name))
        if bound * count > _LARGEST:
            distinct, codes = np.unique(codes, return_inverse=True)
            codes, bound = codes.astype(np.int64, copy=False), len(distinct)
        codes, bound = codes * count + part, bound * count
    return codes[:split], codes[split:]


def _column_codes(a: pa.ChunkedArray, b: pa.ChunkedArray) -> tuple[Codes, int]:
    if pa.types.is_string(a.type) or pa.types.is_large_string(a.type) or pa.types.is_dictionary(a.type):
        encoded = (
            pa.chunked_array([*plain(a).chunks, *plain(b).chunks], pa.string()).combine_chunks().dictionary_encode()
        )
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        return encoded.indices.to_numpy().astype(np.int64), max(1, len(encoded.dictionary))
    values = np.concatenate([a.to_numpy().astype(np.int64), b.to_numpy().astype(np.int64)])
    distinct, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64, copy=False), max(1, len(distinct))


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text as plain strings."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type).cast(pa.string())
    return column.cast(pa.string())


def _unequal(a: pa.ChunkedArray, b: pa.ChunkedArray, mine: Codes, theirs: Codes) -> NDArray[np.bool_]:
    if pa.types.is_floating(a.type):
        left, right = floats(a)[mine], floats(b)[theirs]
        bad: NDArray[np.bool_] = ~np.isclose(left, right, rtol=TOLERANCE, atol=1e-9, equal_nan=True)
        return bad
    if pa.types.is_list(a.type):
        pairs = zip(a.take(mine).to_pylist(), b.take(theirs).to_pylist(), strict=True)
        return np.fromiter((not _same_list(x, y) for x, y in pairs), dtype=bool, count=len(mine))
    if pa.types.is_string(a.type):
        equal = pc.equal(plain(a).take(pa.array(mine)), plain(b).take(pa.array(theirs)))
    else:
        equal = pc.equal(a.take(pa.array(mine)).cast(pa.int64()), b.take(pa.array(theirs)).cast(pa.int64()))
    both_null = pc.and_(pc.is_null(a.take(pa.array(mine))), pc.is_null(b.take(pa.array(theirs))))
    return ~np.asarray(pc.or_(pc.fill_null(equal, False), both_null).to_numpy(zero_copy_only=False), dtype=bool)


def floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column as numbers, NaN where it has none."""
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _same_list(a: list[Any] | None, b: list[Any] | None) -> bool:
    if any(isinstance(value, str) for value in (a or b or ())):
        return a == b
    left, right = np.array(a or [], dtype=np.float64), np.array(b or [], dtype=np.float64)
    return left.shape == right.shape and bool(np.allclose(left, right, rtol=TOLERANCE, atol=1e-9, equal_nan=True))


def _note(
    tally: Tally,
    kind: Kind,
    expected: pa.Table | None,
    mine: Codes | None,
    found: pa.Table | None,
    theirs: Codes | None,
    key: Sequence[str],
) -> None:
    """Count differences and keep the first few with their rows."""
    count = len(mine if mine is not None else theirs if theirs is not None else ())
    shown = min(count, tally.wants(kind))
    setattr(tally, kind, getattr(tally, kind) + count - shown)
    wanted = expected.take(pa.array(mine[:shown])).to_pylist() if expected is not None and mine is not None else []
    had = found.take(pa.array(theirs[:shown])).to_pylist() if found is not None and theirs is not None else []
    for i in range(shown):
        row, other = (wanted[i] if wanted else {}), (had[i] if had else {})
        name = {k: (row or other)[k] for k in key}
        if row and other:
            apart = [k for k in row if k not in key and not same(row[k], other[k])]
            row, other = {k: row[k] for k in apart}, {k: other[k] for k in apart}
        tally.note(kind, name, row or "", other or "")
