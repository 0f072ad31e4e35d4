"""Whatever the cuts, the crashes and the rules before: documents and messages end as the facts and the rules say."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Final, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.achievements import achievements
from domain.achievement_facts import Workout
from domain.achievement_rules import Rule, rules_from
from domain.achievements import earned
from domain.boards import Effort
from schemas import hot
from schemas.decode import decoder_for, encode
from sinks.base import Fact, Span
from sinks.keys import Keys
from stridelog import topics
from stridelog.achievements_file import RulesInForce
from stridelog.agent import Context
from stridelog.batch import Batch, Record
from stridelog.state import State
from tests.messages import summarised

DAY_US: Final = 86_400_000_000
T0: Final = 1_760_000_000_000_000  # 2025-10-09
USERS: Final = ("ada", "bob")
TEXT: Final = {"version": 1, "title": "A title", "text": "What it is about."}
RULES: Final = rules_from(
    {
        "achievements": {
            "longest": {"kind": "personal_best", "most": "distance", **TEXT},
            "sport": {"kind": "first", "each_sport": True, **TEXT},
            "workouts": {"kind": "milestone", "metric": "workouts", "levels": [2, 4], **TEXT},
            "days": {"kind": "streak", "unit": "day", "levels": [2, 3], **TEXT},
            "week": {"kind": "challenge", "metric": "distance", "every": "week", "target": "8 km", **TEXT},
        }
    }
)
OTHERS: Final = (
    *rules_from({"achievements": {"far": {"kind": "first", "metric": "distance", "at_least": "4 km", **TEXT}}}),
    *(rule for rule in RULES if rule.id != "sport"),
)
DECODER: Final = decoder_for(topics.load(prefix="").topic_of_message("AchievementEarned"))

# How a batch ends: all is written, and the worker goes on or starts anew; or it dies when only some stores hold it.
Ending = Literal["done", "restart", "facts", "documents", "stores"]
WRITTEN: Final[dict[Ending, tuple[str, ...]]] = {
    "done": ("facts", "documents", "topic"),
    "restart": ("facts", "documents", "topic"),
    "facts": ("facts",),
    "documents": ("documents",),
    "stores": ("facts", "documents"),
}


def summary_of(
    user: str, index: int, *, day: int, km: float = 5.0, sport: str = "running", status: Any = "counted", zone: str
) -> hot.WorkoutSummarised:
    workout_id = f"{USERS.index(user)}000000{index}-0000-4000-8000-000000000000"
    begin = T0 + day * DAY_US + index * 3_600_000_000
    return summarised(workout_id, begin, user=user, zone=zone, sport=sport, status=status, distance_m=km * 1_000)


class World:
    """The stores of the agent, each with its watermark, and a worker."""

    def __init__(self, log: Sequence[hot.WorkoutSummarised], rules: tuple[Rule, ...] = RULES) -> None:
        self.log = log
        self.marks = {"facts": 0, "documents": 0, "topic": 0}
        self.facts: dict[tuple[str, str, str], Fact] = {}
        self.documents: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.said: dict[tuple[str, str], Any] = {}
        self.messages: list[Any] = []
        self.start(rules)

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        """What the worker asks for."""
        return {user: [fact for fact in self.facts.values() if fact.user == user] for user in users}

    def start(self, rules: tuple[Rule, ...]) -> None:
        """Another worker takes over, where the stores are."""
        self.rules = rules
        state = State(self, achievements.facts, 10_000)
        self.context = Context(state, Keys("test"), {RulesInForce: SimpleNamespace(rules=rules)})
        self.position = min(self.marks.values())

    def take(self, size: int, ending: Ending = "done") -> None:
        """A batch of the log."""
        span = Span("workout-summaries", 0, self.position, min(self.position + size, len(self.log)))
        messages = self.log[span.first : span.next]
        batch = Batch(span, [Record(span.first + i, 0, message) for i, message in enumerate(messages)])
        asyncio.run(self._process(batch, WRITTEN[ending]))
        self.position = span.next
        if ending != "done":
            self.start(self.rules)

    async def _process(self, batch: Batch, stores: Iterable[str]) -> None:
        await self.context.state.load({record.message.user for record in batch.records})
        writes = await achievements.process(batch, self.context)
        pending = self.context.state.take_pending()
        for store in stores:
            if batch.span.next <= self.marks[store]:
                continue  # it holds the span
            self.marks[store] = batch.span.next
            if store == "facts":
                self.facts |= {(fact.user, fact.kind, fact.id): fact for fact in pending}
            elif store == "documents":
                for document in writes.mongo:
                    fields = self.documents[document.id]
                    fields.update(document.set)
                    for name in document.unset:
                        fields.pop(name, None)
            else:
                for message in writes.messages:
                    self.said[message.user, message.data.award_id] = message
                    self.messages.append(message)

    def lose(self, store: str) -> None:
        """A store is empty, its watermark too."""
        self.marks[store] = 0
        if store == "facts":
            self.facts.clear()
        elif store == "documents":
            self.documents.clear()
        else:
            self.said.clear()

    def rest(self, size: int = 1_000) -> "World":
        """The rest of the log."""
        while self.position < len(self.log):
            self.take(size)
        return self

    def held(self) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Awards in documents and in the topic, each by user and name."""
        documents = {
            (id.split("/")[0], name.removeprefix("awards.")): award
            for id, fields in self.documents.items()
            for name, award in fields.items()
        }
        topic = {
            key: {name: getattr(message.data, name) for name in message.data.__struct_fields__ if name != "award_id"}
            | {"zone": message.zone}
            for key, message in self.said.items()
            if isinstance(message, hot.AchievementEarned)
        }
        return documents, topic


def worked_out(log: Iterable[hot.WorkoutSummarised], rules: tuple[Rule, ...] = RULES) -> set[Any]:
    """User, rule, level, occasion, time, value, evidence and zone of what the last words on workouts earn."""
    last = {(message.user, message.data.workout_id): message for message in log}
    found: set[Any] = set()
    for user in USERS:
        done = []
        for (of, workout_id), message in last.items():
            data, summary = message.data, message.data.summary
            if of == user and data.status == "counted" and summary is not None:
                figures = (summary.distance_m, summary.moving_time_s, 0.0, summary.load)
                done.append(Workout(Effort(workout_id, data.sport, data.end, data.local_day, *figures)))
        for award in earned(rules, done):
            zone = last[user, award.evidence[0]].zone
            found.add((user, award.key, award.at_us, award.value, award.evidence, zone))
    return found


def as_set(held: dict[Any, Any]) -> set[Any]:
    return {
        (
            user,
            f"{award['achievement']}:{award['rule_version']}:{award['level']}:{award['occasion']}",
            award["at"],
            award["value"],
            tuple(award["evidence"]),
            award["zone"],
        )
        for (user, _), award in held.items()
    }


words = st.builds(
    summary_of,
    st.sampled_from(USERS),
    st.integers(0, 4),
    day=st.integers(0, 6),
    km=st.sampled_from([3.0, 4.0, 5.0, 6.0]),
    sport=st.sampled_from(["running", "cycling"]),
    status=st.sampled_from(["counted", "counted", "counted", "deleted"]),
    zone=st.sampled_from(["Europe/Oslo", "UTC"]),
)
logs = st.lists(words, min_size=1, max_size=16)
endings: st.SearchStrategy[Ending] = st.sampled_from(["done", "done", "restart", "facts", "documents", "stores"])


@given(logs, st.lists(st.tuples(st.integers(1, 6), endings), max_size=12))
@settings(max_examples=300, deadline=None)
def test_awards_depend_neither_on_cuts_nor_on_crashes_between_stores(
    log: list[hot.WorkoutSummarised], steps: list[tuple[int, Ending]]
) -> None:
    world = World(log)
    for size, ending in steps:
        world.take(size, ending)
    documents, topic = world.rest().held()
    assert as_set(documents) == worked_out(log)
    assert topic == documents


@given(logs, st.integers(1, 16), st.lists(st.integers(1, 5), max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_store_that_lost_everything_is_filled_again_from_the_log(
    log: list[hot.WorkoutSummarised], lost_after: int, cuts: list[int]
) -> None:
    for store in ("facts", "documents", "topic"):
        world = World(log)
        world.take(lost_after)
        world.lose(store)
        world.start(RULES)
        for size in cuts:
            world.take(size, "restart")
        documents, topic = world.rest().held()
        assert as_set(documents) == worked_out(log)
        assert topic == documents


@given(logs, logs, st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_who_trains_after_the_rules_have_changed_has_what_the_new_ones_give(
    before: list[hot.WorkoutSummarised], after: list[hot.WorkoutSummarised], size: int
) -> None:
    log = [*before, *after, *(summary_of(user, 5, day=9, zone="UTC") for user in USERS)]
    world = World(log)
    world.take(len(before))
    world.start(OTHERS)
    documents, topic = world.rest(size).held()
    assert as_set(documents) == worked_out(log, OTHERS)
    assert topic == documents


@given(logs)
@settings(max_examples=50, deadline=None)
def test_messages_are_those_of_the_schema(log: list[hot.WorkoutSummarised]) -> None:
    for message in World(log).rest(3).messages:
        assert DECODER.decode(message.user.encode(), encode(message)) == message
