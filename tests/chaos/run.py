"""One seed: workers, load, faults, quiet; then everything is compared."""

import asyncio
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.chaos.accounts import accounts, total
from tests.chaos.faults import Rig
from tests.chaos.recovery import LOOK_S, Recovery
from tests.chaos.schedule import Fault, Plan
from tests.chaos.stack import FOLDER, ChaosStack
from tests.chaos.workers import Workers
from tests.platform import Platform

READY_S: Final = 240.0
QUIET_S: Final = 240.0
LOAD_S: Final = 240.0  # how much longer than planned the load may take: brokers are killed under it
SHOWN: Final = 6
FLOW_S: Final = 4.0  # what flows before a fault of a calm run

Say = Callable[[str], None]


@dataclass
class Result:
    """What a seed brought. ``why`` is empty where all was well."""

    seed: int
    short: bool
    at: str
    is_named: bool = False
    faults: list[dict[str, Any]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    exits: list[dict[str, Any]] = field(default_factory=list)
    load: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)  # of the one who measures the recovery
    look_s: float = 0.0  # between its looks
    account: dict[str, int] = field(default_factory=dict)
    differing: dict[str, dict[str, int]] = field(default_factory=dict)
    lag: list[Any] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    duration_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, doubled or left."""
        return not self.why

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps({**asdict(self), "ok": self.ok})


async def run_plan(stack: ChaosStack, steps: Plan, *, short: bool, say: Say, keep: bool = False) -> Result:
    """Run a plan on a stack that is up. Logs of a failed one go below ``FOLDER/failed``, of one in which a worker
    ended by itself below ``FOLDER/exits``, of others to ``FOLDER/last``.

    ``keep``: leave the data of a failed one in the stores.
    """
    began = time.monotonic()
    now = datetime.now(UTC)
    result = Result(steps.seed, short, now.isoformat(timespec="seconds"), steps.is_named)
    name = f"chaos{steps.seed}x{int(now.timestamp()):x}"
    folder = FOLDER / "instances" / name
    folder.mkdir(parents=True)
    stack.heal()
    stack.give_models(folder)
    platform = Platform(name, folder, **stack.overrides())
    workers = Workers(platform, stack.through_proxies(), is_named=steps.is_named)
    try:
        platform.__enter__()
        await _run(stack, platform, workers, steps, result, say)
    except Exception as error:
        result.why.append(f"{type(error).__name__}: {error}"[:2_000])
        await asyncio.to_thread(stack.revive)
    except BaseException:
        result.why.append("interrupted")
        raise
    finally:
        stack.heal()
        result.exits = workers.exits
        result.duration_s = round(time.monotonic() - began, 1)
        await asyncio.to_thread(platform.stop)
        _keep(folder, steps, result)
        if not keep or result.ok:
            try:
                await asyncio.to_thread(platform.__exit__)
            except Exception as error:  # a store that is still away must not hide why the seed failed
                result.why.append(f"clearing away: {type(error).__name__}: {error}"[:2_000])
            shutil.rmtree(stack.lake / name, ignore_errors=True)
    return result


async def _run(stack: ChaosStack, platform: Platform, workers: Workers, steps: Plan, result: Result, say: Say) -> None:
    say("workers start")
    workers.start_all()
    supervising = asyncio.create_task(workers.keep_up())
    try:
        async with Recovery(platform.settings, platform.topics) as recovery:
            await _ready(platform)
            say("the load begins")
            load = await _start_load(platform, steps, short=result.short)
            await _faults(Rig(stack, platform, workers, steps.seed), steps, recovery, result, say)
            if steps.is_calm and load.returncode is None:
                load.send_signal(signal.SIGUSR1)
            said, complaint = await asyncio.wait_for(load.communicate(), steps.load_s + LOAD_S)
            if load.returncode != 0:
                result.why.append(f"the load ended with {load.returncode}: {complaint.decode()[-600:]}")
            else:
                result.load = json.loads(said)
            say("waiting for quiet")
            if not await recovery.settled(QUIET_S):
                result.why.append(f"not all sinks recovered within {QUIET_S:.0f} s of the last fault")
            result.troubles = dict(recovery.troubles)
            result.look_s = round(recovery.read_s / max(recovery.reads, 1) + LOOK_S, 2)
            for number, case in recovery.cases.items():
                result.faults[number] |= {"recovery_s": case.recovery_s, "is_alone": case.is_alone}
        say("verify")
        await _compare(platform, result)
    finally:
        supervising.cancel()


async def _ready(platform: Platform) -> None:
    """Wait until the workers have their partitions: their agents' tasks have started."""
    deadline = time.monotonic() + READY_S
    for role in list(platform.workers):
        log = platform.folder / f"worker-{role}.log"
        while "[^--Conductor" not in (text := log.read_text(errors="replace")) and "Worker ready" not in text:
            assert time.monotonic() < deadline, f"worker {role} is not ready: {text[-600:]}"
            await asyncio.sleep(0.2)


async def _start_load(platform: Platform, steps: Plan, *, short: bool) -> asyncio.subprocess.Process:
    athletes, days = (12, 6) if short else (20, 15)
    arguments = {"athletes": athletes, "days": days, "seed": steps.seed, "seconds": round(steps.load_s, 1)}
    command = [sys.executable, "-m", "tests.chaos.load"]
    for name, value in arguments.items():
        command += [f"--{name}", str(value)]
    return await asyncio.create_subprocess_exec(
        *command, env=platform.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


async def _faults(rig: Rig, steps: Plan, recovery: Recovery, result: Result, say: Say) -> None:
    """Do them at their times; one that takes long does not hold up the next."""
    began = time.monotonic()
    lacking = rig.stack.lacks()

    async def do(fault: Fault, number: int) -> None:
        due = FLOW_S if steps.is_calm else began + fault.at_s - time.monotonic()
        await asyncio.sleep(max(0.0, due))
        say(str(fault))
        recovery.begin(number)
        await rig.do(fault)
        recovery.over(number)
        result.faults[number]["over_s"] = round(time.monotonic() - began, 2)
        if steps.is_calm:
            await recovery.settled(QUIET_S)

    doing: list[asyncio.Task[None]] = []
    for fault in steps.faults:
        if reason := lacking.get(fault.kind):
            result.skipped[fault.kind] = reason
            continue
        number = len(result.faults)
        result.faults.append(asdict(fault))
        if steps.is_calm:
            await do(fault, number)
        else:
            doing.append(asyncio.create_task(do(fault, number)))
    try:
        await asyncio.gather(*doing)
    finally:
        for task in doing:
            task.cancel()


async def _compare(platform: Platform, result: Result) -> None:
    verified = await asyncio.to_thread(platform.verify)
    result.lag = verified["lag"][:SHOWN]
    for name, tally in verified["sinks"].items():
        if tally["missing"] or tally["extra"] or tally["different"]:
            result.differing[name] = tally
    if not verified["ok"]:
        result.why.append("verify: " + verified["shown"].strip()[-3_000:])
    found = await accounts(platform.settings.bootstrap, platform.topics)
    result.account = total(found)
    for account in found:
        if not account.is_even:
            said = "; ".join(account.unexplained[:SHOWN])
            result.why.append(f"account of {account.agent} with {account.topic}: {asdict(account)['input']}: {said}")


def _keep(folder: Path, steps: Plan, result: Result) -> None:
    """Put aside what the workers said."""
    run = f"{steps.seed}-{'short' if result.short else 'full'}"
    target = FOLDER / "last" if result.ok else FOLDER / "failed" / run
    if result.ok and result.exits:  # why a worker ended is worth a look even if nothing was lost
        target = FOLDER / "exits" / run
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for log in folder.glob("worker-*.log"):
        shutil.copy(log, target)
    timeline = "\n".join(str(fault) for fault in steps.faults)
    (target / "result.txt").write_text(f"{timeline}\n\n{chr(10).join(result.why)}\n\n{result.line()}\n")
