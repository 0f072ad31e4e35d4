"""A day of wear is a function of the set of frames: late, resent, overlapping, from any zone, in any batches."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.wellness import BeatFrames
from schemas import hot
from schemas.decode import decoder_for
from schemas.frames import pack_frame, unpack_columns
from sinks.base import Span
from stridelog import topics
from stridelog.batch import Batch, Record
from stridelog.projections.samples import interval_rows, sample_rows, stored
from stridelog.projections.wellness import Wear, WornDay
from stridelog.state import State
from stridelog.wear_reader import Window, Worn
from verification import samples, wellness
from verification.outcomes import Valid
from verification.withdrawals import Takings

HOUR_US = 3_600_000_000
T0 = 1_794_956_400_000_000  # 2026-11-17T23:00Z: midnight in Oslo
EPOCH = date(1970, 1, 1).toordinal()
DECODER = decoder_for(topics.load(prefix="").named("sensor-frames"))


def frame(hour: float, hours: float, *, zone: str = "Europe/Oslo", device: str = "band", seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    n = round(hours * 60)
    columns = {"heart_rate_bpm": 55 + rng.integers(0, 3, n), "rr_ms": 1_050 + rng.integers(-40, 40, int(hours * 3_400))}
    value = pack_frame(
        user="ada",
        device_id=device,
        sequence=1,
        start_us=T0 + round(hour * HOUR_US),
        zone=zone,
        source="test",
        producer="test",
        columns=columns,
        interval_us=60_000_000,
    )
    return DECODER.decode(b"ada", value)


FRAMES = [
    *(frame(hour, 2, seed=hour) for hour in range(0, 14, 2)),
    frame(5, 2, seed=50),  # cut elsewhere
    frame(23.5, 1.5, seed=60),  # over midnight
    frame(25, 11, seed=61),
    frame(3, 1, device="watch", seed=70),
    frame(20, 1, zone="America/New_York", seed=80),  # the last of the first day in Oslo, and of the same day there
]


class Table:
    """Rows as ClickHouse keeps them: of one key the row with the highest offset."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}

    def insert(self, rows: Any, *key: str) -> None:
        for row in rows.columns.to_pylist():
            name = tuple(row[each] for each in key)
            if name not in self.rows or row["source_offset"] >= self.rows[name]["source_offset"]:
                self.rows[name] = row


def us(time: Any) -> int:
    micros: int = round(time.timestamp() * 1_000_000)
    return micros


def worn(window: Window, found: Table, beats: Table) -> Worn:
    """What the reader reads."""
    hearts = {
        us(row["time"]): row["heart_rate_bpm"]
        for row in sorted(found.rows.values(), key=lambda row: row["device_id"])
        if window.first_us <= us(row["time"]) < window.last_us
    }
    times = sorted(hearts)
    devices: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(beats.rows.values(), key=lambda row: us(row["time"])):
        if window.first_us <= us(row["time"]) < window.last_us:
            devices.setdefault(row["device_id"], []).append(row)
    return Worn(
        np.array(times, dtype=np.int64),
        np.array([hearts[at] for at in times]),
        {
            device: BeatFrames(
                np.array([us(row["time"]) for row in rows]),
                np.array([us(row["last_time"]) for row in rows]),
                np.cumsum([0, *(len(row["rr_ms"]) for row in rows)]),
                np.concatenate([row["rr_ms"] for row in rows]).astype(np.float64),
            )
            for device, rows in devices.items()
        },
    )


def days_of(frames: Sequence[Any], cuts: Sequence[int]) -> dict[date, dict[str, Any]]:
    """The table after the frames in batches as ``cuts`` say."""
    found, beats, days = Table(), Table(), Table()
    state = State(None, (WornDay,), 10)
    asyncio.run(state.load(["ada"]))
    first = said = 0
    for size in [*cuts, len(frames)]:
        some = [(first + i, one) for i, one in enumerate(frames[first : first + size])]
        if not some:
            continue
        span = Span("sensor-frames", 0, first, first + len(some))
        first += len(some)
        columns = unpack_columns([one for _, one in some])
        found.insert(sample_rows(some, columns, span), "time", "device_id")
        for rows in interval_rows(some, columns, span):
            beats.insert(rows, "time", "device_id")
        messages = stored(some, columns)
        batch = Batch(
            Span("samples-stored", 0, said, said + len(messages)),
            [Record(said + i, 0, message) for i, message in enumerate(messages)],
        )
        said += len(messages)
        wear = Wear(batch, state)
        wear.take({window: worn(window, found, beats) for window in wear.windows()})
        days.insert(wear.rows(), "local_day")
    return {day: row for (day,), row in days.rows.items()}


def comparable(rows: dict[date, dict[str, Any]]) -> dict[date, dict[str, Any]]:
    return {
        day: {name: value for name, value in row.items() if not name.startswith("source_")} for day, row in rows.items()
    }


@given(st.permutations(FRAMES), st.lists(st.sampled_from(FRAMES), max_size=4), st.lists(st.integers(1, 5), max_size=8))
@settings(max_examples=25, deadline=None)
def test_days_of_wear_do_not_depend_on_the_arrival_of_their_frames(
    arrived: list[Any], again: list[Any], cuts: list[int]
) -> None:
    assert comparable(days_of([*arrived, *again], cuts)) == comparable(days_of(FRAMES, []))


@given(st.permutations(FRAMES))
@settings(max_examples=10, deadline=None)
def test_days_of_wear_are_what_verification_makes_of_the_frames(arrived: list[Any]) -> None:
    valid = [Valid(offset, 0, one) for offset, one in enumerate(arrived)]
    found, _ = samples.deduplicated(valid, Takings())
    table = wellness.day_table(wellness.expected_wear(valid), found, wellness.beats_of(valid, Takings()))
    expected = {date.fromordinal(row["local_day"] + EPOCH): row for row in table.to_pylist()}
    held = days_of(arrived, [2, 3])
    assert held.keys() == expected.keys()
    for day, row in expected.items():
        for name in set(row) - {"user_id", "local_day"}:
            value = None if row[name] != row[name] else row[name]
            assert held[day][name] == value, (day, name)


def test_the_days_are_those_of_where_the_athlete_was_at_the_last_sample() -> None:
    days = days_of(FRAMES, [])
    assert {day.isoformat(): row["zone"] for day, row in days.items()} == {
        "2026-11-18": "Europe/Oslo",
        "2026-11-19": "Europe/Oslo",
    }
    assert all(row["resting_heart_rate_bpm"] for row in days.values())
    assert all(row["ln_rmssd"] for row in days.values())
    westward = days_of([*FRAMES, frame(26, 1, zone="America/New_York")], [])
    assert westward[date(2026, 11, 18)]["zone"] == "America/New_York"


def test_a_batch_without_wear_and_beats_announces_and_writes_none() -> None:
    one = frame(0, 1)
    plain = hot.SensorFrame(
        **{
            name: getattr(one, name)
            for name in ("user", "zone", "source", "producer", "device_id", "sequence", "start", "n", "interval_us")
        },
        workout_id="00000001-0000-4000-8000-000000000000",
        channels=hot.Channels(heart_rate=one.channels.heart_rate),
    )
    columns = unpack_columns([plain])
    assert interval_rows([(0, plain)], columns, Span("sensor-frames", 0, 0, 1)) == []
    assert [type(message) for message in stored([(0, plain)], columns)] == [hot.SamplesStored]


def test_of_readings_that_were_taken_back_the_days_that_they_were_of_are_worked_out_whatever_the_zone() -> None:
    state = State(None, (WornDay,), 10)
    asyncio.run(state.load(["ada"]))
    head: dict[str, Any] = {"user": "ada", "source": "test", "producer": "test", "time": T0}
    began = hot.WearStoredData(local_day=date(2026, 11, 18), first_time=T0, last_time=T0 + HOUR_US, samples=60)
    taken = hot.WearStoredData(local_day=date(2026, 11, 17), first_time=T0, last_time=T0 + 1, samples=0)
    span = Span("samples-stored", 0, 0, 2)
    first = Record(0, 0, hot.WearStored.of(zone="Europe/Oslo", data=began, **head))
    then = Record(1, 0, hot.WearStored.of(zone="UTC", data=taken, **head))
    Wear(Batch(span, [first]), state)
    assert list(Wear(Batch(span, [then]), state).windows()) == [Window("ada", T0, T0 + 24 * HOUR_US)]
    assert list(state.facts("ada", WornDay)) == ["2026-11-18"]
