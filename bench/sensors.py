"""``stridelog bench sensors``: packed frames from Kafka to minutes, live sessions and, mostly, raw samples."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from bench.capacity import Capacity, Say, measured
from bench.load import registrations, user_of
from schemas.frames import pack_frame
from stridelog.devices import workout_id_of
from stridelog.instance import environment, own_instance
from stridelog.lag import LagReader, caught_up, declared
from stridelog.producer import Producer
from stridelog.settings import Settings
from stridelog.workers import Workers

SAMPLES: Final = 60  # in a frame, one a second, of four channels
CAUGHT_UP_S: Final = 300.0
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
    async with own_instance(base.model_copy(update={"keep_samples": keep_samples}), "bench") as (own, topics):
        variables = {**environment(own), "STRIDELOG_KEEP_SAMPLES": str(keep_samples)}
        with Workers(own.local / "logs", own.host, ["sensors"], variables, ["--profile"]) as workers:
            workers.start()
            await asyncio.to_thread(workers.wait_ready, lambda _: None)
            async with await Producer(own, topics).open(("UserRegistered", "SensorFrame")) as producer:
                for message in registrations(_PREFIX, users, time.time_ns() // 1000):
                    await producer.send(message)
                await producer.flush()
                async with LagReader(own, known=topics, agents=[declared()["sensors"]]) as reader:
                    await caught_up(reader, timeout_s=CAUGHT_UP_S)

                async def fill() -> None:
                    for key, value in frames(users, count, time.time_ns() // 1000 + 60 * _S_US, seed):
                        await producer.send_encoded("SensorFrame", key, value)
                    await producer.flush()

                return await measured(workers, fill, {"sensors": count}, own, say)


def as_json(with_samples: Capacity, without: Capacity, *, users: int, seed: int) -> dict[str, Any]:
    """Both runs, as ``--json`` prints them."""
    return {
        "samples_per_frame": SAMPLES,
        "users": users,
        "seed": seed,
        **{
            name: {
                "samples": run.records * SAMPLES,
                "samples_per_cpu_s": round(run.records * SAMPLES / run.total_cpu_s),
                "wanted_per_cpu_s": WANTED[kept],
                **run.as_json(),
            }
            for name, kept, run in (("with_raw_samples", True, with_samples), ("without_raw_samples", False, without))
        },
    }
