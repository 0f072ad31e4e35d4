"""Each kind of fault, done to a running platform. A function returns when its fault is over."""

import asyncio
import random
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from aiokafka import AIOKafkaProducer

from compose.settings import ServiceName
from stridelog.errors import UserError
from tests.chaos.schedule import Fault
from tests.chaos.stack import FAKETIME, ChaosStack
from tests.chaos.workers import Workers
from tests.platform import Platform
from verification.log import Log

LEAVE_S: Final = 40.0
MOST_BYTES: Final = 64 << 20  # what a device sends may be larger than any agent takes: such records are sent again too
READ_S: Final = 30.0
RESENT: Final = ("sensor-frames", "workout-events", "user-events", "social-events")
POISON: Final[tuple[tuple[str, bytes | None, bytes | None], ...]] = (
    ("sensor-frames", b"nobody-at-all", b"\x81\xa4type\xabSensorFrame"),
    ("sensor-frames", b"nobody-at-all", None),
    ("sensor-frames", b"a", b"\xff" * 40),
    ("workout-events", b"a", b'{"type": "WorkoutCompleted"}'),
    ("workout-events", b"a", b"not json"),
    ("workout-events", b"a", b'{"type": "SomethingElse", "v": 1}'),
    ("user-events", b"a", b"[1, 2, 3]"),
    ("social-events", None, b"{}"),
    ("social-events", b"a", b"\x00\x01\x02"),
)


class Rig:
    """What faults are done to."""

    def __init__(self, stack: ChaosStack, platform: Platform, workers: Workers, seed: int) -> None:
        self.stack = stack
        self.platform = platform
        self.workers = workers
        self.rng = random.Random(f"rig {seed}")

    async def do(self, fault: Fault) -> None:
        """Bring a fault about, and return when it is over."""
        await _DOING[fault.kind](self, fault)


async def _worker_kill(rig: Rig, fault: Fault) -> None:
    name = await rig.workers.one_of(fault.target)
    rig.workers.kill(name)
    rig.workers.start(name)


async def _worker_stop(rig: Rig, fault: Fault) -> None:
    process = rig.workers.process(await rig.workers.one_of(fault.target))
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(fault.seconds)
    process.send_signal(signal.SIGCONT)


async def _worker_join(rig: Rig, fault: Fault) -> None:
    rig.workers.add(fault.target)


async def _worker_leave(rig: Rig, fault: Fault) -> None:
    """One more comes, and the one that was there is told to stop: a rolling update."""
    name = await rig.workers.one_of(fault.target)
    rig.workers.add(fault.target)
    process = rig.workers.leave(name)
    try:
        await asyncio.to_thread(process.wait, LEAVE_S)
    except subprocess.TimeoutExpired:
        rig.workers.exits.append({"worker": name, "code": None, "said": f"did not stop within {LEAVE_S:.0f} s"})
        process.kill()
        process.wait()


async def _clock_skew(rig: Rig, fault: Fault) -> None:
    """The worker is started anew with a wrong clock, and keeps it to the end of the run or its own."""
    name = await rig.workers.one_of(fault.target)
    rig.workers.kill(name)
    rig.workers.start(
        name,
        {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"{fault.amount:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"},
    )


async def _service_kill(rig: Rig, fault: Fault) -> None:
    service = cast(ServiceName, fault.target.partition("-")[0])
    await rig.stack.kill(fault.target)
    await asyncio.sleep(fault.seconds)
    await rig.stack.restart(service)


async def _link_cut(rig: Rig, fault: Fault) -> None:
    store = cast(ServiceName, fault.target)
    rig.stack.enable(store, False)
    await asyncio.sleep(fault.seconds)
    rig.stack.enable(store, True)


def _toxic(toxic: str, attribute: str, more: Callable[[Fault], dict[str, int]] = lambda fault: {}) -> "Doing":
    async def do(rig: Rig, fault: Fault) -> None:
        store = cast(ServiceName, fault.target)
        rig.stack.poison(store, toxic, {attribute: fault.amount, **more(fault)})
        await asyncio.sleep(fault.seconds)
        rig.stack.cure(store, toxic)

    return do


async def _disk_full(rig: Rig, fault: Fault) -> None:
    await asyncio.to_thread(rig.stack.fill)
    await asyncio.sleep(fault.seconds)
    rig.stack.filler.unlink()


async def _poison(rig: Rig, fault: Fault) -> None:
    """Records that no agent can use, on all topics that devices and apps write to."""
    await _send(rig, [POISON[rig.rng.randrange(len(POISON))] for _ in range(fault.amount)])


async def _resend(rig: Rig, fault: Fault) -> None:
    """A producer that sends again what was sent, in another order; each record keeps its partition by its key."""
    deadline = time.monotonic() + READ_S
    while True:
        try:
            found = await _sent(rig)
            break
        except UserError:  # a broker may be away at this moment
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)
    await _send(rig, rig.rng.sample(found, min(len(found), fault.amount)))


async def _sent(rig: Rig) -> list[tuple[str, bytes | None, bytes | None]]:
    found: list[tuple[str, bytes | None, bytes | None]] = []
    async with Log(rig.platform.settings.bootstrap) as log:
        names = {rig.platform.topics.named(name).name: name for name in RESENT}
        for (topic, partition), end in (await log.ends(names)).items():
            found += [(names[topic], each.key, each.value) for each in await log.read(topic, partition, end)]
    return found


async def _send(rig: Rig, records: list[tuple[str, bytes | None, bytes | None]]) -> None:
    topics = rig.platform.topics
    producer: Any = AIOKafkaProducer(
        bootstrap_servers=rig.platform.settings.bootstrap, acks="all", max_request_size=MOST_BYTES
    )
    async with producer:
        sent = []
        for name, key, value in records:
            sent.append(await producer.send(topics.named(name).name, value, key=key))
        await asyncio.gather(*sent)


Doing = Callable[[Rig, Fault], Awaitable[None]]
_DOING: Final[dict[str, Doing]] = {
    "worker-kill": _worker_kill,
    "worker-stop": _worker_stop,
    "worker-join": _worker_join,
    "worker-leave": _worker_leave,
    "clock-skew": _clock_skew,
    "broker-kill": _service_kill,
    "clickhouse-kill": _service_kill,
    "mongo-kill": _service_kill,
    "redis-kill": _service_kill,
    "postgres-kill": _service_kill,
    "link-cut": _link_cut,
    "link-slow": _toxic("latency", "latency", lambda fault: {"jitter": fault.amount // 2}),
    "link-hang": _toxic("timeout", "timeout"),
    "link-torn": _toxic("limit_data", "bytes"),
    "disk-full": _disk_full,
    "poison": _poison,
    "resend": _resend,
}
