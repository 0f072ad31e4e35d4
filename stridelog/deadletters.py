"""Dead letters: records that no agent can use, kept with their original bytes and the reason."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from sinks.base import Outgoing, Span

TOPIC: Final = "sl-topic"
PARTITION: Final = "sl-partition"
OFFSET: Final = "sl-offset"
TIMESTAMP: Final = "sl-timestamp"
REASON: Final = "sl-reason"
DETAIL: Final = "sl-detail"
STAGE: Final = "sl-stage"
AGENT: Final = "sl-agent"
VERSION: Final = "sl-version"
MAX_DETAIL: Final = 500  # characters; the original record says the rest

_AGENT_VERSION: Final = version("stridelog").encode()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record and why it is dead."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    offset: int
    timestamp_ms: int
    reason: str
    detail: str
    stage: str  # "decode" or "sink"

    def outgoing(self, topic: str, span: Span, agent: str) -> Outgoing:
        """The record for the dead-letter topic: original bytes and headers, and what happened in headers of ours."""
        what = {
            TOPIC: span.topic,
            PARTITION: str(span.partition),
            OFFSET: str(self.offset),
            TIMESTAMP: str(self.timestamp_ms),
            REASON: self.reason,
            DETAIL: self.detail[:MAX_DETAIL],
            STAGE: self.stage,
            AGENT: agent,
        }
        ours = tuple((name, text.encode()) for name, text in what.items())
        return Outgoing(topic, self.key, self.value, (*self.headers, *ours, (VERSION, _AGENT_VERSION)))
