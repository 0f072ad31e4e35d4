"""What athletes do to each other, drawn at random, and the documents that the agent ``feed`` makes of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas import hot
from sinks.base import Fact, Span
from stridelog.batch import Record
from stridelog.projections.feed_facts import FACTS
from stridelog.projections.feeds import Feeds
from stridelog.state import State
from tests.messages import summarised

HOUR_US = 3_600_000_000
T0 = 1_795_000_000_000_000
ATHLETES = ("ada", "bea.b", "cy")
GROUPS = {"ada": {"club", "team"}, "bea.b": {"team"}, "cy": {"others"}, "dan": {"club"}}
KEY = b"k" * 32
HOMES = ((59.9, 10.7), (59.94, 10.7))  # of privacy zones
HEAD: dict[str, Any] = {"zone": "UTC", "source": "test", "producer": "test"}
AUDIENCES = st.sampled_from(["everyone", "followers", "group", "only_me"])
# Few athletes, times and workouts, so that what happens meets: mostly about ada, in two weeks of five hours each.
MOSTLY_ADA = st.sampled_from(["ada", "ada", "ada", *ATHLETES])
TIMES = st.sampled_from([T0 + week * 168 * HOUR_US + hour * HOUR_US for week in (0, 1) for hour in range(5)])
PAIRS = st.tuples(MOSTLY_ADA, st.sampled_from([*ATHLETES, "dan", "eve"])).filter(lambda pair: pair[0] != pair[1])


def workout_of(athlete: str, number: int) -> str:
    return f"{ATHLETES.index(athlete)}000000{number}-0000-4000-8000-000000000000"


@st.composite
def facts(draw: st.DrawFn) -> list[Any]:
    """One thing that happened: the messages of it, in the partitions of those whom it is about."""
    time_us = draw(TIMES)
    athlete, other = draw(PAIRS)
    workout_id = workout_of(draw(MOSTLY_ADA), draw(st.integers(0, 1)))
    owner = ATHLETES[int(workout_id[0])]

    def event(kind: Any, user: str, **data: Any) -> Any:
        return kind.of(user=user, time=time_us, data=getattr(hot, f"{kind.__name__}Data")(**data), **HEAD)

    match draw(st.integers(0, 11)):
        case 0 | 1 | 2:
            return [event(hot.Followed, athlete, follower=other)]
        case 3:
            return [event(hot.Unfollowed, athlete, follower=other)]
        case 4:
            kind = draw(st.sampled_from([hot.Blocked, hot.Unblocked]))
            pair = draw(st.permutations([athlete, other]))
            return [event(kind, user, blocker=pair[0], blocked=pair[1]) for user in (athlete, other)]
        case 5:
            layers = {name: draw(AUDIENCES) for name in ("workout", "map", "heart_rate")}
            return [event(hot.VisibilityChanged, athlete, **layers)]
        case 6:
            return [event(hot.KudosGiven, owner, workout_id=workout_id, actor=other)]
        case 7:
            comment_id = f"8000000{draw(st.integers(0, 1))}-0000-4000-8000-000000000000"
            mentions = tuple(draw(st.lists(st.sampled_from(["ada", "dan", "eve"]), max_size=3)))
            said = {"workout_id": workout_id, "comment_id": comment_id, "actor": other}
            if draw(st.booleans()):
                return [event(hot.CommentPosted, owner, **said, text=draw(st.sampled_from("ab")), mentions=mentions)]
            return [event(hot.CommentDeleted, owner, **said)]
        case 8:
            number = draw(st.integers(0, 1))
            zone_id = f"7000000{number}-0000-4000-8000-000000000000"
            if draw(st.booleans()):
                return [event(hot.PrivacyZoneRemoved, athlete, zone_id=zone_id)]
            latitude_deg, longitude_deg = HOMES[number]
            place = {"latitude_deg": latitude_deg, "longitude_deg": longitude_deg}
            radius_m = draw(st.sampled_from([400, 800]))
            return [event(hot.PrivacyZoneSet, athlete, zone_id=zone_id, **place, radius_m=radius_m)]
        case _:
            status = draw(st.sampled_from(["counted", "counted", "counted", "deleted"]))
            message = summarised(workout_id, time_us - HOUR_US // 2, user=owner, status=status)
            data = message.data
            visibility = hot.WorkoutVisibility(workout=draw(st.one_of(st.none(), AUDIENCES)))
            shown = None
            if data.summary is not None and draw(st.booleans()):
                part = msgspec.structs.replace(data.summary, distance_m=1_000.0)
                shown = hot.ShownPart(start=data.start, end=time_us - draw(st.integers(0, 3)) * HOUR_US, summary=part)
            data = msgspec.structs.replace(data, visibility=visibility, shown=shown)
            return [msgspec.structs.replace(message, data=data)]


def shuffled(messages: Sequence[Any], random: Any) -> list[Any]:
    """In another order, some twice; but summaries in their own: the last one is the last word on a workout."""
    mixed = [*messages, *(m for m in messages[::3] if not isinstance(m, hot.WorkoutSummarised))]
    random.shuffle(mixed)
    summaries = (m for m in messages if isinstance(m, hot.WorkoutSummarised))
    return [next(summaries) if isinstance(m, hot.WorkoutSummarised) else m for m in mixed]


Held = dict[tuple[str, str], dict[str, Any]]


class Store:
    """Facts as PostgreSQL keeps them."""

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str, str], Fact] = {}

    async def load(self, users: Sequence[str]) -> dict[str, list[Fact]]:
        return {user: [fact for fact in self.facts.values() if fact.user == user] for user in users}

    def state(self) -> State:
        """As a worker has it that starts now."""
        state = State(self, FACTS, 10_000)
        asyncio.run(state.load([*ATHLETES, "dan", "eve"]))
        return state


def written(messages: Sequence[Any], cuts: Sequence[int], most: int, crash: int | None = None) -> Held:
    """All documents after the messages, in batches of these sizes; flat fields, without documents that have none.

    After the facts of batch number ``crash`` are written, and before its documents are, the worker ends; another one
    goes on with that batch, which is larger then.
    """
    store = Store()
    state = store.state()
    held: Held = {}
    first = 0
    for number, size in enumerate([*cuts, len(messages)]):
        for attempt in range(2 if number == crash else 1):
            some = messages[first : first + size + 2 * attempt]
            records = [Record(first + i, 0, message) for i, message in enumerate(some)]
            feeds = Feeds(state, Span("log", 0, first, first + len(records)), most, KEY)
            feeds.keep(records)
            documents = feeds.documents()
            store.facts |= {(fact.user, fact.kind, fact.id): fact for fact in state.take_pending()}
            if number == crash and attempt == 0:
                state = store.state()
        for document in documents:
            fields = held.setdefault((document.collection, document.id), {})
            fields.update(document.set)
            for name in document.unset:
                fields.pop(name, None)
        first += len(records)
    return {key: fields for key, fields in held.items() if fields}


def circles_of(held: Held) -> dict[str, dict[str, Any]]:
    """The documents in ``circles`` by user, without those that have nothing."""
    circles: dict[str, dict[str, Any]] = {}
    for (collection, user), fields in held.items():
        if collection == "circles":
            for name, value in fields.items():
                part, _, of = name.partition(".")
                if of:
                    circles.setdefault(user, {}).setdefault(part, {})[of] = value
                else:
                    circles.setdefault(user, {})[part] = value
    return circles


WORLDS = st.lists(facts(), min_size=8, max_size=40).map(lambda some: [one for messages in some for one in messages])
