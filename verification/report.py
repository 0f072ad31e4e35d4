"""The outcome of a verification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verification.settle import Lag
from verification.tally import Tally


@dataclass
class Outcomes:
    """What became of a topic's records."""

    records: int = 0
    valid: int = 0
    dead: int = 0


@dataclass
class Report:
    """Every store's tally by name, and what the log held."""

    sinks: dict[str, Tally]
    dead: int = 0
    outcomes: dict[str, Outcomes] = field(default_factory=dict)
    lags: Sequence[Lag] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every store holds exactly what it must, and every agent is through."""
        return not self.lags and all(tally.ok for tally in self.sinks.values())

    def as_json(self) -> Mapping[str, Any]:
        """For machines."""
        return {
            "sinks": {name: tally.counts() for name, tally in self.sinks.items()},
            "dead": self.dead,
            "ok": self.ok,
            "outcomes": {
                topic: {"records": each.records, "valid": each.valid, "dead": each.dead}
                for topic, each in self.outcomes.items()
            },
            "lag": [lag._asdict() for lag in self.lags],
            "notes": self.notes,
        }
