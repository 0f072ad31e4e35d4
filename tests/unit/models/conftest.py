"""A small town in the lake: drawn features in which both models have something to learn."""

import datetime
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from domain.features import FEATURE_NAMES, NAMES_VERSION
from models import evaluate
from models.injury import dataset as injury_data
from models.injury import train as injury_train
from models.lake import Injuries
from models.recommend import dataset as recommend_data
from models.recommend import train as recommend_train
from models.registry import Registry
from models.rows import COLUMN, DAY_US, FeatureRows, Matrix
from sinks.lake import Lake
from sinks.lake_tables import INJURIES, MONTH, TRAINING_FEATURES, LakeTable
from stridelog.settings import Settings

START_US = 1_780_000_000_000_000  # in May 2026
SEED = 20_261_124
DAYS = 90


@dataclass(frozen=True)
class Town:
    """Feature rows with the injuries of their athletes."""

    rows: FeatureRows
    injuries: Injuries


def draw_town(athletes: int, seed: int = SEED) -> Town:
    """Athletes who train about every other day for 90 days.

    High strain (a habit) and a spike (a moment) bring injuries; the fresh go hard, the tired easy.
    """
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    users: list[str] = []
    ids: list[str] = []
    times: list[int] = []
    rows: list[Matrix] = []
    onsets: dict[str, list[int]] = {}
    for number in range(athletes):
        user = f"athlete-{number:04d}"
        sport = ("family_running", "family_cycling", "family_swimming")[number % 3]
        usual_s, rate = random.uniform(1800, 5400), random.uniform(40, 70)
        at_us = START_US + int(random.integers(0, DAY_US))
        form, strain = 0.0, random.uniform(100, 2000)
        while at_us < START_US + DAYS * DAY_US:
            hard = form > 0 and random.random() < 0.8
            duration_s = usual_s * random.lognormal(0, 0.15) * (0.9 if hard else 1.0)
            load = duration_s / 3600 * rate * (random.uniform(1.3, 1.6) if hard else random.uniform(0.9, 1.05))
            spike = random.lognormal(-0.1, 0.3)
            form = random.normal(0, 15)
            row = np.zeros(len(FEATURE_NAMES), dtype=np.float32)
            drawn: dict[str, float] = {
                "distance_spike_ratio": spike,
                "form_tsb": form,
                "moving_time_this_s": duration_s,
                "distance_this_m": duration_s * 3,
                "load_this": load,
                "acute_load_7d": load * random.uniform(2, 5),
                "strain_7d": np.nan if random.random() < 0.1 else strain * random.uniform(0.9, 1.1),
                "workouts_7d": int(random.integers(1, 7)),
                "rest_days_14d": int(random.integers(0, 14)),
                sport: 1.0,
            }
            for name, value in drawn.items():
                row[COLUMN[name]] = value
            users.append(user)
            ids.append(f"00000000-0000-4000-8000-{len(ids):012d}")
            times.append(at_us)
            rows.append(row)
            if random.random() < 0.002 + 0.04 * (strain > 1500) + 0.2 * (spike > 1.5):
                onsets.setdefault(user, []).append(at_us + int(random.integers(1, 5 * DAY_US)))
            at_us += int(random.uniform(0.8, 3.4) * DAY_US)
    return Town(
        FeatureRows(np.array(users), np.array(ids), np.array(times, dtype=np.int64), np.array(rows)),
        Injuries({user: np.array(sorted(times), dtype=np.int64) for user, times in onsets.items()}),
    )


@pytest.fixture(scope="session")
def town() -> Town:
    """240 athletes."""
    return draw_town(240)


@pytest.fixture(autouse=True, scope="session")
def few_resamples() -> Iterator[None]:
    """Intervals need not be smooth here, and resampling takes most of a training's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "RESAMPLES", 20)
        yield


@pytest.fixture(scope="session")
def trained_injury(town: Town) -> injury_train.TrainedInjury:
    """An injury model of the town."""
    return injury_train.train(injury_data.label_rows(town.rows, town.injuries), seed=1)


@pytest.fixture(scope="session")
def trained_recommend(town: Town) -> recommend_train.TrainedRecommend:
    """A recommender of the town."""
    return recommend_train.train(recommend_data.label_rows(town.rows), seed=1)


@pytest.fixture
def settings_alone(tmp_path: Path) -> Settings:
    """Lake and registry in a folder of the test's own, both not there yet."""
    return Settings(local=tmp_path, lake_url="", mlflow_url="", model_poll_s=0.02, _env_file=None)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's SQLite file, which takes seconds to make, with nothing in it."""
    settings = Settings(local=tmp_path_factory.mktemp("empty"), lake_url="", mlflow_url="", _env_file=None)
    Registry(settings).client.search_registered_models()
    return settings.data / "mlflow" / "mlflow.db"


@pytest.fixture
def local_settings(settings_alone: Settings, empty_database: Path) -> Settings:
    """Lake and registry in a folder of the test's own; the registry is there and empty."""
    (settings_alone.data / "mlflow").mkdir(parents=True)
    shutil.copy(empty_database, settings_alone.data / "mlflow")
    return settings_alone


class WriteFeatures(Protocol):
    """Append rows to the table of features."""

    def __call__(
        self, rows: FeatureRows, *, status: str = "counted", version: int = NAMES_VERSION, offset: int = 0
    ) -> None: ...


WriteInjuries = Callable[[Injuries], None]


@pytest.fixture
def write_features(local_settings: Settings) -> WriteFeatures:
    """Append rows to the table of features, as the lake agent does."""

    def write(rows: FeatureRows, *, status: str = "counted", version: int = NAMES_VERSION, offset: int = 0) -> None:
        count = len(rows)
        table = pa.table(
            {
                "user_id": rows.user.tolist(),
                "workout_id": rows.workout_id.tolist(),
                "at": rows.at_us,
                "local_day": [datetime.date(2026, 5, 28)] * count,
                "status": [status] * count,
                "names_version": [version] * count,
                "features": rows.matrix.tolist() if status == "counted" else [[]] * count,
                "source_partition": [0] * count,
                "source_offset": np.arange(count) + offset,
            }
        )
        append(local_settings, TRAINING_FEATURES, table)

    return write


@pytest.fixture
def write_injuries(local_settings: Settings) -> WriteInjuries:
    """Append injuries to their table."""

    def write(injuries: Injuries) -> None:
        pairs = [(user, onset) for user, times in injuries.onsets_us.items() for onset in times.tolist()]
        table = pa.table(
            {
                "user_id": [user for user, _ in pairs],
                "onset": [onset for _, onset in pairs],
                "reported_at": [onset for _, onset in pairs],
                "body_part": ["knee"] * len(pairs),
                "severity": ["mild"] * len(pairs),
                "source_partition": [0] * len(pairs),
                "source_offset": np.arange(len(pairs)),
            }
        )
        append(local_settings, INJURIES, table)

    return write


def append(settings: Settings, table: LakeTable, rows: pa.Table) -> None:
    """Append rows to a table of the lake as the sink stores them; the table is made if it is not there."""
    stored = table.conform(rows.cast(pa.schema([(n, _given(table, n)) for n in rows.column_names])))
    write_deltalake(Lake.of(settings).uri(table.name), stored, mode="append", partition_by=[MONTH])


def _given(table: LakeTable, name: str) -> pa.DataType:
    return table.schema.field(name).type
