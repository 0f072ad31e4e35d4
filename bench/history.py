"""``stridelog bench history``: what a workout costs an agent when its athlete has few, and when they have many.

In this process, without stores: state, join and scores as the agents ``workouts`` and ``leaderboards`` work them out,
for one workout a day with stated totals. What summaries of samples cost does not depend on it.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Any, Final

from agents import leaderboards, workouts
from domain.track import NO_SAMPLES
from schemas import hot
from sinks.base import Span
from stridelog.batch import Batch, Record
from stridelog.joining import Join
from stridelog.projections.boards import score_rows, touch
from stridelog.state import State

MEASURED: Final = 100  # workouts, each a batch of its own; the median counts
HISTORIES: Final = (10, 100, 1_000, 10_000)
USER: Final = "ann"
_DAY_US: Final = 86_400_000_000
_BEGIN_US: Final = 1_000_000_000_000_000
_ENVELOPE: Final[dict[str, Any]] = {"user": USER, "zone": "Europe/Oslo", "source": "bench", "producer": "bench"}


def run(histories: Sequence[int]) -> dict[str, Any]:
    """CPU time of a workout in ms for each number of workouts before it, and the slowest to the fastest."""
    costs = [(history, *asyncio.run(_cost_ms(history))) for history in histories]
    totals = [joining + scoring for _, joining, scoring in costs]
    return {
        "cpu_ms_per_workout": [
            {"workouts_before": history, "workouts": round(joining, 3), "leaderboards": round(scoring, 3)}
            for history, joining, scoring in costs
        ],
        "slowest_to_fastest": round(max(totals) / min(totals), 2),
    }


async def _cost_ms(history: int) -> tuple[float, float]:
    joined, scored = (State(None, agent.facts, cached_facts=10**9) for agent in (workouts, leaderboards))
    await joined.load([USER])
    await scored.load([USER])
    registered = hot.UserRegistered.of(
        time=_BEGIN_US, data=hot.UserRegisteredData(name="Ann", sex="female", birth_year=1990), **_ENVELOPE
    )
    _join(joined, [registered], 0)
    first = history + 1  # offset, and day
    summaries = _join(joined, [_completed(day) for day in range(1, first)], 1)
    _score(scored, summaries, 1)
    joining: list[float] = []
    scoring: list[float] = []
    for day in range(first, first + MEASURED):
        began_s = time.process_time()
        summaries = _join(joined, [_completed(day)], day)
        joined_s = time.process_time()
        _score(scored, summaries, day)
        joining.append(joined_s - began_s)
        scoring.append(time.process_time() - joined_s)
    return statistics.median(joining) * 1000, statistics.median(scoring) * 1000


def _completed(day: int) -> hot.WorkoutCompleted:
    begin_us = _BEGIN_US + day * _DAY_US
    end_us = begin_us + 1_800_000_000
    stated = hot.Stated(distance_m=5_000.0 + day % 7)
    data = hot.WorkoutCompletedData(
        workout_id=f"{day:08d}-0000-4000-8000-000000000000",
        sport="running",
        start=begin_us,
        end=end_us,
        pauses=(),
        stated=stated,
    )
    return hot.WorkoutCompleted.of(time=end_us, data=data, **_ENVELOPE)


def _batch(topic: str, messages: Sequence[Any], first: int) -> Batch:
    records = [Record(first + number, 0, message) for number, message in enumerate(messages)]
    return Batch(Span(topic, 0, first, first + len(messages)), records)


def _join(state: State, messages: Sequence[Any], first: int) -> list[Any]:
    batch = _batch("workout-events", messages, first)
    join = Join(state, batch.span, b"", {})
    join.keep(batch.records)
    join.summarise({key: NO_SAMPLES for group in join.touched() for key in group})
    said, _ = join.work_out()
    state.take_pending()
    return [message for message in said if isinstance(message, hot.WorkoutSummarised)]


def _score(state: State, summaries: Sequence[Any], first: int) -> None:
    score_rows(touch(_batch("workout-summaries", summaries, first), state), 0)
    state.take_pending()
