"""What people are told of risk and recommendations, on a real ClickHouse."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sinks.base import Rows
from sinks.tables import INJURY_SCORES, RECOMMENDATIONS
from stridelog.batch import Batch, Record
from stridelog.projections.boards import workout_rows
from stridelog.queries import Queries
from tests.messages import summarised

from .store_clickhouse import ClickHouse

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

T0, HOUR_US = 1_795_000_000_000_000, 3_600_000_000
EARLIER, LATER = (f"0000000{i}-0000-4000-8000-000000000000" for i in range(2))


def scores(workout_id: str, hours: int) -> list[Rows]:
    """A risk and a recommendation after a workout."""
    row: dict[str, Any] = {
        "user_id": "ada",
        "workout_id": workout_id,
        "at": datetime.fromtimestamp((T0 + hours * HOUR_US) / 1e6, UTC),
        "model_version": "injury/1",
        "source_partition": 0,
        "source_offset": hours,
    }
    advice = {**row, "rank": 1, "workout_kind": "easy", "sport": "running", "score": 0.5}
    return [
        Rows(INJURY_SCORES.name, pa.Table.from_pylist([{**row, "risk": 0.1}], schema=INJURY_SCORES.schema)),
        Rows(RECOMMENDATIONS.name, pa.Table.from_pylist([advice], schema=RECOMMENDATIONS.schema)),
    ]


@pytest.mark.parametrize("status", ["deleted", "duplicate"])
async def test_nobody_is_told_the_scores_of_a_workout_that_no_longer_counts(status: str, tmp_path: Path) -> None:
    store = ClickHouse(tmp_path)
    await store.create()
    sink = store.sink()
    await sink.open()
    await sink.claim([store.source])
    span = store.span(0, 2)
    said = [Record(hours, 0, summarised(wid, T0 + hours * HOUR_US)) for hours, wid in enumerate((EARLIER, LATER))]
    await sink.write([workout_rows(Batch(span, said)), *scores(EARLIER, 0), *scores(LATER, 1)], span)
    async with Queries(store.settings) as queries:
        assert [row.workout_id for row in await queries.injury_risks("ada")] == [LATER, EARLIER]
        assert [row.workout_id for row in await queries.suggestions("ada")] == [LATER]
        span = store.span(2, 3)
        gone = Record(2, 0, summarised(LATER, T0 + HOUR_US, status=status))
        await sink.write([workout_rows(Batch(span, [gone]))], span)
        assert [row.workout_id for row in await queries.injury_risks("ada")] == [EARLIER]
        assert [row.workout_id for row in await queries.suggestions("ada")] == [EARLIER]
    await sink.close()
    await store.drop()
