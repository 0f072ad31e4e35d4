"""Rows as their tables want them, for the sinks that write Arrow tables."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from sinks.base import PoisonRows, Rows


class Conforming(Protocol):
    """A declared table."""

    def conform(self, given: pa.Table) -> pa.Table:
        """The columns in the table's order and types. Raises ``ValueError`` that names the column."""


def conformed(
    rows: Sequence[Rows], tables: Mapping[str, Conforming], declared_in: str
) -> dict[str, list[tuple[int, pa.Table]]]:
    """Rows by table with their index among ``rows``; empty ones are left out.

    Raises ``PoisonRows`` before anything is sent.
    """
    by_table: dict[str, list[tuple[int, pa.Table]]] = defaultdict(list)
    refused: dict[int, str] = {}
    for index, row in enumerate(rows):
        table = tables.get(row.table)
        if table is None:
            refused[index] = f"there is no table {row.table} in {declared_in}"
            continue
        try:
            columns = table.conform(row.columns)
        except ValueError as error:
            refused[index] = str(error)
            continue
        if columns.num_rows:
            by_table[row.table].append((index, columns))
    if refused:
        raise PoisonRows(refused)
    return by_table
