"""Workouts by the keys of their tracks, in ClickHouse: a table that follows from ``track_marks``.

A view notes each row of ``track_marks`` under each of its keys as it is inserted. What is noted is never taken back:
readers look at the workout's row to see what it says now.
"""

from typing import Final

_KEYS: Final = """
CREATE TABLE IF NOT EXISTS {db}.track_keys (
    key UInt64 COMMENT 'a mark that is, or was, among the lowest of a channel' CODEC(Delta, ZSTD(1)),
    user_id String COMMENT 'the athlete' CODEC(ZSTD(1)),
    workout_id String COMMENT 'the workout (UUID)' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (key, user_id, workout_id)
SETTINGS index_granularity = 1024
COMMENT 'Workouts by the keys of their tracks'
"""
_NOTE_KEYS: Final = """
CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.track_keys_noted TO {db}.track_keys AS
SELECT arrayJoin(keys) AS key, user_id, workout_id FROM {db}.track_marks
"""


def ddl(database: str) -> list[str]:
    """Statements that create what is missing; ``track_marks`` must be there."""
    return [text.format(db=f"`{database}`") for text in (_KEYS, _NOTE_KEYS)]
