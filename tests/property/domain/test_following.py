"""Following by a sweep is the rule of visibility at every time, and the index of followers counts it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.following import BlockChange, FollowChange, followings, is_blocked
from domain.visibility import RelationFact, relation_at
from stridelog.projections.followers import Followers

TIMES = st.integers(1, 12)
FOLLOWS = st.lists(st.tuples(TIMES, st.booleans()), max_size=6)
BLOCKS = st.lists(st.tuples(TIMES, st.booleans(), st.booleans()), max_size=5)


def facts_of(follows: Any, blocks: Any, viewer: str) -> list[RelationFact]:
    facts = [RelationFact(time, "followed" if on else "unfollowed", viewer, "ada") for time, on in follows]
    for time, on, by_other in blocks:
        pair = (viewer, "ada") if by_other else ("ada", viewer)
        facts.append(RelationFact(time, "blocked" if on else "unblocked", *pair))
    return facts


def changes_of(follows: Any, blocks: Any, viewer: str) -> tuple[list[FollowChange], list[BlockChange]]:
    return (
        [FollowChange(time, f"{viewer}{i}", viewer, on) for i, (time, on) in enumerate(follows)],
        [BlockChange(time, f"{viewer}{i}", viewer, by, on) for i, (time, on, by) in enumerate(blocks)],
    )


@given(FOLLOWS, BLOCKS)
def test_somebody_follows_at_a_time_when_the_rule_of_visibility_says_so(follows: Any, blocks: Any) -> None:
    found = followings(*changes_of(follows, blocks, "bob"))
    for time in range(14):
        relation = relation_at(facts_of(follows, blocks, "bob"), "bob", "ada", time)
        assert any(since <= time and (until is None or time < until) for since, until in found) == (
            relation.follows and not relation.blocked
        )
    assert is_blocked(changes_of(follows, blocks, "bob")[1]) == relation.blocked


@given(st.lists(st.tuples(FOLLOWS, BLOCKS), max_size=5), st.randoms(use_true_random=False), st.integers(0, 20))
def test_the_index_counts_followers_at_every_time_whenever_it_is_asked(
    people: list[tuple[Any, Any]], random: Any, asked_after: int
) -> None:
    facts: list[Any] = []
    for number, (follows, blocks) in enumerate(people):
        facts += [fact for some in changes_of(follows, blocks, f"u{number}") for fact in some]
    random.shuffle(facts)
    index = Followers()
    for number, fact in enumerate([*facts, *facts[:3]]):
        index.put(fact.event_id + type(fact).__name__, fact)
        if number == asked_after:
            index.count_at(5)
    counts = []
    for time in range(14):
        relations = [
            relation_at(facts_of(*one, viewer=f"u{number}"), f"u{number}", "ada", time)
            for number, one in enumerate(people)
        ]
        counts.append(sum(one.follows and not one.blocked for one in relations))
        assert index.count_at(time) == counts[-1]
        begun = {f"u{n}" for n, (follows, _) in enumerate(people) if any(on and at <= time for at, on in follows)}
        assert set(index.begun_by(time)) == begun
    for bound in range(6):
        assert min(index.peak(bound), bound + 1) == min(max(counts), bound + 1)
