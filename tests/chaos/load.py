"""The load: a town that is sent at a steady rate, in a process of its own. ``python -m tests.chaos.load``."""

import argparse
import asyncio
import contextlib
import json
import signal
import time
from datetime import UTC, datetime

from simulator.faults import Faults
from simulator.town import MESSAGE_TYPES, Town
from stridelog.cli.simulate import Tally, send_town, town_config
from stridelog.pace import Scaled
from stridelog.producer import Producer
from stridelog.settings import settings


class Hurried:
    """A steady pace, until somebody wants the rest at once."""

    def __init__(self, speed: float) -> None:
        self._scaled = Scaled(speed, time.monotonic, self._sleep)
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        """No more waiting."""
        self._hurry.set()

    async def until(self, time_us: int) -> None:
        """Wait until ``time_us`` has come, or nobody waits any more."""
        if not self._hurry.is_set():
            await self._scaled.until(time_us)

    def restart(self, time_us: int) -> None:
        """From now on time counts from ``time_us``."""
        self._scaled.restart(time_us)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)


async def _send(athletes: int, days: int, seed: int, seconds: float) -> Tally:
    config = town_config(
        athletes=athletes,
        days=days,
        seed=seed,
        end="",
        live=False,
        sampling_s=0,
        faults=Faults(),
        now=datetime.now(UTC),
    )
    assert config.until_us is not None
    pace = Hurried((config.until_us - config.start_us) / 1e6 / seconds)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, pace.hurry)
    tally = Tally()
    async with await Producer(settings()).open(MESSAGE_TYPES) as producer:
        await send_town(Town(config), producer, pace, tally.count, config.start_us)
    return tally


def main() -> None:
    """Send it, and print what was sent as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("athletes", "days", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    tally = asyncio.run(_send(**vars(parser.parse_args())))
    print(
        json.dumps(
            {
                "messages": tally.messages.total(),
                "workouts": tally.messages["WorkoutCompleted"],
                "faults": tally.faults.total(),
            }
        )
    )


if __name__ == "__main__":
    main()
