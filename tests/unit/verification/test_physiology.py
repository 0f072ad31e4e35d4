"""Thresholds and days of wear from small logs."""

from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest

from schemas import hot
from tests.unit.verification.conftest import HOUR_US, OTHER, START_US, WORKOUT, TestLog
from tests.unit.verification.test_boards_and_feeds import say, summary
from verification import boards, samples, thresholds, wellness
from verification.partition import USER_EVENTS
from verification.withdrawals import Takings

DAY_US = 24 * HOUR_US
MIDNIGHT_US = START_US - START_US % DAY_US + DAY_US


def ride(watts: float) -> hot.Summary:
    best = hot.BestEffort(kind="power", name="20 min", duration_s=1_200.0, power_w=watts, start_us=START_US)
    return msgspec.structs.replace(summary(), best_efforts=(best,))


def evidence(log: TestLog) -> thresholds.Evidence:
    return thresholds.evidence_of(boards.last_of(log.read().carrying("WorkoutSummarised").valid))


def rows(log: TestLog) -> list[tuple[str, str, float | None]]:
    stated = thresholds.stated_by(log.read().seen_by("thresholds", *USER_EVENTS))
    table = thresholds.history_table(evidence(log), stated).to_pylist()
    return [(r["origin"], r["kind"], None if np.isnan(r["value"]) else r["value"]) for r in table]


def test_thresholds_come_from_the_last_word_on_workouts_that_count(log: TestLog) -> None:
    later: dict[str, Any] = {"sport": "cycling", "start": START_US + DAY_US, "end": START_US + DAY_US + HOUR_US}
    say(log, sport="cycling", summary=ride(300.0))
    say(log, OTHER, summary=ride(320.0), **later)
    assert rows(log) == [("estimated", "ftp_w", value) for value in (285.0, 304.0, None)]
    ((newest, zone),) = thresholds.newest(evidence(log)).values()
    assert (newest.value, newest.evidence[0].workout_id, zone) == (304.0, OTHER, "UTC")
    say(log, OTHER, status="deleted", **later)
    assert rows(log) == [("estimated", "ftp_w", value) for value in (285.0, None)]


def test_what_was_stated_before_an_erasure_is_gone(log: TestLog) -> None:
    log.register(ftp_w=250.0)
    assert rows(log) == [("stated", "ftp_w", 250.0)]
    log.event(hot.UserErased, hot.UserErasedData(), time=START_US)
    assert rows(log) == []
    log.event(hot.ProfileChanged, hot.ProfileChangedData(lthr_bpm=170.0), time=START_US + 1)
    assert rows(log) == [("stated", "lthr_bpm", 170.0)]


def test_an_estimate_without_a_value_is_none(log: TestLog) -> None:
    def said() -> dict[Any, float | None]:
        found = thresholds.last_said(log.read().carrying("ThresholdEstimated").valid)
        return {key: data.value for key, (data, _) in found.items()}

    log.event(hot.ThresholdEstimated, hot.ThresholdEstimatedData(kind="ftp_w", value=250.0, since=START_US))
    assert said() == {("ada", "ftp_w"): 250.0}
    log.event(hot.ThresholdEstimated, hot.ThresholdEstimatedData(kind="ftp_w", since=START_US))
    assert said() == {}


def test_wear_is_by_local_day_and_a_workout_is_no_wear(log: TestLog) -> None:
    beats: dict[str, Any] = {"heart_rate_bpm": np.full(4, 50.0), "rr_ms": [1_000, 1_100, np.nan]}
    for workout_id, start in ((None, MIDNIGHT_US - 2_000_000), (WORKOUT, MIDNIGHT_US), (None, MIDNIGHT_US - 2_000_000)):
        log.frame(beats, workout_id=workout_id, start=start)
    frames = log.read().carrying("SensorFrame").valid
    said = wellness.expected_wear(frames)
    assert sorted(said) == [("ada", date(2026, 11, 18), "UTC"), ("ada", date(2026, 11, 19), "UTC")]
    table = wellness.interval_table(wellness.beats_of(frames, Takings())).to_pylist()
    assert {row["workout_id"]: row["rr_ms"] for row in table} == {id: [1_000, 1_100, 0] for id in ("", WORKOUT)}
    found, _ = samples.deduplicated(frames, Takings())
    held = wellness.day_table(said, found, wellness.beats_of(frames, Takings())).to_pylist()
    assert [(row["worn_minutes"], row["hrv_fault"]) for row in held] == [(0, "too_short"), (0, "no_intervals")]


@pytest.mark.parametrize(("after", "ok"), [(1, False), (2, True)])
def test_days_of_wear_must_be_named_again_after_a_deletion(log: TestLog, after: int, ok: bool) -> None:
    log.frame({"heart_rate_bpm": np.full(4, 50.0), "rr_ms": [1_000]}, workout_id=None)
    log.event(hot.ReadingsDeleted, hot.ReadingsDeletedData(start=START_US, end=START_US + 1, channels=("rr",)))
    day, span = date(2026, 11, 18), {"first_time": START_US, "last_time": START_US + 3_000_000}
    for number, samples_stored in ((1, 4), (after, 0)):
        said = hot.WearStoredData(local_day=day, samples=samples_stored, **span)
        record = log.event(hot.WearStored, said)
        header = ("sl-source", f"sensor-frames:0:{number}".encode())
        log.records["samples-stored"][-1] = record._replace(headers=(header,))
    readings = log.read().carrying("SensorFrame").valid
    frames = [one for one in readings if isinstance(one.message, hot.SensorFrame)]
    takings, read = Takings.of(readings), log.read().carrying("WearStored")
    found = wellness.found_wear(read.valid, read.records, frames, takings)
    assert (found == wellness.expected_wear(frames)) is ok
    assert [rr_ms.tolist() for _, rr_ms, _ in wellness.beats_of(frames, takings).values()] == [[]]
