"""Rules between fields, which no range can say. Models and hot structs run the same functions: they only read attributes."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.channels import BY_NAME
from schemas.types import TIME_MAX_US

US_PER_MS: Final = 1_000


class DeadReason(StrEnum):
    """Why a record became a dead letter."""

    undecodable = "undecodable"  # bytes that are not of the schema's shape: syntax, type, missing field, malformed id
    unknown_type = "unknown_type"  # a message type that this topic does not carry
    unknown_version = "unknown_version"  # a version that this program does not know
    out_of_range = "out_of_range"  # the right shape, an impossible value
    not_a_number = "not_a_number"  # NaN or infinity
    time_out_of_range = "time_out_of_range"  # before 2000 or after 2099
    key_mismatch = "key_mismatch"  # the record's key is not the message's user
    too_large = "too_large"  # more bytes than topics.yaml accepts
    ragged_frame = "ragged_frame"  # columns of a frame that differ in length
    unknown_user = "unknown_user"  # nobody registered this user


class RuleBroken(ValueError):
    """A message breaks a rule between its fields."""

    def __init__(self, reason: DeadReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@lru_cache(maxsize=4096)
def is_zone(zone: str) -> bool:
    """Whether ``zone`` is an offset within ±18:00 or a name of the IANA time zone database."""
    if zone[0] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        return minutes < 60 and hours * 60 + minutes <= 18 * 60
    try:
        ZoneInfo(zone)
    except (ValueError, KeyError, OSError):  # an unknown key, a folder of the database, a path
        return False
    return True


def check_zone(message: Any) -> None:
    """The zone exists."""
    if not is_zone(message.zone):
        raise RuleBroken(DeadReason.out_of_range, f"zone {message.zone!r} is no IANA zone and no offset like +02:00")


def _ordered(start: int, end: int, what: str) -> None:
    if end < start:
        raise RuleBroken(DeadReason.out_of_range, f"{what} ends at {end}, before it starts at {start}")


def check_completed(message: Any) -> None:
    """A workout ends after it starts; its pauses are sorted, apart and inside it."""
    data = message.data
    _ordered(data.start, data.end, "workout")
    free_from = data.start
    for start, end in data.pauses:
        _ordered(start, end, "pause")
        if start < free_from or end > data.end:
            raise RuleBroken(
                DeadReason.out_of_range, f"pause {start}..{end} is outside the workout or overlaps the one before"
            )
        free_from = end


def check_summarised(message: Any) -> None:
    """A summary's workout ends after it starts; a deleted one has no summary, any other has; a duplicate names its original."""
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


def check_frame(frame: Any) -> None:
    """A frame has one clock and columns of equal length (their values are checked per batch: ``schemas.frames``)."""
    n = frame.n
    if (frame.time is None) == (frame.interval_us is None):
        raise RuleBroken(DeadReason.undecodable, "a frame has either interval_us or time, not both and not none")
    if frame.time is not None and len(frame.time) != 4 * n:
        raise RuleBroken(DeadReason.ragged_frame, f"time has {len(frame.time)} bytes for {n} samples, expected {4 * n}")
    if frame.interval_us is not None and frame.start + (n - 1) * frame.interval_us > TIME_MAX_US:
        raise RuleBroken(DeadReason.time_out_of_range, f"the last of {n} samples is after 2099")
    channels = frame.channels
    found = False
    for name, channel in BY_NAME.items():
        column = getattr(channels, name)
        if column is None:
            continue
        found = True
        if not channel.fits(len(column), n):
            raise RuleBroken(
                DeadReason.ragged_frame,
                f"{name} has {len(column)} bytes for {n} samples, expected {channel.expected_bytes(n)}",
            )
    if not found:
        raise RuleBroken(DeadReason.undecodable, "a frame without a channel says nothing")


Rule = Callable[[Any], None]

RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "WorkoutCompleted": (check_zone, check_completed),
    "WorkoutSummarised": (check_zone, check_summarised),
    "SamplesStored": (check_zone, check_stored),
    "SensorFrame": (check_zone, check_frame),
}
ALWAYS: Final[tuple[Rule, ...]] = (check_zone,)


def check(message: Any) -> None:
    """Run the rules of the message's type. Raises ``RuleBroken``."""
    for rule in RULES.get(message.type, ALWAYS):
        rule(message)
