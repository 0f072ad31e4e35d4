"""Whatever the order of topics, cuts and crashes: rows, documents and messages end as all facts together say."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any, Final, Literal
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.challenges import challenges
from agents.groups import groups
from domain.days import local_day
from schemas import hot
from schemas.decode import decoder_for, encode
from sinks.base import Document, Fact, Span
from sinks.keys import Keys
from stridelog import topics
from stridelog.agent import Agent, Context
from stridelog.batch import Batch, Record
from stridelog.homes import Homes
from stridelog.state import State, everyone
from tests.messages import summarised
from verification import challenges as expected
from verification.groups import groups_of, shown
from verification.outcomes import Valid

DAY_US: Final = 86_400_000_000
T0: Final = 1_760_000_000_000_000  # 2025-10-09
USERS: Final = ("ada", "bob", "eve")
GROUPS: Final = tuple(f"0000000{i}-0000-4000-8000-00000000000a" for i in range(2))
CHALLENGES: Final = tuple(f"0000000{i}-0000-4000-8000-00000000000b" for i in range(2))
GOAL: Final = "00000000-0000-4000-8000-00000000000c"
TOPICS: Final = ("user-events", "groups", "challenges", "participation", "workout-summaries")
TARGETS: Final = decoder_for(topics.load(prefix="").named("targets"))
FIRST_DAY: Final = local_day(T0, "UTC")

# How a batch ends: all is written, and the worker goes on or starts anew; or it dies when only some stores hold it.
# Facts are written first (stridelog.lane).
Ending = Literal["done", "restart", "facts", "rows", "documents", "stores"]
WRITTEN: Final[dict[Ending, tuple[str, ...]]] = {
    "done": ("facts", "rows", "documents", "topic"),
    "restart": ("facts", "rows", "documents", "topic"),
    "facts": ("facts",),
    "rows": ("facts", "rows"),
    "documents": ("facts", "documents"),
    "stores": ("facts", "rows", "documents"),
}


def said(kind: Any, data: Any, user: str, hours: int) -> Any:
    time = T0 + hours * 3_600_000_000
    return kind.of(user=user, time=time, zone="UTC", source="test", producer="test", data=data)


def day(number: int) -> date:
    return date.fromordinal(FIRST_DAY.toordinal() + number)


users, hours = st.sampled_from(USERS), st.integers(-40, 100)
groups_drawn, challenges_drawn = st.sampled_from(GROUPS), st.sampled_from(CHALLENGES)
measures = st.sampled_from(
    [
        {"metric": "distance", "target": 8_000.0, "sports": ("running",)},
        {"metric": "workouts", "target": 2.0},
        {"effort": "5 km", "target": 1_500.0, "sports": ("running",)},
    ]
)
summed = st.sampled_from([{"metric": "distance", "target": 8_000.0}, {"metric": "workouts", "target": 3.0}])


@st.composite
def group_messages(draw: st.DrawFn) -> Any:
    about, user, at = {"group_id": draw(groups_drawn)}, draw(users), draw(hours)
    match draw(st.sampled_from(["created", "created", "joined", "joined", "left", "role", "removed", "closed"])):
        case "created":
            return said(hot.GroupCreated, hot.GroupCreatedData(name="Club", sport="running", **about), user, at)
        case "joined":
            return said(hot.GroupJoined, hot.GroupJoinedData(**about), user, at)
        case "left":
            return said(hot.GroupLeft, hot.GroupLeftData(**about), user, at)
        case "role":
            role: Any = draw(st.sampled_from(["owner", "admin", "member"]))
            return said(hot.GroupRoleChanged, hot.GroupRoleChangedData(role=role, actor=draw(users), **about), user, at)
        case "removed":
            return said(hot.GroupMemberRemoved, hot.GroupMemberRemovedData(actor=draw(users), **about), user, at)
    return said(hot.GroupClosed, hot.GroupClosedData(**about), user, at)


@st.composite
def challenge_messages(draw: st.DrawFn) -> Any:
    id, user, at = draw(challenges_drawn), draw(users), draw(hours)
    if draw(st.integers(0, 5)) == 0:
        return said(hot.ChallengeRemoved, hot.ChallengeRemovedData(challenge_id=id), user, at)
    first = draw(st.integers(-1, 3))
    days: Any = {"first_day": day(first), "last_day": day(first + draw(st.integers(0, 4)))}
    kind: Any = draw(st.sampled_from(["individual", "individual", "team"]))
    some = tuple(draw(st.lists(groups_drawn, unique=True, min_size=1 if kind == "team" else 0, max_size=2)))
    measure: Any = draw(summed if kind == "team" else measures)
    data = hot.ChallengeDefinedData(challenge_id=id, title="So far", kind=kind, group_ids=some, **days, **measure)
    return said(hot.ChallengeDefined, data, user, at)


@st.composite
def participation_messages(draw: st.DrawFn) -> Any:
    user, at = draw(users), draw(hours)
    match draw(st.sampled_from(["joined", "joined", "joined", "left", "set", "set", "removed"])):
        case "joined":
            team = draw(st.sampled_from([None, *GROUPS]))
            data = hot.ChallengeJoinedData(challenge_id=draw(challenges_drawn), group_id=team)
            return said(hot.ChallengeJoined, data, user, at)
        case "left":
            return said(hot.ChallengeLeft, hot.ChallengeLeftData(challenge_id=draw(challenges_drawn)), user, at)
        case "set":
            period: Any = draw(
                st.sampled_from([{"every": "week"}, {"every": "month"}, {"first_day": day(1), "last_day": day(3)}])
            )
            measure: Any = draw(measures)
            return said(hot.GoalSet, hot.GoalSetData(goal_id=GOAL, **period, **measure), user, at)
    return said(hot.GoalRemoved, hot.GoalRemovedData(goal_id=GOAL), user, at)


@st.composite
def workout_messages(draw: st.DrawFn) -> Any:
    user, index = draw(users), draw(st.integers(0, 2))
    workout_id = f"{USERS.index(user)}000000{index}-0000-4000-8000-000000000000"
    begin = T0 + draw(st.integers(-1, 6)) * DAY_US + index * 3_600_000_000
    message = summarised(
        workout_id,
        begin,
        user=user,
        zone=draw(st.sampled_from(["UTC", "Europe/Oslo"])),
        sport=draw(st.sampled_from(["running", "cycling"])),
        status=draw(st.sampled_from(["counted", "counted", "counted", "deleted"])),
        distance_m=draw(st.sampled_from([3_000.0, 5_000.0, 9_000.0])),
        best_efforts=tuple(
            hot.BestEffort(kind="distance", name="5 km", duration_s=seconds, start_us=begin)
            for seconds in draw(st.sampled_from([(), (1_600.0,), (1_400.0,)]))
        ),
    )
    return message


def founded(group_id: str, user: str) -> Any:
    return said(hot.GroupCreated, hot.GroupCreatedData(group_id=group_id, name="Club", sport="running"), user, -40)


def joined(user: str, number: int, team: str | None = None) -> Any:
    return said(hot.ChallengeJoined, hot.ChallengeJoinedData(challenge_id=CHALLENGES[number], group_id=team), user, 0)


def defined(number: int, measure: dict[str, Any], kind: Any, group_ids: tuple[str, ...]) -> Any:
    data = hot.ChallengeDefinedData(
        challenge_id=CHALLENGES[number],
        title="Far",
        kind=kind,
        group_ids=group_ids,
        first_day=day(-1),
        last_day=day(5),
        **measure,
    )
    return said(hot.ChallengeDefined, data, "ada", 0)


def ran(user: str, index: int) -> Any:
    workout_id = f"{USERS.index(user)}000000{index}-0000-4000-8000-000000000000"
    begin = T0 + index * (DAY_US + 3_600_000_000)
    best = hot.BestEffort(kind="distance", name="5 km", duration_s=1_500.0 + index, start_us=begin)
    return summarised(workout_id, begin, user=user, zone="UTC", best_efforts=(best,))


# What makes most logs have something to show: each is mostly there, among what is drawn.
USUAL: Final[dict[str, list[Any]]] = {
    "groups": [
        founded(GROUPS[0], "ada"),
        founded(GROUPS[1], "bob"),
        said(hot.GroupJoined, hot.GroupJoinedData(group_id=GROUPS[0]), "bob", -30),
    ],
    "challenges": [
        defined(0, {"metric": "distance", "target": 8_000.0}, "individual", ()),
        defined(1, {"metric": "workouts", "target": 3.0}, "team", GROUPS),
    ],
    "participation": [
        *(joined(user, 0) for user in USERS),
        *(joined("ada", 1, GROUPS[0]), joined("bob", 1, GROUPS[1])),
        said(hot.GoalSet, hot.GoalSetData(goal_id=GOAL, metric="workouts", target=2.0, every="week"), "ada", 0),
    ],
    "workout-summaries": [ran(user, index) for user in USERS for index in range(2)],
    "user-events": [],
}


@st.composite
def mixed(draw: st.DrawFn, topic: str, others: st.SearchStrategy[Any], most: int) -> list[Any]:
    """Most of what is usual, and others, in any order."""
    usual = [one for one in USUAL[topic] if draw(st.integers(0, 4))]
    return draw(st.permutations([*usual, *draw(st.lists(others, max_size=most))]))


erasures = st.builds(said, st.just(hot.UserErased), st.just(hot.UserErasedData()), users, hours)
logs = st.fixed_dictionaries(
    {
        "groups": mixed("groups", group_messages(), 6),
        "challenges": mixed("challenges", challenge_messages(), 2),
        "participation": mixed("participation", participation_messages(), 5),
        "workout-summaries": mixed("workout-summaries", workout_messages(), 5),
        "user-events": mixed("user-events", erasures, 2),
    }
)
steps = st.lists(
    st.tuples(
        st.sampled_from(TOPICS),
        st.integers(1, 4),
        st.sampled_from(["done", "done", "restart", "facts", "rows", "documents", "stores"]),
    ),
    max_size=14,
)
Log = dict[str, list[Any]]


class World:
    """The stores of an agent, each with its watermarks, and a worker."""

    def __init__(self, log: Log, agent: Agent = challenges, cached_facts: int = 10_000) -> None:
        self.log = {name: messages for name, messages in log.items() if agent is challenges or name == "groups"}
        self.agent = agent
        self.cached_facts = cached_facts
        self.marks = {(store, name): 0 for store in ("facts", "rows", "documents", "topic") for name in self.log}
        self.facts: dict[tuple[str, str, str], Fact] = {}
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.documents: dict[str, dict[str, Any]] = defaultdict(dict)
        self.said: dict[tuple[str, str], Any] = {}
        self.start()

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        """What the worker asks for."""
        return {user: [fact for fact in self.facts.values() if fact.user == user] for user in users}

    def start(self) -> None:
        """Another worker takes over, where the stores are."""
        state = State(self, self.agent.facts, self.cached_facts, [everyone(0)])
        self.context = Context(state, Keys("test"), {Homes: SimpleNamespace(of=lambda id: 0)})
        self.positions = {
            name: min(self.marks[store, name] for store, of in self.marks if of == name) for name in self.log
        }

    def take(self, topic: str, size: int, ending: Ending = "done") -> None:
        """A batch of a topic."""
        if topic not in self.log:
            return
        messages = self.log[topic]
        span = Span(topic, 0, self.positions[topic], min(self.positions[topic] + size, len(messages)))
        batch = Batch(span, [Record(span.first + i, 0, one) for i, one in enumerate(messages[span.first : span.next])])
        asyncio.run(self._process(batch, WRITTEN[ending]))
        self.positions[topic] = span.next
        if ending != "done":
            self.start()

    async def _process(self, batch: Batch, stores: Sequence[str]) -> None:
        for_everyone = batch.span.topic in ("groups", "challenges")
        await self.context.state.load(set() if for_everyone else {one.message.user for one in batch.records})
        writes = await self.agent.process(batch, self.context)
        pending = self.context.state.take_pending()
        for store in stores:
            if batch.span.next <= self.marks[store, batch.span.topic]:
                continue  # it holds the span
            self.marks[store, batch.span.topic] = batch.span.next
            match store:
                case "facts":
                    self.facts |= {(fact.user, fact.kind, fact.id): fact for fact in pending}
                case "rows":
                    for rows in writes.clickhouse:
                        for row in rows.columns.to_pylist():
                            self._replace(row)
                case "documents":
                    for document in writes.mongo:
                        self._set(document)
                case "topic":
                    for message in writes.messages:
                        read = TARGETS.decode(message.user.encode(), encode(message))
                        self.said[message.user, message.data.target_id] = read

    def _replace(self, row: dict[str, Any]) -> None:
        """As ReplacingMergeTree does: the greatest revision. Rows of one revision must say the same."""
        held = self.rows.get((row["challenge_id"], row["user_id"]))
        if held is None or held["revision"] < row["revision"]:
            self.rows[row["challenge_id"], row["user_id"]] = row
        elif held["revision"] == row["revision"]:
            assert {**held, "source_offset": 0} == {**row, "source_offset": 0}

    def _set(self, document: Document) -> None:
        fields = self.documents[f"{document.collection}/{document.id}"]
        if not document.set and not document.unset:
            fields.clear()
        for name, value in [*document.set.items(), *((name, None) for name in document.unset)]:
            held, _, part = name.partition(".")
            if not part:
                fields[name] = dict(value) if isinstance(value, dict) else value
            elif value is None:
                fields.get(held, {}).pop(part, None)
            else:
                fields.setdefault(held, {})[part] = value

    def lose(self, store: str) -> None:
        """A store is empty, its watermarks too."""
        self.marks |= {(store, name): 0 for name in self.log}
        getattr(self, "said" if store == "topic" else store).clear()
        self.start()

    def rest(self, order: Sequence[str] = TOPICS, size: int = 1_000) -> "World":
        """The rest of the log."""
        for topic in order:
            while topic in self.log and self.positions[topic] < len(self.log[topic]):
                self.take(topic, size)
        return self


def valid(messages: Sequence[Any]) -> list[Valid]:
    return [Valid(offset, 0, message) for offset, message in enumerate(messages)]


def wanted(log: Log) -> tuple[Any, Any, Any, Any, Any]:
    """Parts, challenges, goals and targets that all facts together make."""
    found_groups = groups_of(valid(log["groups"]))
    standings = expected.standings(valid(log["challenges"]), found_groups)
    last = {(one.message.user, one.message.data.workout_id): one for one in valid(log["workout-summaries"])}
    facts = expected.Log(last, found_groups, standings, valid(log["participation"]), valid(log["user-events"]))
    parts, goals = expected.parts(facts), expected.goals(facts)
    rows = {(row["challenge_id"], row["user_id"]): row for row in expected.part_table(parts).to_pylist()}
    targets = {(one.user, one.target_id): (one.said, one.zone) for one in expected.targets(facts, parts, goals)}
    return rows, expected.challenge_documents(standings), dict(goal.document for goal in goals), targets, found_groups


def compare(world: World, log: Log) -> None:
    rows, challenge_documents, goals, targets, _ = wanted(log)
    held = {key: row for key, row in world.rows.items() if not row["deleted"]}
    assert held.keys() == rows.keys()
    for key, row in rows.items():
        found = {name: _plain(held[key][name]) for name in row}
        assert found == row
    documents = {key: fields for key, fields in world.documents.items() if fields}
    assert documents == {
        **{f"challenges/{id}": {**one, "groups": list(one["groups"])} for id, one in challenge_documents.items()},
        **{f"goals/{id}": one for id, one in goals.items()},
    }
    assert expected.last_said(valid(list(world.said.values()))) == targets


def _plain(value: Any) -> Any:
    return round(value.timestamp() * 1e6) if hasattr(value, "timestamp") else value


@given(logs, steps)
@settings(max_examples=200, deadline=None)
def test_parts_goals_and_targets_depend_neither_on_order_nor_on_crashes(
    log: Log, taken: list[tuple[str, int, Ending]]
) -> None:
    world = World(log)
    for topic, size, ending in taken:
        world.take(topic, size, ending)
    compare(world.rest(), log)


@given(logs, st.permutations(TOPICS), st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_it_does_not_matter_which_topic_is_read_first_nor_how_little_the_worker_remembers(
    log: Log, order: list[str], size: int
) -> None:
    with patch("stridelog.projections.challenges.AT_ONCE", 1):
        compare(World(log, cached_facts=1).rest(order, size), log)


@given(logs, st.sampled_from(["rows", "documents", "topic"]), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_a_store_that_was_lost_is_made_again(log: Log, lost: str, size: int) -> None:
    world = World(log).rest(size=size)
    world.lose(lost)
    compare(world.rest(), log)


@given(logs)
@settings(max_examples=100, deadline=None)
def test_the_log_twice_is_the_log_once(log: Log) -> None:
    twice = {name: [*messages, *messages] for name, messages in log.items() if name != "workout-summaries"}
    compare(World({**log, **twice}).rest(), log)


@given(logs, steps)
@settings(max_examples=200, deadline=None)
def test_groups_and_memberships_depend_neither_on_order_nor_on_crashes(
    log: Log, taken: list[tuple[str, int, Ending]]
) -> None:
    world = World(log, groups)
    for topic, size, ending in taken:
        world.take(topic, size, ending)
    world.rest()
    *_, found = wanted(log)
    documents = {key: fields for key, fields in world.documents.items() if fields and fields.get("groups", True)}
    memberships: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for id, group in found.items():
        for user, role in group.members.items():
            memberships[f"memberships/{user}"][id] = role
    assert documents == {
        **{f"groups/{id}": shown(group) for id, group in found.items()},
        **{user: {"groups": roles} for user, roles in memberships.items()},
    }
