"""Records that an agent refused because nobody knew their user at that time.

The user may have registered since, and somebody who reads the log again would take the record. But it is dead: it has a
letter, and was sent again if it was wanted. All other reasons for a dead letter are found again in the record itself.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from schemas.reasons import DeadReason
from sinks.base import TopicPartition
from stridelog import deadletters as names
from stridelog.topics import Topics

FETCH_MS: Final = 500
NO_RECORD: Final = b""  # no decoder takes it


class Refused:
    """The refused records of one agent, from the dead-letter topics of what it reads."""

    def __init__(self, consumer: AIOKafkaConsumer, agent: str, topics: Topics) -> None:
        self._consumer = consumer
        self._agent = agent.encode()
        self._found: dict[TopicPartition, set[int]] = {}
        letters = [topics.dead_letter_of(topic.name) for topic in topics.inputs_of(agent)]
        self._partitions = [KafkaPartition(t.name, number) for t in letters for number in range(t.partitions)]
        consumer.assign(self._partitions)
        self._begun = False

    async def refresh(self) -> None:
        """Read the letters that came since the last time. Raises ``KafkaError``."""
        if not self._begun:
            await self._consumer.seek_to_beginning(*self._partitions)
            self._begun = True
        ends = await self._consumer.end_offsets(self._partitions)
        left: Collection[KafkaPartition] = self._partitions
        while left := [tp for tp in left if await self._consumer.position(tp) < ends[tp]]:
            for some in (await self._consumer.getmany(*left, timeout_ms=FETCH_MS)).values():
                for record in some:
                    self._keep(dict(record.headers))

    def _keep(self, said: dict[str, bytes]) -> None:
        if said.get(names.AGENT) == self._agent and said.get(names.REASON) == DeadReason.unknown_user.value.encode():
            source = TopicPartition(said[names.TOPIC].decode(), int(said[names.PARTITION]))
            self._found.setdefault(source, set()).add(int(said[names.OFFSET]))

    def masked(self, source: TopicPartition, records: Sequence[Any]) -> Sequence[Any]:
        """The records, in whose place there is something unreadable where the agent refused one."""
        refused = self._found.get(source)
        if not refused:
            return records
        return [replace(one, value=NO_RECORD) if one.offset in refused else one for one in records]
