"""The one place of Delta tables: what training reads.

Tables are only appended to. A row that says something new about the same key (a workout's features after a late upload)
comes later with a higher ``source_offset``: read the latest of each ``key``. Each table is partitioned by the month of
one of its columns, so that training and compaction read and rewrite whole months.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

MONTH: Final = "month"
TIME: Final = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class LakeColumn:
    """One column: its Arrow type (nullable where ``optional``), the unit of its numbers, and what it means."""

    name: str
    type: pa.DataType
    doc: str
    unit: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class LakeTable:
    """One table. ``key``: the latest row of each counts; ``month_of``: the column whose month is the partition."""

    name: str
    doc: str
    columns: tuple[LakeColumn, ...]
    key: tuple[str, ...]
    month_of: str

    @property
    def schema(self) -> pa.Schema:
        """The Arrow columns that ``sinks.base.Rows`` of this table carry."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.optional) for c in self.columns])

    @property
    def stored_schema(self) -> pa.Schema:
        """The columns in the table: those given and the partition's; all nullable, as Delta's readers expect."""
        fields = [pa.field(c.name, c.type, metadata={"comment": _comment(c)}) for c in self.columns]
        return pa.schema([*fields, pa.field(MONTH, pa.string(), metadata={"comment": f"month of {self.month_of}"})])

    def conform(self, given: pa.Table) -> pa.Table:
        """``given`` with this table's columns in their order and types, and the month.

        Raises ``ValueError`` that names the column: one that does not exist, is missing, or does not fit.
        """
        unknown = set(given.column_names) - {column.name for column in self.columns}
        if unknown:
            raise ValueError(f"table {self.name} has no column {', '.join(sorted(unknown))}")
        columns = [self._conform_column(column, given) for column in self.columns]
        month = pc.strftime(columns[self.schema.get_field_index(self.month_of)], format="%Y-%m")
        return pa.table([*columns, month], schema=self.stored_schema)

    def _conform_column(self, column: LakeColumn, given: pa.Table) -> pa.ChunkedArray | pa.Array:
        if column.name not in given.column_names:
            if column.optional:
                return pa.nulls(given.num_rows, column.type)
            raise ValueError(f"table {self.name} needs column {column.name}")
        values = given.column(column.name)
        if not column.optional and values.null_count:
            raise ValueError(f"table {self.name}: column {column.name} has {values.null_count} empty values")
        try:
            return values.cast(column.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ValueError(f"table {self.name}: column {column.name}: {error}") from error


def _comment(column: LakeColumn) -> str:
    return f"{column.doc} [{column.unit}]" if column.unit else column.doc


USER: Final = LakeColumn("user_id", pa.string(), "the athlete")
WORKOUT: Final = LakeColumn("workout_id", pa.string(), "the workout (UUID)")
SOURCE: Final = (
    LakeColumn("source_partition", pa.int32(), "partition of the record that caused the row"),
    LakeColumn("source_offset", pa.int64(), "offset of the record that caused the row, and the row's version"),
)

TRAINING_FEATURES: Final = LakeTable(
    "training_features",
    "Features of a workout as of its end: the same numbers that the models score online.",
    (
        USER,
        WORKOUT,
        LakeColumn("at", TIME, "as of when: the workout's end"),
        LakeColumn("local_day", pa.date32(), "local day of the workout"),
        LakeColumn("status", pa.string(), "counted, duplicate or deleted: only counted ones are trained on"),
        LakeColumn("names_version", pa.int32(), "version of the list of feature names"),
        LakeColumn("features", pa.list_(pa.float32()), "by domain.features.FEATURE_NAMES; NaN: unknown"),
        *SOURCE,
    ),
    key=("user_id", "workout_id"),
    month_of="at",
)

INJURIES: Final = LakeTable(
    "injuries",
    "Injuries that athletes reported: the label.",
    (
        USER,
        LakeColumn("onset", TIME, "when it began"),
        LakeColumn("reported_at", TIME, "when it was reported: not known to any feature before"),
        LakeColumn("body_part", pa.string(), "where it hurts"),
        LakeColumn("severity", pa.string(), "slight, minimal, mild, moderate or severe (Fuller 2006)"),
        LakeColumn("days_lost", pa.int32(), "days without full training", "d", optional=True),
        *SOURCE,
    ),
    key=("user_id", "onset", "body_part"),
    month_of="onset",
)

PREDICTIONS: Final = LakeTable(
    "predictions",
    "What models said and when, to be compared with what came.",
    (
        USER,
        WORKOUT,
        LakeColumn("at", TIME, "as of when: the workout's end"),
        LakeColumn("model", pa.string(), "injury or recommend"),
        LakeColumn("model_version", pa.string(), "version of the model"),
        LakeColumn("item", pa.string(), "what was scored: injury, or kind and sport of a workout"),
        LakeColumn("score", pa.float64(), "the model's score"),
        *SOURCE,
    ),
    key=("user_id", "workout_id", "model", "item"),
    month_of="at",
)

LAKE_TABLES: Final = {table.name: table for table in (TRAINING_FEATURES, INJURIES, PREDICTIONS)}

WATERMARKS_SCHEMA: Final = pa.schema({"agent": pa.string(), "topic": pa.string(), "partition": pa.int32()})
"""The sink's own table: a row for each source partition ever claimed; the offsets are in the table's transactions."""
