"""How fast recorded or simulated time passes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from stridelog.errors import UserError

US_PER_S = 1_000_000


class Pace(Protocol):
    """Holds messages back until they are due."""

    async def until(self, time_us: int) -> None:
        """Return when ``time_us`` has come."""

    def restart(self, time_us: int) -> None:
        """From now on time counts from ``time_us``."""


class AsFastAsPossible:
    """Nothing waits."""

    async def until(self, time_us: int) -> None:
        """Return at once."""

    def restart(self, time_us: int) -> None:
        """Nothing to do."""


@dataclass(slots=True)
class Scaled:
    """Time passes ``speed`` times as fast as on the wall, from the first ``restart`` on."""

    speed: float
    now_s: Callable[[], float]  # a steady clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _began_s: float = field(default=0.0, init=False)
    _began_us: int = field(default=0, init=False)

    def restart(self, time_us: int) -> None:
        """From now on time counts from ``time_us``."""
        self._began_s, self._began_us = self.now_s(), time_us

    async def until(self, time_us: int) -> None:
        """Wait until ``time_us`` has come at this speed."""
        due_s = self._began_s + (time_us - self._began_us) / US_PER_S / self.speed
        wait_s = due_s - self.now_s()
        if wait_s > 0:
            await self.sleep(wait_s)


@dataclass(slots=True)
class UpToNow:
    """Time passes ``speed`` times as fast as on the wall until it has caught up with the present, then with the wall:
    nothing is ever sent from the future.
    """

    scaled: Scaled
    present_us: Callable[[], int]  # UTC microseconds

    def restart(self, time_us: int) -> None:
        """From now on time counts from ``time_us``."""
        self.scaled.restart(time_us)

    async def until(self, time_us: int) -> None:
        """Wait until ``time_us`` has come at this speed, and is not in the future."""
        await self.scaled.until(time_us)
        wait_us = time_us - self.present_us()
        if wait_us > 0:
            await self.scaled.sleep(wait_us / US_PER_S)


def pace_of(speed: str, now_s: Callable[[], float]) -> Pace:
    """The pace for ``real``, ``max`` or a factor like ``60``. Raises ``UserError``."""
    if speed == "max":
        return AsFastAsPossible()
    try:
        factor = 1.0 if speed == "real" else float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise UserError(f"--speed {speed!r} is no speed: give real, max or a factor like 60")
    return Scaled(factor, now_s)
