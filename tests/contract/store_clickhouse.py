"""Board rows in ClickHouse."""

from datetime import UTC, datetime
from typing import Any

import clickhouse_connect
import pyarrow as pa

from sinks.base import Rows, Sink
from sinks.clickhouse import ClickHouseSink
from sinks.tables import BOARD_SCORES
from stridelog.settings import Settings

from .stores import Store


class ClickHouse(Store):
    name = "clickhouse"
    patience = "sinks.clickhouse.ANSWER_TIMEOUT_S"
    ports = ("clickhouse_port",)

    async def create(self) -> None:
        self.client: Any = await clickhouse_connect.get_async_client(
            host=self.settings.host, port=self.settings.clickhouse_port
        )

    def sink(self, agent: str = "tester", settings: Settings | None = None) -> Sink[Any]:
        return ClickHouseSink(agent, settings or self.settings)

    def row(self, key: int, value: int, *, offset: int | None = None) -> Any:
        row = {
            "metric": "distance",
            "sport": "all",
            "period": "all",
            "period_key": "all",
            "user_id": str(key),
            "score": float(value),
            "achieved_at": datetime(2026, 11, 24, tzinfo=UTC),
            "workouts": 1,
            "less_is_better": 0,
            "deleted": 0,
            "source_partition": 0,
            "source_offset": key if offset is None else offset,
        }
        return Rows("board_scores", pa.Table.from_pylist([row], schema=BOARD_SCORES.schema))

    def poison(self, key: int) -> Any:
        good = self.row(key, 0)
        return Rows("board_scores", good.columns.set_column(5, "score", pa.array(["no number"])))

    async def read(self) -> dict[int, int]:
        rows = await self.query("SELECT user_id, score FROM {db}.boards")
        return {int(user): int(score) for user, score in rows}

    async def lose_watermarks(self) -> None:
        await self.client.command(f"TRUNCATE TABLE `{self.settings.namespace}`.watermarks")

    async def drop(self) -> None:
        await self.client.command(f"DROP DATABASE IF EXISTS `{self.settings.namespace}`")
        await self.client.close()

    async def query(self, text: str) -> list[tuple[Any, ...]]:
        result = await self.client.query(text.format(db=f"`{self.settings.namespace}`"))
        return list(result.result_rows)
