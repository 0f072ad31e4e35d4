"""Dead letters: records that no agent can use, kept with their original bytes and the reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from sinks.base import Fact, Outgoing, Rows, Span

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
MAX_SHOWN: Final = 10_000  # characters of a refused row in its dead letter

DECODE: Final = "decode"
SINK: Final = "sink"  # a store refused what the record led to
ROW: Final = "row"  # a store refused a row, which is not known to be of one record: the value is the row as shown
REFUSED: Final = "refused_by_store"  # the reason of these

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
    stage: str  # DECODE, SINK or ROW

    @classmethod
    def of(cls, record: Any, reason: str, detail: str, stage: str = DECODE) -> "DeadLetter":
        """The letter of a record as it was fetched."""
        headers = tuple((name, bytes(value)) for name, value in record.headers)
        return cls(record.key, record.value, headers, record.offset, record.timestamp, str(reason), detail, stage)

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


def of_refused(rows: Mapping[int, str], given: Sequence[Any], records: Sequence[Any]) -> list[DeadLetter]:
    """The letters of rows that a store refused: ``rows`` maps indexes of ``given`` to its reasons.

    A letter for each record that a row says it is of, or the only record of the batch; else one with the row as shown.
    """
    letters: dict[int, DeadLetter] = {}
    shown: list[DeadLetter] = []
    by_offset = {record.offset: record for record in records}
    for index, reason in rows.items():
        offsets = [offset for offset in _offsets(given[index]) if offset in by_offset]
        if not offsets and len(records) == 1:
            offsets = list(by_offset)
        for offset in offsets:
            letters.setdefault(offset, DeadLetter.of(by_offset[offset], REFUSED, reason, SINK))
        if not offsets:
            text = repr(given[index])[:MAX_SHOWN].encode()
            shown.append(DeadLetter(None, text, (), records[0].offset, records[0].timestamp, REFUSED, reason, ROW))
    return [*(letters[offset] for offset in sorted(letters)), *shown]


def _offsets(row: Any) -> Iterable[int]:
    """The offsets of the records that caused a row, as far as it says."""
    if isinstance(row, Fact):
        return [row.offset]
    if isinstance(row, Rows) and "source_offset" in row.columns.column_names:
        return sorted(set(row.columns["source_offset"].to_pylist()))
    return []
