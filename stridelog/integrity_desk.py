"""Flagged workouts, and the events by which athletes appeal and people review.

Who waits for a review is read from ClickHouse, what a review speaks of from the workout's document in MongoDB. A review
is an event in the log: the boards follow when the agents have read it.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas import hot
from stridelog.errors import UserError
from stridelog.producer import Outlet
from stridelog.queries import Queries

PRODUCER: Final = "stridelog/integrity"
MESSAGE_TYPES: Final = ("WorkoutAppealed", "WorkoutReviewed")
MOST_TEXT: Final = 2_000  # characters that the messages take
MOST_NAME: Final = 100
Verdict = Literal["upheld", "reinstated"]


@dataclass(frozen=True, slots=True)
class FlaggedWorkout:
    """A workout that a rule flags. ``start`` in µs since 1970 UTC; ``reasons`` are as many as ``rules``."""

    user: str
    name: str
    workout_id: str
    sport: str
    start: int
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    unreviewed: bool
    ranked: bool
    appeal: str


async def flagged(queries: Queries, *, user: str = "", every: bool = False, limit: int = 50) -> list[FlaggedWorkout]:
    """The newest flagged workouts that wait for a review, appealed ones first; ``every``: reviewed ones too."""
    found = await queries.clickhouse(
        "SELECT user_id, workout_id, sport, toUnixTimestamp64Micro(start), flags, flag_reasons, unreviewed, ranked,"
        " appeal FROM workouts FINAL WHERE flags != '' AND status = 'counted' AND ({every:UInt8} OR unreviewed)"
        " AND {user:String} IN ('', user_id) ORDER BY appeal = '', start DESC, workout_id LIMIT {limit:UInt32}",
        user=user,
        every=int(every),
        limit=limit,
    )
    names = await queries.names(row[0] for row in found)
    return [
        FlaggedWorkout(
            user=athlete,
            name=names[athlete],
            workout_id=workout_id,
            sport=sport,
            start=start,
            rules=tuple(rules.split(",")),
            reasons=tuple(reasons.split("\n")),
            unreviewed=bool(unreviewed),
            ranked=bool(ranked),
            appeal=appeal,
        )
        for athlete, workout_id, sport, start, rules, reasons, unreviewed, ranked, appeal in found
    ]


async def review(
    queries: Queries, outlet: Outlet, workout_id: str, *, verdict: Verdict, why: str, reviewer: str, now_us: int
) -> hot.WorkoutReviewed:
    """Send a verdict on all rules that flag the workout now.

    Raises ``UserError`` for a workout that there is not or that nothing flags, and for no words or too many.
    """
    _check("--why", why, MOST_TEXT)
    _check("--reviewer", reviewer, MOST_NAME)
    document = await _flagged_document(queries, workout_id)
    data = hot.WorkoutReviewedData(
        workout_id=document["workout_id"],
        reviewer=reviewer,
        verdict=verdict,
        why=why,
        rules=tuple(
            hot.JudgedRule(rule=flag["rule"], rule_version=flag["rule_version"])
            for flag in document["flags"]
            if flag["decision"] == "flagged"
        ),
    )
    message = hot.WorkoutReviewed.of(data=data, **_head(document, now_us))
    await outlet.send(message)
    await outlet.flush()
    return message


async def appeal(queries: Queries, outlet: Outlet, workout_id: str, *, text: str, now_us: int) -> hot.WorkoutAppealed:
    """Send what an athlete says against the flags. Raises ``UserError`` as ``review`` does."""
    _check("--text", text, MOST_TEXT)
    document = await _flagged_document(queries, workout_id)
    data = hot.WorkoutAppealedData(workout_id=document["workout_id"], text=text)
    message = hot.WorkoutAppealed.of(data=data, **_head(document, now_us))
    await outlet.send(message)
    await outlet.flush()
    return message


async def _flagged_document(queries: Queries, workout_id: str) -> dict[str, Any]:
    document = await queries.workout(workout_id.lower())
    if document is None:
        raise UserError(f"no workout {workout_id!r}: stridelog integrity list shows the ids of those that are flagged")
    if not any(flag["decision"] == "flagged" for flag in document.get("flags", ())):
        raise UserError(f"workout {workout_id} is not flagged: there is nothing to appeal or to review")
    return document


def _head(document: dict[str, Any], now_us: int) -> dict[str, Any]:
    source = {"source": "command", "producer": PRODUCER}
    return {"user": document["user"], "time": now_us, "zone": document["zone"], **source}


def _check(option: str, text: str, most: int) -> None:
    if not 1 <= len(text) <= most:
        raise UserError(f"{option} has {len(text)} characters: give 1 to {most}")
