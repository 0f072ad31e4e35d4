"""However social facts and workouts arrive, feeds hold and show the same, and never what a rule forbids."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.feeds import bucket
from schemas import hot
from sinks.base import Fact, Span
from stridelog.batch import Record
from stridelog.projections.feed_facts import FACTS
from stridelog.projections.feeds import Feeds
from stridelog.state import State
from tests.messages import summarised
from verification import boards
from verification.feeds import Feeds as Expected
from verification.feeds import Found, expect, expect_first_weeks, seen_in, social_of
from verification.outcomes import Valid

HOUR_US = 3_600_000_000
T0 = 1_795_000_000_000_000
ATHLETES = ("ada", "bea.b", "cy")
GROUPS = [f"9000000{n}-0000-4000-8000-000000000000" for n in range(2)]
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
            kind = draw(st.sampled_from([hot.GroupJoined, hot.GroupJoined, hot.GroupLeft]))
            return [event(kind, other, group_id=draw(st.sampled_from(GROUPS)))]
        case 7:
            return [event(hot.KudosGiven, owner, workout_id=workout_id, actor=other)]
        case 8:
            comment_id = f"8000000{draw(st.integers(0, 1))}-0000-4000-8000-000000000000"
            mentions = tuple(draw(st.lists(st.sampled_from(["ada", "dan", "eve"]), max_size=3)))
            said = {"workout_id": workout_id, "comment_id": comment_id, "actor": other}
            if draw(st.booleans()):
                return [event(hot.CommentPosted, owner, **said, text=draw(st.sampled_from("ab")), mentions=mentions)]
            return [event(hot.CommentDeleted, owner, **said)]
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
            feeds = Feeds(state, Span("log", 0, first, first + len(records)), most)
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


def expected(messages: Sequence[Any], most: int) -> Expected:
    """The same by verification's path."""
    valid = [Valid(offset, 0, message) for offset, message in enumerate(messages)]
    summaries = [record for record in valid if isinstance(record.message, hot.WorkoutSummarised)]
    kept = Expected()
    expect_first_weeks(kept, summaries)
    expect(kept, boards.last_of(summaries), social_of(valid), most)
    return kept


def items(held: Held, collection: str) -> dict[tuple[str, str], Any]:
    return {
        (id, name.removeprefix("items.")): item
        for (of, id), fields in held.items()
        if of == collection
        for name, item in fields.items()
    }


WORLDS = st.lists(facts(), min_size=8, max_size=40).map(lambda some: [one for messages in some for one in messages])
CUTS = st.lists(st.integers(1, 8), min_size=4, max_size=10)


@given(WORLDS, st.randoms(use_true_random=False), CUTS, st.integers(0, 3), st.none() | st.integers(0, 4))
@settings(deadline=None, max_examples=200)
def test_documents_do_not_depend_on_order_batches_repeats_or_a_crash_and_are_what_verification_says(
    messages: list[Any], random: Any, cuts: list[int], most: int, crash: int | None
) -> None:
    held = written(shuffled(messages, random), cuts, most, crash)
    assert held == written(messages, [], most)
    wanted = expected(messages, most)
    assert items(held, "feeds") == wanted.feeds
    assert items(held, "timelines") == wanted.timelines
    circles = {
        (id, name): value for (of, id), fields in held.items() if of == "circles" for name, value in fields.items()
    }
    assert circles == wanted.circles


@given(WORLDS, st.integers(0, 3), st.integers(0, 3))
@settings(deadline=None, max_examples=200)
def test_readers_see_what_the_rules_allow_and_no_more_whatever_the_fan_out(
    messages: list[Any], most: int, other: int
) -> None:
    seen = [seen_by_readers(written(messages, [], each)) for each in (most, other)]
    assert seen[0] == seen[1] == expected(messages, most).seen()


def seen_by_readers(held: Held) -> set[tuple[str, str]]:
    found = [
        {key: Found(item["athlete"], item["audience"], item["end_us"]) for key, item in items(held, name).items()}
        for name in ("feeds", "timelines")
    ]
    circles: dict[str, dict[str, Any]] = {}
    for (collection, user), fields in held.items():
        if collection == "circles":
            for name, value in fields.items():
                part, _, of = name.partition(".")
                if of:
                    circles.setdefault(user, {}).setdefault(part, {})[of] = value
                else:
                    circles.setdefault(user, {})[part] = value
    return seen_in(found[0], found[1], circles)


def followed(follower: str, hours: float, kind: Any = hot.Followed, data: Any = hot.FollowedData) -> Any:
    return kind.of(user="ada", time=T0 + int(hours * HOUR_US), data=data(follower=follower), **HEAD)


def unfollowed(follower: str, hours: float) -> Any:
    return followed(follower, hours, hot.Unfollowed, hot.UnfollowedData)


def ended(number: int, hours: float) -> Any:
    return summarised(workout_of("ada", number), T0 + int((hours - 0.5) * HOUR_US), user="ada")


def one_by_one(messages: Sequence[Any], most: int) -> Held:
    return written(messages, [1] * len(messages), most)


def feed_of(held: Held, reader: str) -> set[int]:
    """The numbers of ada's workouts that were written to a reader's feed."""
    return {int(wid[7]) for (id, wid) in items(held, "feeds") if id.startswith(f"{reader}/")}


def test_an_athlete_of_many_followers_is_merged_and_what_was_written_before_stays() -> None:
    messages = [followed("bob", 0), ended(0, 1), followed("cy", 2), ended(1, 3), unfollowed("cy", 4), ended(2, 5)]
    held = one_by_one(messages, most=1)
    assert feed_of(held, "bob") == {0, 2}
    assert held["circles", "bob"]["merged.ada"] == T0
    assert {wid for reader, wid in seen_by_readers(held) if reader == "bob"} == {workout_of("ada", n) for n in range(3)}


def test_a_crash_while_the_number_is_crossed_leaves_no_follower_without_the_timeline() -> None:
    messages = [followed("bob", 0), followed("cy", 1), followed("dan", 2)]
    assert written(messages, [1, 2], most=1, crash=1)["circles", "bob"]["merged.ada"] == T0


def test_late_words_of_who_followed_move_no_more_than_they_must() -> None:
    late = [followed("bob", 0), ended(0, 1), ended(1, 9), followed("cy", 5)]  # cy's follow is told late
    held = one_by_one(late, most=1)
    assert feed_of(held, "bob") == {0}
    assert held == one_by_one(sorted(late, key=lambda m: m.time), most=1)
    assert feed_of(one_by_one([*late, unfollowed("cy", 9)], most=1), "bob") == {0, 1}  # at the instant that it ended


def test_a_workout_that_ends_as_somebody_begins_to_follow_is_in_their_feed_and_leaves_it_with_them() -> None:
    begins = [ended(0, 1), followed("bob", 1)]
    assert feed_of(one_by_one(begins, most=1), "bob") == {0}
    assert feed_of(one_by_one([*begins, unfollowed("bob", 5)], most=1), "bob") == set()


def test_a_workout_that_moves_within_its_week_leaves_the_feeds_of_who_began_between() -> None:
    held = one_by_one([ended(0, 9), followed("bob", 5), ended(0, 2)], most=1)
    assert feed_of(held, "bob") == set()


def test_a_mention_appears_when_the_mentioned_begins_to_follow() -> None:
    data = hot.CommentPostedData(
        workout_id=workout_of("ada", 0), comment_id=GROUPS[0], actor="cy", text="@Bob", mentions=("bob",)
    )
    said = hot.CommentPosted.of(user="ada", time=T0, data=data, **HEAD)
    for messages, mentions in (([ended(0, 1), said], []), ([ended(0, 1), said, followed("bob", 9)], ["bob"])):
        (shown,) = items(one_by_one(messages, most=1), "timelines").values()
        assert shown["comments"][0]["mentions"] == mentions


def test_what_goes_is_taken_out_of_feeds_also_where_facts_of_another_setting_know_of_no_item_there() -> None:
    state = Store().state()
    gone = summarised(workout_of("ada", 0), T0 + HOUR_US // 2, user="ada", status="deleted")
    for offset, (most, messages) in enumerate([(0, [followed("bob", 0), ended(0, 1)]), (5, [gone])]):
        feeds = Feeds(state, Span("log", 0, offset, offset + 1), most)
        feeds.keep(Record(offset, 0, message) for message in messages)
        documents = feeds.documents()
    assert {(d.collection, d.id) for d in documents if d.unset} >= {("feeds", bucket("bob", T0 + HOUR_US))}
