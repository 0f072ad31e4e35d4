"""Efforts from frames, the last word on segments, boards with their ranks, and copies in all partitions."""

import pyarrow as pa
import pytest

from schemas import hot
from tests.roads import START_US as TRACK_US
from tests.segment_world import removed, street, way
from tests.unit.verification.conftest import HOUR_US, OTHER, START_US, WORKOUT, TestLog
from tests.unit.verification.test_boards_and_feeds import say
from verification import boards, samples, segments
from verification.copies import Copies, expected_copies, found_copies, note_copies
from verification.withdrawals import Takings

KEY = b"k" * 32
HILL = street("Hill", (0, 0), (1000, 0))
MOVED = street("Hill", (5000, 0), (6000, 0), at=9)
ZONE = hot.PrivacyZoneSetData(
    zone_id="70000000-0000-4000-8000-000000000000", latitude_deg=60.0, longitude_deg=10.0, radius_m=400
)
RUN = way((-50, 0), (1050, 0))


def efforts(log: TestLog) -> segments.Efforts:
    read = log.read()
    found, _ = samples.deduplicated(read.seen_by("sensors", hot.SensorFrame), Takings())
    spans = found.tracks()
    return segments.expected_efforts(
        segments.last_words(read.carrying("SegmentDefined").valid),
        boards.last_of(read.carrying("WorkoutSummarised").valid),
        segments.hidden_places(read.seen_by("segments", hot.PrivacyZoneSet, hot.PrivacyZoneRemoved), KEY),
        lambda user, wid: found.track(spans[user, wid]) if (user, wid) in spans else None,
    )


def run(log: TestLog) -> None:
    """An hour's workout that begins with a run over the hill."""
    log.frame(
        {"latitude_deg": RUN.latitude_deg, "longitude_deg": RUN.longitude_deg},
        time_us=RUN.time_us - TRACK_US + START_US,
    )
    say(log)


def test_the_frames_of_a_workout_that_counts_give_its_efforts(log: TestLog) -> None:
    log.put(HILL)
    run(log)
    ((zone, (effort,)),) = efforts(log).values()
    assert zone == "UTC"
    assert effort["segment_id"] == HILL.data.segment_id
    assert (effort["start"] - START_US) / 1e6 == pytest.approx(10.0, abs=0.05)
    assert (effort["end"] - START_US) / 1e6 == pytest.approx(210.0, abs=0.05)
    assert not effort["hidden"]
    log.event(hot.PrivacyZoneSet, ZONE)
    ((_, (effort,)),) = efforts(log).values()
    assert effort["hidden"]
    say(log, status="deleted")
    assert efforts(log) == {}


@pytest.mark.parametrize("words", [(HILL, MOVED), (MOVED, HILL), (HILL, removed(HILL, at=3))])
def test_the_newest_word_on_a_segment_counts_in_whatever_order_they_came(log: TestLog, words: tuple[object]) -> None:
    for word in words:
        log.put(word)
    run(log)
    assert efforts(log) == {}


def test_the_last_message_of_a_workout_says_its_efforts_and_an_empty_one_none(log: TestLog) -> None:
    one = hot.SegmentEffort(segment_id=HILL.data.segment_id, start=START_US, end=START_US + HOUR_US, covered=1.0)
    for workout_id in (WORKOUT, OTHER):
        log.event(hot.SegmentEffortsFound, hot.SegmentEffortsFoundData(workout_id=workout_id, efforts=(one,)))
    log.event(hot.SegmentEffortsFound, hot.SegmentEffortsFoundData(workout_id=OTHER, efforts=()))
    said = segments.said_efforts(boards.last_of(log.read().carrying("SegmentEffortsFound").valid))
    assert list(said) == [("ada", WORKOUT)]
    assert segments.effort_table(said).column("elapsed_s").to_pylist() == [3600.0]


def test_a_board_ranks_whole_seconds_and_then_who_got_there_first() -> None:
    rows = [  # athlete, start, elapsed
        ("ann", 500, 100.4),
        ("bob", 0, 99.6),
        ("bob", 900, 120.0),
        ("cyd", 500, 100.4),
        ("dan", 0, 101.0),
        ("eve", 9_000, 90.0),
        ("fay", 0, 80.0),
    ]
    table = pa.Table.from_pylist(
        [
            {
                "segment_id": "hill",
                "user_id": user,
                "workout_id": f"{user}{start}",
                "end": round((start + elapsed_s) * 1e6),
                "elapsed_s": elapsed_s,
                "hidden": int(user == "fay"),
            }
            for user, start, elapsed_s in rows
        ]
    )
    board = {row["user_id"]: row for row in segments.board_table(table).to_pylist()}
    assert {user: row["rank"] for user, row in board.items()} == {"eve": 1, "bob": 2, "ann": 3, "cyd": 3, "dan": 5}
    assert (board["bob"]["elapsed_s"], board["bob"]["workout_id"], board["bob"]["efforts"]) == (100, "bob0", 2)


def test_a_copy_that_a_partition_lacks_is_missed(log: TestLog) -> None:
    copies: Copies = {}
    log.put(HILL)
    first = log.read()
    note_copies(copies, first)
    assert expected_copies(copies, 1) == found_copies(copies)
    first.number = 2
    note_copies(copies, first)
    assert expected_copies(copies, 3).keys() - found_copies(copies).keys() == {("segments", HILL.id, 1)}
