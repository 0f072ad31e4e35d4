"""What the Delta tables hold: of each key the rows of the latest record, times and days as numbers."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from numpy.typing import NDArray

from sinks.lake import Lake
from stridelog.errors import UserError
from stridelog.settings import Settings
from verification.tables import row_codes

PLACE = "place"
"""A column that is counted here: the rows of one key and one record, the highest score first."""


def latest_rows(settings: Settings, table: str, expected: pa.Table, key: Sequence[str]) -> pa.Table:
    """The columns that ``expected`` has, of the rows that have the highest source offset of their key.

    Raises ``UserError`` if the table cannot be read; one that is not there is empty.
    """
    stored = [name for name in expected.column_names if name != PLACE]
    where = Lake.of(settings)
    try:
        rows = DeltaTable(where.uri(table), storage_options=where.storage_options or None).to_pyarrow_table(
            columns=stored
        )
    except TableNotFoundError:
        return expected.slice(0, 0)
    except (DeltaError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"cannot read the Delta table {where.uri(table)} ({reason}): see STRIDELOG_LAKE_URL") from error
    plain = pa.table([_plain(rows.column(name)) for name in stored], names=stored)
    return latest(plain, key).select(expected.column_names)


def latest(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """The rows with the highest ``source_offset`` of their key; with ``place``, if that is part of the key."""
    codes, _ = row_codes(rows, rows.slice(0, 0), [name for name in key if name != PLACE])
    offset = rows.column("source_offset").to_numpy()
    score = rows.column("score").to_numpy() if PLACE in key else np.zeros(len(offset))
    order = np.lexsort((-score, offset, codes))
    code = codes[order]
    ends = np.flatnonzero(np.r_[code[1:] != code[:-1], True][: len(code)])
    newest = offset[order][ends[np.searchsorted(ends, np.arange(len(code)))]]
    kept = order[offset[order] == newest]
    found = rows.take(pa.array(kept))
    return found.append_column(PLACE, pa.array(_places(codes[kept]), pa.int64())) if PLACE in key else found


def _places(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, 2… within each run of equal codes."""
    position = np.arange(len(codes))
    begins = np.r_[True, codes[1:] != codes[:-1]][: len(codes)]
    return position - np.maximum.accumulate(np.where(begins, position, 0))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    if pa.types.is_date(column.type):
        return column.cast(pa.int32()).cast(pa.int64())
    return column
