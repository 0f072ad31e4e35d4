"""Every query of every ClickHouse panel runs, and says something of a small town; some are worked out a second time."""

import asyncio
import io
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest

import agents  # noqa: F401 - declares them
from compose.chfront.engine import Context as Request
from compose.chfront.engine import Engine
from compose.chfront.statement import read_statement
from domain import load
from domain.live import LiveState, Sessions
from domain.track import CHANNELS, NO_SAMPLES, Track, track_from_columns
from domain.wellness import BeatFrames
from schemas import hot
from schemas.decode import decoder_for
from schemas.frames import ListColumn, unpack_columns
from simulator import faults
from simulator.town import Town, TownConfig
from sinks.base import Rows, Span
from sinks.keys import Keys
from sinks.tables import TABLES
from sinks.views import VIEWS
from stridelog import topics
from stridelog.agent import AGENTS, Context
from stridelog.arrivals import Arrivals
from stridelog.batch import Batch, Record, Writes
from stridelog.dashboards.expand import Range, expanded
from stridelog.fusing_file import PrioritiesInForce
from stridelog.privacy_key import PrivacyKey
from stridelog.readers import LiveReader, RawSamples, SamplesReader
from stridelog.settings import Settings
from stridelog.state import State, everyone
from stridelog.wear_reader import WearReader, Window, Worn

pytestmark = pytest.mark.slow

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"
CLICKHOUSE: Final = "grafana-clickhouse-datasource"
DATABASE: Final = "town"
FIRST, LAST = date(2026, 9, 28), date(2026, 11, 1)  # five whole weeks
FRAMES_IN_A_BATCH: Final = 400
USER_EVENTS: Final = frozenset({"UserRegistered", "ProfileChanged"})
OF_SOME_ATHLETES: Final = {  # panels that say nothing of who has no band and no power meter
    "Threshold power and critical power": "threshold_history WHERE kind = 'ftp_w'",
    "Threshold speed": "threshold_history WHERE kind = 'threshold_speed_m_s'",
    "Resting heart rate": "wellness_days WHERE resting_heart_rate_bpm IS NOT NULL",
    "Heart-rate variability at rest": "wellness_days WHERE ln_rmssd IS NOT NULL",
}


# -- Grafana


@dataclass(frozen=True)
class Panel:
    """One query of one panel."""

    dashboard: str
    title: str
    kind: str
    sql: str


def dashboards() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def variables(dashboard: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboards()[dashboard]["templating"].get("list", [])
    return found


def panels() -> list[Panel]:
    return [
        Panel(name, panel["title"], target["queryType"], target["rawSql"])
        for name, board in dashboards().items()
        for panel in board["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == CLICKHOUSE
    ]


@dataclass(frozen=True)
class Answer:
    """What ClickHouse says to a query."""

    types: dict[str, str]
    rows: list[dict[str, Any]]


# -- the town


@dataclass
class TownStore:
    """ClickHouse with a town in it, and what was written."""

    engine: Engine
    frames: list[hot.SensorFrame]
    summaries: dict[str, hot.WorkoutSummarised]  # by workout
    reset_devices: set[str]
    shown: Range

    def ask(self, sql: str) -> Answer:
        context = Request(database=DATABASE, settings={"output_format_json_quote_64bit_integers": "0"})
        said = json.loads(self.engine.run(read_statement(sql.encode(), b""), context, "JSON").output)
        return Answer({column["name"]: column["type"] for column in said["meta"]}, said["data"])

    def insert(self, rows: Rows) -> None:
        table = TABLES[rows.table].conform(rows.columns)
        file = io.BytesIO()
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        head = f"INSERT INTO `{rows.table}` ({', '.join(table.column_names)}) FORMAT Arrow\n"
        self.engine.run(read_statement(head.encode(), file.getvalue()), Request(database=DATABASE), "Null")

    def defaults(self, dashboard: str) -> dict[str, Any]:
        """The dashboard's variables as Grafana sets them for who chooses nothing: All, the default, or the first."""
        values: dict[str, Any] = {}
        for variable in variables(dashboard):
            if variable["includeAll"]:
                values[variable["name"]] = None
            elif variable["type"] == "query":
                values[variable["name"]] = self.options(variable["query"], values)[0]
            else:
                values[variable["name"]] = variable["current"]["value"]
        return values

    def options(self, query: str, values: Mapping[str, Any]) -> list[str]:
        return [next(iter(row.values())) for row in self.ask(expanded(query, self.shown, values)).rows]

    def panel(self, dashboard: str, title: str, **chosen: Any) -> list[dict[str, Any]]:
        [panel] = [p for p in panels() if p.dashboard == dashboard and p.title == title]
        return self.ask(expanded(panel.sql, self.shown, {**self.defaults(dashboard), **chosen})).rows


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownStore]:
    """Five weeks of fourteen athletes, with so many faults that a small town has each of them."""
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    end = start + timedelta(days=(LAST - FIRST).days + 1)
    engine = Engine(tmp_path_factory.mktemp("clickhouse"))
    store = TownStore(engine, [], {}, set(), Range(start, end - timedelta(seconds=1)))
    for ddl in (
        f"CREATE DATABASE {DATABASE}",
        *(t.ddl(DATABASE) for t in TABLES.values()),
        *(v.ddl(DATABASE) for v in VIEWS.values()),
    ):
        engine.run(read_statement(ddl.encode(), b""), Request(), "Null")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faults, "OVERLAP_SHARE", 0.2)
        patch.setattr(faults, "CLOCK_RESET_SHARE", 0.05)
        asyncio.run(_fill(store, _configuration(int(end.timestamp()))))
    yield store
    engine.close()


def _configuration(until_s: int) -> TownConfig:
    """Nothing is taken back: what is stored under it would be looked up on a server."""
    return TownConfig(
        seed=3,
        athletes=14,
        first_day=FIRST,
        until_us=until_s * 1_000_000,
        sampling_s=10,
        samples_per_frame=30,
        faults=faults.Faults(upstream_delete=False, upstream_edit=False),
    )


async def _fill(store: TownStore, config: TownConfig) -> None:
    """Put the town's messages through the agents that write to ClickHouse."""
    decoders = {name: decoder_for(topic) for topic in topics.load() for name in topic.messages}
    said: list[Any] = []
    worn: list[hot.WearStored] = []
    town = Town(config)
    town.people[0] = replace(town.people[0], night_device="band")  # of fourteen it may be none
    for dispatch in town.messages():
        if dispatch.dead is not None:
            continue
        message = decoders[dispatch.type].decode(dispatch.key, dispatch.value)
        if isinstance(message, hot.SensorFrame):
            store.frames.append(message)
            if dispatch.fault == "clock_reset":
                store.reset_devices.add(message.device_id)
        else:
            said.append(message)
    for first in range(0, len(store.frames), FRAMES_IN_A_BATCH):
        frames = store.frames[first : first + FRAMES_IN_A_BATCH]
        resources = {
            RawSamples: RawSamples(Settings()),
            Arrivals: Arrivals(Settings()),
            LiveReader: NobodyLive(),
        }
        stored = await _taken("sensors", frames, first, resources)
        worn += [message for message in stored.messages if isinstance(message, hot.WearStored)]
        for rows in stored.clickhouse:
            store.insert(rows)
    read = {name for topic in topics.load().inputs_of("workouts") for name in topic.messages}
    facts = [message for message in said if message.type in read]
    reading = {
        SamplesReader: Tracks(store.frames),
        PrivacyKey: PrivacyKey(Settings()),
        PrioritiesInForce: PrioritiesInForce(Settings()),
    }
    written = await _taken("workouts", facts, 0, reading)
    summaries = [message for message in written.messages if isinstance(message, hot.WorkoutSummarised)]
    store.summaries = {summary.data.workout_id: summary for summary in summaries}
    words = [message for message in said if isinstance(message, hot.SegmentDefined | hot.SegmentRemoved)]
    zones = [message for message in said if isinstance(message, hot.PrivacyZoneSet | hot.PrivacyZoneRemoved)]
    passes = await _taken("segments", [*words, *zones, *summaries], 0, reading)
    efforts = [message for message in passes.messages if isinstance(message, hot.SegmentEffortsFound)]
    readers: dict[str, dict[type[Any], Any]] = {"wellness": {WearReader: Nights(store.frames)}}
    for name, messages in (
        ("leaderboards", summaries),
        ("thresholds", summaries),
        ("thresholds", [message for message in said if message.type in USER_EVENTS]),
        ("wellness", worn),
        ("segment_boards", [*words, *efforts]),
    ):
        for rows in (await _taken(name, messages, 0, readers.get(name, {}))).clickhouse:
            store.insert(rows)


async def _taken(name: str, messages: Sequence[Any], first: int, resources: dict[type[Any], Any]) -> Writes:
    """What an agent writes because of messages, as one batch."""
    records = [Record(offset, 0, message) for offset, message in enumerate(messages, start=first)]
    state = State(None, AGENTS[name].facts, cached_facts=0, always=[everyone(0)])
    await state.load({message.user for message in messages})
    batch = Batch(Span("town", 0, first, first + len(records)), records)
    return await AGENTS[name].process(batch, Context(state, Keys(DATABASE), resources))


class NobodyLive:
    """No session stands in Redis; which are live is nothing that a dashboard shows."""

    async def standing(self, users: Sequence[str]) -> list[tuple[Sessions, LiveState]]:
        return [({}, LiveState()) for _ in users]


class Tracks:
    """The samples of workouts, from the town's frames."""

    def __init__(self, frames: Sequence[hot.SensorFrame]) -> None:
        self._frames: defaultdict[tuple[str, str], list[hot.SensorFrame]] = defaultdict(list)
        for frame in frames:
            self._frames[frame.user, frame.workout_id or ""].append(frame)

    async def tracks(
        self, keys: Iterable[tuple[str, str]], _: Sequence[str] = CHANNELS
    ) -> AsyncIterator[dict[tuple[str, str], Track]]:
        for key in keys:
            yield {key: self._track(key)}

    async def tracks_together(
        self, groups: Iterable[Sequence[tuple[str, str]]]
    ) -> AsyncIterator[dict[tuple[str, str], Track]]:
        for group in groups:
            yield {key: self._track(key) for key in group}

    def _track(self, key: tuple[str, str]) -> Track:
        if key not in self._frames:
            return NO_SAMPLES
        columns = unpack_columns(self._frames[key])
        channels = {name: values.astype(np.float64) for name, values in columns.values.items()}
        return track_from_columns(columns.time_us, **channels)


class Nights:
    """What is worn at night, from the town's frames, none of which goes over midnight."""

    def __init__(self, frames: Sequence[hot.SensorFrame]) -> None:
        found = {(frame.user, frame.start): frame for frame in frames if frame.workout_id is None}
        self._frames = [found[key] for key in sorted(found)]

    async def windows(self, wanted: Iterable[Window]) -> AsyncIterator[dict[Window, Worn]]:
        for window in wanted:
            yield {window: self._worn(window)}

    def _worn(self, window: Window) -> Worn:
        frames = [f for f in self._frames if f.user == window.user and window.first_us <= f.start < window.last_us]
        columns = unpack_columns(frames)
        beats = columns.lists.get("rr_ms", ListColumn(np.empty(0), np.zeros(len(frames) + 1, dtype=np.int64)))
        starts = np.array([frame.start for frame in frames])
        band = BeatFrames(starts, starts + 3_570_000_000, beats.offsets, beats.values.astype(np.float64))
        return Worn(columns.time_us, columns.values["heart_rate_bpm"].astype(np.float64), {"band": band})


# -- every panel


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: f"{panel.dashboard}: {panel.title}")
def test_every_panel_says_something_of_the_town(town: TownStore, panel: Panel) -> None:
    values = town.defaults(panel.dashboard)
    if panel.title in OF_SOME_ATHLETES:
        [row] = town.ask(f"SELECT min(user_id) AS user FROM {OF_SOME_ATHLETES[panel.title]}").rows  # noqa: S608
        values |= row
    answer = town.ask(expanded(panel.sql, town.shown, values))
    assert answer.rows
    names = list(answer.types)
    if panel.kind == "timeseries":
        assert answer.types[names[0]].startswith("DateTime"), "Grafana takes the first column of times"
        times = [row[names[0]] for row in answer.rows]
        assert times == sorted(times)
        keys = [tuple(v for n, v in row.items() if n == names[0] or isinstance(v, str)) for row in answer.rows]
        assert len(set(keys)) == len(keys), "a line has one value at a time"
    figures = [value for row in answer.rows for value in row.values() if isinstance(value, int | float)]
    assert figures
    assert any(figures) or panel.title == "Rows sent again", "all is 0: the query or the town is too small"


@pytest.mark.parametrize("dashboard", dashboards())
def test_every_variable_has_values_to_choose_from(town: TownStore, dashboard: str) -> None:
    values = town.defaults(dashboard)
    for variable in variables(dashboard):
        if variable["type"] == "query" and variable["datasource"]["type"] == CLICKHOUSE:
            assert town.options(variable["query"], values)


# -- some again


def counted(town: TownStore) -> list[hot.WorkoutSummarised]:
    return [summary for summary in town.summaries.values() if summary.data.status == "counted"]


def test_fitness_fatigue_and_form_are_those_of_the_domain(town: TownStore) -> None:
    user = town.defaults("training")["user"]
    facts = [(s.data.local_day, s.data.summary.load) for s in counted(town) if s.user == user and s.data.summary]
    first = min(day for day, _ in facts)
    daily = load.daily_loads(facts, first, LAST)
    rows = town.panel("training", "Fitness, fatigue and form")
    assert [row["midnight"] for row in rows] == [f"{first + timedelta(days=n)} 00:00:00" for n in range(len(daily))]
    for name, expected in (
        ("fitness", load.fitness(daily)),
        ("fatigue", load.fatigue(daily)),
        ("form", load.form(daily)),
    ):
        np.testing.assert_allclose([row[name] for row in rows], expected, rtol=1e-9, atol=1e-9, err_msg=name)
    [now] = town.panel("training", "At the end of the dashboard's time")
    assert now["form"] == pytest.approx(load.form(daily)[-1])
    assert now["acute_load"] == pytest.approx(load.rolling_sum(daily, load.ACUTE_DAYS)[-1])


def test_what_came_before_the_dashboards_time_counts_in_fitness(town: TownStore) -> None:
    whole = town.panel("training", "Fitness, fatigue and form")
    user = town.defaults("training")["user"]
    later = Range(town.shown.start + timedelta(days=20), town.shown.end)
    [panel] = [p for p in panels() if p.title == "Fitness, fatigue and form"]
    rows = town.ask(expanded(panel.sql, later, {"user": user})).rows
    assert len(rows) == len(whole) - 20 + (whole[0]["midnight"] > f"{FIRST} 00:00:00")
    assert rows == whole[-len(rows) :]


def test_an_athlete_without_workouts_has_no_fitness(town: TownStore) -> None:
    assert town.panel("training", "Fitness, fatigue and form", user="nobody") == []
    assert town.panel("training", "At the end of the dashboard's time", user="nobody") == []


def of_two_devices(town: TownStore) -> str:
    """An athlete of whom a workout was recorded by two devices."""
    return min(s.user for s in town.summaries.values() if s.data.status == "duplicate")


def test_load_by_day_is_of_workouts_that_count(town: TownStore) -> None:
    user = of_two_devices(town)
    expected: defaultdict[tuple[str, str], float] = defaultdict(float)
    for s in counted(town):
        if s.user == user and s.data.summary:
            expected[f"{s.data.local_day} 00:00:00", s.data.sport] += s.data.summary.load
    rows = town.panel("training", "Load by day and sport", user=user)
    assert {(row["midnight"], row["sport"]): row["load"] for row in rows} == pytest.approx(dict(expected))


def minutes_of(town: TownStore) -> set[tuple[str, str, int]]:
    """The (user, device, minute) of every sample in the dashboard's time."""
    columns = unpack_columns(town.frames)
    start, end = (int(t.timestamp()) for t in (town.shown.start, town.shown.end))
    minutes = columns.time_us // 60_000_000
    found = {
        (town.frames[f].user, town.frames[f].device_id, int(m)) for f, m in zip(columns.frame, minutes, strict=True)
    }
    return {key for key in found if start <= key[2] * 60 <= end}


def test_wear_time_counts_a_minute_once_however_often_it_was_sent(town: TownStore) -> None:
    worn = minutes_of(town)
    [total] = town.panel("ingestion", "Wear time")
    assert total["wear_s"] == 60 * len(worn)
    device = sorted({device for _, device, _ in worn})[0]
    [chosen] = town.panel("ingestion", "Wear time", device=[device])
    assert chosen["wear_s"] == 60 * sum(device == d for _, d, _ in worn)


def test_overlaps_are_what_minutes_leave_out(town: TownStore) -> None:
    [left_out] = town.ask(
        "SELECT (SELECT sum(n) FROM minute_partials FINAL) - (SELECT sum(n) FROM minute_rollups) AS samples"
    ).rows
    before = town.ask("SELECT count() AS n FROM minute_partials WHERE minute < '2026-09-28'").rows[0]["n"]
    assert before, "the town has no clock that was reset"
    rows = town.panel("ingestion", "By device")
    assert 0 < sum(row["in_overlaps"] for row in rows) <= left_out["samples"]
    assert all(0 <= row["in_overlaps"] < row["samples"] for row in rows)


def test_clock_faults_are_those_of_the_devices_whose_clock_was_reset(town: TownStore) -> None:
    rows = town.panel("ingestion", "Clock faults")
    alive = {s.data.workout_id for s in town.summaries.values() if s.data.status != "deleted"}
    reset = {
        f.device_id
        for f in town.frames
        if f.device_id in town.reset_devices and f.workout_id in alive and f.start < town.shown.start.timestamp() * 1e6
    }
    assert {row["device"] for row in rows if row["earliest"] < "2020"} == reset
    assert reset


def test_a_clock_is_wrong_before_and_after_the_workout_and_ten_seconds_are_forgiven(town: TownStore) -> None:
    began, ended = datetime(2030, 1, 1, 10, tzinfo=UTC), datetime(2030, 1, 1, 11, tzinfo=UTC)  # when the town is over
    columns = TABLES["workouts"].columns
    empty = {column.name: "" if "String" in column.type else 0 for column in columns if not column.optional}
    source = {"user_id": "hand", "workout_id": "w", "device_id": "watch", "source_partition": 0, "source_offset": 0}
    workout = {**empty, **source, "start": began, "end": ended, "local_day": began.date()}
    workout |= {"sample_count": 4, "ranked": 1, "deleted": 0}
    town.insert(Rows("workouts", pa.Table.from_pylist([workout], schema=TABLES["workouts"].schema)))
    off_s = ((began, -11), (began, -10), (ended, 10), (ended, 11))
    samples = [{**source, "time": time + timedelta(seconds=seconds)} for time, seconds in off_s]
    town.insert(Rows("samples", pa.Table.from_pylist(samples, schema=TABLES["samples"].schema)))
    [panel] = [p for p in panels() if p.title == "Clock faults"]
    [row] = town.ask(expanded(panel.sql, Range(began, ended), {"device": None})).rows
    assert (row["device"], row["workouts"], row["samples"]) == ("watch", 1, 2)
    assert row["earliest"].startswith("2030-01-01 09:59:49")
    assert row["latest"].startswith("2030-01-01 11:00:11")


def test_a_board_is_ranked_from_the_highest_score(town: TownStore) -> None:
    chosen = {"metric": "distance", "sport": "all", "period": "month", "period_key": "2026-10"}
    rows = town.panel("leaderboards", "Board", **chosen)
    expected: defaultdict[str, float] = defaultdict(float)
    for s in counted(town):
        others_see = s.data.shown.summary if s.data.shown else s.data.summary
        if others_see and not s.data.private and f"{s.data.local_day:%Y-%m}" == "2026-10":
            expected[s.user] += others_see.distance_m
    assert {row["athlete"]: row["score"] for row in rows} == pytest.approx(
        {user: metres for user, metres in expected.items() if metres}, abs=0.5
    )
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert {row["unit"] for row in rows} == {"m"}


def test_athletes_of_a_week_are_new_kept_or_back(town: TownStore) -> None:
    weeks: defaultdict[str, set[date]] = defaultdict(set)
    for s in counted(town):
        day = s.data.local_day
        weeks[s.user].add(day - timedelta(days=day.weekday()))
    expected: defaultdict[tuple[str, str], int] = defaultdict(int)
    for active in weeks.values():
        for week in active:
            kept = week - timedelta(days=7) in active
            standing = "new" if week == min(active) else "kept" if kept else "back"
            if week <= LAST:  # east of UTC the day after has begun
                expected[f"{week} 00:00:00", standing] += 1
    rows = town.panel("social", "Athletes by week: new, kept, back")
    assert {(row["week"], row["standing"]): row["athletes"] for row in rows} == expected


def test_zones_hold_every_minute_with_a_heart_rate_once(town: TownStore) -> None:
    user = of_two_devices(town)
    rows = town.panel("training", "Time in heart-rate zones by week", user=user)
    sql = (
        "SELECT uniqExact(minute) AS n FROM minute_partials WHERE workout_id != '' AND heart_rate_count > 0 "
        "AND user_id = ${user:sqlstring} AND $__timeFilter(minute)"
    )
    [minutes] = town.ask(expanded(sql, town.shown, {"user": user})).rows
    assert sum(row["held"] for row in rows) == 60 * minutes["n"]
    assert {row["zone"] for row in rows} <= {f"zone {n}" for n in range(1, 6)}
    all_low = town.panel("training", "Time in heart-rate zones by week", user=user, hr_max="400")
    assert {row["zone"] for row in all_low} == {"zone 1"}


def test_a_minute_that_two_devices_measured_is_in_the_zone_of_the_higher_mean(town: TownStore) -> None:
    minute = datetime(2030, 1, 1, 10, tzinfo=UTC)  # when the town is over
    columns = TABLES["minute_partials"].columns
    numbers = {column.name: 0 for column in columns if not column.optional and column.type != "String"}
    for device, heart_rate in (("strap", 180.0), ("watch", 100.0)):
        row = {**numbers, "user_id": "hand", "workout_id": "w", "device_id": device, "minute": minute}
        row |= {"frame_start": minute, "seconds_mask": 1, "n": 1, "heart_rate_count": 1}
        row["heart_rate_bpm_sum"] = heart_rate
        town.insert(Rows("minute_partials", pa.Table.from_pylist([row], schema=TABLES["minute_partials"].schema)))
    [panel] = [p for p in panels() if p.title == "Time in heart-rate zones by week"]
    sql = expanded(panel.sql, Range(minute, minute + timedelta(hours=1)), {"user": "hand", "hr_max": "200"})
    # 180 of 200 is 90 %, the lower edge of zone 5. 2030-01-01 is a Tuesday.
    assert town.ask(sql).rows == [{"week": "2029-12-31 00:00:00", "zone": "zone 5", "held": 60}]
