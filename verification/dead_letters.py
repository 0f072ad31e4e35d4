"""Dead letters: each must be justified, each dead record must have one of every agent that reads it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.reasons import DeadReason
from stridelog import deadletters as names
from verification.log import LogRecord
from verification.outcomes import PartitionLog
from verification.tally import Tally

LetterKey = tuple[str, str, int, int]
"""agent, topic, partition, offset"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A record of a dead-letter topic, as its headers say what it is about."""

    agent: str
    topic: str
    partition: int
    offset: int
    reason: str
    timestamp_ms: int
    record: LogRecord

    @property
    def key(self) -> LetterKey:
        """What it is the letter of: repeats after a crash have the same."""
        return self.agent, self.topic, self.partition, self.offset


def read_letters(records: Iterable[LogRecord]) -> tuple[list[Letter], list[LogRecord]]:
    """The letters of a dead-letter topic, and the records there that do not say what they are about."""
    letters, others = [], []
    for record in records:
        said = dict(record.headers)
        try:
            letters.append(
                Letter(
                    agent=said[names.AGENT].decode(),
                    topic=said[names.TOPIC].decode(),
                    partition=int(said[names.PARTITION]),
                    offset=int(said[names.OFFSET]),
                    reason=said[names.REASON].decode(),
                    timestamp_ms=int(said[names.TIMESTAMP]),
                    record=record,
                )
            )
        except (KeyError, ValueError):
            others.append(record)
    return letters, others


def expected_letters(log: PartitionLog) -> dict[LetterKey, DeadReason]:
    """The letters that there must be, once all agents are through."""
    expected: dict[LetterKey, DeadReason] = {}
    for topic, read in log.reads.items():
        for agent in read.topic.consumers:
            reasons = dict(read.dead)
            reasons.update(dict.fromkeys(log.refused.get((agent, topic), ()), DeadReason.unknown_user))
            expected.update({(agent, topic, log.number, offset): why for offset, why in reasons.items()})
    return expected


def dead_records(expected: Iterable[LetterKey]) -> int:
    """How many source records are dead, for whichever agent."""
    return len({key[1:] for key in expected})


def check_letters(
    tally: Tally, log: PartitionLog, letters: Iterable[Letter], unreadable: Iterable[LogRecord] = ()
) -> int:
    """Compare the letters with what must be there; returns how many source records are dead."""
    expected = expected_letters(log)
    found: dict[LetterKey, list[Letter]] = {}
    for letter in letters:
        found.setdefault(letter.key, []).append(letter)
    originals = {topic: {record.offset: record for record in read.records} for topic, read in log.reads.items()}
    tally.expected += len(expected)
    tally.found += len(found)
    for key, reason in expected.items():
        if key not in found:
            tally.note("missing", _named(key), reason)
            continue
        faults = [fault for letter in found[key] if (fault := _fault(letter, reason, originals[key[1]][key[3]]))]
        if faults:
            tally.note("different", _named(key), *faults[0])
    for key in found.keys() - expected.keys():
        tally.note("extra", _named(key), "", found[key][0].reason)
    for record in unreadable:
        tally.found += 1
        tally.note("extra", f"offset {record.offset} of a dead-letter topic", "headers", record.headers)
    return dead_records(expected)


def _fault(letter: Letter, reason: DeadReason, original: LogRecord) -> tuple[str, str] | None:
    """What is wrong with a letter: expected and found."""
    value = b"" if original.key is None and original.value is None else original.value  # Kafka wants one of them
    checks: Mapping[str, tuple[object, object]] = {
        "reason": (reason.value, letter.reason),
        "key": (original.key, letter.record.key),
        "value": (value, letter.record.value),
        "headers": (original.headers, letter.record.headers[: len(original.headers)]),
        "timestamp": (original.timestamp_ms, letter.timestamp_ms),
    }
    for name, (wanted, had) in checks.items():
        if wanted != had:
            return f"{name} {_short(wanted)}", f"{name} {_short(had)}"
    return None


def _named(key: LetterKey) -> str:
    agent, topic, partition, offset = key
    return f"{topic}-{partition} offset {offset} by {agent}"


def _short(value: object) -> str:
    return repr(value)[:120]
