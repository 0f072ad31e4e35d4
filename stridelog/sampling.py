"""Where a worker's CPU time goes: a look at the stack for every few milliseconds of CPU time, summed by stage.

Only for benchmarks and operators who ask (setting ``profile_hz``). Python runs the signal's handler in the main thread,
which is where agents and sinks work; what other threads use (Faust's consumer has one of its own, which fetches) is the
process's time less the main thread's.
"""

import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

FETCH: Final = "fetch"
LOOP: Final = "loop"  # the event loop's own, and whatever belongs to no stage
_ROOT: Final = str(Path(__file__).resolve().parent.parent) + "/"
# The first that fits counts: a part of a file's name, as of the project's root for ours, and the stage.
_STAGES: Final = (
    ("schemas/identity.py", "encode"),
    ("schemas/hot.py", "encode"),
    ("schemas/", "decode"),
    ("domain/", "domain"),
    ("agents/", "domain"),
    ("stridelog/projections/", "domain"),
    ("stridelog/joining.py", "domain"),
    ("stridelog/history.py", "domain"),
    ("stridelog/summarising.py", "domain"),
    ("stridelog/stored_readings.py", "reading"),
    ("models/", "models"),
    ("stridelog/readers.py", "reading"),
    ("sinks/clickhouse.py", "clickhouse"),
    ("sinks/combining.py", "clickhouse"),
    ("sinks/conform.py", "clickhouse"),
    ("sinks/tables.py", "clickhouse"),
    ("sinks/mongo.py", "mongo"),
    ("sinks/redis.py", "redis"),
    ("sinks/postgres.py", "facts"),
    ("sinks/topic.py", "topic"),
    ("sinks/tail.py", "topic"),
    ("sinks/delta.py", "delta"),
    ("sinks/lake", "delta"),
    ("stridelog/cli/", LOOP),
    ("stridelog/", "engine"),
    ("packages/faust-batches/", "transport"),
    ("/site-packages/faust/", "transport"),
    ("/site-packages/mode/", "transport"),
    ("/site-packages/aiokafka/", "kafka client"),
)


class Sampler(Collector):
    """CPU seconds by stage, as the metric ``stridelog_cpu_seconds_total``. Start it in the main thread."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._stages: dict[CodeType, str | None] = {}
        self._main_s = 0.0

    def start(self, hz: int) -> None:
        """Look ``hz`` times for each second of CPU time, from now on."""
        self._main_s = time.thread_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, 1 / hz, 1 / hz)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """For Prometheus."""
        family = CounterMetricFamily("stridelog_cpu_seconds", "CPU time by stage, sampled", labels=("stage",))
        for stage, seconds in list(self._seconds.items()):
            family.add_metric((stage,), seconds)
        family.add_metric((FETCH,), time.process_time() - time.thread_time())
        yield family

    def _look(self, _: int, frame: FrameType | None) -> None:
        now_s = time.thread_time()
        self._seconds[self._stage(frame)] += now_s - self._main_s
        self._main_s = now_s

    def _stage(self, frame: FrameType | None) -> str:
        while frame is not None:
            code = frame.f_code
            if code not in self._stages:
                self._stages[code] = stage_of(code)
            stage = self._stages[code]
            if stage is not None:
                return stage
            frame = frame.f_back
        return LOOP


def stage_of(code: CodeType) -> str | None:
    """The stage that a function belongs to; ``None``: that of whoever calls it."""
    if code.co_name == "encode" and "/schemas/" in code.co_filename:
        return "encode"
    name = code.co_filename
    ours = name.removeprefix(_ROOT) if "/site-packages/" not in name else name
    for part, stage in _STAGES:
        if ours.startswith(part) or (part.startswith("/") and part in ours):
            return stage
    return None
