"""Marks of workouts, and of those of all athletes that share a key with them, as ClickHouse has them."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from domain.copies import Marked, Said
from domain.fingerprint import Fingerprint, Tokens
from stridelog.clickhouse_reader import ClickHouseReader
from stridelog.readers import QUERIES_AT_ONCE, Key
from stridelog.settings import Settings

ASKED_AT_ONCE: Final = 500
_COLUMNS: Final = """
user_id, workout_id, toUnixTimestamp64Micro(accepted_at) AS accepted_us, toUnixTimestamp64Micro(start) AS start_us,
    toUnixTimestamp64Micro(end) AS end_us, position, heart_rate, power, keys, deleted
"""
_NEAR: Final = f"""
SELECT {_COLUMNS} FROM {{database:Identifier}}.track_marks FINAL
WHERE (user_id, workout_id) IN {{workouts:Array(Tuple(String, String))}} OR (user_id, workout_id) IN (
    SELECT user_id, workout_id FROM {{database:Identifier}}.track_keys WHERE key IN (
        SELECT arrayJoin(keys) FROM {{database:Identifier}}.track_marks FINAL
        WHERE (user_id, workout_id) IN {{workouts:Array(Tuple(String, String))}}
    )
)
"""  # noqa: S608 - names of columns
_SAID: Final = """
SELECT user_id, workout_id, digest, other_user_id, other_workout_id,
    toUnixTimestamp64Micro(other_accepted_at) AS other_accepted_us, other_digest
FROM {database:Identifier}.lookalikes FINAL
WHERE NOT deleted AND (user_id, workout_id) IN {workouts:Array(Tuple(String, String))}
"""
_DIGESTS: Final = """
SELECT user_id, workout_id, digest FROM {database:Identifier}.track_marks FINAL
WHERE (user_id, workout_id) IN {workouts:Array(Tuple(String, String))}
"""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A workout in the index: what it says, the keys that it has and had, and whether it is still there."""

    marked: Marked
    keys: Tokens
    is_gone: bool

    @property
    def key(self) -> Key:
        """User and workout."""
        return self.marked.user, self.marked.workout_id


class Near:
    """Some workouts and those that share keys with them, now or before."""

    def __init__(self, found: Iterable[Indexed]) -> None:
        self._workouts = {one.key: one for one in found}
        self._by_key: dict[int, list[Indexed]] = defaultdict(list)
        for one in self._workouts.values():
            for key in one.keys:
                self._by_key[key].append(one)

    def get(self, key: Key) -> Indexed | None:
        """One of the workouts; ``None``: it never had marks."""
        return self._workouts.get(key)

    def beside(self, one: Indexed) -> list[Indexed]:
        """The others that share a key with one and are still there."""
        found = {other.key: other for key in one.keys for other in self._by_key[key] if not other.is_gone}
        found.pop(one.key, None)
        return list(found.values())


class TrackReader(ClickHouseReader):
    """Reads the index of tracks. Every method raises ``SinkUnavailable``: ask again."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._room = asyncio.Semaphore(QUERIES_AT_ONCE)

    async def near(self, workouts: Sequence[Key]) -> Near:
        """Workouts, and all that share keys with them."""
        rows = (await self._ask(_NEAR, workouts)).to_pylist()
        return Near(
            Indexed(
                Marked(
                    row["user_id"],
                    row["workout_id"],
                    row["accepted_us"],
                    row["start_us"],
                    row["end_us"],
                    Fingerprint(*(tuple(row[name]) for name in ("position", "heart_rate", "power"))),
                ),
                tuple(row["keys"]),
                bool(row["deleted"]),
            )
            for row in rows
        )

    async def said(self, workouts: Collection[Key]) -> dict[Key, Said]:
        """What is said of workouts, of those of which a lookalike is."""
        rows = await self._portions(_SAID, workouts)
        both = {(row[f"{whose}user_id"], row[f"{whose}workout_id"]) for row in rows for whose in ("", "other_")}
        digests = await self._portions(_DIGESTS, both)
        now = {(row["user_id"], row["workout_id"]): row["digest"] for row in digests}
        return {(row["user_id"], row["workout_id"]): _said(row, now) for row in rows}

    async def _portions(self, query: str, workouts: Collection[Key]) -> list[dict[str, Any]]:
        """Rows of many workouts: a parameter takes so many only."""
        some, rows = sorted(workouts), []
        for first in range(0, len(some), ASKED_AT_ONCE):
            rows += (await self._ask(query, some[first : first + ASKED_AT_ONCE])).to_pylist()
        return rows

    async def _ask(self, query: str, workouts: Collection[Key]) -> pa.Table:
        parameters = {"database": self._settings.namespace, "workouts": list(workouts)}
        async with self._room, self._asking("reading marks of tracks"):
            found: pa.Table = await self._client.query_arrow(query, parameters=parameters, use_strings=True)
        return found


def _said(row: dict[str, Any], digests: dict[Key, int]) -> Said:
    own, other = (row["user_id"], row["workout_id"]), (row["other_user_id"], row["other_workout_id"])
    is_current = (digests.get(own), digests.get(other)) == (row["digest"], row["other_digest"])
    return Said((row["other_accepted_us"], *other), is_current)
