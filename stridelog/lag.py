"""How far each sink of each agent is behind the log: its own watermarks against the ends of the partitions."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from sinks.base import Sink, SinkError, TopicPartition
from sinks.kafka import Consumer
from sinks.registry import make_sink
from stridelog import topics
from stridelog.agent import AGENTS, Agent
from stridelog.errors import UserError
from stridelog.metadata import follow_all_topics
from stridelog.settings import Settings
from stridelog.topics import Topics

CONNECT_S: Final = 15.0
LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Lag:
    """One sink of one agent on one partition; ``watermark`` is 0 where the sink holds nothing yet.

    ``committed`` is what the role's consumer group has committed: a hint only, workers start at the watermarks.
    """

    agent: str
    role: str
    sink: str
    topic: str
    partition: int
    watermark: int
    end: int
    committed: int | None

    @property
    def behind(self) -> int:
        """Records that the sink has yet to take."""
        return max(0, self.end - self.watermark)


def declared() -> dict[str, Agent]:
    """All agents, in the order of their roles along the flow."""
    import agents  # noqa: F401 - declares them

    order = ("sensors", "workouts", "social", "models", "lake")
    return dict(sorted(AGENTS.items(), key=lambda item: (order.index(item[1].role), item[0])))


def sinks_of(agent: Agent) -> list[str]:
    """The names of an agent's sinks: its stores, its facts, its output topics (and dead letters)."""
    facts = ["postgres"] if agent.facts or agent.registered_users_only else []
    return [*agent.stores, *facts, "topic"]


class LagReader:
    """Connections to all sinks and to Kafka, to look at watermarks again and again. Use as an async context manager.

    Nothing is claimed: the workers do not notice.
    """

    def __init__(self, settings: Settings, agents: Iterable[Agent] | None = None, known: Topics | None = None) -> None:
        self._settings = settings
        self._topics = known or topics.load(prefix=settings.topic_prefix)
        self._agents = list(declared().values() if agents is None else agents)
        self._sinks: list[tuple[Agent, Sink[Any]]] = [
            (agent, make_sink(name, agent.name, settings)) for agent in self._agents for name in sinks_of(agent)
        ]
        self._consumer = Consumer(bootstrap_servers=settings.bootstrap)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)

    async def __aenter__(self) -> Self:
        try:
            await asyncio.wait_for(self._consumer.start(), CONNECT_S)
            await asyncio.wait_for(self._admin.start(), CONNECT_S)
            follow_all_topics(self._consumer)
            await self._check_topics()
            await _answers(self._settings, [(sink.name, sink.open()) for _, sink in self._sinks])
        except (KafkaConnectionError, TimeoutError) as error:
            await self.close()
            raise UserError(
                f"Kafka does not answer at {self._settings.bootstrap} ({error or 'timed out'}): "
                "is the stack up? make up"
            ) from error
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect."""
        for _, sink in self._sinks:
            with contextlib.suppress(SinkError):
                await sink.close()
        await self._consumer.stop()
        await self._admin.close()

    async def read(self) -> list[Lag]:
        """Every sink on every partition that its agent reads. Raises ``UserError`` if a store does not answer.

        Watermarks are read before ends: if nothing is behind, then nothing was under way between agents either, unless
        somebody outside sent more.
        """
        marks = await _answers(self._settings, [(sink.name, sink.watermarks()) for _, sink in self._sinks])
        inputs = {agent.name: self._topics.inputs_of(agent.name) for agent in self._agents}
        wanted = {
            KafkaPartition(topic.name, number)
            for topics_in in inputs.values()
            for topic in topics_in
            for number in range(topic.partitions)
        }
        try:
            ends = await self._consumer.end_offsets(list(wanted))
            committed = await self._committed()
        except KafkaError as error:
            raise UserError(
                f"Kafka at {self._settings.bootstrap} does not answer ({error}): is the stack up?"
            ) from error
        return [
            Lag(
                agent=agent.name,
                role=agent.role,
                sink=sink.name,
                topic=topic.name,
                partition=number,
                watermark=held.get(TopicPartition(topic.name, number), 0),
                end=ends[KafkaPartition(topic.name, number)],
                committed=committed.get(agent.role, {}).get(KafkaPartition(topic.name, number)),
            )
            for (agent, sink), held in zip(self._sinks, marks, strict=True)
            for topic in inputs[agent.name]
            for number in range(topic.partitions)
        ]

    async def _check_topics(self) -> None:
        present = await self._consumer.topics()
        missing = sorted({t.name for a in self._agents for t in self._topics.inputs_of(a.name)} - present)
        if missing:
            raise UserError(
                f"Kafka at {self._settings.bootstrap} has no topic {', '.join(missing)}: run 'stridelog topics apply'"
            )

    async def _committed(self) -> dict[str, dict[KafkaPartition, int]]:
        from stridelog.app import group_of

        found: dict[str, dict[KafkaPartition, int]] = {}
        for role in {agent.role for agent in self._agents}:
            offsets = await self._admin.list_consumer_group_offsets(group_of(role, self._settings))
            found[role] = {tp: meta.offset for tp, meta in offsets.items() if meta.offset >= 0}
        return found


async def caught_up(reader: LagReader, *, timeout_s: float, say: Callable[[int], None] = lambda behind: None) -> None:
    """Wait until every sink has everything; ``say`` is told how many records are still to be taken, over all sinks.

    Raises ``UserError`` that names the agent that is behind when the time is over.
    """
    deadline = time.monotonic() + timeout_s
    while behind := [lag for lag in await reader.read() if lag.behind]:
        say(sum(lag.behind for lag in behind))
        if time.monotonic() > deadline:
            worst = max(behind, key=lambda lag: lag.behind)
            raise UserError(
                f"agent {worst.agent} is {worst.behind:,} records behind on {worst.topic} partition {worst.partition} "
                f"after {timeout_s:.0f} s: do its workers run? (stridelog agents lag)"
            )
        await asyncio.sleep(LOOK_S)
    say(0)


async def _answers(settings: Settings, asked: Sequence[tuple[str, Any]]) -> list[Any]:
    """The answers of sinks, in order. Raises ``UserError`` that names the first store that gave none."""
    answers = await asyncio.gather(*(call for _, call in asked), return_exceptions=True)
    for (name, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, SinkError):
            first_line = (str(answer).strip().splitlines() or ["no answer"])[0]
            raise UserError(f"{name} does not answer ({first_line}): is the stack up? make up") from answer
        if isinstance(answer, BaseException):
            raise answer
    return answers
