"""A private instance of the platform on the running stack: its own topics, stores and workers."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from stridelog import topics
from stridelog.instance import remove
from stridelog.settings import Settings
from stridelog.topics import Topics

T = TypeVar("T")
STOP_S = 40.0
COMMAND_S = 300.0
LOG_S = 60.0
ROLES = ("sensors", "workouts", "social", "models", "lake")


class Platform:
    """Run commands, workers and reads under a namespace of its own. Use as a context manager.

    ``overrides`` are settings by their names (where another stack listens, for example), for everything that it runs.
    """

    def __init__(self, name: str, folder: Path, **overrides: Any) -> None:
        self.settings = Settings(namespace=name, topic_prefix=f"{name}-", local=folder, **overrides)
        self.topics: Topics = topics.load(prefix=self.settings.topic_prefix)
        self.folder = folder
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.verified: dict[str, Any] = {}
        self.environment = {
            **os.environ,
            "STRIDELOG_NAMESPACE": name,
            "STRIDELOG_TOPIC_PREFIX": f"{name}-",
            "STRIDELOG_LOCAL": str(folder),
            "STRIDELOG_LAKE_COMMIT_INTERVAL_S": "0.5",
            "STRIDELOG_MODEL_POLL_S": "0.5",
            "STRIDELOG_SESSION_TIMEOUT_S": "6",
            **{f"STRIDELOG_{setting.upper()}": str(value) for setting, value in overrides.items()},
        }

    def __enter__(self) -> "Platform":
        self.command("topics", "apply")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        _run(remove(self.settings, self.topics))
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """``stridelog ARGUMENTS``, to the end; with ``check`` it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "stridelog", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert not check or done.returncode == 0, f"stridelog {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done

    def start(self, *names: str, is_named: bool = False, environment: Mapping[str, str] | None = None) -> None:
        """Start workers. A name is a role, or a role and a number (``social-2``) for one more of it.

        ``is_named``: static membership, under that name. ``environment`` is added to what they all have.
        """
        for name in names:
            role = name.partition("-")[0]
            instance = ["--instance", name] if is_named else []
            with (self.folder / f"worker-{role}.log").open("ab") as log:
                self.workers[name] = subprocess.Popen(
                    [sys.executable, "-m", "stridelog", "worker", role, "--loglevel", "info", *instance],
                    env={**self.environment, **(environment or {})},
                    stdout=log,
                    stderr=log,
                )

    def kill(self, name: str) -> None:
        """End a worker with SIGKILL."""
        worker = self.workers.pop(name)
        worker.kill()
        worker.wait()

    def pause(self, name: str, seconds: float) -> None:
        """Stop a worker's process for a while: longer than its session, and it wakes up as one that was replaced."""
        self.workers[name].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.workers[name].send_signal(signal.SIGCONT)

    def dead_workers(self) -> list[str]:
        """Workers that ended by themselves."""
        return [name for name, worker in self.workers.items() if worker.poll() is not None]

    def stop(self) -> None:
        """Stop all workers as a person would."""
        for worker in self.workers.values():
            worker.terminate()
        for worker in self.workers.values():
            try:
                worker.wait(STOP_S)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.workers.clear()

    def verify(self) -> dict[str, Any]:
        """What ``stridelog verify --json`` says, once the agents have caught up."""
        done = self.command("verify", "--json", "--settle", "240", "--show", "5", check=False)
        assert done.returncode in (0, 1), done.stderr + self.logs()
        found: dict[str, Any] = json.loads(done.stdout)
        found["shown"] = done.stderr
        return found

    def wait_for_log(self, role: str, text: str) -> None:
        """Wait until a worker has logged a text."""
        end = time.monotonic() + LOG_S
        while text not in (self.folder / f"worker-{role}.log").read_text():
            assert time.monotonic() < end, f"worker {role} never said {text!r}\n{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        """The end of every worker's log."""
        return "\n".join(f"{path.name}: {path.read_text()[-2_000:]}" for path in self.folder.glob("worker-*.log"))

    def send(self, message_type: str, records: Iterable[tuple[bytes | None, bytes]]) -> None:
        """Send raw records to the topic of a message type."""
        _run(_send(self.settings.bootstrap, self.topics.topic_of_message(message_type).name, list(records)))

    def read(self, topic: str) -> list[Any]:
        """All records of a topic, by its name in topics.yaml."""
        return _run(_read(self.settings.bootstrap, self.topics.named(topic).name))


def _run(work: Awaitable[T]) -> T:
    async def call() -> T:
        return await work

    return asyncio.run(call())


async def _send(bootstrap: str, topic: str, records: list[tuple[bytes | None, bytes]]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=8 << 20) as producer:
        sent = [await producer.send(topic, value, key=key) for key, value in records]
        await asyncio.gather(*sent)


async def _read(bootstrap: str, topic: str) -> list[Any]:
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, max_partition_fetch_bytes=8 << 20, auto_offset_reset="earliest"
    ) as consumer:
        await consumer._client._wait_on_metadata(topic)
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Any] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for some in (await consumer.getmany(timeout_ms=500)).values():
                records += some
        return records
