"""What makes a board of a million users quick to read: now and then a sorted copy of it (a base), and what changed since.

``board_scores`` is the truth. A materialised view notes every row that is written to it in ``board_changes``, by board and
time. A base is all of a board in the order of its places; who has a change that the base may lack is taken from the
changes instead. Why this is exact, and what else was measured, says docs/decisions/0011-boards-at-scale.md.

``code`` is a place as one number that sorts: the score in hundredths (from the top down where more is better), and among
equal scores the time at which it was reached.
"""  # noqa: E501

from typing import Final

_TOP: Final = (1 << 63) - 1
_TIME_BITS: Final = 64

CODE: Final = (
    f"if(deleted, bitNot(toUInt128(0)), bitShiftLeft(toUInt128(if(less_is_better, toUInt64(round(score * 100)), "
    f"{_TOP} - toUInt64(round(score * 100)))), {_TIME_BITS}) + toUInt128(toUnixTimestamp64Micro(achieved_at)))"
)
"""A row of ``board_scores`` as a code; of a user who is on the board no longer one that is behind everybody."""
BOARD_ID: Final = "sipHash64(metric, sport, period, period_key)"
ASKED_BOARD_ID: Final = "sipHash64({metric:String}, {sport:String}, {period:String}, {period_key:String})"
USER_KEY: Final = "sipHash64(user_id)"

KEPT_DAYS: Final = 2
"""How long changes are kept; a base that is half as old is not read any more."""

_CHANGES: Final = f"""
CREATE TABLE IF NOT EXISTS {{db}}.board_changes (
    board UInt64 COMMENT 'hash of metric, sport, period and period_key',
    stored_at DateTime64(6, 'UTC') COMMENT 'when the insert of the row began' CODEC(DoubleDelta, ZSTD(1)),
    metric LowCardinality(String) COMMENT 'as in board_scores',
    sport LowCardinality(String) COMMENT 'as in board_scores',
    period LowCardinality(String) COMMENT 'as in board_scores',
    period_key LowCardinality(String) COMMENT 'as in board_scores',
    user_key UInt64 COMMENT 'hash of the user',
    user_id String COMMENT 'the athlete' CODEC(ZSTD(1)),
    code UInt128 COMMENT 'place as one number, see sinks/standings.py',
    workouts UInt32 COMMENT 'workouts of the sport and period that count',
    source_partition UInt16 COMMENT 'partition of the record that caused the row',
    source_offset UInt64 COMMENT 'offset of the record that caused the row',
    ordinal UInt128 COMMENT 'version: by source_offset, of equal ones the one that was stored last'
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(stored_at)
ORDER BY (board, stored_at)
TTL toDateTime(stored_at) + INTERVAL {KEPT_DAYS} DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Rows of board_scores of the last days as they came; a base and its later changes are a board'
"""
_NOTE_CHANGES: Final = f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS {{db}}.board_changes_noted TO {{db}}.board_changes AS
SELECT {BOARD_ID} AS board, now64(6, 'UTC') AS stored_at, metric, sport, period, period_key, {USER_KEY} AS user_key, user_id,
    {CODE} AS code, workouts, source_partition, source_offset,
    bitShiftLeft(toUInt128(source_offset), 64) + toUInt128(toUnixTimestamp64Micro(stored_at)) AS ordinal
FROM {{db}}.board_scores
"""  # noqa: E501, S608
_BASES: Final = """
CREATE TABLE IF NOT EXISTS {db}.board_bases (
    board UInt64 COMMENT 'hash of metric, sport, period and period_key',
    base UInt64 COMMENT 'which base: the time at which it was begun in µs',
    mark DateTime64(6, 'UTC') COMMENT 'the base has every row that was stored before',
    marks Array(UInt64) COMMENT 'by source partition: the base has the last row of every user before this offset',
    users UInt32 COMMENT 'rows of the base'
)
ENGINE = MergeTree
ORDER BY (board, base, mark)
COMMENT 'Bases that are complete; of each board the latest counts'
"""
_BASE_ROWS: Final = """
CREATE TABLE IF NOT EXISTS {db}.board_base_rows (
    board UInt64 COMMENT 'hash of metric, sport, period and period_key',
    base UInt64 COMMENT 'which base',
    code UInt128 COMMENT 'place as one number, see sinks/standings.py' CODEC(NONE),
    user_key UInt64 COMMENT 'hash of the user' CODEC(NONE),
    place UInt32 COMMENT 'from 1, in the order of code and user_key' CODEC(NONE),
    user_id String COMMENT 'the athlete' CODEC(ZSTD(1)),
    workouts UInt32 COMMENT 'workouts of the sport and period that count',
    INDEX places place TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY (board, base)
ORDER BY (code, user_key)
COMMENT 'Boards in the order of their places, as they were when the base was made'
"""
_BASE_USERS: Final = """
CREATE TABLE IF NOT EXISTS {db}.board_base_users (
    board UInt64 COMMENT 'hash of metric, sport, period and period_key',
    base UInt64 COMMENT 'which base',
    user_key UInt64 COMMENT 'hash of the user' CODEC(NONE),
    place UInt32 COMMENT 'as in board_base_rows' CODEC(NONE)
)
ENGINE = MergeTree
PARTITION BY (board, base)
ORDER BY user_key
SETTINGS index_granularity = 512
COMMENT 'Where in board_base_rows a user is'
"""
_NOTE_USERS: Final = """
CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.board_base_users_noted TO {db}.board_base_users AS
SELECT board, base, user_key, place FROM {db}.board_base_rows
"""
BASE_TABLES: Final = ("board_base_rows", "board_base_users")
"""What holds bases, a partition each."""
_TABLES: Final = (_CHANGES, _BASES, _BASE_ROWS, _BASE_USERS, _NOTE_CHANGES, _NOTE_USERS)


def ddl(database: str) -> list[str]:
    """Statements that create what is missing; ``board_scores`` must be there."""
    return [text.format(db=f"`{database}`") for text in _TABLES]


WRITER: Final = "leaderboards"
"""The agent whose rows and watermarks ``board_scores`` follows from."""


def forget(database: str) -> list[str]:
    """Statements for when ``board_scores`` no longer follows from what it was: rows of old offsets come with other
    content, or the whole table is another. Boards are read from ``board_scores`` until there are new bases.
    """
    return [f"TRUNCATE TABLE IF EXISTS `{database}`.{table}" for table in ("board_bases", "board_changes")]


def score_of(code: int, *, less_is_better: bool = False) -> tuple[float, int]:
    """The score and the time in µs of a code."""
    hundredths = code >> _TIME_BITS
    return (hundredths if less_is_better else _TOP - hundredths) / 100, code & ((1 << _TIME_BITS) - 1)
