"""What workers say on /metrics, as figures between two looks: rates, quantiles, lag, memory."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

TIMEOUT_S: Final = 2.0
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All samples of all workers at one moment: name → labels → value, summed over workers; roles that answered."""

    at_s: float  # of a monotonic clock
    samples: Mapping[str, Mapping[Labels, float]]
    memory_bytes: Mapping[str, float] = field(default_factory=dict)  # role → resident memory
    cpu_s: Mapping[str, float] = field(default_factory=dict)  # role → CPU time since its start

    def total(self, name: str, **wanted: str) -> float:
        """The sum of a metric's samples whose labels match."""
        return sum(self.by(name, **wanted).values())

    def by(self, name: str, *labels: str, **wanted: str) -> dict[tuple[str, ...], float]:
        """Sums of a metric's samples whose labels match ``wanted``, grouped by ``labels``."""
        grouped: dict[tuple[str, ...], float] = defaultdict(float)
        for pairs, value in self.samples.get(name, {}).items():
            present = dict(pairs)
            if all(present.get(label) == text for label, text in wanted.items()):
                grouped[tuple(present.get(label, "") for label in labels)] += value
        return dict(grouped)


class Scraper:
    """Asks workers for their metrics. Use inside one event loop, and close it."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._session: aiohttp.ClientSession | None = None

    async def look(self) -> Snapshot:
        """Ask all workers at the same time; one that does not answer is left out."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        texts = await asyncio.gather(*(self._text(url) for url in self._urls.values()))
        return snapshot_of(dict(zip(self._urls, texts, strict=True)), time.monotonic())

    async def close(self) -> None:
        """Disconnect."""
        if self._session is not None:
            await self._session.close()

    async def _text(self, url: str) -> str:
        assert self._session is not None  # noqa: S101 - look() opened it
        try:
            async with self._session.get(f"{url}/metrics") as answer:
                return await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return ""


def snapshot_of(texts: Mapping[str, str], at_s: float) -> Snapshot:
    """A snapshot of what the worker of each role said, in Prometheus' text format."""
    samples: dict[str, dict[Labels, float]] = defaultdict(lambda: defaultdict(float))
    memory: dict[str, float] = {}
    cpu: dict[str, float] = {}
    for role, text in texts.items():
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "process_resident_memory_bytes":
                    memory[role] = sample.value
                elif sample.name == "process_cpu_seconds_total":
                    cpu[role] = sample.value
                elif sample.name.startswith("stridelog_") and not sample.name.endswith("_created"):
                    samples[sample.name][tuple(sorted(sample.labels.items()))] += sample.value
    return Snapshot(at_s, samples, memory, cpu)


def rate(before: Snapshot, now: Snapshot, name: str, **wanted: str) -> float:
    """A counter's growth per second between two looks; a worker that started anew counts from zero."""
    seconds = now.at_s - before.at_s
    return max(0.0, now.total(name, **wanted) - before.total(name, **wanted)) / seconds if seconds > 0 else 0.0


def quantile(before: Snapshot, now: Snapshot, name: str, q: float, **wanted: str) -> float | None:
    """A histogram's quantile over what happened between two looks; ``None``: nothing did.

    Linear within a bucket, as Prometheus' ``histogram_quantile``; in the last bucket its lower bound.
    """
    grown = {
        float(bound): count - before.by(f"{name}_bucket", "le", **wanted).get((bound,), 0.0)
        for (bound,), count in now.by(f"{name}_bucket", "le", **wanted).items()
    }
    return bucket_quantile(sorted(grown.items()), q)


def bucket_quantile(cumulative: Iterable[tuple[float, float]], q: float) -> float | None:
    """The quantile of cumulative bucket counts, given as (upper bound, count) in order of bounds."""
    buckets = list(cumulative)
    total = buckets[-1][1] if buckets else 0.0
    if total <= 0:
        return None
    wanted = q * total
    low, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted and count > below:
            if math.isinf(bound):
                return low
            return low + (bound - low) * (wanted - below) / (count - below)
        low, below = (bound if not math.isinf(bound) else low), count
    return low
