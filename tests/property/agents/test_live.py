"""However frames and events are cut, repeated and met, live sessions are those that verification expects."""

import random
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.live import Session, minutes
from schemas import hot
from schemas.decode import decoder_for
from schemas.frames import pack_frame, unpack_columns
from sinks.base import Span
from stridelog import topics
from stridelog.batch import Batch, Record
from stridelog.projections.live import LiveBatch
from tests.property.live_redis import KEYS, LiveRedis
from verification import live as expected
from verification.outcomes import Valid
from verification.withdrawals import Takings

T0 = 1_795_000_000_000_000
USERS = ("ada", "bea")
WORKOUTS = {user: [f"{i}000000{k}-0000-4000-8000-000000000000" for k in range(2)] for i, user in enumerate(USERS)}
FRAMES = decoder_for(topics.load(prefix="").topic_of_message("SensorFrame"))


@st.composite
def frames(draw: st.DrawFn) -> tuple[int, hot.SensorFrame]:
    """A frame, and when it was logged (ms): mostly live."""
    user = draw(st.sampled_from(USERS))
    n = draw(st.sampled_from([1, 10, 40]))
    start_us = T0 + draw(st.integers(0, 150)) * 1_000_000
    rng = np.random.default_rng(draw(st.integers(0, 3)))
    channels = {
        "speed_m_s": rng.uniform(0.0, 0.6, n).round(3),
        "distance_m": rng.uniform(0, 1_000, n).round(2),
        "heart_rate_bpm": np.where(rng.random(n) < 0.5, np.nan, 150),
    }
    had = draw(st.sets(st.sampled_from(sorted(channels)), min_size=1))
    packed = pack_frame(
        user=user,
        device_id=draw(st.sampled_from(["watch", "strap"])),
        sequence=0,
        start_us=start_us,
        zone="UTC",
        source="test",
        producer="test",
        workout_id=draw(st.sampled_from([*WORKOUTS[user], None])),
        interval_us=draw(st.sampled_from([1_000_000, 5_000_000])),
        columns={name: channels[name] for name in sorted(had)},
    )
    (frame,) = FRAMES.decode_many([(user.encode(), packed)])
    assert isinstance(frame, hot.SensorFrame)
    return (start_us + draw(st.integers(0, 130)) * 1_000_000) // 1000, frame


@st.composite
def events(draw: st.DrawFn) -> tuple[int, Any]:
    """A workout event or an erasure, and when it was logged (ms)."""
    user = draw(st.sampled_from(USERS))
    workout_id = draw(st.sampled_from(WORKOUTS[user]))
    logged_us = T0 + draw(st.integers(0, 200)) * 1_000_000
    time_us = logged_us - draw(st.sampled_from([0, 0, 0, 90_000_000_000]))  # about a workout of now, or an import
    of: dict[str, Any] = {"user": user, "time": time_us, "zone": "UTC", "source": "test", "producer": "test"}
    completed = hot.WorkoutCompletedData(workout_id=workout_id, sport="running", start=time_us, end=time_us)
    event = draw(
        st.sampled_from(
            [
                hot.WorkoutStarted.of(data=hot.WorkoutStartedData(workout_id=workout_id, sport="running"), **of),
                hot.WorkoutStarted.of(data=hot.WorkoutStartedData(workout_id=workout_id, sport="rowing"), **of),
                hot.WorkoutCompleted.of(data=completed, **of),
                hot.WorkoutDeleted.of(data=hot.WorkoutDeletedData(workout_id=workout_id), **of),
                hot.UserErased.of(data=hot.UserErasedData(), **of),
            ]
        )
    )
    return logged_us // 1000, event


def take(redis: LiveRedis, records: list[tuple[int, Any]], topic: str, *, cut_at: int | None = None) -> None:
    """One batch through the projection; ``cut_at``: the sink ends in the middle."""
    batch = Batch(Span(topic, 0, 0, len(records)), [Record(i, ms, m) for i, (ms, m) in enumerate(records)])
    live = LiveBatch(batch, unpack_columns([frame for _, frame in batch.of(hot.SensorFrame)]))
    for command in live.commands([redis.standing(user) for user in live.users], KEYS)[:cut_at]:
        redis.run(command)


def valid(records: list[tuple[int, Any]], *kinds: type[Any]) -> list[Valid]:
    return [Valid(i, ms, message) for i, (ms, message) in enumerate(records) if isinstance(message, kinds)]


def check(redis: LiveRedis, log: list[tuple[int, Any]]) -> None:
    """Redis has all that is expected and nothing else that could be seen from the latest time in the log on."""
    now_s = max(ms for ms, _ in log) // 1000
    wanted = expected.live_sessions(
        valid(log, hot.SensorFrame, hot.ReadingsDeleted),
        Takings(),
        valid(log, hot.WorkoutStarted, hot.WorkoutCompleted, hot.WorkoutDeleted),
        valid(log, hot.UserErased),
        since_s=now_s + 1,
    )
    for user in USERS:
        found = {id: s for id, s in redis.standing(user)[0].items() if minutes(s.time_us).stop * 60 > now_s}
        assert {id: fields_of(session) for id, session in found.items()} == {
            id: session.fields for id, session in wanted.get(user, {}).items()
        }
    since = {user: max(one.minutes.start for one in by.values()) for user, by in wanted.items()}
    boards = expected.live_boards(wanted)
    for name, members in redis.sets.items():
        metric, minute = name.split(":")[-2:]
        if (int(minute) + 1) * 60 > now_s:
            seen = {user: score for user, score in members.items() if int(minute) >= since.get(user, 0)}
            assert seen == boards.pop((metric, int(minute)), {}), name
    assert not {board for board in boards if (board[1] + 1) * 60 > now_s}


def fields_of(session: Session) -> dict[str, Any]:
    return dict(msgspec.to_builtins(session))


@st.composite
def deletions(draw: st.DrawFn) -> tuple[int, hot.ReadingsDeleted]:
    """A deletion of readings of long ago, or that reaches into the last minutes, and when it was logged (ms)."""
    logged_us = T0 + draw(st.integers(0, 200)) * 1_000_000
    end_us = logged_us - draw(st.sampled_from([0, 119_000_000, 120_000_000, 3_600_000_000]))
    data = hot.ReadingsDeletedData(device_id="other", start=end_us - 1_000_000, end=end_us)
    head: dict[str, Any] = {"user": draw(st.sampled_from(USERS)), "zone": "UTC", "source": "test", "producer": "test"}
    return logged_us // 1000, hot.ReadingsDeleted.of(time=end_us, data=data, **head)


RECORDS = st.lists(st.one_of(frames(), frames(), frames(), events(), deletions()), min_size=1, max_size=16)


@given(RECORDS, st.randoms(use_true_random=False))
def test_sessions_and_boards_are_those_of_the_whole_log_however_it_is_cut_and_repeated(
    records: list[tuple[int, Any]], order: random.Random
) -> None:
    """Topics go on independently of each other; a worker that is killed leaves Redis ahead of where the next begins."""
    kinds: dict[str, tuple[type[Any], ...]] = {
        "sensor-frames": (hot.SensorFrame, hot.ReadingsDeleted),
        "workout-events": (hot.WorkoutStarted, hot.WorkoutCompleted, hot.WorkoutDeleted),
        "user-events": (hot.UserErased,),
    }
    in_order = sorted(records, key=lambda record: record[0])
    log = {topic: [record for record in in_order if isinstance(record[1], of)] for topic, of in kinds.items()}
    redis, read = LiveRedis(), dict.fromkeys(log, 0)
    crashes = order.randrange(4)
    while waiting := [topic for topic in log if read[topic] < len(log[topic])]:
        topic = order.choice(waiting)
        some = log[topic][read[topic] : read[topic] + order.randint(1, 4)]
        if crashes and order.random() < 0.3:
            crashes -= 1
            take(redis, some, topic, cut_at=order.randint(0, 6))
            continue
        take(redis, some, topic)
        read[topic] += len(some)
    check(redis, [one for topic in log.values() for one in topic])


@given(RECORDS)
def test_a_batch_twice_changes_nothing(records: list[tuple[int, Any]]) -> None:
    redis = LiveRedis()
    for of_frames in (True, False):
        batch = [one for one in records if isinstance(one[1], hot.SensorFrame | hot.ReadingsDeleted) is of_frames]
        take(redis, batch, "some")
        before = redis.held()
        take(redis, batch, "some")
        assert redis.held() == before


def test_who_ended_is_on_no_board_wherever_a_worker_was_killed_on_the_way() -> None:
    run: dict[str, Any] = {"user": "ada", "zone": "UTC", "source": "test", "producer": "test"}
    packed = pack_frame(
        device_id="watch",
        sequence=0,
        start_us=T0,
        workout_id=WORKOUTS["ada"][0],
        interval_us=1_000_000,
        columns={"distance_m": [5.0]},
        **run,
    )
    data = hot.WorkoutCompletedData(workout_id=WORKOUTS["ada"][0], sport="running", start=T0, end=T0 + 1)
    frame = [(T0 // 1000, FRAMES.decode_many([(b"ada", packed)])[0])]
    end: list[tuple[int, Any]] = [(T0 // 1000, hot.WorkoutCompleted.of(time=T0 + 1, data=data, **run))]
    for cut_at in range(12):
        redis = LiveRedis()
        take(redis, frame, "sensor-frames", cut_at=cut_at)
        take(redis, end, "workout-events")
        take(redis, frame, "sensor-frames")
        assert redis.held()[1] == {}, f"killed at {cut_at} of the frame"
        redis = LiveRedis()
        take(redis, frame, "sensor-frames")
        take(redis, end, "workout-events", cut_at=cut_at)
        take(redis, end, "workout-events")
        assert redis.held()[1] == {}, f"killed at {cut_at} of the end"
