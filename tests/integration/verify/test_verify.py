"""Verify is not blind: whatever is damaged in a store is reported, and nothing else is."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from deltalake import DeltaTable

from schemas import hot
from schemas.decode import decoder_for, encode
from sinks.keys import Keys
from sinks.lake import Lake
from sinks.tables import TABLES
from stridelog import topics as topic_table
from verification.report import Report
from verification.run import SINKS
from verification.tally import KINDS

from .conftest import NOBODY, Corrupt, Place

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SCORED = ("WorkoutSummarised", "FeaturesComputed", "InjuryRiskScored", "RecommendationsReady")
Undo = Callable[[], object]


def wrong(report: Report) -> dict[str, dict[str, int]]:
    """The differences by store and kind."""
    kinds = ("missing", "extra", "different")
    found = {name: {k: getattr(t, k) for k in kinds if getattr(t, k)} for name, t in report.sinks.items()}
    return {name: counts for name, counts in found.items() if counts}


def test_after_a_simulation_every_store_holds_what_the_log_says(town: Place) -> None:
    report = town.verify()
    assert report.ok
    assert wrong(report) == {}
    empty = {name for name, tally in report.sinks.items() if not tally.expected}
    rare = {"topic.lookalikes", "clickhouse.lookalikes"}  # in a town as small as this; test_integrity.py has some
    assert empty <= {"redis.live", "redis.live-boards"} | rare, "a check that compares nothing proves nothing"
    assert report.dead >= 1
    assert set(report.as_json()["sinks"]) == set(SINKS)


# -- ClickHouse


def _row(place: Place, table: str, where: str = "1") -> pa.Table:
    columns = ", ".join(f"`{name}`" for name in TABLES[table].schema.names)
    text = f"SELECT {columns} FROM {table} FINAL WHERE {where} ORDER BY ALL LIMIT 1"  # noqa: S608 - our names
    return place.clickhouse.query_arrow(text, use_strings=True, settings={"database": place.settings.namespace})


def _insert(place: Place, table: str, rows: pa.Table) -> None:
    schema = TABLES[table].schema
    cast = [_as(rows.column(name), schema.field(name).type) for name in schema.names]
    place.clickhouse.insert_arrow(table, pa.table(cast, schema=schema), database=place.settings.namespace)


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_timestamp(kind) and pa.types.is_integer(column.type):
        return column.cast(pa.int64()).cast(kind)
    return column.cast(kind)


def changed_row(table: str, column: str, value: object, where: str = "1") -> Corrupt:
    """Somebody wrote another value."""

    def corrupt(place: Place) -> Undo:
        row = _row(place, table, where)
        index = row.schema.get_field_index(column)
        _insert(place, table, row.set_column(index, column, pa.array([value])))
        return lambda: _insert(place, table, row)

    return corrupt


def lost_row(table: str, where: str = "1") -> Corrupt:
    """A row is gone."""

    def corrupt(place: Place) -> Undo:
        row = _row(place, table, where)
        keys = [name for name in TABLES[table].order_by if pa.types.is_string(row.schema.field(name).type)]
        offset = row.column("source_offset")[0].as_py()
        same = " AND ".join(f"{name} = '{row.column(name)[0].as_py()}'" for name in keys)
        other = [name for name in TABLES[table].order_by if name not in keys]
        same += "".join(f" AND {_number(name)} = {_value(row, name)}" for name in other)
        place.clickhouse.command(
            f"ALTER TABLE `{place.settings.namespace}`.{table} DELETE WHERE {same} AND source_offset <= {offset} "
            "SETTINGS mutations_sync = 1"
        )
        return lambda: _insert(place, table, row)

    return corrupt


def _number(name: str) -> str:
    return {
        "time": f"toUnixTimestamp64Micro({name})",
        "frame_start": f"toUnixTimestamp64Micro({name})",
        "minute": f"toInt64(toUnixTimestamp({name}))",
        "local_day": f"toInt32({name})",
    }.get(name, name)


def _value(row: pa.Table, name: str) -> int:
    column = row.column(name)
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    return int(column.cast(pa.int64())[0].as_py())


def strange_row(table: str, column: str, value: object, where: str = "1") -> Corrupt:
    """A row that no record caused."""

    def corrupt(place: Place) -> Undo:
        row = _row(place, table, where)
        row = row.set_column(row.schema.get_field_index(column), column, pa.array([value]))
        _insert(place, table, row)
        return lambda: place.clickhouse.command(
            f"ALTER TABLE `{place.settings.namespace}`.{table} DELETE WHERE {column} = '{value}' "
            "SETTINGS mutations_sync = 1"
        )

    return corrupt


# -- MongoDB, Redis, Delta


def lost_document(place: Place) -> Undo:
    document = place.mongo["workouts"].find_one_and_delete({})
    return lambda: place.mongo["workouts"].insert_one(document)


def changed_document(place: Place) -> Undo:
    before = place.mongo["workouts"].find_one({})
    place.mongo["workouts"].update_one({"_id": before["_id"]}, {"$set": {"summary.distance_m": 1.5}})
    return lambda: place.mongo["workouts"].replace_one({"_id": before["_id"]}, before)


def _item(place: Place, collection: str) -> tuple[dict[str, Any], str]:
    """A document with items, and one of them that followers see."""
    return next(
        (document, wid)
        for document in place.mongo[collection].find()
        for wid, item in document.get("items", {}).items()
        if item["audience"] in ("everyone", "followers")
    )


def lost_item(collection: str) -> Corrupt:
    """A workout is gone from a feed or a timeline."""

    def corrupt(place: Place) -> Undo:
        before, item = _item(place, collection)
        place.mongo[collection].update_one({"_id": before["_id"]}, {"$unset": {f"items.{item}": ""}})
        return lambda: place.mongo[collection].replace_one({"_id": before["_id"]}, before)

    return corrupt


def changed_item(place: Place) -> Undo:
    before, item = _item(place, "feeds")
    place.mongo["feeds"].update_one({"_id": before["_id"]}, {"$push": {f"items.{item}.kudos": "stranger"}})
    return lambda: place.mongo["feeds"].replace_one({"_id": before["_id"]}, before)


def strangers_item(place: Place) -> Undo:
    document, item = _item(place, "feeds")
    place.mongo["feeds"].insert_one({"_id": "stranger/2026-W48", "items": {item: document["items"][item]}})
    return lambda: place.mongo["feeds"].delete_one({"_id": "stranger/2026-W48"})


def changed_circle(place: Place) -> Undo:
    before = next(one for one in place.mongo["circles"].find() if one.get("follows"))
    athlete = next(iter(before["follows"]))
    place.mongo["circles"].update_one({"_id": before["_id"]}, {"$set": {f"follows.{athlete}": 1}})
    return lambda: place.mongo["circles"].replace_one({"_id": before["_id"]}, before)


def lost_award(place: Place) -> Undo:
    before = next(one for one in place.mongo["achievements"].find() if one.get("awards"))
    award = next(iter(before["awards"]))
    place.mongo["achievements"].update_one({"_id": before["_id"]}, {"$unset": {f"awards.{award}": ""}})
    return lambda: place.mongo["achievements"].replace_one({"_id": before["_id"]}, before)


def changed_award(place: Place) -> Undo:
    before = next(one for one in place.mongo["achievements"].find() if one.get("awards"))
    award = next(iter(before["awards"]))
    place.mongo["achievements"].update_one({"_id": before["_id"]}, {"$set": {f"awards.{award}.at": 1}})
    return lambda: place.mongo["achievements"].replace_one({"_id": before["_id"]}, before)


def changed_in(collection: str, field: str, value: object) -> Corrupt:
    """Somebody wrote another value into a document."""

    def corrupt(place: Place) -> Undo:
        before = place.mongo[collection].find_one({})
        place.mongo[collection].update_one({"_id": before["_id"]}, {"$set": {field: value}})
        return lambda: place.mongo[collection].replace_one({"_id": before["_id"]}, before)

    return corrupt


def stranger_in_a_group(place: Place) -> Undo:
    before = place.mongo["memberships"].find_one({})
    place.mongo["memberships"].update_one({"_id": before["_id"]}, {"$set": {f"groups.{NOBODY}": "owner"}})
    return lambda: place.mongo["memberships"].replace_one({"_id": before["_id"]}, before)


def changed_rank(place: Place) -> Undo:
    name = Keys(place.settings.namespace).rank("distance", "all", "all", "all")
    member, score = place.redis.zrange(name, 0, 0, withscores=True)[0]
    place.redis.zadd(name, {member: score + 100})
    return lambda: place.redis.zadd(name, {member: score})


def lost_rank(place: Place) -> Undo:
    name = Keys(place.settings.namespace).rank("distance", "all", "all", "all")
    member, score = place.redis.zrange(name, 0, 0, withscores=True)[0]
    place.redis.zrem(name, member)
    return lambda: place.redis.zadd(name, {member: score})


def lost_name(place: Place) -> Undo:
    name = Keys(place.settings.namespace).names()
    shown = place.redis.hget(name, "hand")
    place.redis.hdel(name, "hand")
    return lambda: place.redis.hset(name, "hand", shown)


def ghost_session(place: Place) -> Undo:
    name = Keys(place.settings.namespace).live("ghost")
    to_come_us = (place.redis.time()[0] + 3_600) * 1_000_000
    place.redis.set(name, msgspec.json.encode({NOBODY: {"workout_id": NOBODY, "time_us": to_come_us}}))
    return lambda: place.redis.delete(name)


def ghost_on_live_board(place: Place) -> Undo:
    name = Keys(place.settings.namespace).live_board("distance", place.redis.time()[0] // 60 + 60)
    place.redis.zadd(name, {"ghost": 1.0})
    return lambda: place.redis.delete(name)


def changed_threshold(place: Place) -> Undo:
    name = next(place.redis.scan_iter(Keys(place.settings.namespace).thresholds("*")))
    before = place.redis.hgetall(name)
    place.redis.hset(name, "birth_year", 1900)
    return lambda: (place.redis.delete(name), place.redis.hset(name, mapping=before))


def lost_lake_rows(table: str, columns: tuple[str, ...]) -> Corrupt:
    """The rows of one key are gone from a Delta table."""

    def corrupt(place: Place) -> Undo:
        where = Lake.of(place.settings)
        delta = DeltaTable(where.uri(table))
        version = delta.version()
        row = delta.to_pyarrow_table(columns=list(columns)).slice(0, 1).to_pylist()[0]
        delta.delete(" AND ".join(f"{name} = '{value}'" for name, value in row.items()))
        return lambda: DeltaTable(where.uri(table)).restore(version)

    return corrupt


DAMAGE: list[tuple[str, Corrupt, dict[str, dict[str, int]]]] = [
    (
        "a sample has another value",
        changed_row("samples", "heart_rate_bpm", 77.5),
        {"clickhouse.samples": {"different": 1}},
    ),
    ("a sample is gone", lost_row("samples"), {"clickhouse.samples": {"missing": 1}}),
    ("a sample is nobody's", strange_row("samples", "device_id", "ghost"), {"clickhouse.samples": {"extra": 1}}),
    (
        "a part of a minute has another value",
        changed_row("minute_partials", "heart_rate_bpm_max", 249.0),
        {"clickhouse.minute_partials": {"different": 1}, "clickhouse.minute_rollups": {"different": 1}},
    ),
    (
        "a user is taken off a board",
        changed_row("board_scores", "deleted", 1, "metric = 'workouts' AND period = 'all' AND score = 1"),
        {"clickhouse.board_scores": {"missing": 1}, "clickhouse.boards": {"missing": 1}},
    ),
    (
        "an athlete moved",
        changed_row("athletes", "country", "XX", "NOT deleted"),
        {"clickhouse.athletes": {"different": 1}},
    ),
    (
        "an athlete is nobody's",
        strange_row("athletes", "user_id", "ghost", "NOT deleted"),
        {"clickhouse.athletes": {"extra": 1}},
    ),
    ("a workout's row is gone", lost_row("workouts"), {"clickhouse.workouts": {"missing": 1}}),
    (
        "a workout's row has another title",
        changed_row("workouts", "title", "x"),
        {"clickhouse.workouts": {"different": 1}},
    ),
    ("a frame's heart beats are gone", lost_row("rr_intervals"), {"clickhouse.rr_intervals": {"missing": 1}}),
    (
        "a frame's heart beats are others",
        changed_row("rr_intervals", "rr_ms", [900, 910]),
        {"clickhouse.rr_intervals": {"different": 1}},
    ),
    (
        "a threshold is another",
        changed_row("threshold_history", "value", 1.5, "NOT deleted AND value > 0"),
        {"clickhouse.threshold_history": {"different": 1}},
    ),
    (
        "a threshold rests on another workout",
        changed_row("threshold_history", "evidence_ids", ["x"], "NOT deleted AND origin = 'estimated' AND value > 0"),
        {"clickhouse.threshold_history": {"different": 1}},
    ),
    (
        "a threshold did not change after all",
        changed_row("threshold_history", "deleted", 1, "NOT deleted AND origin = 'stated'"),
        {"clickhouse.threshold_history": {"missing": 1}},
    ),
    (
        "a resting heart rate is another",
        changed_row("wellness_days", "resting_heart_rate_bpm", 33.3),
        {"clickhouse.wellness_days": {"different": 1}},
    ),
    (
        "a variability is another",
        changed_row("wellness_days", "ln_rmssd", 1.0),
        {"clickhouse.wellness_days": {"different": 1}},
    ),
    ("a night is gone", lost_row("wellness_days"), {"clickhouse.wellness_days": {"missing": 1}}),
    ("a risk is another", changed_row("injury_scores", "risk", 0.123), {"clickhouse.injury_scores": {"different": 1}}),
    (
        "a recommendation is another",
        changed_row("recommendations", "workout_kind", "x", "rank = 1"),
        {"clickhouse.recommendations": {"different": 1}},
    ),
    ("a document is gone", lost_document, {"mongo.workouts": {"missing": 1}}),
    ("a document has another distance", changed_document, {"mongo.workouts": {"different": 1}}),
    (
        "a feed lacks an item",
        lost_item("feeds"),
        {"mongo.feeds": {"missing": 1}, "mongo.seen": {"missing": 1}},
    ),
    (
        "a timeline lacks an item",
        lost_item("timelines"),
        {"mongo.timelines": {"missing": 1}, "mongo.seen": {"missing": 1}},
    ),
    (
        "somebody sees a workout who does not follow",
        strangers_item,
        {"mongo.feeds": {"extra": 1}, "mongo.seen": {"extra": 1}},
    ),
    ("somebody follows since another time", changed_circle, {"mongo.circles": {"different": 1}}),
    ("an item has a stranger's kudos", changed_item, {"mongo.feeds": {"different": 1}}),
    ("an award is gone", lost_award, {"mongo.achievements": {"missing": 1}}),
    ("an award has another time", changed_award, {"mongo.achievements": {"different": 1}}),
    ("a group has another name", changed_in("groups", "name", "x"), {"mongo.groups": {"different": 1}}),
    ("a user is in a group that there is not", stranger_in_a_group, {"mongo.memberships": {"extra": 1}}),
    ("a challenge has another target", changed_in("challenges", "amount", 1.5), {"mongo.challenges": {"different": 1}}),
    ("a goal began another day", changed_in("goals", "since", "2001-01-01"), {"mongo.goals": {"different": 1}}),
    (
        "a user's part in a challenge has more workouts",
        changed_row("challenge_scores", "workouts", 999, "NOT deleted AND group_id = ''"),
        {"clickhouse.challenge_scores": {"different": 1}, "clickhouse.challenge_ranks": {"different": 1}},
    ),
    ("a rank's score is another", changed_rank, {"redis.rankings": {"different": 1}}),
    ("a user is off a ranking", lost_rank, {"redis.rankings": {"missing": 1}}),
    ("a name is gone", lost_name, {"redis.names": {"missing": 1}}),
    ("a live session is nobody's", ghost_session, {"redis.live": {"extra": 1}}),
    ("nobody is on a live board", ghost_on_live_board, {"redis.live-boards": {"extra": 1}}),
    ("a threshold is another", changed_threshold, {"redis.thresholds": {"different": 1}}),
    (
        "features are gone from the lake",
        lost_lake_rows("training_features", ("workout_id",)),
        {"delta.training_features": {"missing": 1}},
    ),
    (
        "an effort on a segment has another value",
        changed_row("segment_efforts", "covered", 0.5, "NOT deleted"),
        {"clickhouse.segment_efforts": {"different": 1}},
    ),
    (
        "a segment has another name",
        changed_row("segments", "name", "Another", "NOT deleted"),
        {"clickhouse.segments": {"different": 1}},
    ),
    ("an injury is gone from the lake", lost_lake_rows("injuries", ("user_id",)), {"delta.injuries": {"missing": 1}}),
    (
        "a prediction is gone from the lake",
        lost_lake_rows("predictions", ("workout_id", "item")),
        {"delta.predictions": {"missing": 1}},
    ),
]


def waves() -> list[list[tuple[str, Corrupt, dict[str, dict[str, int]]]]]:
    """All damage, in as few lists as there can be without two in one that the same comparison sees.

    So one verification of a list says of each what two of its own would say, in a tenth of the time.
    """
    found: list[list[tuple[str, Corrupt, dict[str, dict[str, int]]]]] = []
    for damage in DAMAGE:
        fitting = (wave for wave in found if not any(expected.keys() & damage[2].keys() for _, _, expected in wave))
        wave = next(fitting, None)
        if wave is None:
            found.append([damage])
        else:
            wave.append(damage)
    return found


@pytest.mark.parametrize("wave", waves(), ids=lambda wave: f"{wave[0][0]}, and {len(wave) - 1} more")
def test_damage_is_reported_and_nothing_else(
    town: Place, wave: list[tuple[str, Corrupt, dict[str, dict[str, int]]]]
) -> None:
    undo: list[Undo] = []
    try:
        for _, corrupt, _ in wave:
            undo.append(corrupt(town))
        report = town.verify()
        found = wrong(report)
        for what, _, expected in wave:
            assert {name: found.pop(name, {}) for name in expected} == expected, what
            assert report.sinks[next(iter(expected))].examples, f"{what}: the difference is shown"
        assert found == {}
        assert not report.ok
    finally:
        for make_good in reversed(undo):
            make_good()
    assert town.verify().ok, "damage undone is damage gone"


# -- the log: what is appended cannot be taken back, so these come last


def test_agents_that_lag_are_named_with_their_records(town: Place) -> None:
    head: dict[str, Any] = {
        "user": "late",
        "time": 1_790_000_000_000_000,
        "zone": "UTC",
        "source": "test",
        "producer": "test",
    }
    town.send(hot.UserRegistered.of(data=hot.UserRegisteredData(name="Late", sex="female"), **head))
    report = town.verify(settle_s=0.1)
    assert not report.ok
    readers = ("sensors", "workouts", "feed", "rankings", "thresholds", "athletes", "lake", "challenges", "segments")
    assert {(lag.agent, lag.records) for lag in report.lags} == {(agent, 1) for agent in readers}
    assert any(note.startswith("agent rankings lags by 1 records") for note in report.notes)
    assert report.sinks["redis.names"].missing == 1


def test_messages_that_agents_did_not_mean_are_reported(town: Place) -> None:
    known = topic_table.load(prefix=town.settings.topic_prefix)
    meant: dict[str, dict[str, Any]] = {
        "WorkoutSummarised": {"title": "somebody else's"},
        "FeaturesComputed": {"at": 1_700_000_000_000_000},
        "InjuryRiskScored": {"risk": 0.987},
        "RecommendationsReady": {"items": ()},
        "SamplesStored": {"workout_id": NOBODY},
        "WearStored": {"local_day": date(2020, 2, 2)},
        "ThresholdEstimated": {"kind": "lthr_bpm", "value": 1.0},
    }
    wrong: defaultdict[str, Counter[str]] = defaultdict(Counter)  # by what is compared
    for message_type, changes in meant.items():
        topic = known.topic_of_message(message_type)
        partition, headers, message = asyncio.run(_last(town, topic, message_type))
        data = msgspec.structs.replace(message.data, **changes)
        asyncio.run(_append(town, topic.name, partition, headers, msgspec.structs.replace(message, data=data)))
        sink = f"topic.{topic.name.removeprefix(town.settings.topic_prefix)}"
        wrong[sink]["different" if message_type in SCORED else "extra"] += 1
    sinks = town.verify().sinks
    for sink, expected in wrong.items():
        found = {kind: getattr(sinks[sink], kind) for kind in KINDS}
        # A score is worked out again from the features that were said last: also those that are wrong now.
        follows = int(sink in ("topic.injury-risk", "topic.recommendations-ready") and found["different"] > 1)
        assert found == {kind: expected[kind] + follows * (kind == "different") for kind in KINDS}, sink


def test_a_dead_letter_of_a_record_that_is_alive_is_reported(town: Place) -> None:
    known = topic_table.load(prefix=town.settings.topic_prefix)
    topic = known.topic_of_message("UserRegistered")
    headers = [
        (name, value.encode())
        for name, value in {
            "sl-topic": topic.name,
            "sl-partition": "0",
            "sl-offset": "0",
            "sl-timestamp": "0",
            "sl-reason": "undecodable",
            "sl-agent": "feed",
        }.items()
    ]
    before = town.verify().sinks["dead-letters"]
    asyncio.run(_append(town, known.dead_letter_of(topic.name).name, 0, headers, None))
    after = town.verify().sinks["dead-letters"]
    assert (after.extra - before.extra, after.missing, after.different) == (1, 0, 0)


async def _last(place: Place, topic: topic_table.Topic, message_type: str) -> tuple[int, list[tuple[str, bytes]], Any]:
    """The last message of a type in a topic's fullest partition that has any."""
    consumer = AIOKafkaConsumer(topic.name, bootstrap_servers=place.settings.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        for tp in sorted(ends, key=lambda tp: ends[tp], reverse=True):
            for offset in range(ends[tp] - 1, -1, -1):
                consumer.seek(tp, offset)
                record = await asyncio.wait_for(consumer.getone(tp), 30)
                message: hot.Message = decoder_for(topic).decode(record.key, record.value)
                if message.type == message_type:
                    return record.partition, list(record.headers), message
    finally:
        await consumer.stop()
    raise AssertionError(f"no {message_type} in {topic.name}: the town is too small")


async def _append(place: Place, topic: str, partition: int, headers: list[tuple[str, bytes]], message: Any) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=place.settings.bootstrap)
    await producer.start()
    try:
        key, value = (b"x", b"y") if message is None else (message.user.encode(), encode(message))
        await producer.send_and_wait(topic, value, key=key, partition=partition, headers=headers)
    finally:
        await producer.stop()
