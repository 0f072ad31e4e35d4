"""However frames, their corrections and deletions arrive, are cut and cut short, the stores hold what the log says."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.sensors import sensors
from domain.live import LiveState, Sessions, over_s
from domain.withdrawals import Withdrawal
from schemas import hot
from schemas.decode import decoder_for
from schemas.frames import pack_frame
from sinks.base import Fact, Rows, Span
from sinks.tables import MINUTE_PARTIALS, RR_INTERVALS, SAMPLES, TABLES
from stridelog import topics
from stridelog.agent import Context
from stridelog.arrivals import Arrivals
from stridelog.batch import Batch, Record, Writes
from stridelog.readers import LiveReader, RawSamples
from stridelog.settings import Settings
from stridelog.state import State
from stridelog.stored_readings import Stored, StoredReadings, Touched
from tests.property.live_redis import KEYS, LiveRedis
from verification import live, samples, wellness
from verification.outcomes import Valid
from verification.withdrawals import Takings

S: Final = 1_000_000
EVERY_S: Final = 5  # between two samples
T0: Final = 1_795_000_020_000_000  # begins 40 s into a minute
WORKOUTS: Final = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
DECODER: Final = decoder_for(topics.load(prefix="").topic_of_message("SensorFrame"))
READ: Final = (SAMPLES, RR_INTERVALS, MINUTE_PARTIALS)
HEAD: Final[dict[str, Any]] = {"zone": "UTC", "source": "test", "producer": "test"}


def frame(
    start_s: int, n: int, revision: int = 0, *, device: str = "watch", user: str = "ada", workout: int | None = 0
) -> hot.SensorFrame:
    """A frame of ``n`` seconds whose values are told by time, device and revision: so the same in any frame."""
    seconds = np.arange(start_s, start_s + n, EVERY_S)
    value = pack_frame(
        user=user,
        device_id=device,
        sequence=start_s,
        start_us=T0 + start_s * S,
        workout_id=None if workout is None else WORKOUTS[workout],
        interval_us=EVERY_S * S,
        revision=revision,
        columns={
            "heart_rate_bpm": 100 + seconds % 50 + 50 * (device == "strap"),
            "power_w": 200 + seconds + 1_000 * revision,
            "distance_m": seconds * 3.0,
            **({"rr_ms": 600 + seconds % 7 + revision} if device == "strap" or workout is None else {}),
        },
        **HEAD,
    )
    found = DECODER.decode(user.encode(), value)
    assert isinstance(found, hot.SensorFrame)
    return found


def deleted(
    first_s: int, end_s: int, revision: int = 0, device: str | None = "watch", channels: tuple[str, ...] = ()
) -> hot.ReadingsDeleted:
    data = hot.ReadingsDeletedData(
        device_id=device, start=T0 + first_s * S, end=T0 + end_s * S, revision=revision, channels=channels
    )
    return hot.ReadingsDeleted.of(user="ada", time=T0, data=data, **HEAD)


class ClickHouse:
    """Tables as ClickHouse shows them: of one key the highest version, of equal ones the last; tombstones hide rows."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {table.name: {} for table in READ}
        self.kept = True  # as RawSamples

    def write(self, rows: Sequence[Rows]) -> None:
        for one in rows:
            held = self.rows[one.table]
            for row in TABLES[one.table].conform(one.columns).to_pylist():
                key = tuple(row[name] for name in TABLES[one.table].order_by)
                if row["source_offset"] >= held.get(key, row)["source_offset"]:
                    held[key] = {"revision": 0, "deleted": 0, **row}

    def shown(self, table: str) -> list[dict[str, Any]]:
        return [row for row in self.rows[table].values() if not row["deleted"]]

    async def under(self, user: str, one: Withdrawal) -> Stored:
        def covers(row: dict[str, Any], first: int, end: int) -> bool:
            return (
                row["user_id"] == user
                and row["revision"] <= one.revision
                and one.device_id in (None, row["device_id"])
                and first < one.end_us
                and end > one.first_us
            )

        spans = {
            SAMPLES: lambda row: (us(row["time"]), us(row["time"]) + 1),
            RR_INTERVALS: lambda row: (us(row["time"]), us(row["last_time"]) + 1),
            MINUTE_PARTIALS: lambda row: (us(row["minute"]), us(row["minute"]) + 60 * S),
        }
        found = {
            table: [row for row in self.rows[table.name].values() if covers(row, *spans[table](row))] for table in READ
        }
        times: dict[str, list[int]] = {}
        for row in found[SAMPLES]:
            times.setdefault(row["workout_id"], []).append(us(row["time"]))
        worn = [us(row["last_time"]) for row in found[RR_INTERVALS] if not row["workout_id"]]
        worn += [us(row["time"]) for row in found[RR_INTERVALS] if not row["workout_id"]] + times.pop("", [])
        return Stored(
            {
                table.name: pa.Table.from_pylist([row for row in rows if not row["deleted"]], table.schema)
                for table, rows in found.items()
            },
            tuple(Touched(wid, min(at), max(at), len(at)) for wid, at in times.items()),
            (min(worn), max(worn)) if worn else None,
        )


def us(time: datetime) -> int:
    return round(time.timestamp() * 1_000_000)


class Postgres:
    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], Fact] = {}

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        return {user: [fact for fact in self.facts.values() if fact.user == user] for user in users}

    def write(self, facts: list[Fact]) -> None:
        self.facts |= {(fact.user, fact.id): fact for fact in facts}


class Worker:
    """The sensors agent with its stores; each store has a watermark, and skips what it has."""

    def __init__(self, log: Sequence[Any]) -> None:
        self.log = log
        self.clickhouse, self.postgres = ClickHouse(), Postgres()
        self.marks = {"clickhouse": 0, "postgres": 0, "redis": 0}
        self.redis = LiveRedis()
        self.said: list[Any] = []
        self.restart()

    def restart(self) -> None:
        self.state = State(self.postgres, (Withdrawal,), 100)
        self.at = min(self.marks.values())

    def step(self, size: int, reached: Sequence[str] = ("clickhouse", "postgres", "redis")) -> None:
        """A batch; a worker that does not reach all stores is followed by another one."""
        first, after = self.at, min(self.at + size, len(self.log))
        records = [Record(i, logged_ms(i), self.log[i]) for i in range(first, after)]
        span = Span("sensor-frames", 0, first, after)
        writes = asyncio.run(self._process(Batch(span, records)))
        facts = self.state.take_pending()
        if "clickhouse" in reached and after > self.marks["clickhouse"]:
            self.clickhouse.write(writes.clickhouse)
            self.marks["clickhouse"] = after
        if "postgres" in reached and after > self.marks["postgres"]:
            self.postgres.write(facts)
            self.marks["postgres"] = after
        if "redis" in reached and after > self.marks["redis"]:
            self.marks["redis"] = after
            for command in writes.redis:
                self.redis.run(command)
            self.said += writes.messages
        if len(reached) == len(self.marks):
            self.at = after
        else:
            self.restart()

    async def _process(self, batch: Batch) -> Writes:
        await self.state.load({record.message.user for record in batch.records})
        resources = {
            RawSamples: self.clickhouse,
            StoredReadings: self.clickhouse,
            LiveReader: self,
            Arrivals: Arrivals(Settings()),
        }
        return await sensors.process(batch, Context(self.state, KEYS, resources))

    async def standing(self, users: Sequence[str]) -> list[tuple[Sessions, LiveState]]:
        return [self.redis.standing(user) for user in users]

    def run(self, steps: Sequence[tuple[int, Sequence[str]]]) -> "Worker":
        for size, reached in steps:
            self.step(size, reached)
        while self.at < len(self.log):
            self.step(1_000)
        return self

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What is shown, without what only versions are about."""
        return sorted(
            (
                {name: value for name, value in row.items() if not name.startswith("source_") and value is not None}
                for row in self.clickhouse.shown(table)
            ),
            key=repr,
        )


def logged_ms(offset: int) -> int:
    return T0 // 1_000 + 20_000 + 20_000 * offset


LOG: Final[list[Any]] = [
    frame(0, 60),
    frame(60, 60),
    frame(50, 60),  # cut anew
    frame(30, 60, 1),  # corrected
    frame(70, 20, 2),  # and once more, with fewer samples in the same span
    frame(0, 60, device="strap", workout=1),
    frame(0, 60, workout=None, device="ring"),
    frame(0, 30, user="bea"),
    frame(300, 30),
    deleted(20, 40),
    deleted(100, 400, 1, None),
    deleted(0, 50, 0, "strap", ("heart_rate", "distance")),
]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Any], list[tuple[int, list[str]]]]:
    repeats = draw(st.lists(st.sampled_from(LOG), max_size=6))
    log = draw(st.permutations([*LOG, *repeats]))
    all_stores = ["clickhouse", "postgres", "redis"]
    reached = st.lists(st.sampled_from(all_stores), unique=True) | st.just(all_stores)
    return log, draw(st.lists(st.tuples(st.integers(1, 6), reached), max_size=12))


@given(arrivals())
@settings(max_examples=60, deadline=None)
def test_what_is_stored_is_what_the_log_says_whatever_was_cut_short(
    arrival: tuple[list[Any], list[tuple[int, list[str]]]],
) -> None:
    log, steps = arrival
    worker = Worker(log).run(steps)
    records = [Valid(offset, logged_ms(offset), message) for offset, message in enumerate(log)]
    frames = [record for record in records if isinstance(record.message, hot.SensorFrame)]
    takings = Takings.of(records)
    found, columns = samples.deduplicated(frames, takings)
    for table, expected, key in (
        (SAMPLES, found.table(), samples.SAMPLE_KEY),
        (RR_INTERVALS, wellness.interval_table(wellness.beats_of(frames, takings)), wellness.INTERVAL_KEY),
        (MINUTE_PARTIALS, samples.minute_partials(frames, columns, takings), samples.PART_KEY),
    ):
        assert by_key(worker.clickhouse.shown(table.name), key) == by_key(expected.to_pylist(), key)
    now_s = logged_ms(len(log) - 1) // 1_000
    sessions = live.live_sessions(records, takings, [], [], since_s=now_s + 1)
    for user in ("ada", "bea"):
        held = {id: one for id, one in worker.redis.standing(user)[0].items() if over_s(one.time_us) > now_s}
        expected_of = {id: dict(one.fields) for id, one in sessions.get(user, {}).items()}
        assert {id: msgspec.to_builtins(one) for id, one in held.items()} == expected_of


def by_key(rows: Sequence[dict[str, Any]], key: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    names = ("power_w", "heart_rate_bpm", "distance_m", "n", "power_w_sum", "heart_rate_bpm_max", "heart_rate_count")
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        at = {
            n: v if isinstance(v, int) else round(v.timestamp() * 1e6)
            for n, v in row.items()
            if n in key[1:] and not isinstance(v, str)
        }
        at = {n: v * S if n == "minute" and v < T0 // 1_000 else v for n, v in at.items()}
        values = {n: None if row.get(n) is None or row[n] != row[n] else float(row[n]) for n in names if n in row}
        others: dict[str, Any] = {n: row[n] for n in ("rr_ms", "source_offset") if n in row}
        found[tuple(at.get(n, row[n]) for n in key)] = {**values, **others}
    return found


@given(arrivals())
@settings(max_examples=30, deadline=None)
def test_it_does_not_matter_what_comes_first_nor_how_often(
    arrival: tuple[list[Any], list[tuple[int, list[str]]]],
) -> None:
    worker, plain = Worker(arrival[0]).run(arrival[1]), Worker(LOG).run([])
    for table in READ:
        assert worker.rows(table.name) == plain.rows(table.name)


def test_a_deleted_reading_stays_deleted_when_it_is_sent_again_and_what_is_corrected_comes_back() -> None:
    worker = Worker([frame(0, 60), deleted(0, 60), frame(0, 60), frame(10, 15, 1)]).run(
        [(1, ("clickhouse", "postgres", "redis"))] * 3
    )
    assert [row["power_w"] for row in sorted(worker.clickhouse.shown("samples"), key=lambda r: r["time"])] == [
        1_210.0,
        1_215.0,
        1_220.0,
    ]


def test_the_workouts_of_what_is_deleted_are_named_so_that_they_are_summarised_again() -> None:
    worker = Worker([frame(0, 60), frame(0, 60, device="strap", workout=1), deleted(20, 30, 0, None)])
    worker.step(2)
    worker.said.clear()
    worker.step(1, ["clickhouse"])  # the worker ends before it has said so
    worker.run([])
    again = [message.data for message in worker.said if message.data.frames == 0]
    assert {(data.workout_id, data.first_time, data.samples) for data in again} == {
        (workout, T0 + 20 * S, 2) for workout in WORKOUTS
    }


def test_an_athlete_who_takes_nothing_back_costs_no_look_into_the_store() -> None:
    worker = Worker([frame(0, 60, user="bea"), frame(60, 60, user="bea")])
    worker.clickhouse.under = None  # type: ignore[assignment,method-assign] # asking would fail
    assert len(worker.run([]).clickhouse.shown("samples")) == 24


def test_a_workout_that_is_corrected_frame_by_frame_is_looked_up_once() -> None:
    log = [frame(0, 60), frame(60, 60), *(frame(start, 15, 1) for start in range(0, 120, 15))]
    worker, asked = Worker(log), 0
    look_up = worker.clickhouse.under

    async def counted(user: str, one: Withdrawal) -> Stored:
        nonlocal asked
        asked += 1
        return await look_up(user, one)

    worker.clickhouse.under = counted  # type: ignore[method-assign]
    worker.run([])
    assert asked == 1
    assert {row["revision"] for row in worker.clickhouse.shown("samples")} == {1}


def test_a_deletion_that_is_sent_again_alone_ends_the_session_too() -> None:
    log = [deleted(0, 60), frame(10, 30, 1), deleted(0, 60)]
    for cuts in ([3], [1, 1, 1]):
        worker = Worker(log).run([(size, ("clickhouse", "postgres", "redis")) for size in cuts])
        assert (worker.redis.standing("ada")[0], worker.redis.held()[1]) == ({}, {})


def test_wear_that_is_deleted_is_named_so_that_its_days_are_worked_out_again() -> None:
    worker = Worker([frame(0, 60, workout=None, device="ring"), deleted(20, 30, 0, "ring")])
    worker.step(1)
    worker.said.clear()
    worker.step(1, ["clickhouse"])  # the worker ends before it has said so
    worker.run([])
    (said,) = (message.data for message in worker.said if isinstance(message, hot.WearStored))
    assert (said.first_time, said.last_time, said.samples) == (T0, T0 + 55 * S, 0), "heart beats go frame by frame"
    assert worker.clickhouse.shown("rr_intervals") == []
