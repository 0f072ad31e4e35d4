"""However social facts and workouts arrive, feeds hold and show the same, and never what a rule forbids."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.feeds import bucket
from schemas import hot
from sinks.base import Span
from stridelog.batch import Record
from stridelog.projections.feeds import Feeds
from tests.messages import summarised
from tests.property.social_world import (
    GROUPS,
    HEAD,
    HOUR_US,
    KEY,
    T0,
    WORLDS,
    Held,
    Store,
    circles_of,
    shuffled,
    workout_of,
    written,
)
from verification import boards
from verification.feeds import Feeds as Expected
from verification.feeds import Found, expect, expect_first_weeks, seen_in, social_of
from verification.outcomes import Valid


def expected(messages: Sequence[Any], most: int) -> Expected:
    """The same by verification's path."""
    valid = [Valid(offset, 0, message) for offset, message in enumerate(messages)]
    summaries = [record for record in valid if isinstance(record.message, hot.WorkoutSummarised)]
    kept = Expected(groups=GROUPS)
    expect_first_weeks(kept, summaries)
    expect(kept, boards.last_of(summaries), social_of(valid), most, KEY)
    return kept


def items(held: Held, collection: str) -> dict[tuple[str, str], Any]:
    return {
        (id, name.removeprefix("items.")): item
        for (of, id), fields in held.items()
        if of == collection
        for name, item in fields.items()
    }


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
    return seen_in(found[0], found[1], circles_of(held), GROUPS)


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
        workout_id=workout_of("ada", 0),
        comment_id="80000000-0000-4000-8000-000000000000",
        actor="cy",
        text="@Bob",
        mentions=("bob",),
    )
    said = hot.CommentPosted.of(user="ada", time=T0, data=data, **HEAD)
    for messages, mentions in (([ended(0, 1), said], []), ([ended(0, 1), said, followed("bob", 9)], ["bob"])):
        (shown,) = items(one_by_one(messages, most=1), "timelines").values()
        assert shown["comments"][0]["mentions"] == mentions


def test_what_goes_is_taken_out_of_feeds_also_where_facts_of_another_setting_know_of_no_item_there() -> None:
    state = Store().state()
    gone = summarised(workout_of("ada", 0), T0 + HOUR_US // 2, user="ada", status="deleted")
    for offset, (most, messages) in enumerate([(0, [followed("bob", 0), ended(0, 1)]), (5, [gone])]):
        feeds = Feeds(state, Span("log", 0, offset, offset + 1), most, KEY)
        feeds.keep(Record(offset, 0, message) for message in messages)
        documents = feeds.documents()
    assert {(d.collection, d.id) for d in documents if d.unset} >= {("feeds", bucket("bob", T0 + HOUR_US))}
