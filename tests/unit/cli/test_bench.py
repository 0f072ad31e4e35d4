"""The benchmark's own arithmetic and load."""

import pytest

from bench.freshness import Result, Seen
from bench.load import WORKOUT_S, registrations, workout
from schemas import hot
from schemas.decode import decoder_for
from stridelog.topics import load

END_US = 1_795_000_000_000_000


def result(times_ms: dict[str, list[float]], workouts: int) -> Result:
    seen = {name: Seen({str(i): ms / 1000 for i, ms in enumerate(times)}, [0.02]) for name, times in times_ms.items()}
    return Result(workouts, 0, 5.0, 1.0, seen, lake_commit_interval_s=5.0)


def test_the_promise_is_about_the_99th_percentile_everywhere() -> None:
    fast = [100.0] * 99 + [5_000.0]
    everywhere = dict.fromkeys(("board", "feed", "rank", "workout"), fast)
    kept = result({**everywhere, "injury": [9_000.0] * 100}, 100)
    assert kept.ok
    said = kept.as_json()
    assert said["p50_ms"]["board"] == said["p99_ms"]["board"] == pytest.approx(100)
    assert said["max_ms"]["board"] == pytest.approx(5_000)
    slow = [100.0] * 98 + [5_000.0] * 2
    assert not result({**everywhere, "feed": slow}, 100).ok


def test_the_lake_may_take_its_commit_interval_and_a_second() -> None:
    fast = {key: [100.0] for key in ("board", "feed", "rank", "workout")}
    assert result({**fast, "lake": [5_900.0]}, 1).ok
    assert not result({**fast, "lake": [6_100.0]}, 1).ok


def test_a_workout_that_never_came_breaks_the_promise_and_is_counted() -> None:
    lost = result({"board": [10.0] * 99, "feed": [10.0] * 100, "rank": [], "workout": [10.0] * 100}, 100)
    assert not lost.ok
    assert lost.as_json()["missing"] == {"board": 1, "feed": 0, "rank": 100, "workout": 0}
    assert lost.as_json()["p99_ms"]["rank"] is None


def test_the_load_is_valid_on_the_wire() -> None:
    topics = load(prefix="")
    for sampled in (False, True):
        planned = workout("bench", 7, END_US, sampled=sampled)
        key = planned.user.encode()
        for kind, value in (*planned.before, ("WorkoutCompleted", planned.completion)):
            message = decoder_for(topics.topic_of_message(kind)).decode(key, value)
            assert message.user == planned.user
        assert isinstance(message, hot.WorkoutCompleted)
        assert message.data.workout_id == planned.workout_id
        assert message.data.end - message.data.start == WORKOUT_S * 1_000_000
        frames = [value for kind, value in planned.before if kind == "SensorFrame"]
        assert len(frames) == (WORKOUT_S // 60 if sampled else 0)
        # Where there are samples, the distance must come from them: only then does the board wait for the join.
        assert (message.data.stated.distance_m is None) == sampled


def test_each_workout_has_an_athlete_of_its_own() -> None:
    users = {message.user for message in registrations("bench", 5, END_US)}
    assert users == {workout("bench", number, END_US, sampled=False).user for number in range(5)}
