"""The one place of ClickHouse tables: columns with units, and keys.

Every table is a ReplacingMergeTree: the rows of one key are versions of one row, the one caused by the latest source
record counts (``source_offset``; a user's rows all come from one partition of one topic, so offsets can be compared).
Where a table has tombstones, a row whose latest version is ``deleted`` is not there for who reads with ``FINAL``.
Read with ``FINAL`` or through the views of ``sinks/views.py``. Channels without a value are NULL: measured against NaN
it costs no space and no time, and aggregates and Grafana leave NULL out by themselves.
"""

from dataclasses import dataclass, replace
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
    """One table. ``order_by`` is the natural key: one row each is kept."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    order_by: tuple[str, ...]
    partition_by: str = ""
    tombstones: bool = False  # whether the column ``deleted`` hides rows

    @property
    def schema(self) -> pa.Schema:
        """The Arrow columns that ``sinks.base.Rows`` of this table carry."""
        return pa.schema([column.arrow for column in self.columns])

    def ddl(self, database: str) -> str:
        """CREATE TABLE of this table in a database."""
        columns = ",\n    ".join(column.ddl for column in self.columns)
        partition = f"PARTITION BY {self.partition_by}\n" if self.partition_by else ""
        version = "source_offset, deleted" if self.tombstones else "source_offset"
        doc = self.doc.replace("'", "''")
        return (
            f"CREATE TABLE IF NOT EXISTS `{database}`.`{self.name}` (\n    {columns}\n)\n"
            f"ENGINE = ReplacingMergeTree({version})\n{partition}"
            f"ORDER BY ({', '.join(self.order_by)})\nCOMMENT '{doc}'"
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


USER: Final = Column("user_id", "String", "the athlete")
WORKOUT: Final = Column("workout_id", "String", "the workout (UUID)")
WORKOUT_OR_NONE: Final = Column("workout_id", "String", "the workout (UUID); empty: all-day wear")
DEVICE: Final = Column("device_id", "String", "the device that measured")
OF_FRAMES: Final = tuple(replace(column, repeats=True) for column in (USER, WORKOUT_OR_NONE, DEVICE))
SOURCE: Final = (
    Column("source_partition", "UInt16", "partition of the record that caused the row"),
    Column("source_offset", "UInt64", "offset of the record that caused the row, and the row's version"),
)
OF_READINGS: Final = (
    Column("revision", "UInt16", "revision of the frame", default=0),
    Column("deleted", "UInt8", "1: deleted upstream, or replaced by a higher revision", default=0),
)
CHANNELS: Final = (("heart_rate", "bpm"), ("cadence", "rpm"), ("power", "W"), ("speed", "m/s"), ("altitude", "m"))


def suffix(unit: str) -> str:
    """A unit as part of a column's name: m/s is m_s."""
    return unit.lower().replace("/", "_")


SAMPLES: Final = Table(
    "samples",
    "What devices measured: one row a point in time.",
    (
        *OF_FRAMES,
        Column("time", TIME, "when it was measured"),
        Column("heart_rate_bpm", "Float32", "heart rate", "bpm", optional=True),
        Column("cadence_rpm", "Float32", "cadence of one leg or crank", "rpm", optional=True),
        Column("power_w", "Float32", "power", "W", optional=True),
        Column("speed_m_s", "Float32", "speed", "m/s", optional=True),
        Column("distance_m", "Float64", "the device's own cumulative distance", "m", optional=True),
        Column("latitude_deg", "Float64", "latitude, WGS 84", "deg", optional=True),
        Column("longitude_deg", "Float64", "longitude, WGS 84", "deg", optional=True),
        Column("altitude_m", "Float32", "altitude", "m", optional=True),
        Column("temperature_c", "Float32", "temperature at the device", "°C", optional=True),
        *OF_READINGS,
        *SOURCE,
    ),
    order_by=("user_id", "workout_id", "time", "device_id"),
    partition_by="toYYYYMM(time)",
    tombstones=True,
)

MINUTE_PARTIALS: Final = Table(
    "minute_partials",
    "What one sensor frame says of one minute; read minute_rollups, which counts resent and overlapping frames once.",
    (
        *OF_FRAMES,
        Column("minute", "DateTime('UTC')", "start of the minute"),
        Column("frame_start", TIME, "time of the frame's first sample"),
        Column("seconds_mask", "UInt64", "bit i: the frame has a sample in second i of the minute"),
        Column("n", "UInt16", "samples of the frame in the minute"),
        *(
            column
            for channel, unit in CHANNELS
            for column in (
                Column(f"{channel}_{suffix(unit)}_sum", "Float64", f"sum of {channel}", unit),
                Column(f"{channel}_{suffix(unit)}_min", "Float32", f"smallest {channel}", unit, optional=True),
                Column(f"{channel}_{suffix(unit)}_max", "Float32", f"largest {channel}", unit, optional=True),
                Column(f"{channel}_count", "UInt16", f"samples that have {channel}"),
            )
        ),
        Column("distance_m", "Float32", "distance gained between the frame's samples in the minute", "m"),
        *OF_READINGS,
        *SOURCE,
    ),
    order_by=("user_id", "minute", "device_id", "frame_start"),
    partition_by="toYYYYMM(minute)",
    tombstones=True,
)

BOARD_SCORES: Final = Table(
    "board_scores",
    "Leaderboards: a user's whole score on a board; read the view boards, which ranks them.",
    (
        Column("metric", "LowCardinality(String)", "what is ranked: a name in boards.yaml"),
        Column("sport", "LowCardinality(String)", "family of sports, or all"),
        Column("period", "LowCardinality(String)", "day, week, month, year or all"),
        Column("period_key", "String", "which one: 2026-11-24, 2026-W48, 2026-11, 2026, all"),
        USER,
        Column("score", "Float64", "the whole score, in the board's unit"),
        Column("achieved_at", TIME, "end of the workout with which the score was reached"),
        Column("workouts", "UInt32", "workouts of the sport and period that count"),
        Column("less_is_better", "UInt8", "1: the least score is first"),
        Column("deleted", "UInt8", "1: the user is no longer on the board"),
        *SOURCE,
    ),
    order_by=("metric", "sport", "period", "period_key", "user_id"),
)

WORKOUTS: Final = Table(
    "workouts",
    "One row a workout, for analysts.",
    (
        USER,
        WORKOUT,
        Column("status", "LowCardinality(String)", "counted, duplicate or deleted"),
        Column("duplicate_of", "String", "the workout that counts instead; empty: none"),
        Column("sport", "LowCardinality(String)", "sport"),
        Column("title", "String", "title given by the athlete or device"),
        Column("device_id", "String", "the device that recorded; empty: entered by hand"),
        Column("start", TIME, "start"),
        Column("end", TIME, "end"),
        Column("local_day", "Date32", "local day of the start"),
        Column("distance_m", "Float64", "distance", "m", optional=True),
        Column("elapsed_s", "Float64", "start to end", "s", optional=True),
        Column("timer_time_s", "Float64", "elapsed less pauses", "s", optional=True),
        Column("moving_time_s", "Float64", "time in motion", "s", optional=True),
        Column("elevation_gain_m", "Float64", "climbed", "m", optional=True),
        Column("elevation_loss_m", "Float64", "descended", "m", optional=True),
        Column("mean_heart_rate_bpm", "Float32", "mean heart rate", "bpm", optional=True),
        Column("max_heart_rate_bpm", "Float32", "highest heart rate", "bpm", optional=True),
        Column("mean_power_w", "Float32", "mean power", "W", optional=True),
        Column("max_power_w", "Float32", "highest power", "W", optional=True),
        Column("normalised_power_w", "Float32", "normalised power", "W", optional=True),
        Column("mean_speed_m_s", "Float32", "mean speed", "m/s", optional=True),
        Column("max_speed_m_s", "Float32", "highest speed", "m/s", optional=True),
        Column("mean_cadence_rpm", "Float32", "mean cadence", "rpm", optional=True),
        Column("energy_kcal", "Float32", "energy", "kcal", optional=True),
        Column("load", "Float64", "training load", optional=True),
        Column("load_method", "LowCardinality(String)", "how the load was computed; empty: deleted"),
        Column("sample_count", "UInt32", "samples that the summary rests on"),
        Column("quality_score", "Float32", "how far the recording can be trusted, 0 to 100", optional=True),
        Column("grade_adjusted_speed_m_s", "Float32", "level speed that costs as much", "m/s", optional=True),
        Column("xpower_w", "Float32", "xPower", "W", optional=True),
        Column("intensity_factor", "Float32", "normalised by threshold power", optional=True),
        Column("efficiency_factor", "Float32", "W on wheels or m/min on foot, by bpm", optional=True),
        Column("aerobic_decoupling", "Float32", "share of output by heartbeat lost in the second half", optional=True),
        Column("heart_rate_load", "Float64", "load by heart rate alone", optional=True),
        Column("deleted", "UInt8", "1: deleted by the athlete"),
        *SOURCE,
    ),
    order_by=("user_id", "workout_id"),
)

TRAINING_DAYS: Final = Table(
    "training_days",
    "An athlete's training by local day, from the first workout to the last; a day of rest has load 0. How each figure "
    "is made says domain.training_days.",
    (
        USER,
        Column("local_day", "Date32", "the athlete's calendar day"),
        Column("load", "Float64", "load of the day's workouts; an hour at threshold is 100"),
        Column("workouts", "UInt16", "workouts that count"),
        Column("moving_time_s", "Float64", "time in motion", "s"),
        Column("acute_load_7d", "Float64", "load of 7 days"),
        Column("chronic_load_28d", "Float64", "mean week of 28 days"),
        Column("ewma_acute_7d", "Float64", "exponentially weighted mean, 7 days"),
        Column("ewma_chronic_28d", "Float64", "exponentially weighted mean, 28 days"),
        Column("acwr_coupled", "Float64", "mean of 7 days by mean of 28", optional=True),
        Column("acwr_uncoupled", "Float64", "mean of 7 days by mean of the 21 before", optional=True),
        Column("acwr_ewma", "Float64", "the exponentially weighted means, one by the other", optional=True),
        Column("monotony_7d", "Float64", "mean by deviation of 7 days", optional=True),
        Column("strain_7d", "Float64", "load of 7 days times monotony", optional=True),
        Column("fitness_ctl", "Float64", "chronic training load, 42 days"),
        Column("fatigue_atl", "Float64", "acute training load, 7 days"),
        Column("form_tsb", "Float64", "fitness less fatigue of the day before"),
        Column("longest_run_m", "Float64", "longest run of the day", "m"),
        Column("longest_run_30d_m", "Float64", "longest run of the 30 days before", "m"),
        Column("run_spike", "Float64", "the one by the other", optional=True),
        Column("deleted", "UInt8", "1: the day is before the first workout or after the last"),
        *SOURCE,
    ),
    order_by=("user_id", "local_day"),
)

INJURY_SCORES: Final = Table(
    "injury_scores",
    "Injury risk after a workout, as the model of that time saw it.",
    (
        USER,
        WORKOUT,
        Column("at", TIME, "as of when: the workout's end"),
        Column("model_version", "LowCardinality(String)", "model that scored"),
        Column("risk", "Float64", "calibrated probability, 0 to 1"),
        *SOURCE,
    ),
    order_by=("user_id", "workout_id"),
)

RECOMMENDATIONS: Final = Table(
    "recommendations",
    "What was recommended after a workout; rank 1 first. Rows of ranks that a later list lacks have an older offset.",
    (
        USER,
        WORKOUT,
        Column("rank", "UInt8", "place in the list, from 1"),
        Column("at", TIME, "as of when: the workout's end"),
        Column("model_version", "LowCardinality(String)", "model that recommended"),
        Column("workout_kind", "LowCardinality(String)", "kind of workout"),
        Column("sport", "LowCardinality(String)", "sport"),
        Column("score", "Float64", "the model's score"),
        *SOURCE,
    ),
    order_by=("user_id", "workout_id", "rank"),
)

TABLES: Final = {
    table.name: table
    for table in (
        SAMPLES,
        MINUTE_PARTIALS,
        BOARD_SCORES,
        WORKOUTS,
        TRAINING_DAYS,
        INJURY_SCORES,
        RECOMMENDATIONS,
    )
}
