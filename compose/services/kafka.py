"""Apache Kafka from its Maven jars: KRaft, each process broker and controller at once."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from compose.services.base import Need, NotReadyError, ProcessSpec, Service, find_java, run_tool
from compose.settings import HOST, ROOT, ServiceName
from sinks.kafka import group_offsets
from stridelog.errors import UserError

KAFKA_HEAP: Final = "512m"
MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
_CLUSTER_ID: Final = "c3RyaWRlbG9nLWxvY2FsMQ"
_LOG4J: Final = ROOT / "compose" / "kafka" / "log4j2.properties"


class Kafka(Service):
    """One or three brokers; broker n (from 1) listens on port + 2(n-1), its controller on the port after that."""

    name: ClassVar[ServiceName] = "kafka"

    def missing(self) -> Sequence[Need]:
        needs = [] if find_java() else [Need("java", ["openjdk-17-jdk-headless"])]
        if not self.jar_version():
            needs.append(Need("Kafka's jars"))
        return needs

    def jar_version(self) -> str | None:
        """Version of the downloaded Kafka, or None where it is not there."""
        jars = sorted(self.settings.lib("kafka").glob("kafka_2.13-*.jar"))
        return jars[-1].stem.removeprefix("kafka_2.13-") if jars else None

    def processes(self) -> Sequence[ProcessSpec]:
        return [
            ProcessSpec(
                name=self._process_name(node),
                service=self.name,
                argv=[*self._java(KAFKA_HEAP), "kafka.Kafka", str(self._properties_file(node))],
                ports=[self._port(node), self._port(node) + 1],
                log=self.settings.log(self._process_name(node)),
            )
            for node in self._nodes()
        ]

    @property
    def _size_file(self) -> Path:
        """Holds the number of brokers that the data were made for."""
        return self.settings.data("kafka") / "brokers"

    def stored_brokers(self) -> int | None:
        """The number of brokers that the data were made for, or None where there are no data yet."""
        return int(self._size_file.read_text()) if self._size_file.exists() else None

    def check(self) -> None:
        stored = self.stored_brokers()
        if stored not in (None, self.settings.brokers):
            raise UserError(
                f"{self._size_file.parent} was made for {stored} Kafka broker(s), not {self.settings.brokers}: "
                f"say --brokers {stored}, or `python -m compose clean` first, or another folder in STRIDELOG_LOCAL"
            )

    def prepare(self) -> None:
        """Write each broker's properties, and format its folder the first time."""
        for node in self._nodes():
            folder = self._folder(node)
            folder.mkdir(parents=True, exist_ok=True)
            self._properties_file(node).write_text(self._properties(node))
            if not (folder / "log" / "meta.properties").exists():
                argv = [*self._java("128m"), "kafka.tools.StorageTool", "format", "--ignore-formatted"]
                argv += ["--cluster-id", _CLUSTER_ID, "--config", str(self._properties_file(node))]
                run_tool(argv, "formatting Kafka's data folder", self.settings.log(self._process_name(node)))
        self._size_file.write_text(str(self.settings.brokers))

    def probe(self, process: ProcessSpec) -> str:
        try:
            asyncio.run(_ask(process.port, self.settings.brokers))
        except (KafkaError, OSError, TimeoutError) as error:
            raise NotReadyError(str(error) or type(error).__name__) from error
        return self.jar_version() or "?"

    def _nodes(self) -> range:
        return range(1, self.settings.brokers + 1)

    def _process_name(self, node: int) -> str:
        return "kafka" if self.settings.brokers == 1 else f"kafka-{node}"

    def _port(self, node: int) -> int:
        return self.settings.ports["kafka"] + 2 * (node - 1)

    def _folder(self, node: int) -> Path:
        return self.settings.data("kafka") / str(node)

    def _properties_file(self, node: int) -> Path:
        return self._folder(node) / "server.properties"

    def _java(self, heap: str) -> list[str]:
        return [
            find_java() or "java",
            f"-Xmx{heap}",
            "-Xms64m",
            "-XX:+UseSerialGC",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={_LOG4J}",
            "-cp",
            f"{self.settings.lib('kafka')}/*",
        ]

    def _properties(self, node: int) -> str:
        copies, in_sync = (3, 2) if self.settings.brokers == 3 else (1, 1)
        lines = {
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters": ",".join(f"{n}@{HOST}:{self._port(n) + 1}" for n in self._nodes()),
            "listeners": f"PLAINTEXT://{HOST}:{self._port(node)},CONTROLLER://{HOST}:{self._port(node) + 1}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self._port(node)}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._folder(node) / "log",
            # Topics come from topics.yaml and from nowhere else.
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
            # A rebalance of a lone worker need not wait for others.
            "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 8,
            # The topic sinks' watermarks are offsets of their own groups: a stack that was off for a week keeps them.
            "offsets.retention.minutes": 365 * 24 * 60,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
            "share.coordinator.state.topic.num.partitions": 4,
            # About a hundred partitions a broker on one disk: small segments, small indexes, a small cleaner.
            "log.segment.bytes": 64 * 1024 * 1024,
            "log.index.size.max.bytes": 1024 * 1024,
            "log.cleaner.dedupe.buffer.size": 32 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "background.threads": 2,
        }
        return "".join(f"{key}={value}\n" for key, value in lines.items())


async def _ask(port: int, brokers: int) -> None:
    """See that all brokers have joined, and that consumer groups of any name have a coordinator: a new cluster makes
    the topic of their offsets when it is first asked, and refuses groups until its partitions are there.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=f"{HOST}:{port}", request_timeout_ms=3_000)
    try:
        await asyncio.wait_for(admin.start(), 5)
        joined = len((await admin.describe_cluster())["brokers"])
        if joined < brokers:
            raise NotReadyError(f"{joined} of {brokers} brokers have joined")
        for number in range(100):  # so many names are in all of the topic's 50 partitions
            group = f"probe-{number:02}"
            await group_offsets(admin, group, await admin.find_coordinator(group), [])
    finally:
        await admin.close()
