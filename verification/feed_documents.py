"""Comparing the documents of feeds, and what readers see in them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from verification.feeds import Feeds, Found, seen_in
from verification.items import compare_stream
from verification.stores.mongo import Mongo
from verification.tally import Tally, compare


def check_feeds(
    tallies: Mapping[str, Tally], expected: Feeds, mongo: Mongo, groups: Mapping[str, Collection[str]]
) -> None:
    """Compare feeds, timelines and circles field by field, and then what all of them show to each reader: nothing that
    the rules forbid, and everything that they allow. ``groups`` are those of each user in ``memberships``. Empties
    ``expected``.
    """
    seen = expected.seen()
    feeds = _compare_weeks(tallies["mongo.feeds"], "feeds", expected.feeds, mongo)
    timelines = _compare_weeks(tallies["mongo.timelines"], "timelines", expected.timelines, mongo)
    circles: dict[str, dict[str, Any]] = {}

    def fields() -> Iterator[tuple[tuple[str, str], Any]]:
        for user, document in mongo.circles({user for user, _ in expected.circles}):
            circles[user] = document
            for part, value in document.items():
                if part in ("follows", "merged", "blocks"):
                    yield from (((user, f"{part}.{name}"), one) for name, one in value.items())
                else:
                    yield (user, part), value

    compare_stream(tallies["mongo.circles"], expected.circles, fields())
    found = seen_in(feeds, timelines, circles, groups)
    compare(tallies["mongo.seen"], dict.fromkeys(seen, True), dict.fromkeys(found, True))


def _compare_weeks(
    tally: Tally,
    name: Literal["feeds", "timelines"],
    expected: dict[tuple[str, str], Mapping[str, Any]],
    mongo: Mongo,
) -> dict[tuple[str, str], Found]:
    found: dict[tuple[str, str], Found] = {}

    def items() -> Iterator[tuple[tuple[str, str], Any]]:
        for week in mongo.weeks(name, {document for document, _ in expected}):
            for wid, item in week.items.items():
                found[week.id, wid] = Found(item.get("athlete", ""), item.get("audience", ""), item.get("end_us", 0))
                yield (week.id, wid), item

    compare_stream(tally, expected, items())
    return found
