"""``stridelog bench feeds`` reads from a town in which some athletes are followed by many; times are not asserted."""

import asyncio

import numpy as np

from bench.feeds import BIG, Pages, Town, _documents, as_json, town_of

NOW_US = 1_795_000_000_000_000


def town() -> Town:
    return town_of(3_000, np.random.default_rng(1))


def test_few_athletes_are_followed_by_many_and_the_others_by_few() -> None:
    many = [athlete for athlete, followers in town().followers if len(followers) > town().most]
    assert many == [athlete for athlete, _ in town().followers[:BIG]]
    assert any(not followers or len(followers) < 100 for _, followers in town().followers[BIG:])


def test_documents_are_what_the_agent_writes_for_few_and_for_many_followers() -> None:
    found = {}
    for athlete, most in (("athlete-000001", 1), ("athlete-000002", 5)):
        documents = asyncio.run(_documents(athlete, ["ann", "bob"], NOW_US, most, b"k" * 32))
        found[athlete] = {document.collection for document in documents if document.set}
    assert found == {"athlete-000001": {"timelines", "circles"}, "athlete-000002": {"timelines", "circles", "feeds"}}


def test_a_page_that_takes_too_long_in_one_of_a_hundred_is_not_ok() -> None:
    times = [5.0] * 97 + [25.0] * 3
    said = as_json(town(), 10, Pages(times, [1.0] * 100, [1.0] * 100, [20] * 100), seed=1)
    assert said["page_ms"]["p50"] == 5.0
    assert not said["ok"]
    assert as_json(town(), 10, Pages([5.0] * 100, [1.0] * 100, [1.0] * 100, [20] * 100), seed=1)["ok"]
