"""The broker against topics.yaml: what differs, making it so, and the operators' figures."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, Self

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from aiokafka.structs import TopicPartition

from sinks.kafka import Consumer
from stridelog.errors import UserError
from stridelog.log_dirs import bytes_by_topic
from stridelog.metadata import follow_all_topics
from stridelog.settings import Settings
from stridelog.topics import FOREVER, Topic, Topics

SETTLE_S: Final = 30.0  # how long a broker may take to show a topic that was created or deleted
_SET_ON_TOPIC: Final = 1  # Kafka's ConfigSource DYNAMIC_TOPIC_CONFIG


@dataclass(frozen=True)
class Change:
    """One difference between the broker and topics.yaml, and what ``apply`` does about it."""

    topic: str
    action: Literal["create", "add partitions", "configure", "recreate", "none"]
    detail: str
    loses_data: bool = False


@dataclass(frozen=True)
class TopicRow:
    """A topic as operators see it."""

    topic: str
    partitions: int
    messages: int
    per_s: float
    size_bytes: int | None  # None: the broker cannot say
    lag: dict[str, int] = field(default_factory=dict)  # role → records that it has yet to read
    dead: int | None = None  # records on its dead-letter topic; None: it has none


class TopicAdmin:
    """A connection to the broker, as an async context manager. Raises ``UserError`` where it does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap, request_timeout_ms=15_000)
        self._consumer = Consumer(bootstrap_servers=settings.bootstrap)

    async def __aenter__(self) -> Self:
        try:
            await self._admin.start()
            await self._consumer.start()
            follow_all_topics(self._consumer)
        except KafkaError:
            await self.close()
            raise UserError(f"Kafka does not answer at {self._settings.bootstrap}: start it with make up") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
        if isinstance(error, KafkaError):
            raise UserError(f"Kafka at {self._settings.bootstrap} did not answer ({error}): try again") from error

    async def close(self) -> None:
        """Disconnect."""
        await self._consumer.stop()
        await self._admin.close()

    async def missing(self, topics: Iterable[Topic]) -> list[str]:
        """The topics that the brokers do not have. One broker of several may just be away: another is asked then."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            try:
                present = await self._present()
            except KafkaError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                return sorted({topic.name for topic in topics} - present.keys())

    async def plan(self, topics: Iterable[Topic]) -> list[Change]:
        """What ``apply`` would do, topic by topic. Topics that topics.yaml does not have are left alone."""
        present = await self._present()
        configs = await self._configs([topic.name for topic in topics if topic.name in present])
        changes = []
        for topic in topics:
            if topic.name not in present:
                detail = f"{topic.partitions} partitions × {topic.replication} replicas"
                changes.append(Change(topic.name, "create", detail))
            else:
                changes += _differences(topic, present[topic.name], configs[topic.name])
        return changes

    async def apply(self, topics: Topics, changes: Sequence[Change], *, lose_data: bool = False) -> list[Change]:
        """Make the changes; those that lose data only if ``lose_data``. Returns what was done."""
        done = [change for change in changes if change.action != "none" and (lose_data or not change.loses_data)]
        by_action: dict[str, list[Topic]] = defaultdict(list)
        for change in done:
            by_action[change.action].append(topics.named(change.topic))
        recreate, create = by_action["recreate"], by_action["create"]
        try:
            if recreate:
                await self._admin.delete_topics([topic.name for topic in recreate])
                await self._settle(absent=recreate)
            if recreate or create:
                await self._create([*recreate, *create])
            if grow := by_action["add partitions"]:
                await self._admin.create_partitions({topic.name: NewPartitions(topic.partitions) for topic in grow})
            if configure := by_action["configure"]:
                await self._configure({topic.name: topic for topic in configure}.values())
            await self._settle(present=[topics.named(change.topic) for change in done])
        except KafkaError as error:
            raise UserError(f"the broker refuses: {error}") from None
        return done

    async def table(self, topics: Topics, *, sample_s: float = 1.0) -> list[TopicRow]:
        """Figures of every declared topic that the broker has. Rates are sampled over ``sample_s`` seconds."""
        present = await self._present()
        here = [topic for topic in topics if topic.name in present]
        partitions = [
            TopicPartition(topic.name, number) for topic in here for number in range(len(present[topic.name]))
        ]
        begins = await self._consumer.beginning_offsets(partitions)
        before, clock = await self._consumer.end_offsets(partitions), asyncio.get_running_loop().time
        began = clock()
        committed, sizes = await self._committed(), await bytes_by_topic(self._admin)
        await asyncio.sleep(max(0.0, sample_s - (clock() - began)))
        ends, seconds = await self._consumer.end_offsets(partitions), clock() - began
        counts: dict[str, int] = defaultdict(int)
        grown: dict[str, int] = defaultdict(int)
        for tp in partitions:
            counts[tp.topic] += ends[tp] - begins[tp]
            grown[tp.topic] += ends[tp] - before[tp]
        return [
            TopicRow(
                topic=topic.name,
                partitions=len(present[topic.name]),
                messages=counts[topic.name],
                per_s=grown[topic.name] / seconds,
                size_bytes=None if sizes is None else sizes[topic.name],
                lag=_lags(topic.name, committed, begins, ends),
                dead=counts[topics.dead_letter_of(topic.name).name] if topic.dead_letter else None,
            )
            for topic in here
        ]

    async def _present(self) -> dict[str, list[dict[str, Any]]]:
        """Topic → its partitions, each with its replicas."""
        return {topic["topic"]: topic["partitions"] for topic in await self._admin.describe_topics()}

    async def _configs(self, names: Sequence[str]) -> dict[str, dict[str, tuple[str, int]]]:
        """Topic → setting → (value, source)."""
        if not names:
            return {}
        found = await self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
        return {
            name: {entry[0]: (entry[1], entry[3]) for entry in entries}
            for response in found
            for _error, _message, _kind, name, entries in response.resources
        }

    async def _create(self, topics: Sequence[Topic]) -> None:
        new = [NewTopic(t.name, t.partitions, t.replication, topic_configs=broker_settings(t)) for t in topics]
        response = await self._admin.create_topics(new)
        for name, code, *message in response.topic_errors:
            if code:
                raise UserError(f"cannot create topic {name}: {message[0] if message else for_code(code).__name__}")

    async def _configure(self, topics: Iterable[Topic]) -> None:
        topics = list(topics)
        # The request replaces all settings of a topic: those that others made are sent along.
        present = await self._configs([topic.name for topic in topics])
        resources = []
        for topic in topics:
            kept = {name: value for name, (value, source) in present[topic.name].items() if source == _SET_ON_TOPIC}
            resources.append(ConfigResource(ConfigResourceType.TOPIC, topic.name, kept | broker_settings(topic)))
        for response in await self._admin.alter_configs(resources):
            for code, message, _kind, name in response.resources:
                if code:
                    raise UserError(f"cannot configure topic {name}: {message}")

    async def _settle(self, *, present: Sequence[Topic] = (), absent: Sequence[Topic] = ()) -> None:
        """Wait until the broker shows what was made and no longer shows what was deleted."""
        wanted = {topic.name: topic.partitions for topic in present}
        gone = {topic.name for topic in absent}
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while True:
                    shown = {name: len(partitions) for name, partitions in (await self._present()).items()}
                    if not gone & shown.keys() and all(shown.get(name) == count for name, count in wanted.items()):
                        return
                    await asyncio.sleep(0.1)
        raise UserError(f"the broker did not finish within {SETTLE_S:g} s: look at its log, then run plan again")

    async def _committed(self) -> dict[str, dict[TopicPartition, int]]:
        """Role → partition → the next offset that its consumer group will read."""
        prefix = f"{self._settings.namespace}-"
        groups = [name for name, _protocol in await self._admin.list_consumer_groups() if name.startswith(prefix)]
        found = {}
        for group in sorted(groups):
            offsets = await self._admin.list_consumer_group_offsets(group)
            found[group.removeprefix(prefix)] = {tp: meta.offset for tp, meta in offsets.items() if meta.offset >= 0}
        return found


def broker_settings(topic: Topic) -> dict[str, str]:
    """A topic's settings in Kafka's words."""
    return {
        "retention.ms": str(topic.retention),
        "cleanup.policy": topic.cleanup,
        "max.message.bytes": str(topic.broker_max_bytes),
        "compression.type": "uncompressed" if topic.compression == "none" else topic.compression,
    }


def _differences(topic: Topic, present: list[dict[str, Any]], configs: dict[str, tuple[str, int]]) -> list[Change]:
    changes = []
    if len(present) < topic.partitions:
        detail = f"from {len(present)} to {topic.partitions}: "
        if topic.key == "everyone":
            detail += "the new ones lack their copies, run stridelog topics complete afterwards"
        else:
            detail += "users move to other partitions, rebuild afterwards"
        changes.append(Change(topic.name, "add partitions", detail))
    elif len(present) > topic.partitions:
        detail = f"from {len(present)} to {topic.partitions} partitions: deletes all its records"
        changes.append(Change(topic.name, "recreate", detail, loses_data=True))
    replicas = {len(partition["replicas"]) for partition in present}
    if replicas != {topic.replication}:
        detail = f"{'/'.join(map(str, sorted(replicas)))} replicas, declared are {topic.replication}"
        changes.append(Change(topic.name, "none", f"{detail}: move them with kafka-reassign-partitions"))
    wanted = broker_settings(topic)
    wrong = {name: configs[name][0] for name in wanted if configs[name][0] != wanted[name]}
    if wrong and not any(change.action == "recreate" for change in changes):
        detail = ", ".join(f"{name} {value} → {wanted[name]}" for name, value in wrong.items())
        changes.append(Change(topic.name, "configure", detail, loses_data=_forgets(topic, wrong)))
    return changes


def _forgets(topic: Topic, wrong: dict[str, str]) -> bool:
    """Whether new settings let the broker delete records that it keeps now."""
    kept_ms = wrong.get("retention.ms")
    shorter = (
        kept_ms is not None and topic.retention != FOREVER and (int(kept_ms) < 0 or int(kept_ms) > topic.retention)
    )
    return shorter or wrong.get("cleanup.policy") is not None


def _lags(
    topic: str,
    committed: dict[str, dict[TopicPartition, int]],
    begins: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
) -> dict[str, int]:
    """Role → records of the topic that it has yet to read, for roles that read it."""
    lags = {}
    for role, offsets in committed.items():
        mine = [tp for tp in ends if tp.topic == topic]
        if any(tp in offsets for tp in mine):
            lags[role] = sum(max(0, ends[tp] - offsets.get(tp, begins[tp])) for tp in mine)
    return lags
