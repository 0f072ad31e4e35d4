"""Training features in Delta tables."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from sinks.base import Rows, Sink
from sinks.delta import DeltaSink
from sinks.lake import WATERMARKS, Lake
from sinks.lake_tables import TRAINING_FEATURES
from stridelog.settings import Settings

from .stores import Store


class DeltaFolder(Store):
    name = "delta-folder"
    behind_proxy = False
    appends = True

    def configure(self, folder: Path) -> Settings:
        settings = super().configure(folder)
        return settings.model_copy(update={"lake_url": str(folder / "lake"), "lake_commit_interval_s": 60.0})

    async def create(self) -> None:
        self.lake = Lake.of(self.settings)

    def sink(self, agent: str = "tester", settings: Settings | None = None) -> Sink[Any]:
        return DeltaSink(agent, settings or self.settings)

    def unreachable(self) -> Settings:
        a_file = Path(self.settings.lake_url).with_name("file")
        a_file.write_text("no folder")
        return self.settings.model_copy(update={"lake_url": str(a_file / "lake")})

    def row(self, key: int, value: int, *, offset: int | None = None) -> Any:
        row = {
            "user_id": "ann",
            "workout_id": str(key),
            "at": datetime(2026, 11, 24, tzinfo=UTC),
            "local_day": date(2026, 11, 24),
            "status": "counted",
            "names_version": 1,
            "features": [float(value)],
            "source_partition": 0,
            "source_offset": key if offset is None else offset,
        }
        return Rows("training_features", pa.Table.from_pylist([row], schema=TRAINING_FEATURES.schema))

    def poison(self, key: int) -> Any:
        good: Rows = self.row(key, 0)
        at = good.columns.column_names.index("features")
        return Rows("training_features", good.columns.set_column(at, "features", pa.array(["no numbers"])))

    async def read(self) -> dict[int, int]:
        rows = self.lake.table("training_features").to_pyarrow_table().to_pylist()
        held = {int(row["workout_id"]): int(row["features"][0]) for row in rows}
        assert len(held) == len(rows), "a row is there twice"
        return held

    async def lose_watermarks(self) -> None:
        shutil.rmtree(self.lake.uri(WATERMARKS))

    async def drop(self) -> None:
        """The folder goes with the test."""
