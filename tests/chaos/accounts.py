"""What became of every record that an agent read: input = written + dropped + dead, counted in the log itself.

`verify` compares contents; this counts, with nothing but the topics: a record is dead where the agent has a letter
about it, dropped where it repeats an earlier one byte for byte, written otherwise. One that is both dead and readable,
or neither readable nor dead, has no place in the sum.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from schemas.decode import BadRecord, decoder_for
from schemas.reasons import DeadReason
from stridelog.topics import Topics
from verification.dead_letters import read_letters
from verification.log import Log, LogRecord


@dataclass
class Account:
    """One agent and one topic; ``unexplained`` are records that the sum does not hold, as text."""

    agent: str
    topic: str
    input: int = 0
    written: int = 0
    dropped: int = 0
    dead: int = 0
    unexplained: list[str] = field(default_factory=list)

    @property
    def is_even(self) -> bool:
        """Whether every record has one outcome."""
        return not self.unexplained and self.input == self.written + self.dropped + self.dead


async def accounts(bootstrap: str, topics: Topics) -> list[Account]:
    """The account of every agent with every topic that it reads."""
    records: dict[str, dict[int, list[LogRecord]]] = defaultdict(dict)
    async with Log(bootstrap) as log:
        for (topic, partition), end in (await log.ends(topic.name for topic in topics)).items():
            records[topic][partition] = list(await log.read(topic, partition, end))
    dead: dict[tuple[str, str], dict[tuple[int, int], str]] = defaultdict(dict)
    for topic in topics.dead_letters:
        for held in records[topic].values():
            for letter in read_letters(held)[0]:
                dead[letter.agent, letter.topic][letter.partition, letter.offset] = letter.reason
    return [
        _account(Account(agent, topic.name), topic, records[topic.name], dead[agent, topic.name])
        for topic in topics
        for agent in topic.consumers
    ]


def _account(
    account: Account, topic: Any, records: dict[int, list[LogRecord]], dead: dict[tuple[int, int], str]
) -> Account:
    decoder = decoder_for(topic)
    for partition, some in records.items():
        seen: set[tuple[bytes | None, bytes | None]] = set()
        outcomes = decoder.decode_many([(record.key, record.value) for record in some])
        for record, outcome in zip(some, outcomes, strict=True):
            account.input += 1
            reason = dead.pop((partition, record.offset), None)
            is_bad = isinstance(outcome, BadRecord)
            if reason is not None and (is_bad or reason == DeadReason.unknown_user):
                account.dead += 1
            elif reason is not None:
                account.unexplained.append(f"{partition}:{record.offset} is good, and dead of {reason}")
            elif is_bad:
                account.unexplained.append(f"{partition}:{record.offset} cannot be read, and has no letter")
            elif (record.key, record.value) in seen:
                account.dropped += 1
            else:
                account.written += 1
            seen.add((record.key, record.value))
    account.unexplained += [f"{partition}:{offset} is dead, and not in the log" for partition, offset in dead]
    return account


def total(found: list[Account]) -> dict[str, int]:
    """The sums over all agents and topics."""
    sums: Counter[str] = Counter()
    for each in found:
        sums.update(input=each.input, written=each.written, dropped=each.dropped, dead=each.dead)
    return dict(sums)
