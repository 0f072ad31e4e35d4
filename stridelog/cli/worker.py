"""``stridelog worker ROLE...``: run agents."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import subprocess
import sys
import time
from typing import Annotated, Any, Final, get_args

import typer
import uvloop
from prometheus_client import REGISTRY

from stridelog.agent import Role
from stridelog.errors import UserError
from stridelog.sampling import Sampler
from stridelog.settings import settings

ROLES: Final[tuple[str, ...]] = get_args(Role)
POLL_S: Final = 0.2
PROFILE_HZ: Final = 200
GC_THRESHOLDS: Final = (100_000, 20, 50)
STOP_S: Final = 20.0


def worker(
    roles: Annotated[list[str], typer.Argument(help=f"{', '.join(ROLES)}, or all")],
    instance: Annotated[
        str | None,
        typer.Option(help="This worker's own name: it keeps its partitions over a restart (static membership)."),
    ] = None,
    metrics_port: Annotated[int, typer.Option(help="Port of /metrics and /health; 0: any free one.")] = 0,
    loglevel: Annotated[str, typer.Option(help="debug, info, warn or error")] = "warn",
    profile: Annotated[
        bool, typer.Option("--profile", help="Say on /metrics where CPU time goes (stridelog_cpu_seconds_total).")
    ] = False,
) -> None:
    """Run the agents of one or more roles; each role is a process of its own, in its own consumer group."""
    chosen = list(ROLES) if roles == ["all"] else roles
    if unknown := [role for role in chosen if role not in ROLES]:
        raise UserError(f"no such role: {', '.join(unknown)}. There are {', '.join(ROLES)}, and all")
    if len(chosen) == 1:
        if profile:
            sampler = Sampler()
            REGISTRY.register(sampler)
            sampler.start(PROFILE_HZ)
        run_role(chosen[0], instance, metrics_port, loglevel)
    else:
        if metrics_port:
            raise UserError("--metrics-port is for one role: several roles are several processes, each with its own")
        _run_processes(chosen, instance, loglevel, ["--profile"] if profile else [])


def run_role(role: str, instance: str | None, metrics_port: int, loglevel: str) -> None:
    """Run one role in this process until it is told to stop."""
    from faust import Worker

    from stridelog.app import build_app

    asyncio.run(_check_topics(role))
    app: Any = build_app(role, settings(), instance=instance, metrics_port=metrics_port)
    print(
        f"worker {role}: agents {', '.join(app.agents)}; metrics on {app.conf.web_host}:{app.conf.web_port}", flush=True
    )
    loop = uvloop.new_event_loop()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    faust_worker: Any = Worker(app, loop=loop, loglevel=loglevel, quiet=True, redirect_stdouts=False)
    _calm_garbage_collector()
    faust_worker.spinner = None  # it writes cursor codes into log files, and makes a record of every debug message
    faust_worker.execute_from_commandline()


def _calm_garbage_collector() -> None:
    """What is there now stays; and a batch makes ten thousands of objects that are not garbage, which by default has
    the collector look through the whole heap several times a batch, in vain: reference counts free nearly everything.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _check_topics(role: str) -> None:
    """Raises ``UserError`` if a topic that the role reads or writes does not exist."""
    from stridelog import topics
    from stridelog.app import agents_of
    from stridelog.topic_admin import TopicAdmin

    table = topics.load()
    needed = [t for agent in agents_of(role) for t in (*table.inputs_of(agent.name), *table.outputs_of(agent.name))]
    async with TopicAdmin(settings()) as admin:
        missing = await admin.missing(needed)
    if missing:
        raise UserError(f"topic {', '.join(missing)} does not exist: run stridelog topics apply")


def _run_processes(roles: list[str], instance: str | None, loglevel: str, options: list[str]) -> None:
    command = [sys.executable, "-m", "stridelog", "worker"]
    names = ["--instance", instance] if instance else []
    children = {role: subprocess.Popen([*command, role, "--loglevel", loglevel, *names, *options]) for role in roles}
    stopping = False

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopping and all(child.poll() is None for child in children.values()):
        time.sleep(POLL_S)
    ended = {role: child.returncode for role, child in children.items() if child.returncode is not None}
    for child in children.values():
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    for child in children.values():
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
    if not stopping:
        role, code = next(iter(ended.items()))
        print(f"stridelog: worker {role} ended with exit code {code}; the others were stopped", file=sys.stderr)
        sys.exit(code or os.EX_SOFTWARE)
