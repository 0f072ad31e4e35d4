"""What people make of the flags of a workout: appeals, reviews, and whether it may be ranked.

Each rule gives the same answer in whatever order appeals and reviews arrived, and whether they arrived once or more
often.
"""

from collections.abc import Collection, Iterable
from typing import Literal

from domain.integrity_flags import Flag
from domain.workouts import Appeal, Review

Verdict = Literal["upheld", "reinstated"]


def last_of(reviews: Iterable[Review]) -> Review | None:
    """The latest review by its own time."""
    return max(reviews, key=_order, default=None)


def last_appeal(appeals: Iterable[Appeal]) -> Appeal | None:
    """The latest appeal by its own time."""
    return max(appeals, key=_order, default=None)


def verdict_on(flag: Flag, reviews: Iterable[Review]) -> Verdict | None:
    """What the latest review that speaks of the flag's rule at its version says; ``None``: none does.

    So a workout that was reinstated stays so when rules are run again at the same version, and a changed rule is a new
    question.
    """
    of_rule = last_of(review for review in reviews if (flag.rule, flag.version) in review.rules)
    return of_rule.verdict if of_rule else None


def is_shadowed(flags: Iterable[Flag], reviews: Collection[Review]) -> bool:
    """Whether a workout is kept off what compares athletes: something flags it that was not reinstated."""
    return any(flag.decision == "flagged" and verdict_on(flag, reviews) != "reinstated" for flag in flags)


def _order(fact: Appeal | Review) -> tuple[int, str]:
    return fact.time_us, fact.event_id
