"""What the Delta tables hold: of each key the rows of the latest record, times and days as numbers."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from sinks.lake import Lake
from stridelog.errors import UserError
from stridelog.settings import Settings
from verification.tables import row_codes


def latest_rows(settings: Settings, table: str, expected: pa.Table, key: Sequence[str]) -> pa.Table:
    """The columns that ``expected`` has, of the rows that have the highest source offset of their key.

    Raises ``UserError`` if the table cannot be read; one that is not there is empty.
    """
    stored = expected.column_names
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
    return latest(plain, key)


def latest(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """The rows with the highest ``source_offset`` of their key: more than one, if a record was appended twice."""
    codes, _ = row_codes(rows, rows.slice(0, 0), key)
    offset = rows.column("source_offset").to_numpy()
    order = np.lexsort((offset, codes))
    code = codes[order]
    ends = np.flatnonzero(np.r_[code[1:] != code[:-1], True][: len(code)])
    newest = offset[order][ends[np.searchsorted(ends, np.arange(len(code)))]]
    return rows.take(pa.array(order[offset[order] == newest]))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    if pa.types.is_date(column.type):
        return column.cast(pa.int32()).cast(pa.int64())
    return column
