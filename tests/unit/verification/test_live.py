"""What verification expects of live sessions, by logs made by hand."""

from typing import Any

from schemas import hot
from verification import live
from verification.withdrawals import Takings

from .conftest import OTHER, START_US, WORKOUT, TestLog

MINUTE = START_US // 60_000_000


def sessions(log: TestLog, since_s: float = 0.0) -> dict[str, dict[str, live.LiveSession]]:
    read = log.read()
    return live.live_sessions(
        read.carrying("SensorFrame").valid,
        Takings.of(read.carrying("SensorFrame").valid),
        read.carrying("WorkoutStarted").valid,
        read.carrying("UserRegistered").valid,
        since_s=since_s,
    )


def fields(log: TestLog, workout_id: str = WORKOUT) -> Any:
    return sessions(log)["ada"][workout_id].fields


def test_a_session_is_by_the_newest_frame_that_was_logged_in_time(log: TestLog) -> None:
    log.clock_ms = START_US // 1000 + 60_000
    log.frame({"heart_rate_bpm": [120, 121], "speed_m_s": [2.0, 3.0]})
    log.frame({"heart_rate_bpm": [110]}, start=START_US - 30_000_000)  # late, and live
    log.frame({"heart_rate_bpm": [130]}, start=START_US - 3_600_000_000)  # an upload
    log.frame({"heart_rate_bpm": [140]}, workout_id=None)
    found = sessions(log)["ada"][WORKOUT]
    assert found.minutes == range(MINUTE, MINUTE + 3)
    assert found.over_s == (MINUTE + 3) * 60
    assert found.fields == {
        "workout_id": WORKOUT,
        "device_id": "watch",
        "time_us": START_US + 1_000_000,
        "heart_rate_bpm": 121.0,
        "speed_m_s": 2.5,
        "moving_time_s": 20,
    }


def test_a_session_ends_with_its_workout_and_is_of_the_sport_that_was_started(log: TestLog) -> None:
    log.event(hot.WorkoutStarted, hot.WorkoutStartedData(workout_id=WORKOUT, sport="rowing"))
    log.frame()
    assert fields(log)["sport"] == "rowing"
    log.frame(workout_id=OTHER)
    log.complete(hours=0.01)
    assert set(sessions(log)["ada"]) == {OTHER}
    log.event(hot.UserErased, hot.UserErasedData(), time=START_US + 60_000_000)
    assert sessions(log) == {}


def test_a_session_that_is_over_is_not_expected(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [120]})
    assert sessions(log, since_s=(MINUTE + 3) * 60)
    assert not sessions(log, since_s=(MINUTE + 3) * 60 + 1)


def test_boards_have_each_user_by_their_newest_session_and_only_figures_that_there_are(log: TestLog) -> None:
    log.frame({"heart_rate_bpm": [120] * 60, "distance_m": [7.0] * 60}, workout_id=OTHER)
    log.frame({"heart_rate_bpm": [120] * 60}, start=START_US + 1_000_000)
    log.frame({"distance_m": [8.25] * 60}, user="bea")
    boards = live.live_boards(sessions(log))
    assert boards["moving_time", MINUTE + 2] == {"ada": 70.0, "bea": 60.0}
    assert boards["distance", MINUTE + 2] == {"bea": 8.25}


def test_the_last_threshold_counts_and_an_erased_user_has_none(log: TestLog) -> None:
    for user in ("ada", "bea", "eve"):
        log.register(user, **({"lthr_bpm": 170.0, "birth_year": 1990} if user != "eve" else {}))
    log.event(hot.ProfileChanged, hot.ProfileChangedData(lthr_bpm=165.0, mass_kg=60.0))
    log.event(hot.UserErased, hot.UserErasedData(), user="bea")
    read = log.read().carrying("UserRegistered").valid
    assert live.thresholds(read) == {"ada": {"lthr_bpm": 165.0, "birth_year": 1990.0}}


def test_a_deletion_of_the_last_minutes_ends_sessions_and_the_next_frame_begins_one_that_counts_from_there(
    log: TestLog,
) -> None:
    log.clock_ms = START_US // 1000 + 60_000
    log.frame({"heart_rate_bpm": [120] * 30})
    data = hot.ReadingsDeletedData(device_id="other", start=START_US, end=START_US + 1)
    log.event(hot.ReadingsDeleted, data)
    assert sessions(log) == {}
    log.frame({"heart_rate_bpm": [130]}, start=START_US + 40_000_000)
    assert fields(log)["moving_time_s"] == 10


def test_of_a_frame_counts_what_was_not_taken_back_before_it_came(log: TestLog) -> None:
    log.clock_ms = START_US // 1000 + 200_000
    data = hot.ReadingsDeletedData(device_id="watch", start=START_US + 2_000_000, end=START_US + 3_000_000)
    log.event(hot.ReadingsDeleted, data)
    log.clock_ms = START_US // 1000 + 60_000
    log.frame({"heart_rate_bpm": [120, 121, 122]})
    assert (fields(log)["time_us"], fields(log)["heart_rate_bpm"]) == (START_US + 1_000_000, 121.0)
