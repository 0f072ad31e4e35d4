"""Small logs made by hand: messages in, records with offsets and log times out."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import ArrayLike

from schemas import hot
from schemas.decode import encode, key_of
from schemas.frames import pack_frame
from stridelog import topics
from verification.log import LogRecord
from verification.outcomes import PartitionLog, decode

HOUR_US = 3_600_000_000
START_US = 1_795_000_000_000_000  # 2026-11-18
WORKOUT = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
M = TypeVar("M")


class TestLog:
    """One partition's log; each record is logged a second after the one before."""

    __test__ = False

    def __init__(self) -> None:
        self.topics = topics.load(prefix="")
        self.records: dict[str, list[LogRecord]] = defaultdict(list)
        self.clock_ms = START_US // 1000

    def put(self, message: Any, **changes: Any) -> LogRecord:
        """Append a message to its topic; ``changes`` are fields of the record."""
        return self.put_bytes(type(message).__name__, key_of(message), encode(message), **changes)

    def put_bytes(self, message_type: str, key: bytes | None, value: bytes | None, **changes: Any) -> LogRecord:
        """Append bytes to the topic that carries a message type."""
        topic = self.topics.topic_of_message(message_type).name
        self.clock_ms += 1_000
        record = LogRecord(len(self.records[topic]), self.clock_ms, key, value)._replace(**changes)
        self.records[topic].append(record)
        return record

    def event(self, kind: type[Any], data: Any, *, user: str = "ada", time: int = START_US, **head: Any) -> LogRecord:
        """Append an event of a user."""
        fields = {"zone": "UTC", "source": "test", "producer": "test", **head}
        return self.put(kind.of(user=user, time=time, data=data, **fields))

    def register(self, user: str = "ada", **profile: Any) -> LogRecord:
        """The user registers."""
        data = hot.UserRegisteredData(name=user.title(), sex="female", **profile)
        return self.event(hot.UserRegistered, data, user=user)

    def complete(
        self, workout_id: str = WORKOUT, *, user: str = "ada", start: int = START_US, hours: float = 1.0, **fields: Any
    ) -> LogRecord:
        """The user completes a workout."""
        end = start + round(hours * HOUR_US)
        data = hot.WorkoutCompletedData(
            workout_id=workout_id, **{"sport": "running", "start": start, "end": end, **fields}
        )
        return self.event(hot.WorkoutCompleted, data, user=user, time=end)

    def frame(
        self,
        columns: Mapping[str, ArrayLike] | None = None,
        *,
        user: str = "ada",
        workout_id: str | None = WORKOUT,
        device_id: str = "watch",
        start: int = START_US,
        **fields: Any,
    ) -> LogRecord:
        """A frame of samples, one a second unless said otherwise."""
        value = pack_frame(
            user=user,
            device_id=device_id,
            sequence=len(self.records),
            start_us=start,
            zone="UTC",
            source="test",
            producer="test",
            workout_id=workout_id,
            columns=columns or {"heart_rate_bpm": np.full(60, 120.0)},
            **({"interval_us": 1_000_000} | fields if "time_us" not in fields else fields),
        )
        return self.put_bytes("SensorFrame", user.encode(), value)

    def read(self) -> PartitionLog:
        """Decoded, with nobody refused yet."""
        log = PartitionLog(self.topics, 0)
        for topic in self.topics:
            if topic.messages:
                log.reads[topic.name] = decode(topic, self.records[topic.name])
        return log


@pytest.fixture
def log() -> TestLog:
    return TestLog()


MakeLog = Callable[[], TestLog]
