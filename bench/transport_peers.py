"""The contenders of ``stridelog bench transport``: how each is installed and started. Programs: ``bench/peers``."""

import hashlib
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from compose.install import copy_jars
from compose.services.base import find_java, run_tool
from compose.settings import ROOT, StackSettings
from stridelog.errors import UserError

PEERS: Final = ROOT / "bench" / "peers"
Job = Literal["decode and sum", "fetch"]
Command = Callable[[str, str, int], list[str]]  # bootstrap servers, topic, events → program and arguments


@dataclass(frozen=True)
class Contender:
    """One of those that are compared.

    ``prepare`` installs what is missing and returns how to start it; raises ``UserError`` where it cannot.
    ``slow``: reads a share of the events only.
    """

    name: str
    title: str
    job: Job
    prepare: Callable[[StackSettings], Command]
    slow: bool = False


def _ours(module: str, *mode: str) -> Callable[[StackSettings], Command]:
    """A module that runs in Stridelog's own environment."""
    return lambda _settings: _module(Path(sys.executable), module, *mode)


def _theirs(name: str, module: str) -> Callable[[StackSettings], Command]:
    """A module that runs in an environment of its own, with the packages of ``requirements-NAME.txt``."""

    def prepare(settings: StackSettings) -> Command:
        folder = settings.local / "bench" / name
        requirements = PEERS / f"requirements-{name}.txt"
        wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
        stamp, python = folder / "installed", folder / "bin" / "python"
        if not stamp.exists() or stamp.read_text() != wanted:
            log = settings.log(f"bench-{name}")
            run_tool([sys.executable, "-m", "venv", "--clear", str(folder)], f"making an environment for {name}", log)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            pip += ["--require-hashes", "--only-binary", ":all:", "--requirement", str(requirements)]
            run_tool(pip, f"installing {name} (no network?)", log)
            stamp.write_text(wanted)
        return _module(python, module)

    return prepare


def _module(python: Path, module: str, *mode: str) -> Command:
    return lambda bootstrap, topic, events: [
        *(str(python), "-m", f"bench.peers.{module}"),
        *(bootstrap, topic, str(events), *mode),
    ]


def _jvm(settings: StackSettings) -> list[str]:
    """Java with the contenders' classes and jars; gets and compiles what is missing."""
    java, javac = find_java(), find_java("javac")
    if java is None or javac is None or shutil.which("mvn") is None:
        raise UserError("it needs a JDK and Maven: run make install")
    folder, pom = settings.local / "bench" / "jvm", PEERS / "jvm" / "pom.xml"
    sources = sorted((PEERS / "jvm" / "src").glob("*.java"))
    parts = [pom.read_bytes(), *(source.read_bytes() for source in sources)]
    wanted = hashlib.sha256(b"\0".join(parts)).hexdigest()
    stamp, jars, classes = folder / "installed", folder / "lib", folder / "classes"
    if not stamp.exists() or stamp.read_text() != wanted:
        log = settings.log("bench-jvm")
        folder.mkdir(parents=True, exist_ok=True)
        copy_jars(pom, jars, "bench/peers/jvm", log)
        argv = [javac, "-d", str(classes), "-cp", f"{jars}/*", *map(str, sources)]
        run_tool(argv, "compiling bench/peers/jvm", log)
        stamp.write_text(wanted)
    # The parallel collector is the JVM's for throughput; its default on two cores costs both contenders some CPU.
    return [java, "-XX:+UseParallelGC", "-cp", f"{classes}:{jars}/*"]


def _kafka_streams(settings: StackSettings) -> Command:
    java = _jvm(settings)
    return lambda bootstrap, topic, events: [*java, "StreamsPeer", bootstrap, topic, str(events)]


def _consumer_perf(settings: StackSettings) -> Command:
    java = _jvm(settings)
    configuration = PEERS / "consumer-perf.properties"
    return lambda bootstrap, topic, events: [
        *(
            *java,
            "FetchPeer",
            str(events),
            "--bootstrap-server",
            bootstrap,
            "--topic",
            topic,
            "--messages",
            str(events),
        ),
        *("--fetch-size", str(4 << 20), "--consumer.config", str(configuration), "--hide-header"),
    ]


CONTENDERS: Final[Sequence[Contender]] = (
    Contender("engine", "Stridelog's engine", "decode and sum", _ours("engine")),
    Contender("faust", "Faust, event by event", "decode and sum", _ours("faust_events", "events"), slow=True),
    Contender("faust_take", "Faust, take()", "decode and sum", _ours("faust_events", "take"), slow=True),
    Contender("quix", "Quix Streams", "decode and sum", _theirs("quix", "quix_flow")),
    Contender("bytewax", "Bytewax", "decode and sum", _theirs("bytewax", "bytewax_flow")),
    Contender("kafka_streams", "Kafka Streams", "decode and sum", _kafka_streams),
    Contender("getmany", "aiokafka getmany", "fetch", _ours("getmany")),
    Contender("consumer_perf", "Kafka ConsumerPerformance", "fetch", _consumer_perf),
)


def chosen(names: str | None) -> list[Contender]:
    """The contenders of a comma-separated list, in the usual order; all where it is None.

    Raises ``UserError`` for names that are not theirs.
    """
    if names is None:
        return list(CONTENDERS)
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    known = [contender.name for contender in CONTENDERS]
    if unknown := sorted(wanted.difference(known)):
        raise UserError(f"--only names {', '.join(unknown)}: choose from {', '.join(known)}")
    if not wanted:
        raise UserError(f"--only is empty: choose from {', '.join(known)}")
    return [contender for contender in CONTENDERS if contender.name in wanted]
