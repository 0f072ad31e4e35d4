"""What ``stridelog bench transport`` found: rounds of contenders, their medians, and the ratios between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

OURS: Final = "engine"
LEAST_CPU_S: Final = 0.1  # a difference of two CPU times that is smaller says nothing
TARGETS: Final = {"faust": 40.0, "bytewax": 1.3, "kafka_streams": 1.3, "consumer_perf": 0.5}
PEERS: Final = ("faust", "faust_take", "quix", "bytewax", "kafka_streams", "getmany", "consumer_perf")


@dataclass(frozen=True)
class Run:
    """One contender's run. ``seconds`` are by the clock, from when the ``first`` records were there (as many as came at
    once) to the end of the last; CPU time, user and system, is that of the whole process.
    """

    events: int
    first: int
    seconds: float
    process_cpu_s: float


@dataclass
class Standing:
    """A contender's runs, one a round, or the reason why there are none. ``idle`` are runs with hardly any events, one
    a round too: what it takes to start, to join the group and to end.
    """

    title: str
    job: str
    idle: list[Run] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    failure: str | None = None

    @property
    def events_per_s(self) -> list[float]:
        """By the clock, of each round. The first records were there when it started: they do not count."""
        return [(run.events - run.first) / run.seconds for run in self.runs]

    @property
    def cpu_s(self) -> list[float]:
        """CPU time of each round: of the whole process, less the median of the idle ones."""
        return [run.process_cpu_s - self.idle_cpu_s for run in self.runs]

    @property
    def idle_cpu_s(self) -> float:
        """CPU time of a process with hardly any events: the median."""
        return median(run.process_cpu_s for run in self.idle)

    @property
    def events_per_cpu_s(self) -> list[float] | None:
        """By that CPU time, of each round; None where it is too little to tell from that of the idle runs."""
        if min(self.cpu_s) < LEAST_CPU_S:
            return None
        idle = self.idle[0].events
        return [(run.events - idle) / cpu_s for run, cpu_s in zip(self.runs, self.cpu_s, strict=True)]

    def as_json(self) -> dict[str, Any]:
        """Medians and every run."""
        if self.failure is not None or not self.runs:
            return {"title": self.title, "job": self.job, "failure": self.failure or "it was not run"}
        by_cpu = self.events_per_cpu_s
        return {
            "title": self.title,
            "job": self.job,
            "events": self.runs[0].events,
            "events_per_s": round(median(self.events_per_s)),
            "events_per_cpu_s": round(median(by_cpu)) if by_cpu else None,
            "seconds": [round(run.seconds, 3) for run in self.runs],
            "cpu_s": [round(cpu_s, 3) for cpu_s in self.cpu_s],
            "idle_cpu_s": round(self.idle_cpu_s, 3),
        }


@dataclass(frozen=True)
class Result:
    """All contenders on one topic. ``load`` is the machine's one-minute load average before and after."""

    events: int
    event_bytes: float
    rounds: int
    standings: Mapping[str, Standing]
    load: tuple[float, float]

    def ratio(self, peer: str) -> float | None:
        """Ours to a peer's events a second: the median of the rounds' ratios. None where one of them has no figures."""
        pair = self._both(peer)
        return _median_ratio(pair[0].events_per_s, pair[1].events_per_s) if pair else None

    def ratio_cpu(self, peer: str) -> float | None:
        """The same of events per CPU-second."""
        pair = self._both(peer)
        ours, theirs = (each.events_per_cpu_s for each in pair) if pair else (None, None)
        return _median_ratio(ours, theirs) if ours and theirs else None

    def _both(self, peer: str) -> tuple[Standing, Standing] | None:
        ours, theirs = self.standings.get(OURS), self.standings.get(peer)
        if ours is None or theirs is None or ours.failure or theirs.failure or not (ours.runs and theirs.runs):
            return None
        return ours, theirs

    @property
    def failures(self) -> dict[str, str]:
        """Contender → why it has no figures."""
        return {name: standing.failure for name, standing in self.standings.items() if standing.failure}

    def as_json(self) -> dict[str, Any]:
        """One object; ``vs_NAME`` is a ratio of events a second, ``vs_NAME_cpu`` of events per CPU-second."""
        ratios: dict[str, float | None] = {}
        for peer in PEERS:
            ratios[f"vs_{peer}"] = _rounded(self.ratio(peer))
            ratios[f"vs_{peer}_cpu"] = _rounded(self.ratio_cpu(peer))
        return {
            "events": self.events,
            "event_bytes": round(self.event_bytes, 1),
            "rounds": self.rounds,
            "contenders": {name: standing.as_json() for name, standing in self.standings.items()},
            **ratios,
            "targets": {f"vs_{peer}": target for peer, target in TARGETS.items()},
            "load_average": [round(load, 2) for load in self.load],
        }


def _median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
