"""How long the platform takes to be itself again: from the end of a fault until every sink has passed what was in the
log at that moment.
"""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from stridelog.lag import Lag, LagReader
from stridelog.settings import Settings
from stridelog.topics import Topics

LOOK_S: Final = 0.5
OPEN_S: Final = 20.0
MOST_FAILURES: Final = 10
ANSWER_S: Final = 10.0
CLOSE_S: Final = 5.0


@dataclass
class Case:
    """One fault that is over. ``recovery_s`` is None until all have recovered from it; ``is_alone`` says whether no
    other fault was there between its begin and its recovery.
    """

    number: int
    over_at: float
    ends: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    recovery_s: float | None = None
    is_alone: bool = True


class Recovery:
    """Watches the watermarks while there are cases to follow. Use as an async context manager."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self._topics = topics
        self._active: set[int] = set()
        self.cases: dict[int, Case] = {}
        self.troubles: Counter[str] = Counter()  # of the one who looks
        self.reads, self.read_s = 0, 0.0  # looks, and how long they took: how exact the figures are
        self._disturbed: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Recovery":
        self._task = asyncio.create_task(self._follow(), name="recovery")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def begin(self, number: int) -> None:
        """A fault begins: it disturbs whatever has not recovered yet, and is disturbed by it."""
        others = {case.number for case in self.cases.values() if case.recovery_s is None} | self._active
        if others:
            self._disturbed |= others | {number}
        self._active.add(number)

    def over(self, number: int) -> None:
        """A fault is over."""
        self._active.discard(number)
        self.cases[number] = Case(number, time.monotonic())

    async def settled(self, deadline_s: float) -> bool:
        """Wait until nothing is left to follow; False if that takes longer."""
        end = time.monotonic() + deadline_s
        while not self.is_done and time.monotonic() < end:
            await asyncio.sleep(LOOK_S)
        return self.is_done

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to follow."""
        return not self._active and all(case.recovery_s is not None for case in self.cases.values())

    async def _follow(self) -> None:
        """Look, for ever. What is watched is shot at: clients find their servers again, or are made anew."""
        while True:
            reader = LagReader(self._settings, known=self._topics)
            failures = 0
            try:
                async with asyncio.timeout(OPEN_S):
                    await reader.__aenter__()
                while failures < MOST_FAILURES:
                    if self._open():
                        failures = 0 if await self._read(reader) else failures + 1
                    await asyncio.sleep(LOOK_S)
            except Exception as error:
                self._note(error)
            finally:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(CLOSE_S):
                        await reader.close()
            await asyncio.sleep(LOOK_S)

    async def _read(self, reader: LagReader) -> bool:
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_S):
                lags = await reader.read()
        except Exception as error:  # whatever a client raises while its server dies
            self._note(error)
            return False
        self.reads += 1
        self.read_s += time.monotonic() - began
        self._look(lags)
        return True

    def _note(self, error: Exception) -> None:
        self.troubles[f"{type(error).__name__}: {error}"[:160]] += 1

    def _open(self) -> list[Case]:
        return [case for case in self.cases.values() if case.recovery_s is None]

    def _look(self, lags: list[Lag]) -> None:
        marks = {(lag.agent, lag.sink, lag.topic, lag.partition): lag.watermark for lag in lags}
        for case in self._open():
            if not case.ends:
                case.ends = {(lag.agent, lag.sink, lag.topic, lag.partition): lag.end for lag in lags}
            if all(marks.get(key, 0) >= end for key, end in case.ends.items()):
                case.recovery_s = time.monotonic() - case.over_at
                case.is_alone = case.number not in self._disturbed
