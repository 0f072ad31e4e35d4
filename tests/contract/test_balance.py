"""How much of W' was left, from samples and thresholds on a real ClickHouse."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sinks.base import Rows
from sinks.tables import SAMPLES, THRESHOLD_HISTORY
from stridelog.balance_log import balance_log
from stridelog.errors import UserError
from stridelog.queries import Queries
from stridelog.settings import Settings

from .store_clickhouse import ClickHouse

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

T0, S_US = 1_795_000_000_000_000, 1_000_000
RIDE, PHONE = (f"0000000{i}-0000-4000-8000-000000000000" for i in range(2))
SOURCE: dict[str, Any] = {"source_partition": 0, "source_offset": 0}


class OneRide(Queries):
    """Knows one workout without MongoDB."""

    def __init__(self, settings: Settings, start_us: int = T0, power_of: str = RIDE) -> None:
        super().__init__(settings)
        self.ride = {
            "user": "ada",
            "name": "Ada",
            "sport": "cycling",
            "start": start_us,
            "end": T0 + 600 * S_US,
            "channel_sources": [{"channel": "power", "workout_id": power_of}],
        }

    async def workout(self, workout_id: str) -> dict[str, Any] | None:
        return self.ride if workout_id == RIDE else None


def sample(second: int, watts: float, workout_id: str = RIDE) -> dict[str, Any]:
    head = {"user_id": "ada", "workout_id": workout_id, "device_id": "bike"}
    return {**head, "time": at(second), "power_w": watts, "revision": 0, "deleted": 0, **SOURCE}


def at(second: int) -> datetime:
    return datetime.fromtimestamp(T0 / S_US + second, UTC)


def threshold(kind: str, value: float) -> dict[str, Any]:
    return {
        "user_id": "ada",
        "kind": kind,
        "origin": "estimated",
        "local_day": date(2026, 11, 1),
        "changed_at": at(-86_400),
        "value": value,
        "method": "work_time_model",
        "evidence_ids": [],
        "evidence_names": [],
        "deleted": 0,
        **SOURCE,
    }


@pytest.fixture
async def store(tmp_path: Path, anyio_backend: str) -> AsyncIterator[ClickHouse]:
    """Five minutes at 200 W, two at 300 W with one sample that cannot be, three at 200 W; critical power is 250 W."""
    store = ClickHouse(tmp_path)
    await store.create()
    sink = store.sink()
    await sink.open()
    await sink.claim([store.source])
    watts = [300.0 if 300 <= second < 420 else 200.0 for second in range(600)]
    watts[60] = 1_900.0
    ride = [sample(second, power) for second, power in enumerate(watts)]
    known = [threshold("critical_power_w", 250.0), threshold("w_prime_j", 20_000.0)]
    rows = {SAMPLES: [*ride, sample(0, 100.0, PHONE)], THRESHOLD_HISTORY: known}
    tables = [Rows(table.name, pa.Table.from_pylist(some, schema=table.schema)) for table, some in rows.items()]
    await sink.write(tables, store.span(0, 1))
    yield store
    await sink.close()
    await store.drop()


async def test_what_is_above_critical_power_is_spent_and_a_spike_is_not(store: ClickHouse) -> None:
    async with OneRide(store.settings) as queries:
        found = await balance_log(queries, RIDE)
    assert (found["critical_power_w"], found["w_prime_j"]) == (250.0, 20_000.0)
    assert len(found["balance_j"]) == 600
    assert found["balance_j"][299] == 20_000, "the spike has taken nothing"
    assert found["balance_j"][419] == 20_000 - 120 * 50
    assert found["lowest"]["differential"] == {"balance_j": 14_000, "at_s": 419}
    assert found["lowest"]["integral"]["at_s"] == 419
    assert 14_000 < found["balance_j"][-1] < 20_000, "it has come back in part"


async def test_power_is_that_of_the_recording_that_was_fused_in(store: ClickHouse) -> None:
    async with OneRide(store.settings, power_of=PHONE) as queries:
        assert len((await balance_log(queries, RIDE))["balance_j"]) < 600


@pytest.mark.parametrize(
    ("workout_id", "start_us", "power_of", "said"),
    [
        (PHONE, T0, RIDE, f"no workout '{PHONE}'"),
        (RIDE, T0 - 2 * 86_400 * S_US, RIDE, "no critical power of ada is known on 2026-11-1"),
        (RIDE, T0, "nowhere", "has no power"),
    ],
)
async def test_what_is_missing_is_named(
    store: ClickHouse, workout_id: str, start_us: int, power_of: str, said: str
) -> None:
    async with OneRide(store.settings, start_us, power_of) as queries:
        with pytest.raises(UserError, match=said):
            await balance_log(queries, workout_id)
