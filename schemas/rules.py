"""Rules between fields, which no range can say. Models and hot structs run the same functions: they only read
attributes.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from domain.days import zone_info
from domain.segments import segment_of
from domain.sports import FAMILIES, SPORTS
from domain.targets import BESTS
from schemas.channels import BY_NAME
from schemas.frame_rules import check_frame
from schemas.reasons import DeadReason, RuleBroken


@lru_cache(maxsize=4096)
def is_zone(zone: str) -> bool:
    """Whether ``zone`` is a fixed offset or a name of the IANA time zone database."""
    try:
        zone_info(zone)
    except (ValueError, OSError):  # OSError: a folder of the database, such as "Europe"
        return False
    return True


LONGEST_WORKOUT_US: Final = 30 * 86_400_000_000


def check_zone(message: Any) -> None:
    """The zone exists."""
    if not is_zone(message.zone):
        raise RuleBroken(DeadReason.out_of_range, f"zone {message.zone!r} is no IANA zone and no offset like +02:00")


def _ordered(start: int, end: int, what: str) -> None:
    if end < start:
        raise RuleBroken(DeadReason.out_of_range, f"{what} ends at {end}, before it starts at {start}")


def check_completed(message: Any) -> None:
    """A workout ends after it starts, within 30 days; its pauses are sorted, apart and inside it."""
    data = message.data
    _ordered(data.start, data.end, "workout")
    if data.end - data.start > LONGEST_WORKOUT_US:
        raise RuleBroken(
            DeadReason.out_of_range, f"workout of {(data.end - data.start) // 3_600_000_000} h; at most 720"
        )
    free_from = data.start
    for start, end in data.pauses:
        _ordered(start, end, "pause")
        if start < free_from or end > data.end:
            raise RuleBroken(
                DeadReason.out_of_range, f"pause {start}..{end} is outside the workout or overlaps the one before"
            )
        free_from = end


def check_summarised(message: Any) -> None:
    """A summary's workout ends after it starts; only a deleted one has no figures; a duplicate names its original."""
    data = message.data
    _ordered(data.start, data.end, "workout")
    if (data.summary is None) != (data.status == "deleted"):
        raise RuleBroken(
            DeadReason.out_of_range,
            f"summary is {'not ' * (data.summary is not None)}null, but the workout is {data.status}",
        )
    if (data.duplicate_of is None) != (data.status != "duplicate"):
        raise RuleBroken(
            DeadReason.out_of_range, f"duplicate_of is {data.duplicate_of!r} for a workout that is {data.status}"
        )


def check_stored(message: Any) -> None:
    """The last sample is not before the first."""
    _ordered(message.data.first_time, message.data.last_time, "span of samples")


def check_segment(message: Any) -> None:
    """The points make a segment: domain.segments says which do."""
    data = message.data
    try:
        segment_of(
            data.segment_id,
            data.name,
            data.family,
            [latitude for latitude, _ in data.points],
            [longitude for _, longitude in data.points],
        )
    except ValueError as error:
        raise RuleBroken(DeadReason.out_of_range, str(error)) from None


def check_wanted(message: Any) -> None:
    """What is wanted is one thing, of sports that there are; a best effort names its sports."""
    data = message.data
    if (data.metric is None) == (data.effort is None):
        raise RuleBroken(DeadReason.out_of_range, "give either metric or effort: a target is of one thing")
    if data.effort is not None and data.effort not in BESTS:
        raise RuleBroken(
            DeadReason.out_of_range, f"effort {data.effort!r} is none: there are {', '.join(sorted(BESTS))}"
        )
    if data.effort is not None and not data.sports:
        raise RuleBroken(DeadReason.out_of_range, f"effort {data.effort} compares all sports: name those that count")
    for sport in data.sports:
        if sport not in FAMILIES and sport not in SPORTS:
            raise RuleBroken(DeadReason.out_of_range, f"sport {sport!r} is neither a family of sports nor a sport")


def check_challenge(message: Any) -> None:
    """It ends after it begins; teams add up totals, and there is one at least."""
    data = message.data
    _in_order(data)
    if data.kind == "team" and not data.group_ids:
        raise RuleBroken(DeadReason.out_of_range, "a team challenge without group_ids: name the groups that are teams")
    if data.kind == "team" and data.metric is None:
        raise RuleBroken(DeadReason.out_of_range, "a team challenge of a best effort: a team adds up a metric")
    if len(set(data.group_ids)) != len(data.group_ids):
        raise RuleBroken(DeadReason.out_of_range, "group_ids names a group twice")


def check_goal(message: Any) -> None:
    """It is for each period, or between two days in order."""
    data = message.data
    days = (data.first_day, data.last_day)
    if (data.every is None) == (None in days) or (data.every is not None and days != (None, None)):
        raise RuleBroken(DeadReason.out_of_range, "give either every, or both first_day and last_day")
    if data.every is None:
        _in_order(data)


def _in_order(data: Any) -> None:
    if data.last_day < data.first_day:
        raise RuleBroken(DeadReason.out_of_range, f"last_day {data.last_day} is before first_day {data.first_day}")


# Shares of the basis beyond which a bound is a slip of the pen: 85 for 0.85.
_BOUNDS: Final = {
    "heart_rate_max": (0.3, 1.0),
    "heart_rate_threshold": (0.3, 1.3),
    "power": (0.1, 3.0),
    "pace": (0.2, 2.0),
}
MOST_BOUNDS: Final = 9


def check_zones(message: Any) -> None:
    """Upper bounds of zones are at most 9, rise, and are possible shares of their basis."""
    basis, bounds = message.data.basis, message.data.upper_bounds
    low, high = _BOUNDS[basis]
    if len(bounds) > MOST_BOUNDS:
        raise RuleBroken(DeadReason.out_of_range, f"{len(bounds)} upper bounds; at most {MOST_BOUNDS}, for 10 zones")
    for bound in bounds:
        if not low <= bound <= high:
            detail = f"upper bound {bound:g} is outside {low:g}..{high:g} of {basis}: 0.85 is 85 %"
            raise RuleBroken(DeadReason.out_of_range, detail)
    for lower, upper in pairwise(bounds):
        if upper <= lower:
            raise RuleBroken(DeadReason.out_of_range, f"upper bound {upper:g} does not rise above {lower:g} before it")


MOST_MENTIONS: Final = 20


def check_comment(message: Any) -> None:
    """A comment mentions few, so that nobody calls a whole town."""
    if len(message.data.mentions) > MOST_MENTIONS:
        raise RuleBroken(
            DeadReason.out_of_range, f"{len(message.data.mentions)} mentions in a comment; at most {MOST_MENTIONS}"
        )


def check_block(message: Any) -> None:
    """A block is between two users, and the envelope's user is one of them."""
    blocker, blocked = message.data.blocker, message.data.blocked
    if blocker == blocked or message.user not in (blocker, blocked):
        raise RuleBroken(
            DeadReason.out_of_range,
            f"{blocker!r} blocks {blocked!r}, told of {message.user!r}: a block is of two, and told to each of them",
        )


def check_deleted(message: Any) -> None:
    """Readings are deleted over some time, and of channels that there are."""
    data = message.data
    if data.end <= data.start:
        raise RuleBroken(DeadReason.out_of_range, f"deletion ends at {data.end}, not after its start at {data.start}")
    if unknown := sorted(set(data.channels) - BY_NAME.keys()):
        raise RuleBroken(DeadReason.out_of_range, f"no channel {unknown[0]!r}; there are {', '.join(BY_NAME)}")


Rule = Callable[[Any], None]

RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "WorkoutCompleted": (check_zone, check_completed),
    "CommentPosted": (check_zone, check_comment),
    "Blocked": (check_zone, check_block),
    "Unblocked": (check_zone, check_block),
    "WorkoutSummarised": (check_zone, check_summarised),
    "SamplesStored": (check_zone, check_stored),
    "SensorFrame": (check_zone, check_frame),
    "SegmentDefined": (check_zone, check_segment),
    "ChallengeDefined": (check_zone, check_wanted, check_challenge),
    "GoalSet": (check_zone, check_wanted, check_goal),
    "WearStored": (check_zone, check_stored),
    "ZonesSet": (check_zone, check_zones),
    "ReadingsDeleted": (check_zone, check_deleted),
}
ALWAYS: Final[tuple[Rule, ...]] = (check_zone,)


def check(message: Any) -> None:
    """Run the rules of the message's type. Raises ``RuleBroken``."""
    for rule in RULES.get(message.type, ALWAYS):
        rule(message)
