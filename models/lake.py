"""What training reads from the lake: the last word on each workout's features, and the injuries."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import TableNotFoundError
from numpy.typing import NDArray

from domain.features import FEATURE_NAMES, NAMES_VERSION
from models.rows import FeatureRows
from sinks.lake import Lake
from sinks.lake_tables import INJURIES, TRAINING_FEATURES
from stridelog.errors import UserError
from stridelog.settings import Settings

_FEATURE_COLUMNS: Final = ["user_id", "workout_id", "at", "status", "names_version", "features", "source_offset"]


@dataclass(frozen=True, slots=True)
class Injuries:
    """Reported injuries: onsets of each user, sorted, (k,) int64, UTC microseconds."""

    onsets_us: dict[str, NDArray[np.int64]]

    @property
    def count(self) -> int:
        """Number of injuries."""
        return sum(len(onsets) for onsets in self.onsets_us.values())


def read_features(settings: Settings) -> pa.Table:
    """The latest revision (highest source offset) of each workout that counts, of the current names version.

    Columns: ``user_id``, ``workout_id``, ``at`` (timestamp), ``features`` (list of float32); sorted by user, time,
    workout. Raises ``UserError`` if there is none.
    """
    table = _read(settings, TRAINING_FEATURES.name, _FEATURE_COLUMNS)
    if table is None or table.num_rows == 0:
        raise UserError(
            f"no features in {Lake.of(settings).root}: run workers with role lake first "
            "(stridelog worker workouts lake)"
        )
    table = latest(table)
    table = table.filter(pc.equal(table["status"], "counted"))
    known = pc.and_(
        pc.equal(table["names_version"], NAMES_VERSION),
        pc.equal(pc.list_value_length(table["features"]), len(FEATURE_NAMES)),
    )
    current = table.filter(known)
    if current.num_rows == 0:
        raise UserError(
            f"no features of version {NAMES_VERSION} in {Lake.of(settings).root} ({table.num_rows} rows of others): "
            "rebuild the features with workers of this version first"
        )
    return current.select(["user_id", "workout_id", "at", "features"]).sort_by(
        [("user_id", "ascending"), ("at", "ascending"), ("workout_id", "ascending")]
    )


def rows_of(table: pa.Table, until_us: int) -> FeatureRows:
    """The rows of ``read_features`` as numpy columns, without those after ``until_us``, which no clock can know yet."""
    at_us = _microseconds(table["at"])
    values = pc.list_flatten(table["features"]).combine_chunks().to_numpy(zero_copy_only=False)
    rows = FeatureRows(
        user=np.array(table["user_id"].to_pylist(), dtype=np.str_),
        workout_id=np.array(table["workout_id"].to_pylist(), dtype=np.str_),
        at_us=at_us,
        matrix=np.asarray(values, dtype=np.float32).reshape(table.num_rows, len(FEATURE_NAMES)),
    )
    return rows.take(at_us <= until_us)


def read_injuries(settings: Settings) -> Injuries:
    """Onsets of the reported injuries; none when the table does not exist."""
    table = _read(settings, INJURIES.name, ["user_id", "onset"])
    onsets: defaultdict[str, set[int]] = defaultdict(set)
    if table is not None:
        for user, onset in zip(table["user_id"].to_pylist(), _microseconds(table["onset"]).tolist(), strict=True):
            onsets[user].add(onset)
    return Injuries({user: np.array(sorted(times), dtype=np.int64) for user, times in sorted(onsets.items())})


def latest(table: pa.Table) -> pa.Table:
    """The row of highest source offset of each (user, workout)."""
    table = table.sort_by([("user_id", "ascending"), ("workout_id", "ascending"), ("source_offset", "ascending")])
    user, workout = (table[name].combine_chunks() for name in ("user_id", "workout_id"))
    last = np.ones(table.num_rows, dtype=bool)
    last[:-1] = pc.or_(pc.not_equal(user[:-1], user[1:]), pc.not_equal(workout[:-1], workout[1:])).to_numpy(False)
    return table.filter(pa.array(last))


def _microseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Timestamps as (n,) int64, since 1970 UTC."""
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _read(settings: Settings, name: str, columns: list[str]) -> pa.Table | None:
    """A table of the lake; ``None`` when there is none yet."""
    lake = Lake.of(settings)
    try:
        return lake.table(name).to_pyarrow_table(columns=columns)
    except TableNotFoundError:
        return None
    except Exception as error:  # deltalake raises its own, OSError and Arrow's, by kind of storage
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"cannot read {lake.uri(name)}: {reason}. Check STRIDELOG_LAKE_URL and the storage") from error
