"""What verification knows of the agents: where each writes, and whether it refuses users whom it does not know.

Written down here once more, on purpose: that an agent's own declaration is wrong is among the things to be found.
"""

from dataclasses import dataclass
from typing import Final

from stridelog.topics import Topics


@dataclass(frozen=True, slots=True)
class Reader:
    """One agent. ``sinks`` have watermarks of all its input topics."""

    name: str
    sinks: tuple[str, ...]
    checks_users: bool = False


READERS: Final = {
    reader.name: reader
    for reader in (
        Reader("sensors", ("clickhouse", "redis", "postgres", "topic"), checks_users=True),
        Reader("workouts", ("mongo", "postgres", "topic"), checks_users=True),
        Reader("tracks", ("clickhouse", "postgres", "topic")),
        Reader("copies", ("postgres", "topic")),
        Reader("feed", ("mongo", "postgres", "topic"), checks_users=True),
        Reader("achievements", ("mongo", "postgres", "topic")),
        Reader("groups", ("mongo", "postgres", "topic")),
        Reader("challenges", ("clickhouse", "mongo", "postgres", "topic"), checks_users=True),
        Reader("leaderboards", ("clickhouse", "postgres", "topic")),
        Reader("athletes", ("clickhouse", "postgres", "topic")),
        Reader("training", ("clickhouse", "postgres", "topic")),
        Reader("segments", ("postgres", "topic")),
        Reader("segment_boards", ("clickhouse", "postgres", "topic")),
        Reader("thresholds", ("clickhouse", "postgres", "topic")),
        Reader("wellness", ("clickhouse", "postgres", "topic")),
        Reader("rankings", ("redis", "postgres", "topic")),
        Reader("injury", ("clickhouse", "topic")),
        Reader("recommend", ("clickhouse", "topic")),
        Reader("lake", ("delta", "topic")),
    )
}


def is_derived(topic: str, topics: Topics) -> bool:
    """Whether only agents write a topic: what is about an unknown user there is not their fault."""
    return set(topics.named(topic).producers) <= READERS.keys()
