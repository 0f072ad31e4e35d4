"""What ClickHouse tables are made of: columns with units, and how rows are made to fit."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_ARROW: Final = {
    "String": pa.string(),
    "LowCardinality(String)": pa.string(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Array(String)": pa.list_(pa.string()),
    "Array(UInt16)": pa.list_(pa.uint16()),
    "Array(UInt64)": pa.list_(pa.uint64()),
    "Date32": pa.date32(),
    "DateTime('UTC')": pa.timestamp("s", "UTC"),
    "DateTime64(6, 'UTC')": pa.timestamp("us", "UTC"),
}
_CODECS: Final = {"DateTime64(6, 'UTC')": "DoubleDelta, ZSTD(1)", "DateTime('UTC')": "DoubleDelta, ZSTD(1)"}
TIME: Final = "DateTime64(6, 'UTC')"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its ClickHouse type (nullable where ``optional``), the unit of its numbers, and what it means.

    A text that ``repeats`` from row to row is sent as a dictionary and an index: a third of the bytes of a sample.
    """

    name: str
    type: str
    doc: str
    unit: str = ""
    optional: bool = False
    repeats: bool = False
    default: int | None = None  # what a row has that does not say

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field that an insert carries."""
        kind = pa.dictionary(pa.int32(), _ARROW[self.type]) if self.repeats else _ARROW[self.type]
        return pa.field(self.name, kind, nullable=self.optional)

    @property
    def ddl(self) -> str:
        """The column's line of CREATE TABLE."""
        kind = f"Nullable({self.type})" if self.optional else self.type
        kind += "" if self.default is None else f" DEFAULT {self.default}"
        comment = f"{self.doc} [{self.unit}]" if self.unit else self.doc
        quoted = comment.replace("'", "''")
        return f"`{self.name}` {kind} COMMENT '{quoted}' CODEC({_CODECS.get(self.type, 'ZSTD(1)')})"


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``order_by`` is the natural key: one row each is kept, that of the greatest ``version``."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    order_by: tuple[str, ...]
    partition_by: str = ""
    version: str = "source_offset"
    tombstones: bool = False  # whether the column ``deleted`` hides rows
    granularity: int = 0  # rows that are read together; 0: the server's default

    @property
    def schema(self) -> pa.Schema:
        """The Arrow columns that ``sinks.base.Rows`` of this table carry."""
        return pa.schema([column.arrow for column in self.columns])

    def ddl(self, database: str) -> str:
        """CREATE TABLE of this table in a database."""
        columns = ",\n    ".join(column.ddl for column in self.columns)
        partition = f"PARTITION BY {self.partition_by}\n" if self.partition_by else ""
        version = f"{self.version}, deleted" if self.tombstones else self.version
        doc = self.doc.replace("'", "''")
        granularity = f"SETTINGS index_granularity = {self.granularity}\n" if self.granularity else ""
        return (
            f"CREATE TABLE IF NOT EXISTS `{database}`.`{self.name}` (\n    {columns}\n)\n"
            f"ENGINE = ReplacingMergeTree({version})\n{partition}"
            f"ORDER BY ({', '.join(self.order_by)})\n{granularity}COMMENT '{doc}'"
        )

    def conform(self, given: pa.Table) -> pa.Table:
        """``given`` with this table's columns in their order and types; NaN in an optional column becomes NULL.

        Columns that are optional or have a default stay away where they are not given.
        Raises ``ValueError`` that names the column: one that does not exist, is missing, or does not fit.
        """
        unknown = set(given.column_names) - {column.name for column in self.columns}
        if unknown:
            raise ValueError(f"table {self.name} has no column {', '.join(sorted(unknown))}")
        needed = {column.name for column in self.columns if not column.optional and column.default is None}
        if missing := needed - set(given.column_names):
            raise ValueError(f"table {self.name} needs column {', '.join(sorted(missing))}")
        columns = [column for column in self.columns if column.name in given.column_names]
        values = [self._conform_column(column, given) for column in columns]
        return pa.table(values, schema=pa.schema([column.arrow for column in columns]))

    def _conform_column(self, column: Column, given: pa.Table) -> pa.ChunkedArray:
        values = given.column(column.name)
        if column.optional and pa.types.is_floating(values.type):
            values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
        if column.default is not None:
            values = values.fill_null(column.default)
        if not column.optional and values.null_count:
            raise ValueError(f"table {self.name}: column {column.name} has {values.null_count} empty values")
        if values.type == column.arrow.type:
            return values  # casting a dictionary to its own type would decode it
        try:
            return values.cast(column.arrow.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ValueError(f"table {self.name}: column {column.name}: {error}") from error
