"""``stridelog bench workouts``: completed workouts through all agents and all stores, with models inline."""

import time
from typing import Any, Final

from bench.capacity import Capacity, Say, rig
from bench.load import MESSAGE_TYPES, registrations, workout
from models.registry import KINDS, Registry
from stridelog.cli.worker import ROLES
from stridelog.producer import Producer
from stridelog.settings import Settings

SECONDS: Final = 3_600  # of a workout, a sample each
WANTED: Final = 1_000  # workouts per CPU second of all workers
_PREFIX: Final = "athlete"
_DAY_US: Final = 86_400_000_000


async def run(base: Settings, *, count: int, users: int, say: Say) -> Capacity:
    """One run: the samples are in ClickHouse before the clock starts, and then the completions come all at once."""
    async with (
        rig(base, ROLES, {}, say) as bench,
        await Producer(bench.settings, bench.topics).open(MESSAGE_TYPES) as producer,
    ):
        for message in registrations(_PREFIX, users, time.time_ns() // 1000 - 365 * _DAY_US):
            await producer.send(message)
        end_us = time.time_ns() // 1000
        completions: list[tuple[str, bytes]] = []
        for number in range(count):
            day, athlete = divmod(number, users)
            one = workout(_PREFIX, athlete, end_us - day * _DAY_US, sampled=True, seconds=SECONDS)
            for message_type, value in one.before:
                await producer.send_encoded(message_type, one.user.encode(), value)
            completions.append((one.user, one.completion))
            if number % 100 == 0:
                say(f"sending samples of {number:,} of {count:,} workouts")
        await producer.flush()
        await bench.caught_up()

        async def fill() -> None:
            for user, completion in completions:
                await producer.send_encoded("WorkoutCompleted", user.encode(), completion)
            await producer.flush()

        return await bench.measure("workouts", fill)


def models_of(settings: Settings) -> dict[str, str | None]:
    """Kind → version of the model that agents use; ``None``: there is none, and nothing is scored."""
    registry = Registry(settings)
    if not registry.exists:
        return dict.fromkeys(KINDS)
    found = {kind: registry.with_alias(kind, "champion") for kind in KINDS}
    return {kind: None if model is None else str(model.version) for kind, model in found.items()}


def as_json(done: Capacity, *, count: int, users: int, models: dict[str, str | None]) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "workouts": count,
        "samples_per_workout": SECONDS,
        "users": users,
        "models": models,
        "workouts_per_cpu_s": round(count / done.total_cpu_s, 1),
        "wanted_per_cpu_s": WANTED,
        **done.as_json(),
    }
