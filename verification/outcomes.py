"""What must become of each record: valid, or dead with a reason, for each agent that reads it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeVar

from schemas import hot
from schemas.decode import BadRecord, decoder_for
from schemas.reasons import DeadReason
from stridelog.topics import Topic, Topics
from verification.log import LogRecord
from verification.readers import READERS, is_derived

CHUNK: Final = 20_000
REGISTRATION_RACE_MS: Final = 1_000
"""Two topics have no common order: a record that was logged so soon after its user's registration may have met an agent
that had not seen the registration yet."""

M = TypeVar("M")


class Valid(NamedTuple):
    """One readable record."""

    offset: int
    timestamp_ms: int
    message: Any  # a struct of schemas.hot


@dataclass(frozen=True, slots=True)
class TopicRead:
    """One partition of one topic, decoded."""

    topic: Topic
    records: Sequence[LogRecord]
    valid: Sequence[Valid]
    dead: dict[int, DeadReason]  # by offset

    def of(self, *kinds: type[Any]) -> Iterator[Valid]:
        """The valid records of some message types."""
        return (record for record in self.valid if isinstance(record.message, kinds))


def decode(topic: Topic, records: Sequence[LogRecord]) -> TopicRead:
    """Decode all records of a partition."""
    decoder = decoder_for(topic)
    valid: list[Valid] = []
    dead: dict[int, DeadReason] = {}
    for begin in range(0, len(records), CHUNK):
        some = records[begin : begin + CHUNK]
        outcomes = decoder.decode_many([(record.key, record.value) for record in some])
        for record, outcome in zip(some, outcomes, strict=True):
            if isinstance(outcome, BadRecord):
                dead[record.offset] = outcome.reason
            else:
                valid.append(Valid(record.offset, record.timestamp_ms, outcome))
    return TopicRead(topic, records, valid, dead)


Standing = Literal["known", "unknown", "either"]


@dataclass
class Users:
    """Who registered when, and who was erased, by the user events of one partition."""

    registered: dict[str, tuple[int, int]] = field(default_factory=dict)  # user → offset and time (ms) of the first
    erased: set[str] = field(default_factory=set)
    topic: str = ""

    @classmethod
    def of(cls, read: TopicRead) -> "Users":
        """From the decoded user events."""
        users = cls(topic=read.topic.name)
        for offset, logged_ms, message in read.valid:
            if isinstance(message, hot.UserRegistered):
                users.registered.setdefault(message.user, (offset, logged_ms))
            elif isinstance(message, hot.UserErased):
                users.erased.add(message.user)
        return users

    def standing(self, topic: str, record: Valid) -> Standing:
        """Whether an agent that checks users must have known the user of a record.

        ``either``: topics have no common order, so an agent may have met the record before or after the registration,
        and before or after an erasure. Then the dead-letter topic says which it was.
        """
        user = record.message.user
        first = self.registered.get(user)
        if first is None:
            return "either" if topic == self.topic and user in self.erased else "unknown"
        if user in self.erased:
            return "either"
        if topic == self.topic:
            return "known" if record.offset >= first[0] else "either"
        return "known" if record.timestamp_ms - first[1] > REGISTRATION_RACE_MS else "either"


@dataclass
class PartitionLog:
    """All topics of one partition number, decoded, and what agents refused as a matter of users."""

    topics: Topics
    number: int
    reads: dict[str, TopicRead] = field(default_factory=dict)  # by the topic's name on the broker
    refused: dict[tuple[str, str], set[int]] = field(default_factory=dict)  # (agent, topic) → offsets

    def carrying(self, message_type: str) -> TopicRead:
        """The topic that carries a message type."""
        return self.reads[self.topics.topic_of_message(message_type).name]

    def seen_by(self, agent: str, *kinds: type[M]) -> list[Valid]:
        """The valid records of some message types of one topic, without those that ``agent`` refused."""
        read = self.carrying(kinds[0].__name__)
        refused = self.refused.get((agent, read.topic.name))
        found = read.of(*kinds)
        return [record for record in found if record.offset not in refused] if refused else list(found)

    def users(self) -> Users:
        """Who registered and who was erased."""
        return Users.of(self.carrying("UserRegistered"))

    def judge_users(self, users: Users, letters: Iterable[tuple[str, str, int]]) -> None:
        """Work out ``refused``. ``letters`` are the (agent, topic, offset) that were refused as unknown users."""
        said = set(letters)
        for read in self.reads.values():
            if is_derived(read.topic.name, self.topics) or read.topic.key == "everyone":
                continue  # what concerns everyone comes from users of any partition
            standings = {record.offset: users.standing(read.topic.name, record) for record in read.valid}
            doubtful = {offset: standing for offset, standing in standings.items() if standing != "known"}
            for agent in read.topic.consumers:
                if READERS[agent].checks_users:
                    self.refused[agent, read.topic.name] = {
                        offset
                        for offset, standing in doubtful.items()
                        if standing == "unknown" or (agent, read.topic.name, offset) in said
                    }
