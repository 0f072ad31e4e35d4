"""The Faust app of a role: its agents on batch topics, and where it starts."""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final

import faust
from faust.types import TP
from faust_batches import BatchMonitor, BatchSchema
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sinks.base import TopicPartition
from stridelog import topics as topic_table
from stridelog.agent import AGENTS, Agent
from stridelog.control import Control
from stridelog.emptiness import Reader
from stridelog.ending import end_within, end_worker
from stridelog.ends import Ends
from stridelog.engine import Runner, smallest
from stridelog.errors import UserError
from stridelog.settings import Settings
from stridelog.standby import Standby

LEAVE_MOST_S: Final = 15.0  # for leaving the group, when all is written
CLAIM_SHARE: Final = 0.8  # of the time after which Faust gives up


def group_of(role: str, settings: Settings) -> str:
    """The consumer group of a role."""
    return f"{settings.namespace}-{role}"


def agents_of(role: str) -> list[Agent]:
    """The declared agents of a role. Raises ``UserError`` for a role that does not exist."""
    import agents  # noqa: F401 - declares them

    found = [agent for agent in AGENTS.values() if agent.role == role]
    if not found:
        roles = ", ".join(sorted({agent.role for agent in AGENTS.values()}))
        raise UserError(f"no such role: {role}. There are {roles}")
    return found


class RoleApp(faust.App):
    """A Faust app whose stores are open before it joins its consumer group: a store that is away at start-up must not
    hold partitions that nobody works on.
    """

    runners: Sequence[Runner] = ()
    standby: Standby

    async def on_start(self) -> None:
        """Called by Faust before the consumer starts; waits for stores that are not up yet."""
        await asyncio.gather(self.standby.open(), *(runner.open() for runner in self.runners))
        self.add_future(self.standby.run())
        await super().on_start()


def build_app(role: str, settings: Settings, *, instance: str | None = None, metrics_port: int = 0) -> Any:
    """The Faust app that runs one role.

    ``instance`` names this worker for static membership: a worker that comes back under its name within the session
    timeout gets its partitions back without a rebalance.
    """
    datadir = settings.data / "faust" / f"{role}-{instance or 'worker'}"
    datadir.parent.mkdir(parents=True, exist_ok=True)
    app: Any = RoleApp(
        group_of(role, settings),
        broker="batches://" + settings.bootstrap.replace(",", ";batches://"),
        datadir=str(datadir),
        Monitor=BatchMonitor,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=settings.fetch_max_bytes,
        broker_max_poll_records=settings.fetch_max_records,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 4,
        consumer_group_instance_id=instance,
        canonical_url=f"http://{instance}" if instance else None,  # who comes back gets what was given to this address
        stream_wait_empty=False,  # lanes finish on their own, within seconds; sinks know what they have
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=True,
        web_host=settings.host,
        web_port=metrics_port or settings.metrics_port or free_port(settings.host),
        web_tables_enabled=False,
    )
    table = topic_table.load()

    reader, ends = Reader(settings.bootstrap), Ends(settings.bootstrap)
    runners = app.runners = [Runner(agent, table, settings, ends.of) for agent in agents_of(role)]
    for runner in runners:
        runner.is_empty = reader.is_empty
        _declare(app, runner)

    async def starts(partitions: set[TP]) -> Mapping[TP, int | None]:
        sources = [TopicPartition(tp.topic, tp.partition) for tp in partitions]
        try:
            async with asyncio.timeout(CLAIM_SHARE * app.conf.broker_request_timeout):
                claims = await asyncio.gather(*(runner.claim(sources) for runner in runners))
        except TimeoutError:
            # Faust gives up on a recovery that takes longer, and then keeps partitions that it never reads.
            end_worker(f"worker {role}: its stores did not hand over the partitions in time")
        return {TP(*source): mark for source, mark in smallest(claims).items()}

    app.batch_start_offsets = starts

    def lost(error: BaseException) -> None:
        end_worker(f"worker {role} has lost its place in the group: {error}")

    app.batch_coordination_lost = lost

    async def restart() -> None:
        topics = app.consumer.batch_topics
        await app.consumer.restart_batches(tp for tp in app.consumer.assignment() if tp.topic in topics)

    app.standby = Standby(Control(settings), runners, restart, settings.control_poll_s)

    async def leave(*_: Any, **__: Any) -> None:
        await asyncio.gather(*(runner.leave() for runner in runners))

    async def disconnect(*_: Any, **__: Any) -> None:
        await asyncio.gather(*(runner.close() for runner in runners))
        await app.standby.close()
        await reader.close()
        await ends.close()
        end_within(LEAVE_MOST_S, os.EX_SOFTWARE if app.crashed else os.EX_OK)

    async def metrics(web: Any, request: Any) -> Any:
        return web.bytes(generate_latest(), content_type=CONTENT_TYPE_LATEST.partition(";")[0])

    async def health(web: Any, request: Any) -> Any:
        ready = not app.rebalancing and app.consumer_generation_id > 0
        state = {
            "ready": ready,
            "role": role,
            "agents": [runner.agent.name for runner in runners],
            "paused": {
                name: {"reason": standing.reason, "by": standing.paused_by, "since": standing.at.isoformat()}
                for name, standing in app.standby.paused().items()
            },
        }
        return web.json(state, status=200 if ready else 503)

    app.on_partitions_revoked.connect(leave)
    app.on_before_shutdown.connect(disconnect)
    app.page("/metrics")(metrics)
    app.page("/health")(health)
    return app


def _declare(app: Any, runner: Runner) -> None:
    """Make the Faust agent: it only moves batches into the runner's lanes."""
    channel = app.topic(*runner.inputs, schema=BatchSchema())

    async def deliver(stream: Any) -> None:
        async for event in stream.noack().events():
            runner.take(event)

    deliver.__doc__ = runner.agent.doc
    app.agent(channel, name=runner.agent.name)(deliver)


def free_port(host: str) -> int:
    """A port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
