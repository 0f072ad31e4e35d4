"""Whether every partition of a topic for everyone has a copy of each record."""

from collections.abc import Mapping
from typing import Any

from verification.outcomes import PartitionLog

Copies = dict[tuple[str, str], dict[int, Any]]
"""By topic and event id: the message in each partition."""


def note_copies(copies: Copies, log: PartitionLog) -> None:
    """Add what one partition number has."""
    for name, read in log.reads.items():
        if read.topic.key == "everyone":
            for record in read.valid:
                copies.setdefault((name, record.message.id), {})[log.number] = record.message


def expected_copies(copies: Copies, partitions: int) -> dict[tuple[str, str, int], Any]:
    """The copies that there must be, by topic, event id and partition: equal to the first that there is."""
    return {(*key, number): held[min(held)] for key, held in copies.items() for number in range(partitions)}


def found_copies(copies: Mapping[tuple[str, str], Mapping[int, Any]]) -> dict[tuple[str, str, int], Any]:
    """Those that there are."""
    return {(*key, number): message for key, held in copies.items() for number, message in held.items()}
