"""Dead or alive: which records must have a dead letter, and which letters are justified."""

from typing import Any

from schemas import hot
from schemas.reasons import DeadReason
from tests.unit.verification.conftest import OTHER, START_US, WORKOUT, TestLog
from verification.dead_letters import Letter, check_letters, expected_letters, read_letters
from verification.log import LogRecord
from verification.outcomes import PartitionLog
from verification.tally import Tally


def judged(log: TestLog, *refused: tuple[str, str, int]) -> PartitionLog:
    read = log.read()
    read.judge_users(read.users(), refused)
    return read


def letter(agent: str, topic: str, record: LogRecord, reason: str, **changes: Any) -> LogRecord:
    headers = {
        "sl-topic": topic,
        "sl-partition": "0",
        "sl-offset": str(record.offset),
        "sl-timestamp": str(record.timestamp_ms),
        "sl-reason": reason,
        "sl-agent": agent,
    }
    ours = tuple((name, text.encode()) for name, text in headers.items())
    kept = LogRecord(0, record.timestamp_ms + 5, record.key, record.value, (*record.headers, *ours))
    return kept._replace(**changes)


def letters_of(*records: LogRecord) -> list[Letter]:
    return read_letters(records)[0]


def test_an_unreadable_record_must_have_a_letter_of_each_agent_that_reads_it(log: TestLog) -> None:
    log.put_bytes("UserRegistered", b"ada", b"{")
    expected = expected_letters(judged(log))
    readers = {"sensors", "workouts", "segments", "feed", "rankings", "thresholds", "athletes", "lake", "challenges"}
    assert {key[0] for key in expected} == readers
    assert set(expected.values()) == {DeadReason.undecodable}


def test_who_never_registered_is_refused_by_agents_that_check_users(log: TestLog) -> None:
    log.complete(user="nobody")
    log.event(hot.Followed, hot.FollowedData(follower="ada"), user="nobody")
    assert {(key[0], why) for key, why in expected_letters(judged(log)).items()} == {
        ("sensors", DeadReason.unknown_user),
        ("workouts", DeadReason.unknown_user),
        ("feed", DeadReason.unknown_user),
    }


def test_derived_topics_are_not_asked_for_their_users(log: TestLog) -> None:
    data = hot.SamplesStoredData(workout_id=WORKOUT, first_time=START_US, last_time=START_US, frames=1, samples=1)
    log.event(hot.SamplesStored, data, user="nobody")
    assert not expected_letters(judged(log))


def test_who_registered_long_before_must_not_be_refused(log: TestLog) -> None:
    log.register()
    log.clock_ms += 60_000
    record = log.complete()
    read = judged(log, ("workouts", "workout-events", record.offset))
    assert not expected_letters(read)
    tally = Tally(show=1)
    check_letters(tally, read, letters_of(letter("workouts", "workout-events", record, "unknown_user")))
    assert (tally.extra, tally.missing) == (1, 0)


def test_before_the_registration_the_letter_says_what_happened(log: TestLog) -> None:
    early = log.complete()
    log.complete(OTHER)
    log.clock_ms += 60_000
    log.register()
    read = judged(log, ("workouts", "workout-events", early.offset))
    assert [key[3] for key in expected_letters(read)] == [early.offset]
    seen = read.seen_by("workouts", hot.WorkoutCompleted)
    assert [record.message.data.workout_id for record in seen] == [OTHER]


def checked(log: TestLog, *records: LogRecord) -> Tally:
    tally = Tally(show=5)
    letters, others = read_letters(records)
    check_letters(tally, judged(log), letters, others)
    return tally


def test_repeated_letters_count_once(log: TestLog) -> None:
    bad = log.put_bytes("SensorFrame", b"ada", b"{", headers=(("trace", b"1"),))
    good = letter("sensors", "sensor-frames", bad, "undecodable")
    tally = checked(log, good, good._replace(offset=1))
    assert tally.counts() == {"expected": 1, "found": 1, "missing": 0, "extra": 0, "different": 0}


def test_a_letter_must_have_the_original_bytes_headers_and_reason(log: TestLog) -> None:
    bad = log.put_bytes("SensorFrame", b"ada", b"{", headers=(("trace", b"1"),))
    good = letter("sensors", "sensor-frames", bad, "undecodable")
    for wrong in (
        good._replace(value=b"[]"),
        good._replace(key=None),
        good._replace(headers=good.headers[1:]),
        letter("sensors", "sensor-frames", bad, "too_large"),
        letter("sensors", "sensor-frames", bad._replace(timestamp_ms=1), "undecodable"),
    ):
        assert checked(log, wrong).different == 1


def test_a_missing_letter_and_one_of_nothing_are_found(log: TestLog) -> None:
    log.put_bytes("SensorFrame", b"ada", b"{")
    stray = LogRecord(7, 0, b"x", b"y")
    tally = checked(log, letter("sensors", "sensor-frames", stray, "undecodable"), stray)
    assert (tally.missing, tally.extra) == (1, 2)


def test_dead_counts_records_not_letters(log: TestLog) -> None:
    log.put_bytes("UserRegistered", b"ada", b"{")
    assert check_letters(Tally(), judged(log), []) == 1
