"""The transport's speed beside its peers': the same job on the same topic, one after the other, round by round.

A contender is a process of its own, started cold. Events a second are of the time from its first records to its last:
starting and joining the group are not in it, a JVM's warming up is. CPU time is that of the whole process, as the
system counts it, less that of the same process with hardly any events; so what clients fetch ahead in threads of
theirs before the first record is in it. Rounds alternate (A B C, A B C), so that whatever else the machine does meets
all of them.
"""

import asyncio
import json
import os
import resource
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Final

from bench import transport_load as load
from bench.transport_load import Load
from bench.transport_peers import Command, Contender
from bench.transport_result import Result, Run, Standing
from compose.settings import ROOT, StackSettings
from stridelog.errors import UserError
from stridelog.settings import Settings

IDLE_EVENTS: Final = 1_000
SLOW_SHARE: Final = 20  # slow contenders read one event in so many…
SLOW_LEAST: Final = 25_000  # …but so many at least
START_S: Final = 90.0  # how long a contender may take to start, join and leave
SLOWEST_PER_S: Final = 1_000  # a contender that is slower than this is given up

Say = Callable[[str, int, int], None]  # what is being done, steps done, steps in all


def measure(
    settings: Settings, stack: StackSettings, contenders: Sequence[Contender], *, events: int, rounds: int, say: Say
) -> Result:
    """Install the contenders, write the events, run all contenders ``rounds`` times; then the topics are removed.

    A contender that cannot be installed, fails, or gets other sums is reported with the reason and not run again.
    Raises ``UserError`` where Kafka does not answer.
    """
    before = os.getloadavg()[0]
    race = _Race(settings.bootstrap, stack, contenders, rounds, say)
    race.install()
    prefix = f"{settings.topic_prefix}bench-transport-{token_hex(3)}"
    sizes = {"idle": IDLE_EVENTS, "share": share(events), "all": events}
    topics = {kind: f"{prefix}-{kind}" for kind in sizes}
    try:
        race.next(f"writing {events:,} events")
        race.loads = {kind: asyncio.run(load.write(settings.bootstrap, topics[kind], sizes[kind])) for kind in sizes}
        for turn in range(rounds):
            race.round(turn + 1)
    finally:
        asyncio.run(load.remove(settings.bootstrap, list(topics.values())))
    whole = race.loads["all"]
    return Result(events, whole.bytes / whole.events, rounds, race.standings, (before, os.getloadavg()[0]))


def share(events: int) -> int:
    """How many of the events a slow contender reads: the first of them."""
    return min(events, max(SLOW_LEAST, events // SLOW_SHARE))


class _Race:
    """The contenders, what they have to read, and how far they are."""

    def __init__(
        self, bootstrap: str, stack: StackSettings, contenders: Sequence[Contender], rounds: int, say: Say
    ) -> None:
        self._bootstrap = bootstrap
        self._stack = stack
        self._contenders = contenders
        self._say = say
        self._steps = len(contenders) * (rounds + 1) + 1
        self._step = 0
        self._commands: dict[str, Command] = {}
        self.loads: dict[str, Load] = {}
        self.standings = {each.name: Standing(each.title, each.job) for each in contenders}

    def next(self, what: str) -> None:
        """Say what is done now."""
        self._say(what, self._step, self._steps)
        self._step += 1

    def install(self) -> None:
        """Get what is missing; note who cannot be installed."""
        for contender in self._contenders:
            self.next(f"installing {contender.title}")
            try:
                self._commands[contender.name] = contender.prepare(self._stack)
            except UserError as error:
                self.standings[contender.name].failure = str(error)

    def round(self, turn: int) -> None:
        """Run every contender that has not failed: with hardly any events, and with all of its events."""
        for contender in self._contenders:
            self.next(f"round {turn}: {contender.title}")
            standing = self.standings[contender.name]
            if standing.failure is not None:
                continue
            try:
                standing.idle.append(self._run(contender, self.loads["idle"]))
                standing.runs.append(self._run(contender, self.loads["share" if contender.slow else "all"]))
            except UserError as error:
                standing.failure = str(error)

    def _run(self, contender: Contender, chosen: Load) -> Run:
        """One contender once. Raises ``UserError`` where it fails or has not done the job."""
        command = self._commands[contender.name](self._bootstrap, chosen.topic, chosen.events)
        log = self._stack.log(f"bench-{contender.name}")
        before_s = _children_cpu_s()
        said = json.loads(_last_line(command, log, START_S + chosen.events / SLOWEST_PER_S))
        cpu_s = _children_cpu_s() - before_s
        if said["events"] != chosen.events:
            raise UserError(f"it counted {said['events']:,} of {chosen.events:,} events")
        if contender.job == "decode and sum" and said["digest"] != chosen.digest:
            raise UserError("its sums are not those of the events")
        if said["first"] == chosen.events and chosen is not self.loads["idle"]:
            raise UserError(f"all {chosen.events:,} events came at once, which is no rate: give it more with --events")
        return Run(said["events"], said["first"], said["seconds"], cpu_s)


def _last_line(command: Sequence[str], log: Path, timeout_s: float) -> bytes:
    """What a program prints last. Raises ``UserError`` where it fails or takes longer than ``timeout_s``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        try:
            done = subprocess.run(  # noqa: S603 - the contenders' programs with our arguments
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"it was not done after {timeout_s:.0f} s: see {log}") from None
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        raise UserError(f"it ended with exit code {done.returncode}: see {log}")
    return lines[-1]


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
