"""Rules between fields, which no range can say. Models and hot structs run the same functions: they only read
attributes.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from domain.days import zone_info
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
    "WorkoutSummarised": (check_zone, check_summarised),
    "SamplesStored": (check_zone, check_stored),
    "SensorFrame": (check_zone, check_frame),
    "ReadingsDeleted": (check_zone, check_deleted),
}
ALWAYS: Final[tuple[Rule, ...]] = (check_zone,)


def check(message: Any) -> None:
    """Run the rules of the message's type. Raises ``RuleBroken``."""
    for rule in RULES.get(message.type, ALWAYS):
        rule(message)
