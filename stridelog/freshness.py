"""How fresh boards are, seen from outside: from a completed workout in the log to its row in ClickHouse."""

import asyncio
import time
from collections import deque
from typing import Any, Final

import msgspec
import numpy as np
from aiokafka import TopicPartition

from sinks.kafka import Consumer
from stridelog.queries import Queries
from stridelog.settings import Settings
from stridelog.topics import Topics

KEPT: Final = 200  # the newest measurements
WAITING: Final = 100  # workouts that are watched at the same time; in a flood the others are not measured
GIVEN_UP_S: Final = 60.0
_POLL_S: Final = 0.1


class _Data(msgspec.Struct, frozen=True):
    workout_id: str = ""


class _Event(msgspec.Struct, frozen=True):
    """What this needs of a workout event."""

    type: str
    user: str
    data: _Data = _Data()


class FreshnessWatch:
    """Follows the log from now on and looks for each completed workout until the leaderboards agent has written it.

    A workout that is there at the first look was sent before and is not counted. ``run`` until cancelled.
    """

    def __init__(self, settings: Settings, topics: Topics, queries: Queries) -> None:
        self._bootstrap = settings.bootstrap
        self._topic = topics.topic_of_message("WorkoutCompleted")
        self._queries = queries
        self._decode = msgspec.json.Decoder(_Event).decode
        self._waiting: dict[tuple[str, str], float] = {}  # user, workout → Unix time in the log
        self._looked: set[tuple[str, str]] = set()
        self._seconds: deque[float] = deque(maxlen=KEPT)

    def quantile(self, q: float) -> float | None:
        """Of the newest measurements, in seconds; ``None``: there is none."""
        return float(np.quantile(list(self._seconds), q)) if self._seconds else None

    @property
    def count(self) -> int:
        """Measurements that the quantiles rest on."""
        return len(self._seconds)

    async def run(self) -> None:
        """Follow until cancelled."""
        consumer = Consumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([TopicPartition(self._topic.name, number) for number in range(self._topic.partitions)])
            await consumer.seek_to_end()
            while True:
                fetched = await consumer.getmany(timeout_ms=int(_POLL_S * 1000))
                for records in fetched.values():
                    for record in records:
                        self._note(record)
                if self._waiting:
                    await self._look()
                    await asyncio.sleep(_POLL_S)
        finally:
            await consumer.stop()

    def _note(self, record: Any) -> None:
        try:
            event = self._decode(record.value)
        except msgspec.MsgspecError:
            return  # a dead letter, not ours to tell
        if event.type == "WorkoutCompleted" and len(self._waiting) < WAITING:
            self._waiting.setdefault((event.user, event.data.workout_id), record.timestamp / 1000)

    async def _look(self) -> None:
        wanted = list(self._waiting)
        found = await self._queries.clickhouse(
            "SELECT DISTINCT user_id, workout_id FROM workouts WHERE (user_id, workout_id) IN"
            " {keys:Array(Tuple(String, String))}",
            keys=wanted,
        )
        now_s = time.time()
        for user, workout_id in found:
            sent_s = self._waiting.pop((user, workout_id))
            if (user, workout_id) in self._looked:
                self._seconds.append(now_s - sent_s)
        self._looked = set(self._waiting)
        for key in [key for key, sent_s in self._waiting.items() if now_s - sent_s > GIVEN_UP_S]:
            del self._waiting[key]  # dead, deleted, or its agents are far behind: the lag says so
