"""What training reads: the last word on each workout, and nothing else."""

import re
from pathlib import Path

import numpy as np
import pytest

from domain.features import FEATURE_NAMES, NAMES_VERSION
from models.lake import Injuries, read_features, read_injuries, rows_of
from models.rows import FeatureRows
from sinks.lake import Lake
from stridelog.errors import UserError
from stridelog.settings import Settings
from tests.unit.models.conftest import WriteFeatures, WriteInjuries

AT_US = 1_780_000_000_000_000
FAR = 4_000_000_000_000_000


def some_rows(*names: str, value: float = 1.0, at_us: int = AT_US) -> FeatureRows:
    """One row a name such as ``ann/1``: user and workout."""
    users, ids = zip(*(name.split("/") for name in names), strict=True)
    matrix = np.full((len(names), len(FEATURE_NAMES)), value, dtype=np.float32)
    return FeatureRows(np.array(users), np.array(ids), np.full(len(names), at_us, dtype=np.int64), matrix)


def test_without_a_table_the_error_says_what_to_run(local_settings: Settings) -> None:
    with pytest.raises(UserError, match=r"no features in .*lake/stridelog: run workers with role lake first"):
        read_features(local_settings)


def test_the_revision_of_highest_offset_counts_in_whatever_order_revisions_were_written(
    local_settings: Settings, write_features: WriteFeatures
) -> None:
    write_features(some_rows("ann/1", value=2.0), offset=20)
    write_features(some_rows("ann/1", "ben/1", value=1.0), offset=10)
    rows = rows_of(read_features(local_settings), FAR)
    assert rows.user.tolist() == ["ann", "ben"]
    assert rows.matrix[:, 0].tolist() == [2.0, 1.0]


def test_a_workout_that_no_longer_counts_is_gone(local_settings: Settings, write_features: WriteFeatures) -> None:
    write_features(some_rows("ann/1", "ann/2"), offset=0)
    write_features(some_rows("ann/1"), status="deleted", offset=10)
    assert rows_of(read_features(local_settings), FAR).workout_id.tolist() == ["2"]


def test_features_of_another_version_are_left_out_and_alone_they_are_an_error(
    local_settings: Settings, write_features: WriteFeatures
) -> None:
    write_features(some_rows("ann/1"), version=NAMES_VERSION + 1)
    with pytest.raises(UserError, match=f"no features of version {NAMES_VERSION} .*1 rows of others"):
        read_features(local_settings)
    write_features(some_rows("ann/2"), offset=10)
    assert rows_of(read_features(local_settings), FAR).workout_id.tolist() == ["2"]


def test_rows_come_by_user_then_time_and_none_from_the_future(
    local_settings: Settings, write_features: WriteFeatures
) -> None:
    write_features(some_rows("ben/1", "ann/3"), offset=0)
    write_features(some_rows("ann/1", at_us=AT_US - 5), offset=10)
    write_features(some_rows("ann/2", at_us=AT_US + 5), offset=20)
    rows = rows_of(read_features(local_settings), until_us=AT_US)
    assert rows.workout_id.tolist() == ["1", "3", "1"]
    assert rows.user_starts().tolist() == [0, 2, 3]


def test_missing_values_come_back_as_nan(local_settings: Settings, write_features: WriteFeatures) -> None:
    rows = some_rows("ann/1")
    rows.matrix[0, 3] = np.nan
    write_features(rows)
    found = rows_of(read_features(local_settings), FAR).matrix
    assert np.flatnonzero(np.isnan(found[0])).tolist() == [3]


def test_injuries_are_sorted_once_each_and_none_without_a_table(
    local_settings: Settings, write_injuries: WriteInjuries
) -> None:
    assert read_injuries(local_settings).count == 0
    write_injuries(Injuries({"ann": np.array([AT_US + 1, AT_US, AT_US])}))
    found = read_injuries(local_settings)
    assert found.onsets_us["ann"].tolist() == [AT_US, AT_US + 1]


def test_a_lake_that_cannot_be_read_is_named(local_settings: Settings) -> None:
    table = Path(Lake.of(local_settings).uri("training_features"), "_delta_log")
    table.mkdir(parents=True)
    (table / "00000000000000000000.json").write_text("not a commit")
    with pytest.raises(UserError, match=re.escape(str(table.parent))):
        read_features(local_settings)
