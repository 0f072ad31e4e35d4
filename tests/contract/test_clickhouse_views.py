"""What the views of ``sinks/views.py`` say of the rows below them."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sinks.base import Rows, TopicPartition
from sinks.columns import Table
from sinks.tables import MINUTE_PARTIALS, TABLES

from .store_clickhouse import ClickHouse

pytestmark = [pytest.mark.anyio, pytest.mark.stack]

MINUTE = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CHANNELS = ("heart_rate_bpm", "cadence_rpm", "power_w", "speed_m_s", "altitude_m")


@pytest.fixture
async def clickhouse(tmp_path: Path, anyio_backend: str) -> AsyncIterator[ClickHouse]:
    store = ClickHouse(tmp_path)
    await store.create()
    yield store
    await store.drop()


async def insert(store: ClickHouse, table: Table, rows: list[dict[str, Any]]) -> None:
    sink = store.sink()
    await sink.open()
    await sink.claim([store.source])
    await sink.write([Rows(table.name, pa.Table.from_pylist(rows, schema=table.schema))], store.span(0, len(rows)))
    await sink.close()


def partial(offset: int, *, seconds: range, minute: datetime = MINUTE, frame: int = 0, **more: Any) -> dict[str, Any]:
    """What a frame of one sample a second says of a minute, with a heart rate of 100 + second and nothing else."""
    rates = [100.0 + second for second in seconds]
    row: dict[str, Any] = {f"{channel}_sum": 0.0 for channel in CHANNELS}
    row |= {f"{channel.rsplit('_', 1 + (channel == 'speed_m_s'))[0]}_count": 0 for channel in CHANNELS}
    return row | {
        "user_id": "ann",
        "minute": minute,
        "device_id": "watch",
        "workout_id": "w",
        "frame_start": minute + timedelta(milliseconds=frame),
        "seconds_mask": sum(1 << second for second in seconds),
        "n": len(seconds),
        "heart_rate_bpm_sum": sum(rates),
        "heart_rate_bpm_min": min(rates),
        "heart_rate_bpm_max": max(rates),
        "heart_rate_count": len(rates),
        "distance_m": 3.0 * len(seconds),
        "source_partition": 0,
        "source_offset": offset,
        **more,
    }


async def rollups(store: ClickHouse, what: str, where: str = "1") -> list[tuple[Any, ...]]:
    query = f"SELECT {what} FROM {{db}}.minute_rollups WHERE {where} ORDER BY user_id, minute, device_id"  # noqa: S608
    return await store.query(query)


async def test_frames_that_share_no_second_add_up(clickhouse: ClickHouse) -> None:
    halves = [partial(0, seconds=range(0, 30), frame=0), partial(1, seconds=range(30, 60), frame=30_000)]
    await insert(clickhouse, MINUTE_PARTIALS, halves)
    assert await rollups(clickhouse, "n, seconds, heart_rate_bpm_mean, heart_rate_bpm_max, distance_m, workout_id") == [
        (60, 60, 129.5, 159.0, 180.0, "w")
    ]


async def test_an_overlapping_frame_counts_only_if_it_is_the_larger(clickhouse: ClickHouse) -> None:
    frames = [partial(0, seconds=range(0, 20), frame=0), partial(1, seconds=range(10, 60), frame=10_000)]
    await insert(clickhouse, MINUTE_PARTIALS, frames)
    assert await rollups(clickhouse, "n, heart_rate_bpm_min, heart_rate_count") == [(50, 110.0, 50)]


async def test_of_frames_of_one_size_the_earlier_counts(clickhouse: ClickHouse) -> None:
    frames = [partial(0, seconds=range(5, 35), frame=5_000), partial(1, seconds=range(0, 30), frame=0)]
    await insert(clickhouse, MINUTE_PARTIALS, frames)
    assert await rollups(clickhouse, "n, heart_rate_bpm_min") == [(30, 100.0)]


async def test_a_frame_that_is_sent_again_counts_once_and_its_last_version_wins(clickhouse: ClickHouse) -> None:
    frame = partial(0, seconds=range(0, 30))
    await insert(clickhouse, MINUTE_PARTIALS, [frame, {**frame, "distance_m": 50.0, "source_offset": 7}, frame])
    assert await rollups(clickhouse, "n, distance_m") == [(30, 50.0)]


async def test_a_tombstone_hides_a_part_also_from_an_older_one_that_comes_after_it(clickhouse: ClickHouse) -> None:
    frame = partial(0, seconds=range(0, 30))
    sink = clickhouse.sink()
    await sink.open()
    await sink.claim([clickhouse.source])
    steps = [
        ({**frame, "source_offset": 5}, [(30,)]),
        ({**frame, "deleted": 1, "source_offset": 7}, []),
        ({**frame, "source_offset": 6}, []),
        ({**frame, "revision": 1, "source_offset": 7}, [(30,)]),  # of one offset the later insert counts
        ({**frame, "deleted": 1, "source_offset": 9}, []),
    ]
    for number, (row, shown) in enumerate(steps):
        rows = Rows(MINUTE_PARTIALS.name, pa.Table.from_pylist([row], schema=MINUTE_PARTIALS.schema))
        await sink.write([rows], clickhouse.span(number, number + 1))
        assert await rollups(clickhouse, "n") == shown
        await clickhouse.client.command(f"OPTIMIZE TABLE `{clickhouse.settings.namespace}`.minute_partials FINAL")
        assert await rollups(clickhouse, "n") == shown, "the server has merged them"
    await sink.close()


async def test_rows_that_name_no_revision_go_in_one_insert_with_rows_that_do(clickhouse: ClickHouse) -> None:
    sink = clickhouse.sink()
    sources = [TopicPartition(clickhouse.source.topic, number) for number in range(3)]
    await sink.open()
    await sink.claim(sources)
    tables = [
        pa.Table.from_pylist([{**partial(0, seconds=range(0, 30), frame=number), "user_id": f"user-{number}"}])
        for number in range(2)
    ]
    gone = {"revision": 2, "deleted": 1, "user_id": "user-2"}
    tables.append(pa.Table.from_pylist([{**partial(0, seconds=range(0, 30)), **gone}]))
    writes = (
        sink.write([Rows(MINUTE_PARTIALS.name, table)], clickhouse.span(0, 1, source))
        for source, table in zip(sources, tables, strict=True)
    )
    await asyncio.gather(*writes)  # the first goes alone, the others together
    await sink.close()
    assert await clickhouse.query("SELECT user_id, revision FROM {db}.minute_partials FINAL ORDER BY user_id") == [
        ("user-0", 0),
        ("user-1", 0),
    ]


async def test_a_channel_without_samples_is_null(clickhouse: ClickHouse) -> None:
    await insert(clickhouse, MINUTE_PARTIALS, [partial(0, seconds=range(0, 30))])
    assert await rollups(clickhouse, "power_w_mean, power_w_min, power_w_max, power_count") == [(None, None, None, 0)]


async def test_rollups_are_the_greedy_choice_of_frames(clickhouse: ClickHouse) -> None:
    seed = 20261124
    print("seed", seed)
    chance = random.Random(seed)
    rows = []
    for offset in range(400):
        first = chance.randrange(0, 60)
        rows.append(
            partial(
                offset,
                seconds=range(first, min(60, first + chance.randrange(1, 40))),
                minute=MINUTE + timedelta(minutes=chance.randrange(20)),
                frame=chance.randrange(60_000),
                device_id=chance.choice(["watch", "strap"]),
            )
        )
    await insert(clickhouse, MINUTE_PARTIALS, rows)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["user_id"], row["minute"], row["device_id"]].append(row)
    expected = []
    for (_, minute, device), frames in sorted(groups.items(), key=lambda group: group[0]):
        taken, n, total = 0, 0, 0.0
        for frame in sorted(frames, key=lambda frame: (-frame["n"], frame["frame_start"])):
            if not taken & frame["seconds_mask"]:
                taken |= frame["seconds_mask"]
                n += frame["n"]
                total += frame["distance_m"]
        expected.append((minute.replace(tzinfo=None), device, n, total))
    found = await rollups(clickhouse, "minute, device_id, n, distance_m")
    assert [(minute.replace(tzinfo=None), *rest) for minute, *rest in found] == expected


async def test_a_board_ranks_by_score_and_then_by_who_got_there_first(clickhouse: ClickHouse) -> None:
    def score(user: str, value: float, minute: int, **more: Any) -> dict[str, Any]:
        row = clickhouse.row(0, 0).columns.to_pylist()[0]
        return {**row, "user_id": user, "score": value, "achieved_at": MINUTE + timedelta(minutes=minute), **more}

    rows = [
        score("ann", 10.0, 5),
        score("bob", 20.0, 5),
        score("cyd", 10.0, 1),
        score("dan", 10.0, 5),
        score("eve", 99.0, 0, deleted=1),
        score("fay", 5.0, 0),
        score("gus", 500.0, 0, sport="cycling"),
    ]
    await insert(clickhouse, TABLES["board_scores"], rows)
    board = await clickhouse.query(
        "SELECT rank, user_id FROM {db}.boards WHERE metric = 'distance' AND sport = 'all' AND period = 'all' "
        "AND period_key = 'all' ORDER BY rank, user_id"
    )
    assert board == [(1, "bob"), (2, "cyd"), (3, "ann"), (3, "dan"), (5, "fay")]


async def test_where_less_is_better_the_least_score_is_first(clickhouse: ClickHouse) -> None:
    row = {**clickhouse.row(0, 0).columns.to_pylist()[0], "metric": "fastest_5_km", "less_is_better": 1}
    rows = [{**row, "user_id": user, "score": seconds} for user, seconds in (("ann", 1500.0), ("bob", 1400.5))]
    await insert(clickhouse, TABLES["board_scores"], rows)
    board = await clickhouse.query("SELECT rank, user_id FROM {db}.boards WHERE metric = 'fastest_5_km' ORDER BY rank")
    assert board == [(1, "bob"), (2, "ann")]


def part(user: str, score: float, seconds: int, *, group: str = "", revision: int = 1, **more: Any) -> dict[str, Any]:
    """What somebody has of a challenge, reached so many seconds after a minute."""
    return {
        "challenge_id": "c",
        "user_id": user,
        "group_id": group,
        "score": score,
        "achieved_at": MINUTE + timedelta(seconds=seconds),
        "workouts": 1,
        "target": 30.0,
        "less_is_better": 0,
        "reached_at": None,
        "deleted": 0,
        "revision": revision,
        "source_partition": 0,
        "source_offset": 100 - revision,
        **more,
    }


RANKS = "SELECT rank, user_id FROM {db}.challenge_ranks WHERE challenge_id = 'c' ORDER BY rank, user_id"


async def test_a_challenge_ranks_by_score_and_then_by_who_got_there_first(clickhouse: ClickHouse) -> None:
    rows = [
        *(part("ann", 10.0, 5), part("bob", 20.0, 5), part("cyd", 10.0, 1), part("dan", 10.0, 5), part("fay", 0.0, 0)),
        part("eve", 99.0, 0, deleted=1),
        part("gus", 99.0, 0, challenge_id="other"),
    ]
    await insert(clickhouse, TABLES["challenge_scores"], rows)
    assert await clickhouse.query(RANKS) == [(1, "bob"), (2, "cyd"), (3, "ann"), (3, "dan"), (5, "fay")]


async def test_in_a_challenge_of_times_who_has_none_yet_is_last(clickhouse: ClickHouse) -> None:
    rows = [part(user, seconds, 1, less_is_better=1) for user, seconds in (("ann", 0.0), ("bob", 15.0), ("cyd", 14.0))]
    await insert(clickhouse, TABLES["challenge_scores"], rows)
    assert await clickhouse.query(RANKS) == [(1, "cyd"), (2, "bob"), (3, "ann")]


async def test_of_the_rows_of_one_part_the_greatest_revision_counts_whatever_the_offsets(
    clickhouse: ClickHouse,
) -> None:
    rows = [part("ann", 2.0, 1, revision=7), part("ann", 1.0, 1, revision=6), part("bob", 1.5, 1)]
    await insert(clickhouse, TABLES["challenge_scores"], rows)
    assert await clickhouse.query(RANKS) == [(1, "ann"), (2, "bob")]


async def test_teams_rank_by_the_sum_of_their_members_and_then_by_who_got_there_first(clickhouse: ClickHouse) -> None:
    rows = [
        *(part("ann", 10.1, 5, group="x"), part("bob", 19.9, 7, group="x"), part("cyd", 30.0, 6, group="y")),
        *(part("dan", 29.99, 1, group="z"), part("eve", 99.0, 1), part("fay", 9.0, 1, group="z", deleted=1)),
    ]
    await insert(clickhouse, TABLES["challenge_scores"], rows)
    teams = await clickhouse.query(
        "SELECT rank, group_id, score, members, workouts, reached FROM {db}.challenge_teams WHERE challenge_id = 'c' "
        "ORDER BY rank"
    )
    assert teams == [(1, "y", 30.0, 1, 1, 1), (2, "x", 30.0, 2, 2, 1), (3, "z", 29.99, 1, 1, 0)]


async def test_the_board_of_a_segment_ranks_whole_seconds_and_then_who_got_there_first(clickhouse: ClickHouse) -> None:
    def effort(user: str, start_s: float, elapsed_s: float, **more: Any) -> dict[str, Any]:
        start = MINUTE + timedelta(seconds=start_s)
        times = {"start": start, "end": start + timedelta(seconds=elapsed_s), "elapsed_s": elapsed_s}
        row = {
            "segment_id": "hill",
            "user_id": user,
            "workout_id": f"{user}{start_s}",
            "covered": 1.0,
            "hidden": 0,
            "deleted": 0,
        }
        return {**row, **times, "source_partition": 0, "source_offset": 0, **more}

    rows = [
        effort("ann", 500, 100.4),
        effort("bob", 0, 99.6),
        effort("bob", 900, 120.0),
        effort("cyd", 500, 100.4),
        effort("dan", 0, 101.0),
        effort("dan", 50, 10.0, deleted=1),
        effort("dan", 90, 20.0, hidden=1),
        effort("gus", 90, 20.0, hidden=1),
        effort("eve", 9_000, 90.0),
        effort("fay", 0, 1.0, segment_id="lane"),
    ]
    await insert(clickhouse, TABLES["segment_efforts"], rows)
    ranked = await clickhouse.query(
        "SELECT rank, user_id, elapsed_s, efforts FROM {db}.segment_board WHERE segment_id = 'hill' "
        "ORDER BY rank, user_id"
    )
    assert ranked == [(1, "eve", 90, 1), (2, "bob", 100, 2), (3, "ann", 100, 1), (3, "cyd", 100, 1), (5, "dan", 101, 1)]
    keys = await used_keys(clickhouse, "SELECT * FROM {db}.segment_board WHERE segment_id = 'hill'")
    assert "segment_id in " in keys, keys


async def used_keys(store: ClickHouse, query: str) -> str:
    """The plan's lines about the primary key."""
    text = "\n".join(line for (line,) in await store.query(f"EXPLAIN indexes = 1 {query}"))
    return text[text.find("PrimaryKey") :] if "PrimaryKey" in text else text


async def test_reading_one_board_reads_only_its_part_of_the_table(clickhouse: ClickHouse) -> None:
    await insert(clickhouse, TABLES["board_scores"], clickhouse.row(0, 0).columns.to_pylist())
    keys = await used_keys(
        clickhouse,
        "SELECT * FROM {db}.boards WHERE metric = 'distance' AND sport = 'all' AND period = 'all' "
        "AND period_key = 'all'",
    )
    assert all(f"{name} in " in keys for name in ("metric", "sport", "period", "period_key")), keys


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM {db}.challenge_ranks WHERE challenge_id = 'c'",
        "SELECT * FROM {db}.challenge_teams WHERE challenge_id = 'c'",
    ],
)
async def test_reading_one_challenge_reads_only_its_part_of_the_table(clickhouse: ClickHouse, query: str) -> None:
    await insert(clickhouse, TABLES["challenge_scores"], [part("ann", 1.0, 1)])
    keys = await used_keys(clickhouse, query)
    assert "challenge_id in " in keys, keys


async def test_reading_one_users_minutes_reads_only_their_part_of_the_table(clickhouse: ClickHouse) -> None:
    await insert(clickhouse, MINUTE_PARTIALS, [partial(0, seconds=range(0, 30))])
    keys = await used_keys(
        clickhouse, "SELECT * FROM {db}.minute_rollups WHERE user_id = 'ann' AND minute >= '2026-11-24 10:00:00'"
    )
    assert "user_id in " in keys, keys
    assert "minute in " in keys, keys


async def test_a_column_that_a_table_of_an_older_version_lacks_is_added(clickhouse: ClickHouse) -> None:
    row = clickhouse.row(0, 7)
    await insert(clickhouse, TABLES["board_scores"], row.columns.to_pylist())
    await clickhouse.query("DROP TABLE {db}.board_changes_noted SYNC")  # an older version does not have it either
    await clickhouse.query("ALTER TABLE {db}.board_scores DROP COLUMN workouts")
    sink = clickhouse.sink()
    await sink.open()
    await sink.claim([clickhouse.source])
    await sink.write([clickhouse.row(1, 8)], clickhouse.span(1, 2))
    await sink.close()
    assert await clickhouse.query("SELECT user_id, workouts FROM {db}.boards ORDER BY user_id") == [("0", 0), ("1", 1)]
