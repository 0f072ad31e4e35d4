"""The feed hands over what lies before an offset, in order, a few batches at a time; what is not read is no record."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from faust_batches import FetchedBatch

from schemas import hot
from schemas.decode import encode
from schemas.reasons import DeadReason
from sinks.base import Span, TopicPartition
from sinks.tables import INJURY_SCORES
from sinks.tail import source_headers
from stridelog import deadletters, topics
from stridelog.batch import Batch
from stridelog.rebuild.feed import IN_FLIGHT, Feed
from stridelog.rebuild.refused import NO_RECORD, Refused
from stridelog.rebuild.said import Said, injury_rows

SOURCE = TopicPartition("in", 0)
OTHER = TopicPartition("in", 1)
TOPICS = topics.load(prefix="")
START = 1_760_000_000_000_000


def record(source: tuple[str, int], offset: int, value: bytes = b"{}", headers: Iterable[Any] = ()) -> Any:
    return ConsumerRecord(*source, offset, 0, 0, b"key", value, None, 3, len(value), tuple(headers))


class Log:
    """A consumer of a log in memory: ``records`` by partition, in order, with gaps. It fetches ``most`` at a time."""

    def __init__(
        self, records: dict[tuple[str, int], list[Any]], ends: dict[tuple[str, int], int], most: int = 3
    ) -> None:
        self.records = records
        self.ends = ends
        self.most = most
        self.positions: dict[Any, int] = {}

    def assign(self, partitions: Iterable[Any]) -> None:
        self.positions = dict.fromkeys(partitions, 0)

    def seek(self, partition: Any, offset: int) -> None:
        self.positions[partition] = offset

    async def seek_to_beginning(self, *partitions: Any) -> None:
        self.positions |= dict.fromkeys(partitions, 0)

    async def position(self, partition: Any) -> int:
        return self.positions[partition]

    async def end_offsets(self, partitions: Iterable[Any]) -> dict[Any, int]:
        return {tp: self.ends.get(tuple(tp), 0) for tp in partitions}

    async def getmany(
        self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[Any, list[Any]]:
        await asyncio.sleep(0)
        found = {}
        for tp in partitions:
            rest = [one for one in self.records.get(tuple(tp), []) if one.offset >= self.positions[tp]][: self.most]
            if rest:
                found[tp] = rest
            self.positions[tp] = rest[-1].offset + 1 if rest else self.ends.get(tuple(tp), 0)
        return found


class Agent:
    """A runner that is done with a batch when the test says so, or at once."""

    def __init__(self, at_once: bool = True) -> None:
        self.at_once = at_once
        self.batches: list[tuple[FetchedBatch, Any]] = []

    def take(self, event: Any) -> None:
        self.batches.append((event.value, event))
        if self.at_once:
            event.value.ack(event)

    def offsets(self, partition: int = 0) -> list[int]:
        return [one.offset for batch, _ in self.batches if batch.tp.partition == partition for one in batch.records]


class NobodyRefused:
    def masked(self, source: TopicPartition, records: Any) -> Any:
        return records


def feed_of(log: Any, starts: dict[TopicPartition, int]) -> Feed:
    refused: Any = NobodyRefused()
    return Feed(log, refused, starts, 100)


def silent() -> None:
    """Progress that nobody watches."""


def test_everything_before_the_end_is_handed_over_once_and_in_order() -> None:
    log = Log({SOURCE: [record(SOURCE, n) for n in range(20)], OTHER: [record(OTHER, n) for n in range(9)]}, {})

    async def run() -> None:
        feed, agent = feed_of(log, {SOURCE: 0, OTHER: 0}), Agent()
        runner: Any = agent
        await feed.run_to(runner, {SOURCE: 7, OTHER: 9}, silent)
        assert feed.done == {SOURCE: 7, OTHER: 9}
        await feed.run_to(runner, {SOURCE: 20, OTHER: 9}, silent)
        assert (agent.offsets(0), agent.offsets(1)) == (list(range(20)), list(range(9)))
        assert feed.records == 29

    asyncio.run(run())


def test_what_concerns_everyone_is_handed_over_before_anything_else() -> None:
    segments = TopicPartition("segments", 0)
    log = Log({SOURCE: [record(SOURCE, n) for n in range(4)], segments: [record(segments, n) for n in range(8)]}, {})

    async def run() -> None:
        refused: Any = NobodyRefused()
        feed, agent = Feed(log, refused, {SOURCE: 0, segments: 0}, 100, {"segments"}), Agent()
        runner: Any = agent
        await feed.run_to(runner, {SOURCE: 4, segments: 6}, silent)
        await feed.run_to(runner, {SOURCE: 4, segments: 8}, silent)
        taken = [(batch.tp.topic, one.offset) for batch, _ in agent.batches for one in batch.records]
        assert taken == [("segments", n) for n in range(6)] + [("in", n) for n in range(4)] + [
            ("segments", 6),
            ("segments", 7),
        ]

    asyncio.run(run())


def test_offsets_without_records_are_behind_it_when_it_is_done() -> None:
    log = Log({SOURCE: [record(SOURCE, n) for n in (0, 1, 5)]}, {SOURCE: 9, OTHER: 4})

    async def run() -> None:
        feed, agent = feed_of(log, {SOURCE: 0, OTHER: 0}), Agent()
        runner: Any = agent
        await feed.run_to(runner, {SOURCE: 9, OTHER: 4}, silent)
        assert agent.offsets() == [0, 1, 5]
        assert feed.done == {SOURCE: 9, OTHER: 4}
        assert await feed.is_empty(OTHER, 0, 4)

    asyncio.run(run())


def test_a_slow_agent_has_no_more_than_a_few_batches_of_a_partition() -> None:
    log = Log({SOURCE: [record(SOURCE, n) for n in range(30)]}, {})

    async def run() -> None:
        feed, agent = feed_of(log, {SOURCE: 0}), Agent(at_once=False)
        runner: Any = agent
        working = asyncio.create_task(feed.run_to(runner, {SOURCE: 30}, silent))
        done = 0
        while not working.done():
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(agent.batches) - done <= IN_FLIGHT
            if done < len(agent.batches):
                batch, event = agent.batches[done]
                done += 1
                batch.ack(event)
                assert feed.done[SOURCE] == batch.next_offset
        assert agent.offsets() == list(range(30))

    asyncio.run(run())


@pytest.mark.parametrize("agent", ["sensors", "workouts"])
def test_a_record_that_was_refused_as_of_an_unknown_user_stays_unreadable(agent: str) -> None:
    def letter(number: int, of: str, offset: int, reason: str) -> Any:
        said = {
            deadletters.AGENT: of,
            deadletters.TOPIC: "sensor-frames",
            deadletters.PARTITION: "0",
            deadletters.OFFSET: str(offset),
            deadletters.REASON: reason,
        }
        return record((dead, 0), number, headers=[(name, text.encode()) for name, text in said.items()])

    dead = TOPICS.dead_letter_of("sensor-frames" if agent == "sensors" else "workout-events").name
    letters = [
        letter(0, agent, 3, DeadReason.unknown_user.value),
        letter(1, agent, 4, "time_out_of_range"),
        letter(2, "another", 5, DeadReason.unknown_user.value),
        record((dead, 0), 3),
    ]
    log: Any = Log({(dead, 0): letters}, {(dead, 0): 4}, most=2)

    async def run() -> None:
        refused = Refused(log, agent, TOPICS)
        await refused.refresh()
        source = TopicPartition("sensor-frames", 0)
        shown = refused.masked(source, [record(source, n, b"frame") for n in range(2, 7)])
        assert [one.value for one in shown] == [b"frame", NO_RECORD, b"frame", b"frame", b"frame"]
        assert [one.offset for one in shown] == list(range(2, 7))

    asyncio.run(run())


def test_scores_come_with_the_span_that_made_the_agent_announce_them() -> None:
    topic = TOPICS.topic_of_message("InjuryRiskScored").name
    wid = "11111111-1111-4111-8111-111111111111"

    def said(number: int, user: str, risk: float, end: int) -> Any:
        data = hot.InjuryRiskScoredData(
            workout_id=wid, at=1_760_000_000_000_000, model_version="injury/1", risk=risk, top_factors=()
        )
        message = hot.InjuryRiskScored.of(user=user, time=START, zone="UTC", source="test", producer="test", data=data)
        one = record(
            (topic, 0), number, encode(message), source_headers(TopicPartition("training-features", 0), end, "injury")
        )
        one.key = user.encode()
        return one

    # After a crash ann's first score was said once more (with an end that goes back), and bob's twice in one span.
    records = [said(0, "ann", 0.1, 10), said(1, "bob", 0.2, 20), said(2, "ann", 0.3, 15), said(3, "bob", 0.4, 20)]
    records.append(said(4, "cat", 0.5, 30))
    log: Any = Log({(topic, 0): records}, {(topic, 0): 5}, most=2)

    async def run() -> None:
        recalled = Said(log, "InjuryRiskScored", TOPICS)
        await recalled.refresh()
        process = recalled.process(INJURY_SCORES, injury_rows)

        async def rows(first: int, end: int) -> list[tuple[str, float, int]]:
            writes = await process(Batch(Span("training-features", 0, first, end), []), None)
            return [
                (row["user_id"], row["risk"], row["source_offset"])
                for one in writes.clickhouse
                for row in one.columns.to_pylist()
            ]

        assert await rows(0, 9) == []
        assert await rows(9, 12) == [("ann", 0.1, 9)]
        assert await rows(12, 25) == [("bob", 0.4, 19), ("ann", 0.3, 19)]
        assert await rows(25, 29) == []
        assert await rows(29, 30) == [("cat", 0.5, 29)]
        assert await rows(30, 40) == []

        later = Said(log, "InjuryRiskScored", TOPICS, {0: 20})
        await later.refresh()
        process = later.process(INJURY_SCORES, injury_rows)
        assert await rows(20, 40) == [("cat", 0.5, 29)]

    asyncio.run(run())
