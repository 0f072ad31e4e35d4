"""What was taken back must be gone from samples, minutes and live sessions, and its workouts must be named again."""

import numpy as np
import pytest

from schemas import hot
from tests.unit.verification.conftest import START_US, WORKOUT, TestLog
from verification import announced, live, samples
from verification.outcomes import Valid
from verification.withdrawals import Takings

S = 1_000_000
MINUTE_US = START_US - START_US % (60 * S) + 60 * S


def delete(log: TestLog, first_s: int, end_s: int, **fields: object) -> None:
    data = hot.ReadingsDeletedData(
        **{"device_id": "watch", "start": MINUTE_US + first_s * S, "end": MINUTE_US + end_s * S, **fields}  # type: ignore[arg-type]
    )
    log.event(hot.ReadingsDeleted, data)


def readings(log: TestLog) -> tuple[list[Valid], list[Valid], Takings]:
    known = list(log.read().carrying("SensorFrame").valid)
    frames = [record for record in known if isinstance(record.message, hot.SensorFrame)]
    return known, frames, Takings.of(known)


def beats(log: TestLog) -> list[float]:
    _, frames, takings = readings(log)
    found: list[float] = samples.deduplicated(frames, takings)[0].values["heart_rate_bpm"].tolist()
    return found


def test_a_deletion_holds_for_what_came_before_and_for_what_comes_after(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [100, 101, 102, 103]}, start=MINUTE_US)
    delete(log, 1, 3)
    log.frame({"heart_rate_bpm": [100, 101, 102, 103]}, start=MINUTE_US)
    assert beats(log) == [100, 103]


def test_a_higher_revision_counts_whatever_comes_after_it(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [150, 151]}, start=MINUTE_US + S, revision=1)
    log.frame({"heart_rate_bpm": [100, 101, 102, 103]}, start=MINUTE_US)
    assert beats(log) == [100, 150, 151, 103]


def test_a_deletion_of_channels_leaves_the_time_points_and_another_device_is_left_alone(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [100, 101], "power_w": [200, 201]}, start=MINUTE_US)
    log.frame({"heart_rate_bpm": [90, 91]}, start=MINUTE_US, device_id="strap")
    delete(log, 0, 1, channels=("heart_rate",))
    _, frames, takings = readings(log)
    rows = samples.deduplicated(frames, takings)[0].table().to_pylist()
    found = [(r["device_id"], r["heart_rate_bpm"], r["power_w"], r["source_offset"]) for r in rows]
    np.testing.assert_equal(
        found, [("strap", 90, np.nan, 1), ("strap", 91, np.nan, 1), ("watch", np.nan, 200, 2), ("watch", 101, 201, 0)]
    )


def test_a_minute_goes_as_a_whole_and_the_next_one_stays(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": np.full(120, 100.0)}, start=MINUTE_US)
    delete(log, 0, 1)
    _, frames, takings = readings(log)
    columns = samples.deduplicated(frames, takings)[1]
    (minute,) = samples.minutes(samples.minute_partials(frames, columns, takings)).to_pylist()
    assert (minute["minute"], minute["n"]) == (MINUTE_US // S + 60, 60)


@pytest.mark.parametrize(("after", "ok"), [(1, False), (2, True)])
def test_a_workout_must_be_named_again_after_a_deletion(log: TestLog, after: int, ok: bool) -> None:
    log.frame({"heart_rate_bpm": [100, 101]}, start=MINUTE_US)
    delete(log, 0, 1)
    data = hot.SamplesStoredData(workout_id=WORKOUT, first_time=MINUTE_US, last_time=MINUTE_US + S, frames=1, samples=2)
    record = log.event(hot.SamplesStored, data)
    header = ("sl-source", f"sensor-frames:0:{after}".encode())
    log.records["samples-stored"][-1] = record._replace(headers=(header,))
    _, frames, takings = readings(log)
    said = log.read().carrying("SamplesStored")
    found = announced.found_announcements(said.valid, said.records, frames, takings)
    assert (found == announced.expected_announcements(frames)) is ok


@pytest.mark.parametrize(("end_s", "ends"), [(30, True), (-200, False)])
def test_a_deletion_ends_the_session_if_it_reaches_into_the_last_two_minutes(
    log: TestLog, end_s: int, ends: bool
) -> None:
    log.clock_ms = MINUTE_US // 1000
    log.frame({"heart_rate_bpm": [100, 101]}, start=MINUTE_US)
    delete(log, -300, end_s)
    known, _, takings = readings(log)
    assert (live.live_sessions(known, takings, [], [], since_s=0) == {}) is ends
