"""Why a record is not acceptable, in the words that dead letters, metrics and commands use."""

from enum import StrEnum


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
