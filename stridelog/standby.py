"""Makes the runners of a worker do what operators ask: leave their partitions alone, and take them up again."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from sinks.base import SinkUnavailable
from stridelog import metrics
from stridelog.control import FREE, Control, Standing
from stridelog.ending import end_worker
from stridelog.engine import Runner

log = logging.getLogger(__name__)


class Standby:
    """Looks at what is asked of the agents of a worker, again and again.

    ``restart`` starts all partitions of the worker anew, at the smallest watermarks of the agents that are not paused.
    """

    def __init__(
        self, control: Control, runners: Sequence[Runner], restart: Callable[[], Awaitable[None]], poll_s: float
    ) -> None:
        self.asked: dict[str, Standing] = {}  # of each agent, as of the last look that was answered
        self._control = control
        self._runners = runners
        self._restart = restart
        self._poll_s = poll_s
        self._is_away = False
        self._is_closed = False
        self._wake = asyncio.Event()

    async def open(self) -> None:
        """Connect and look for the first time: an agent that is paused must not begin. Waits for PostgreSQL."""
        for runner in self._runners:
            runner.pause_asked = self._pause_itself
        first = self._runners[0]  # any of them: they all wait in the same way
        await first.persist("control", self._control.open)
        asked = await first.persist("control", self._control.read)
        for runner in self._runners:
            standing = asked.get(runner.agent.name, FREE)
            self._note(runner, standing)
            if standing.paused:
                await runner.pause()
            else:
                runner.forgive_until(standing.at)

    async def close(self) -> None:
        """Disconnect; ``run`` ends."""
        self._is_closed = True
        self._wake.set()
        await self._control.close()

    async def run(self) -> None:
        """Look until closed."""
        while not self._is_closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._poll_s)
            self._wake.clear()
            if self._is_closed:
                return
            try:
                await self._look()
            except Exception:
                # A bug: going on would leave agents as they are whatever is asked.
                log.exception("cannot do what is asked of the agents")
                end_worker("worker ends because it cannot do what is asked of its agents")

    def paused(self) -> dict[str, Standing]:
        """The worker's agents that are paused."""
        return {name: standing for name, standing in self.asked.items() if standing.paused}

    async def _look(self) -> None:
        try:
            asked = await self._control.read()
        except SinkUnavailable as error:
            if not self._is_away:
                log.warning("which agents are paused is not known, going on as before: %s", error)
            self._is_away = True
            return
        self._is_away = False
        changed = []
        for runner in self._runners:
            standing = asked.get(runner.agent.name, FREE)
            if standing.generation != self.asked[runner.agent.name].generation:
                self._note(runner, standing)
                changed.append((runner, standing))
        # Paused and resumed between two looks: somebody may have claimed the partitions meanwhile, so begin anew.
        await asyncio.gather(*(runner.pause() for runner, _ in changed))
        resumed = [(runner, standing) for runner, standing in changed if not standing.paused]
        for runner, standing in resumed:
            runner.resume(standing.at)
        if resumed:
            await self._restart()

    def _note(self, runner: Runner, standing: Standing) -> None:
        name = runner.agent.name
        if standing.paused:
            log.warning("%s is paused by %s: %s", name, standing.paused_by, standing.reason)
        elif name in self.asked:
            log.warning("%s is resumed", name)
        self.asked[name] = standing
        metrics.PAUSED.labels(name).set(standing.paused)

    async def _pause_itself(self, runner: Runner, reason: str) -> None:
        """A runner asks to be paused; returns when it is asked of all workers."""
        name = runner.agent.name

        async def ask() -> bool:
            return await self._control.pause(name, reason, "its worker")

        if await runner.persist("control", ask):
            metrics.FLOODS.labels(name).inc()
            log.error("%s pauses: %s. Mend what sends them, then: stridelog agents resume %s", name, reason, name)
        self._wake.set()
