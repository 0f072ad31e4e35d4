"""``stridelog bench sensors``: packed frames from Kafka to minutes, live sessions and, mostly, raw samples."""

import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from bench.capacity import Capacity, Say, rig
from bench.load import registrations, user_of
from schemas.frames import pack_frame
from stridelog.devices import workout_id_of
from stridelog.producer import Producer
from stridelog.settings import Settings

SAMPLES: Final = 60  # in a frame, one a second, of four channels
WANTED: Final = {True: 1_000_000, False: 4_000_000}  # samples per worker CPU second: with raw samples, without
_S_US: Final = 1_000_000
_PREFIX: Final = "athlete"


def frames(users: int, count: int, end_us: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """``count`` frames as (user, packed frame): minute by minute, in each one of every user; the last ends at
    ``end_us``.
    """
    rng = np.random.default_rng(seed)
    rounds = -(-count // users)
    for number in range(count):
        minute, user = divmod(number, users)
        name = user_of(_PREFIX, user)
        start_us = end_us - (rounds - minute) * SAMPLES * _S_US
        yield (
            name.encode(),
            pack_frame(
                user=name,
                device_id=f"watch-{user}",
                sequence=minute,
                start_us=start_us,
                zone="Europe/Berlin",
                source="bench",
                producer="stridelog-bench",
                workout_id=workout_id_of(name, "bench", end_us - rounds * SAMPLES * _S_US),
                interval_us=_S_US,
                columns={
                    "heart_rate_bpm": rng.integers(100, 180, SAMPLES),
                    "cadence_rpm": rng.integers(80, 95, SAMPLES),
                    "speed_m_s": rng.uniform(2.5, 4.0, SAMPLES).round(3),
                    "altitude_m": rng.uniform(100, 130, SAMPLES).round(1),
                },
            ),
        )


async def run(base: Settings, *, count: int, users: int, keep_samples: bool, seed: int, say: Say) -> Capacity:
    """One run on an instance of its own, with one worker."""
    variables = {"STRIDELOG_KEEP_SAMPLES": str(keep_samples)}
    async with (
        rig(base.model_copy(update={"keep_samples": keep_samples}), ["sensors"], variables, say) as bench,
        await Producer(bench.settings, bench.topics).open(("UserRegistered", "SensorFrame")) as producer,
    ):
        for message in registrations(_PREFIX, users, time.time_ns() // 1000):
            await producer.send(message)
        await producer.flush()
        await bench.caught_up()

        async def fill() -> None:
            say("filling the topic")
            for key, value in frames(users, count, time.time_ns() // 1000 + 60 * _S_US, seed):
                await producer.send_encoded("SensorFrame", key, value)
            await producer.flush()

        return await bench.measure("sensors", fill)


def as_json(with_samples: Capacity, without: Capacity, *, count: int, users: int, seed: int) -> dict[str, Any]:
    """Both runs, as ``--json`` prints them."""
    return {
        "samples_per_frame": SAMPLES,
        "users": users,
        "seed": seed,
        **{
            name: {
                "samples": count * SAMPLES,
                "samples_per_cpu_s": round(count * SAMPLES / run.total_cpu_s),
                "wanted_per_cpu_s": WANTED[kept],
                **run.as_json(),
            }
            for name, kept, run in (("with_raw_samples", True, with_samples), ("without_raw_samples", False, without))
        },
    }
