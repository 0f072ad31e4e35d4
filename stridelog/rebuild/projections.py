"""What each agent keeps in each of its stores, and which comparisons of ``stridelog verify`` are about it."""

import difflib
from dataclasses import dataclass
from typing import Final

from stridelog.agent import Agent
from stridelog.errors import UserError
from stridelog.lag import declared
from stridelog.topics import Topics
from verification.run import SINKS

FACTS: Final = "facts"
TOPIC: Final = "topic"

# agent.store: its tables, collections or patterns of keys, and the names that verify compares them under.
_PARTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "sensors.clickhouse": (
        ("samples", "rr_intervals", "minute_partials"),
        ("clickhouse.samples", "clickhouse.rr_intervals", "clickhouse.minute_partials", "clickhouse.minute_rollups"),
    ),
    "sensors.redis": (
        ("live:*", "live-state:*", "live-board:*", "thresholds:*"),
        ("redis.live", "redis.live-boards", "redis.thresholds"),
    ),
    "workouts.mongo": (("workouts",), ("mongo.workouts",)),
    "feed.mongo": (
        ("feeds", "timelines", "circles"),
        ("mongo.feeds", "mongo.timelines", "mongo.circles", "mongo.seen"),
    ),
    "achievements.mongo": (("achievements",), ("mongo.achievements",)),
    "groups.mongo": (("groups", "memberships"), ("mongo.groups", "mongo.memberships")),
    "challenges.clickhouse": (
        ("challenge_scores",),
        ("clickhouse.challenge_scores", "clickhouse.challenge_ranks", "clickhouse.challenge_teams"),
    ),
    "challenges.mongo": (("challenges", "goals"), ("mongo.challenges", "mongo.goals")),
    "leaderboards.clickhouse": (
        ("board_scores", "workouts"),
        ("clickhouse.board_scores", "clickhouse.boards", "clickhouse.workouts"),
    ),
    "athletes.clickhouse": (("athletes",), ("clickhouse.athletes",)),
    "training.clickhouse": (("training_days",), ("clickhouse.training_days",)),
    "segment_boards.clickhouse": (
        ("segments", "segment_efforts"),
        ("clickhouse.segments", "clickhouse.segment_efforts", "clickhouse.segment_board"),
    ),
    "tracks.clickhouse": (
        ("track_marks", "track_keys", "lookalikes"),
        ("clickhouse.track_marks", "clickhouse.lookalikes"),
    ),
    "thresholds.clickhouse": (("threshold_history",), ("clickhouse.threshold_history",)),
    "wellness.clickhouse": (("wellness_days",), ("clickhouse.wellness_days",)),
    "rankings.redis": (("rank:*", "names", "boards-changed"), ("redis.rankings", "redis.names")),
    "injury.clickhouse": (("injury_scores",), ("clickhouse.injury_scores",)),
    "recommend.clickhouse": (("recommendations",), ("clickhouse.recommendations",)),
    "lake.delta": (
        ("training_features", "injuries", "predictions"),
        ("delta.training_features", "delta.injuries", "delta.predictions"),
    ),
}


@dataclass(frozen=True, slots=True)
class Projection:
    """What one agent keeps in one store: ``facts`` is its own state, ``topic`` what it publishes."""

    agent: Agent
    store: str
    parts: tuple[str, ...]
    checks: tuple[str, ...]

    @property
    def name(self) -> str:
        """How commands name it."""
        return f"{self.agent.name}.{self.store}"

    @property
    def sink(self) -> str:
        """The name of the sink that writes it."""
        return "postgres" if self.store == FACTS else self.store


def projections(topics: Topics) -> dict[str, Projection]:
    """All projections by name, in the order of the flow.

    Facts are not compared by themselves: their checks are those of what the agent makes of them.
    """
    found: dict[str, Projection] = {}
    compared = {name: topics.named(name.removeprefix("topic.")).name for name in SINKS if name.startswith("topic.")}
    for agent in declared().values():
        stores = {f"{agent.name}.{store}": store for store in agent.stores}
        outputs = [topic.name for topic in topics.outputs_of(agent.name)]
        told = tuple(check for check, topic in compared.items() if topic in outputs)
        made = [Projection(agent, store, *_PARTS[name]) for name, store in stores.items()]
        if agent.facts or agent.registered_users_only:
            kinds = [kind.__name__ for kind in agent.facts] + ["RegisteredUser"] * agent.registered_users_only
            checks = tuple(check for one in made for check in one.checks) + told
            made.append(Projection(agent, FACTS, tuple(kinds), checks))
        if outputs:
            made.append(Projection(agent, TOPIC, tuple(outputs), told))
        found |= {one.name: one for one in made}
    return found


def named(name: str, topics: Topics) -> Projection:
    """A projection by its name. Raises ``UserError`` that says which there are."""
    known = projections(topics)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UserError(f"no projection {name!r}: {hint}")
    return known[name]


def rebuildable(name: str, topics: Topics) -> Projection:
    """A projection that can be built anew. Raises ``UserError`` for one that is a log."""
    found = named(name, topics)
    if found.store == TOPIC:
        raise UserError(
            f"{name} is a log ({', '.join(found.parts)}), and a log is not rebuilt: readers have it already. "
            f"To have it said again: stridelog agents seek {found.agent.name} --to TIME --sink topic"
        )
    return found
